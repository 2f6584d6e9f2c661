//! What Trix writes for the web is played by a web browser: every picture, at the right size, to the end.

mod support;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::Value;
use support::{encode, trix};
use trix_fixtures::{clip::Clip, program};

/// A page that plays the file after the `#` and says in its console what came of it.
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

/// Kills the browser that it holds: it would stay open after the film.
struct Browser(Child);

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Plays `file` in headless Chromium.
fn play(file: &Path) -> Value {
    let folder = trix_fixtures::folder();
    let page = folder.path().join("page.html");
    fs::write(&page, PAGE).expect("a page can be written");
    let mut browser = Command::new("chromium-headless-shell")
        .args(["--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--remote-debugging-port=0"])
        .args(["--autoplay-policy=no-user-gesture-required", "--enable-logging=stderr"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("file://{}#file://{}", page.display(), file.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("chromium-headless-shell runs; `make setup` installs it");
    let lines = BufReader::new(browser.stderr.take().expect("its messages")).lines();
    let _browser = Browser(browser);
    let (send, played) = mpsc::channel();
    thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if let Some((_, said)) = line.split_once("PLAYED ") {
                let end = said.rfind('}').expect("an object");
                let _ = send.send(said[..=end].to_owned());
            }
        }
    });
    let said = played.recv_timeout(Duration::from_secs(30)).expect("the browser says within 30 seconds what it played");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{said}: {error}"))
}

/// A second of pictures and sound.
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
fn a_browser_plays_every_picture_of_h264_in_mp4() {
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
    // Sound alone is played to the end where there is no decoder for the pictures.
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
