//! Tests that a web browser plays the web outputs of Trix: every frame, at the right size, to the end.

use std::path::Path;

use serde_json::Value;
use trix_fixtures::{
    browser::{self, Site},
    clip::Clip,
    program,
};

use crate::support::{encode, trix};

/// A page that plays the file in its fragment (after `#`) and prints the result to its console.
const PAGE: &str = r#"<!DOCTYPE html><body><video id=v muted></video><script>
const v = document.getElementById('v');
const hevc = v.canPlayType('video/mp4; codecs="hvc1.1.6.L93.B0"');
const say = state => console.log('PLAYED ' + JSON.stringify({
    state, hevc, width: v.videoWidth, height: v.videoHeight, duration: v.duration, time: v.currentTime,
    frames: v.getVideoPlaybackQuality().totalVideoFrames, error: v.error && v.error.message }));
v.onended = () => say('ended');
v.onerror = () => say('error');
v.src = location.hash.slice(1);
v.play().catch(reason => { if (!v.error) say('refused: ' + reason); });
</script></body>"#;

/// Plays `file` in headless Chromium.
fn play(file: &Path) -> Value {
    let (folder, name) = (file.parent().expect("a folder"), file.file_name().expect("a name").to_string_lossy());
    let site = Site { page: PAGE, player: None, folder: folder.to_owned() };
    browser::play(site, &format!("/package/{name}"))
}

/// A second of video and audio.
fn source() -> std::path::PathBuf {
    trix_fixtures::clip::made("browser-source.mkv", |path| {
        let clip = Clip { width: 320, height: 180, ..Clip::default() };
        let line = format!(
            "-f lavfi -i sine=frequency=440:duration=1.2 {} -map 1:v -map 0:a -c:v ffv1 -c:a flac {}",
            clip.lavfi(),
            path.display()
        );
        program::ffmpeg(&line);
    })
}

#[test]
fn a_browser_plays_every_frame_of_h264_in_mp4() {
    for options in [
        "--audio aac",
        "--audio none --size 160x90 --fps 30",
        "--audio aac --start 0.5",
        "--audio aac --param bframes=0 --range full",
    ] {
        let encoded = encode(&source(), &format!("--video x264 --preset veryfast {options}"));
        let report = encoded.done();
        let played = play(&encoded.output);
        assert_eq!(played["state"], "ended", "{options}: {played}");
        assert_eq!(played["error"], Value::Null, "{options}: {played}");
        assert_eq!(played["frames"], report["outputs"][0]["ledger"]["emitted"], "{options}: {played}");
        assert_eq!(played["width"], report["outputs"][0]["plan"]["video"]["width"], "{options}: {played}");
        assert_eq!(played["height"], report["outputs"][0]["plan"]["video"]["height"], "{options}: {played}");
    }
}

#[test]
fn a_browser_plays_hevc_in_mp4_where_it_has_a_decoder() {
    let encoded = encode(&source(), "--video x265 --preset ultrafast --audio aac");
    let report = encoded.done();
    let played = play(&encoded.output);
    // If the browser has no decoder for the video, it still plays the audio to the end.
    assert_eq!(played["state"], "ended", "{played}");
    match played["hevc"].as_str() {
        Some("") => assert_eq!(played["frames"], 0, "{played}"),
        _ => assert_eq!(played["frames"], report["outputs"][0]["ledger"]["emitted"], "{played}"),
    }
}

#[test]
fn a_browser_plays_what_was_copied_from_a_transport_stream() {
    let folder = trix_fixtures::folder();
    let (stream, output) = (folder.path().join("in.ts"), folder.path().join("out.mp4"));
    let clip = Clip { width: 320, height: 180, ..Clip::default() };
    program::ffmpeg(&format!("{} -c:v libx264 -preset ultrafast -bf 2 {}", clip.lavfi(), stream.display()));
    trix("encode {} -o {} --video copy", &[&stream, &output]).done();
    let played = play(&output);
    assert_eq!((&played["state"], &played["frames"]), (&Value::from("ended"), &Value::from(30)), "{played}");
}
