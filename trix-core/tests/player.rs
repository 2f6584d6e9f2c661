//! Packages are played by hls.js and dash.js in a web browser: in another size, after a jump, with text, to the end.

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::Value;
use support::ladder::{ladder, packaged, two_seconds};
use trix_core::{
    package::{Layout, PackageSettings},
    spec::{audio::AudioSettings, video::Encoder},
};

/// A page that plays a package: half a second in the lowest quality, then in the highest, then from second 9 to the end.
/// It says in its console what came of it.
const PAGE: &str = r#"<!DOCTYPE html><body><video id=v muted></video><script src="/player.js"></script><script>
const v = document.getElementById('v');
const told = { errors: [], sizes: [], text: [], sound: 0, texts: 0 };
const say = state => console.log('PLAYED ' + JSON.stringify({ state, duration: v.duration, time: v.currentTime,
    frames: v.getVideoPlaybackQuality().totalVideoFrames, error: v.error && v.error.message, ...told }));
const noteText = () => { for (const track of v.textTracks) for (const cue of track.activeCues || [])
    if (!told.text.includes(cue.text)) told.text.push(cue.text); };
v.onresize = () => told.sizes.push(v.videoWidth);
v.onended = () => say('ended');
v.onerror = () => say('error');
let highest, step = 0;
v.ontimeupdate = () => {
    noteText();
    if (step == 0 && v.currentTime > 0.5) { step = 1; highest(); }
    else if (step == 1 && v.videoWidth == 320 && v.currentTime > 3) { step = 2; v.currentTime = 9; }
};
setInterval(noteText, 50);
setTimeout(() => say('too slow at step ' + step), 50000);
if (location.hash == '#hls') {
    const hls = new Hls({ startLevel: 0 });
    hls.on(Hls.Events.ERROR, (_, data) => told.errors.push(data.details + ' ' + (data.error || data.reason || '')));
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
        hls.currentLevel = 0;
        told.sound = hls.audioTracks.length;
        v.play();
    });
    // Text is chosen when pictures play: before, hls.js takes the choice back.
    highest = () => {
        hls.currentLevel = hls.levels.length - 1;
        told.texts = hls.subtitleTracks.length;
        hls.subtitleDisplay = true;
        hls.subtitleTrack = 0;
    };
    hls.loadSource('/package/master.m3u8');
    hls.attachMedia(v);
} else {
    const player = dashjs.MediaPlayer().create();
    player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false }, initialBitrate: { video: 1 } },
        text: { defaultEnabled: true }, buffer: { fastSwitchEnabled: true } } });
    player.on('error', event => told.errors.push(JSON.stringify(event.error)));
    player.on('streamInitialized', () => {
        told.sound = player.getTracksFor('audio').length;
        told.texts = player.getTracksFor('text').length;
    });
    player.on('allTextTracksAdded', () => player.setTextTrack(0));
    highest = () => {
        const best = player.getRepresentationsByType('video').reduce((a, b) => b.bandwidth > a.bandwidth ? b : a);
        player.setRepresentationForTypeById('video', best.id, true);
    };
    player.initialize(v, '/package/manifest.mpd', true);
}
</script></body>"#;

/// Kills the browser that it holds.
struct Browser(Child);

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The script of a player that `make setup` fetched.
fn script(name: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/players").join(name);
    assert!(file.is_file(), "{} is missing; `make setup` fetches it", file.display());
    file
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("m3u8") => "application/vnd.apple.mpegurl",
        Some("mpd") => "application/dash+xml",
        Some("vtt") => "text/vtt",
        _ => "video/mp4",
    }
}

