//! Tests that a web browser shows the products of the profile `preview`. The film plays, seeks, and has the right
//! duration. Poster, thumbnails and waveform are images with the right positions.

use std::path::{Path, PathBuf};

use serde_json::Value;
use trix_core::{
    Control,
    document::{Document, Language},
    run_job,
};
use trix_fixtures::{
    browser::{self, Site},
    clip, program,
};

/// A page that plays the first second of a film, then its end, and loads the images meanwhile. It prints the result to
/// its console.
const PAGE: &str = r#"<!DOCTYPE html><body><video id=v muted src="/package/film.preview.mp4" poster="/package/film.poster.jpg">
<track id=t kind=metadata src="/package/film.sprites.vtt" default></video><script>
const v = document.getElementById('v'), seen = { images: {}, cues: [] };
const say = state => console.log('PLAYED ' + JSON.stringify({ state, duration: v.duration, time: v.currentTime,
    width: v.videoWidth, height: v.videoHeight, frames: v.getVideoPlaybackQuality().totalVideoFrames,
    error: v.error && v.error.message, ...seen }));
for (const name of ['poster.jpg', 'sprites.jpg', 'waveform.png']) {
    const image = new Image();
    image.onload = () => seen.images[name] = [image.naturalWidth, image.naturalHeight];
    image.src = '/package/film.' + name;
}
document.getElementById('t').onload = event => seen.cues = [...event.target.track.cues].map(cue => [cue.startTime, cue.endTime, cue.text]);
let step = 0;
v.ontimeupdate = () => { if (step == 0 && v.currentTime > 1) { step = 1; v.currentTime = 5; } };
v.onended = () => say('ended');
v.onerror = () => say('error');
setTimeout(() => say('too slow at step ' + step), 50000);
v.play();
</script></body>"#;

/// Six seconds of video, and audio with six channels.
fn film() -> PathBuf {
    clip::made("film.mov", |path| {
        program::ffmpeg(&format!(
            "-f lavfi -i testsrc2=size=1280x960:rate=25 -f lavfi -i anoisesrc=r=48000:a=0.1 -t 6 \
             -c:v mpeg2video -q:v 2 -ac 6 -c:a pcm_s16le {}",
            path.display()
        ));
    })
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

/// The rectangle of a thumbnail, from `#xywh=` of its cue.
fn place(cue: &Value) -> Vec<u64> {
    let text = cue[2].as_str().unwrap_or_default();
    let (name, place) = text.split_once("#xywh=").expect("a place");
    assert_eq!(name, "film.sprites.jpg");
    place.split(',').map(|number| number.parse().expect("a number")).collect()
}

#[test]
fn a_preview_plays_and_seeks_and_has_its_stills() {
    let folder = trix_fixtures::folder();
    let text = format!(
        "inherits = \"preview\"\n[variables]\npreview_preset = \"ultrafast\"\n[source]\npath = \"{}\"",
        film().display()
    );
    let document = Document::parse(&text, Language::Toml, &[]).expect("a job");
    let job = document.resolve(Some(folder.path())).expect("a job for the film").job;
    let report = run_job(&job, &Control::default()).expect("a preview");
    assert_eq!(report.outputs[0].ledger.map(|ledger| ledger.emitted), Some(150));
    is_fast_start(&folder.path().join("film.preview.mp4"));

    let site = Site { page: PAGE, player: None, folder: folder.path().to_owned() };
    let played = browser::play(site, "");
    assert_eq!(played["state"], "ended", "{played}");
    assert_eq!(played["error"], Value::Null, "{played}");
    assert!((number(&played["duration"]) - 6.0).abs() < 0.05, "{played}");
    assert!(number(&played["time"]) > 5.9, "{played}");
    assert_eq!((&played["width"], &played["height"]), (&Value::from(960), &Value::from(720)), "{played}");
    // The first and the last second, and the frames between a keyframe and the seek position.
    assert!((40.0..=110.0).contains(&number(&played["frames"])), "{played}");
    assert_eq!(played["images"]["poster.jpg"], serde_json::json!([1280, 960]), "{played}");
    let sheet = &played["images"]["sprites.jpg"];
    assert_eq!(played["images"]["waveform.png"], serde_json::json!([1920, 240]), "{played}");
    let cues = played["cues"].as_array().expect("cues");
    assert_eq!(cues.len(), 20, "{played}");
    assert!((number(&cues[0][0]), (number(&cues[19][1]) - 6.0).abs() < 0.05) == (0.0, true), "{played}");
    for (one, next) in cues.iter().zip(&cues[1..]) {
        assert_eq!(one[1], next[0], "one thumbnail follows the other");
    }
    for cue in cues {
        let at = place(cue);
        let inside = at[0] + at[2] <= number(&sheet[0]) as u64 && at[1] + at[3] <= number(&sheet[1]) as u64;
        assert!(inside, "{cue} on a sheet of {sheet}");
    }
}

/// Asserts that the index precedes the media, so that a player can begin before it has the whole file.
fn is_fast_start(file: &Path) {
    let bytes = std::fs::read(file).expect("a file");
    let at = |name: &[u8]| bytes.windows(4).position(|four| four == name).expect("a box");
    assert!(at(b"moov") < at(b"mdat"));
}
