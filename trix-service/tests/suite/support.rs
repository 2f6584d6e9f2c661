//! Databases, folders and processes for tests.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
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
        let data = server.data();
        server.run(&["initdb", "-D", &data, "-U", "trix", "--auth", "trust", "--no-sync"]);
        let options = format!("-p {port} -h 127.0.0.1 -k {} -F", server.folder.path().display());
        server.run(&["pg_ctl", "-D", &data, "-o", &options, "-l", "/dev/null", "-w", "start"]);
        server
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
        let program = self.programs.join(words[0]);
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let done = command
            .args(&words[1..])
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(done.is_ok_and(|status| status.success()), "{words:?}");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.run(&["pg_ctl", "-D", &self.data(), "-m", "immediate", "stop"]);
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
        let mut command = Command::new(env!("CARGO_BIN_EXE_trixd"));
        command.arg("--config").arg(settings).args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        Process(command.spawn().expect("a process"))
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
