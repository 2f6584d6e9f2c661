//! Databases, folders and processes for tests.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use trix_fixtures::Clip;
use trix_service::{catalogue::Catalogue, config::Config};

/// A port that is free now.
pub fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// Waits until `find` finds something.
pub async fn eventually<T>(what: &str, most: Duration, find: impl AsyncFn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = find().await {
            return found;
        }
        assert!(began.elapsed() < most, "{what}: not within {most:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A farm in a folder of its own.
pub struct Place {
    pub folder: TempDir,
    pub config: Config,
}

impl Place {
    /// A farm with a master of 50 frames, and SQLite.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let below = |name: &str| folder.path().join(name);
        let mut config = Config::default();
        config.mounts.source = below("source");
        config.mounts.output = below("output");
        config.mounts.preview = below("preview");
        config.mounts.cache = below("cache");
        config.catalogue.url = format!("sqlite://{}", below("catalogue.db").display());
        config.engine.address = format!("http://127.0.0.1:{}", port());
        config.engine.folder = below("engine");
        config.engine.lease = 10.0;
        config.api.listen = format!("127.0.0.1:{}", port()).parse().expect("an address");
        config.logs.folder = below("logs");
        config.worker.pause = 0.2;
        config.worker.program = env!("CARGO_BIN_EXE_trixd").into();
        fs::create_dir(below("source")).expect("a folder");
        fs::copy(trix_fixtures::clip::master(), below("source").join("master.mkv")).expect("a master");
        // At five frames a second, a chunk has fifty frames.
        let film = Clip { width: 320, height: 180, frames: 200, rate: "5/1", ..Clip::default() };
        fs::copy(film.encoded("-c:v ffv1", "mkv"), below("source").join("film.mkv")).expect("a film");
        config.mounts.mark().expect("marks");
        Place { folder, config }
    }

    /// The file of settings.
    pub fn settings(&self) -> PathBuf {
        let path = self.folder.path().join("trixd.toml");
        fs::write(&path, toml::to_string(&self.config).expect("settings")).expect("a file");
        path
    }

    pub fn output(&self, name: &str) -> PathBuf {
        self.config.mounts.output.join(name)
    }
}

/// A PostgreSQL server in a folder of its own. It ends when this is dropped.
pub struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    pub url: String,
}

impl Postgres {
    /// Starts a server.
    pub fn start() -> Self {
        let versions = fs::read_dir("/usr/lib/postgresql").expect("`make setup` installs PostgreSQL");
        let programs =
            versions.flatten().map(|version| version.path().join("bin")).max().expect("a version of PostgreSQL");
        let folder = tempfile::tempdir().expect("a folder");
        let port = port();
        let server = Postgres { folder, programs, url: format!("postgres://trix@127.0.0.1:{port}/postgres") };
        server.prepare();
        server.run(&["initdb", "-D", &server.data(), "-U", "trix", "--auth", "trust", "--no-sync"]);
        server.resume();
        server
    }

    /// Starts the server again.
    pub fn resume(&self) {
        let port = self.url.rsplit_once(':').and_then(|(_, rest)| rest.split('/').next()).expect("a port");
        let options = format!("-p {port} -h 127.0.0.1 -k {}", self.folder.path().display());
        self.run(&["pg_ctl", "-D", &self.data(), "-o", &options, "-l", "/dev/null", "-w", "start"]);
    }

    /// Ends the server at once.
    pub fn pause(&self) {
        self.run(&["pg_ctl", "-D", &self.data(), "-m", "immediate", "stop"]);
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// PostgreSQL refuses to run as root: another user owns the folder.
    fn prepare(&self) {
        if is_root() {
            let done = Command::new("chown").arg("postgres").arg(self.folder.path()).status();
            assert!(done.is_ok_and(|status| status.success()), "a folder for PostgreSQL");
        }
    }

    fn run(&self, words: &[&str]) {
        assert!(self.command(words).status().is_ok_and(|status| status.success()), "{words:?}");
    }

    fn command(&self, words: &[&str]) -> Command {
        let program = self.programs.join(words[0]);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(&words[1..]).current_dir(self.folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.command(&["pg_ctl", "-D", &self.data(), "-m", "immediate", "stop"]).status();
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// An empty catalogue on each kind of database.
pub async fn catalogues() -> Vec<(Catalogue, Box<dyn std::any::Any>)> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut settings = Config::default().catalogue;
    settings.url = format!("sqlite://{}", folder.path().join("catalogue.db").display());
    let mut found: Vec<(Catalogue, Box<dyn std::any::Any>)> =
        vec![(Catalogue::open(&settings).await.expect("SQLite"), Box::new(folder))];
    let server = Postgres::start();
    settings.url = server.url.clone();
    found.push((Catalogue::open(&settings).await.expect("PostgreSQL"), Box::new(server)));
    found
}

/// A process of a farm. It is killed when this is dropped.
pub struct Process(pub Child);

impl Process {
    /// Starts `trixd` with these arguments.
    pub fn start(settings: &Path, arguments: &[&str]) -> Self {
        Self::start_with(settings, arguments, &[])
    }

    /// As [`Self::start`], with variables of the environment.
    pub fn start_with(settings: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trixd"));
        command.envs(variables.iter().copied());
        command.arg("--config").arg(settings).args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        Process(command.spawn().expect("a process"))
    }

    /// Starts a web server before API servers at these ports. Its port, too.
    pub fn web_server(folder: &Path, servers: [u16; 2]) -> (Self, u16) {
        let (port, folder) = (port(), folder.join(format!("web-{}", port())));
        fs::create_dir(&folder).expect("a folder");
        let user = if is_root() { "user root;" } else { "" };
        let [one, other] = servers;
        // One process, so that a signal ends all of it.
        let text = format!(
            "{user} daemon off; master_process off; pid nginx.pid; error_log error.log;\nevents {{}}\nhttp {{\n  access_log off;\n  \
             client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;\n  upstream api {{ \
             server 127.0.0.1:{one} fail_timeout=1s; server 127.0.0.1:{other} fail_timeout=1s; }}\n  server {{ listen \
             127.0.0.1:{port}; location / {{ proxy_pass http://api; proxy_connect_timeout 2s; }} }}\n}}\n"
        );
        fs::write(folder.join("nginx.conf"), text).expect("settings");
        let mut command = Command::new("nginx");
        command.arg("-p").arg(&folder).args(["-c", "nginx.conf", "-e", "error.log"]);
        (
            Process(
                command
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .spawn()
                    .expect("`make test-failures` installs nginx"),
            ),
            port,
        )
    }

    /// Starts `trixd` in a network namespace, with variables of the environment.
    pub fn start_in(namespace: &str, settings: &Path, arguments: &[&str], variables: &[(&str, String)]) -> Self {
        let mut command = Command::new("ip");
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command
            .args(["netns", "exec", namespace, env!("CARGO_BIN_EXE_trixd"), "--config"])
            .arg(settings)
            .args(arguments);
        Process(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("a process"))
    }

    /// Waits for the end of the process. The exit code.
    pub async fn ended(&mut self, most: Duration) -> Option<i32> {
        let began = Instant::now();
        while began.elapsed() < most {
            if let Ok(Some(status)) = self.0.try_wait() {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        None
    }

    /// Sends a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.0.id() as i32).expect("a process");
        rustix::process::kill_process(pid, signal).expect("a signal");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
