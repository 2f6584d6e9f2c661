//! A headless Chromium that shows a page of ours and says what it played.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Seek, SeekFrom, Write},
    net::{TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::Value;

/// Kills the browser that it holds, and the processes that it started: it leads a group of its own.
struct Browser(Child);

impl Drop for Browser {
    fn drop(&mut self) {
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.0.wait();
    }
}

/// The script of a player that `make setup` fetched.
pub fn script(name: &str) -> PathBuf {
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
        Some("jpg") => "image/jpeg",
        Some("png") => "image/png",
        _ => "video/mp4",
    }
}

/// What is served: a page, the script that it needs, and a folder.
#[derive(Clone)]
pub struct Site {
    /// `/page.html`.
    pub page: &'static str,
    /// `/player.js`.
    pub player: Option<PathBuf>,
    /// `/package/` and all below it.
    pub folder: PathBuf,
}

/// Answers one connection: GET of files, whole or in parts.
fn answer(stream: TcpStream, site: &Site) -> std::io::Result<()> {
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
            "/player.js" => site.player.clone(),
            other => Some(site.folder.join(other.trim_start_matches("/package/"))),
        };
        let mut body = Vec::new();
        let mut status = "200 OK".to_owned();
        let mut part = String::new();
        match file.map(fs::File::open) {
            None => body = site.page.into(),
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

/// Serves a site on the loopback interface until the process ends.
fn serve(site: Site) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let site = site.clone();
            // A browser that hangs up in the middle is no failure.
            thread::spawn(move || answer(stream, &site).is_ok());
        }
    });
    port
}

/// Shows the page of a site in headless Chromium, and waits for what it says in its console after `PLAYED `, as JSON.
pub fn play(site: Site, fragment: &str) -> Value {
    let port = serve(site);
    // A browser that ends by itself before it says anything is started again: on a busy machine that happens.
    let said = (0..3).find_map(|_| show(port, fragment)).expect("a browser that runs until it has played");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{said}: {error}"))
}

/// What a browser said; `None` when it ended without a word.
fn show(port: u16, fragment: &str) -> Option<String> {
    let folder = trix_fixtures::folder();
    let mut browser = Command::new("chromium-headless-shell")
        .args(["--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--enable-logging=stderr"])
        .arg("--autoplay-policy=no-user-gesture-required")
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("http://127.0.0.1:{port}/page.html#{fragment}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
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
    match played.recv_timeout(Duration::from_secs(80)) {
        Ok(said) => Some(said),
        Err(mpsc::RecvTimeoutError::Disconnected) => None,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the browser does not say within 80 seconds what it played"),
    }
}
