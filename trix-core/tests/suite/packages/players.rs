//! Tests that hls.js and dash.js play packages in a web browser: with another quality, after a seek, with text, to the
//! end.

use std::{
    path::{Path, PathBuf},
    thread,
};

use serde_json::Value;
use trix_core::{
    Job,
    settings::{
        audio::AudioSettings,
        package::{Layout, PackageJob, PackageSettings, Rung},
        video::{Encoder, VideoSettings},
    },
};
use trix_fixtures::browser::{self, Site};

use crate::support::{
    done,
    ladder::{ladder, packaged, source, two_seconds},
    quick,
};

/// A page that plays a package: half a second in the lowest quality, then in the highest, then from second 9 to the
/// end. It prints the result to its console.
const PAGE: &str = r#"<!DOCTYPE html><body><video id=v muted></video><script src="/player.js"></script><script>
const v = document.getElementById('v');
const seen = { errors: [], sizes: [], text: [], audio: 0, texts: 0 };
const say = state => console.log('PLAYED ' + JSON.stringify({ player: location.hash, state, duration: v.duration, time: v.currentTime,
    frames: v.getVideoPlaybackQuality().totalVideoFrames, error: v.error && v.error.message, ...seen }));
const noteText = () => { for (const track of v.textTracks) for (const cue of track.activeCues || [])
    if (!seen.text.includes(cue.text)) seen.text.push(cue.text); };
v.onresize = () => seen.sizes.push(v.videoWidth);
v.onended = () => say('ended');
v.onerror = () => say('error');
let highest, step = 0;
v.ontimeupdate = () => {
    noteText();
    if (step == 0 && v.currentTime > 0.5) { step = 1; highest(); }
    else if (step == 1 && v.videoWidth == 320 && v.currentTime > 3) { step = 2; v.currentTime = 9; }
};
setInterval(noteText, 50);
// Now and then, Chromium shows the last frame and does not say that this was the end.
setInterval(() => { if (step == 2 && v.currentTime >= v.duration - 0.02) say('ended'); }, 2000);
setTimeout(() => say('too slow at step ' + step), 50000);
if (location.hash == '#hls') {
    const hls = new Hls({ startLevel: 0 });
    hls.on(Hls.Events.ERROR, (_, data) => seen.errors.push(data.details + ' ' + (data.error || data.reason || '')));
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
        hls.currentLevel = 0;
        seen.audio = hls.audioTracks.length;
        v.play();
    });
    // Text is chosen while video plays: before that, hls.js takes the choice back.
    highest = () => {
        hls.currentLevel = hls.levels.length - 1;
        seen.texts = hls.subtitleTracks.length;
        hls.subtitleDisplay = true;
        hls.subtitleTrack = 0;
    };
    hls.loadSource('/package/master.m3u8');
    hls.attachMedia(v);
} else {
    const player = dashjs.MediaPlayer().create();
    player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false }, initialBitrate: { video: 1 } },
        text: { defaultEnabled: true }, buffer: { fastSwitchEnabled: true } } });
    player.on('error', event => seen.errors.push(JSON.stringify(event.error)));
    player.on('streamInitialized', () => {
        seen.audio = player.getTracksFor('audio').length;
        seen.texts = player.getTracksFor('text').length;
    });
    player.on('allTextTracksAdded', () => player.setTextTrack(0));
    highest = () => {
        const best = player.getRepresentationsByType('video').reduce((a, b) => b.bandwidth > a.bandwidth ? b : a);
        player.setRepresentationForTypeById('video', best.id, true);
    };
    player.initialize(v, '/package/manifest.mpd', true);
}
</script></body>"#;

/// The script of a player, which `make setup` downloads.
fn script(name: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/players").join(name);
    assert!(file.is_file(), "{} is missing; `make setup` fetches it", file.display());
    file
}

/// Plays a package in `player`, which is `hls` or `dash`.
fn play(package: &Path, player: &str) -> Value {
    let name = if player == "hls" { "hls.min.js" } else { "dash.all.min.js" };
    browser::play(Site { page: PAGE, player: Some(script(name)), folder: package.to_owned() }, player)
}

/// Plays a package in both players at the same time, because they mostly wait for the clock.
fn plays(package: &Path) {
    thread::scope(|scope| {
        let players = ["hls", "dash"].map(|player| scope.spawn(move || play(package, player)));
        for player in players {
            check(&player.join().expect("a player"));
        }
    });
}

fn check(played: &Value) {
    assert_eq!(played["state"], "ended", "{played}");
    assert_eq!(played["errors"], serde_json::json!([]), "{played}");
    assert_eq!(played["error"], Value::Null, "{played}");
    let duration = played["duration"].as_f64().expect("a duration");
    assert!((duration - 12.52).abs() < 0.05, "{played}");
    assert!(played["time"].as_f64().expect("a time") > 12.4, "{played}");
    assert_eq!((&played["audio"], &played["texts"]), (&Value::from(2), &Value::from(1)), "{played}");
    // The first size is small. After the switch, the size is large.
    let sizes: Vec<u64> = played["sizes"].as_array().expect("sizes").iter().filter_map(Value::as_u64).collect();
    assert_eq!((sizes.first(), sizes.last()), (Some(&160), Some(&320)), "{played}");
    // The player shows the first three seconds and the last three and a half.
    assert!(played["frames"].as_u64().expect("a number") >= 100, "{played}");
    let texts = played["text"].as_array().expect("texts");
    assert!(texts.iter().any(|text| text.as_str().is_some_and(|text| text.contains("Three & last"))), "{played}");
}

#[test]
fn hls_js_and_dash_js_play_seek_and_switch() {
    let folder = trix_fixtures::folder();
    let inputs = ladder(folder.path(), Encoder::X264, "bframes=3", AudioSettings::Aac { kbps: None });
    let target = folder.path().join("package");
    packaged(&inputs, &target, &two_seconds());
    plays(&target);
}

#[test]
fn hls_js_and_dash_js_play_parts_of_single_files() {
    let folder = trix_fixtures::folder();
    let inputs = ladder(folder.path(), Encoder::X264, "bframes=0", AudioSettings::Opus { kbps: None });
    let target = folder.path().join("package");
    packaged(&inputs, &target, &PackageSettings { layout: Layout::Single, ..two_seconds() });
    plays(&target);
}

#[test]
fn hls_js_and_dash_js_play_what_a_job_makes_in_one_pass() {
    let folder = trix_fixtures::folder();
    let target = folder.path().join("package");
    let rung = |height| Rung { height, video: VideoSettings::X264(quick("bframes=3")) };
    let mut job = Job::new(source(), "");
    job.outputs.clear();
    job.packages.push(PackageJob {
        path: target.clone(),
        segment: two_seconds().segment,
        ladder: vec![rung(360), rung(180), rung(90)],
        audio: AudioSettings::Aac { kbps: None },
        ..PackageJob::default()
    });
    done(&job);
    plays(&target);
}