/// Answers one connection: GET of files, whole or in parts.
fn answer(stream: TcpStream, package: &Path, player: &Path) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut request = String::new();
        if reader.read_line(&mut request)? == 0 {
            return Ok(());
        }
        let mut range = None;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((from, to)) = line.to_ascii_lowercase().trim().strip_prefix("range: bytes=").and_then(|range| {
                let (from, to) = range.split_once('-')?;
                Some((from.parse::<u64>().ok()?, to.parse::<u64>().ok()))
            }) {
                range = Some((from, to));
            }
        }
        let name = request.split_whitespace().nth(1).unwrap_or("/").split('?').next().unwrap_or("/").to_owned();
        let file = match name.as_str() {
            "/page.html" => None,
            "/player.js" => Some(player.to_owned()),
            other => Some(package.join(other.trim_start_matches("/package/"))),
        };
        let mut body = Vec::new();
        let mut status = "200 OK".to_owned();
        let mut part = String::new();
        match file.map(fs::File::open) {
            None => body = PAGE.into(),
            Some(Err(_)) => status = "404 Not Found".to_owned(),
            Some(Ok(mut file)) => {
                let size = file.metadata()?.len();
                let (from, to) = range.map_or((0, size - 1), |(from, to)| (from, to.unwrap_or(size - 1).min(size - 1)));
                file.seek(SeekFrom::Start(from))?;
                file.take(to + 1 - from).read_to_end(&mut body)?;
                if range.is_some() {
                    status = "206 Partial Content".to_owned();
                    part = format!("Content-Range: bytes {from}-{to}/{size}\r\n");
                }
            }
        }
        let kind = media_type(&name);
        let length = body.len();
        write!(stream, "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{part}\r\n")?;
        stream.write_all(&body)?;
    }
}

/// Serves a package on the loopback interface until the process ends.
fn serve(package: &Path, player: PathBuf) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let package = package.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (package, player) = (package.clone(), player.clone());
            // A browser that hangs up in the middle is no failure.
            thread::spawn(move || answer(stream, &package, &player).is_ok());
        }
    });
    port
}

/// Plays a package in headless Chromium by `player`, `hls` or `dash`.
fn play(package: &Path, player: &str) -> Value {
    let folder = trix_fixtures::folder();
    let port = serve(package, script(if player == "hls" { "hls.min.js" } else { "dash.all.min.js" }));
    let mut browser = Command::new("chromium-headless-shell")
        .args(["--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--enable-logging=stderr"])
        .arg("--autoplay-policy=no-user-gesture-required")
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("http://127.0.0.1:{port}/page.html#{player}"))
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
    let said = played.recv_timeout(Duration::from_secs(80)).expect("the browser says within 80 seconds what it played");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{said}: {error}"))
}

fn check(played: &Value) {
    assert_eq!(played["state"], "ended", "{played}");
    assert_eq!(played["errors"], serde_json::json!([]), "{played}");
    assert_eq!(played["error"], Value::Null, "{played}");
    let duration = played["duration"].as_f64().expect("a duration");
    assert!((duration - 12.52).abs() < 0.05, "{played}");
    assert!(played["time"].as_f64().expect("a time") > 12.4, "{played}");
    assert_eq!((&played["sound"], &played["texts"]), (&Value::from(2), &Value::from(1)), "{played}");
    // It began small, and was large when it had switched.
    let sizes: Vec<u64> = played["sizes"].as_array().expect("sizes").iter().filter_map(Value::as_u64).collect();
    assert_eq!((sizes.first(), sizes.last()), (Some(&160), Some(&320)), "{played}");
    // Played were the first three seconds and the last three and a half.
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
    check(&play(&target, "hls"));
    check(&play(&target, "dash"));
}

#[test]
fn hls_js_and_dash_js_play_parts_of_single_files() {
    let folder = trix_fixtures::folder();
    let inputs = ladder(folder.path(), Encoder::X264, "bframes=0", AudioSettings::Opus { kbps: None });
    let target = folder.path().join("package");
    packaged(&inputs, &target, &PackageSettings { layout: Layout::Single, ..two_seconds() });
    check(&play(&target, "hls"));
    check(&play(&target, "dash"));
}
