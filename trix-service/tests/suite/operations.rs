//! What administrators use: `trixd check` and `doctor`, counters for statsd, lines for syslog, and what is kept.

use std::{
    fs::{self, File},
    net::UdpSocket,
    os::unix::net::UnixDatagram,
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

use serde_json::Value;
use trix_service::{
    catalogue::{Catalogue, MachineState, Submission},
    config::{Config, Retention},
    mounts::MARK,
    retention,
};

use crate::support::{Place, Process, eventually};

/// Runs `trixd check`. The exit code, and whether each part is well.
fn check(place: &Place) -> (Option<i32>, Vec<(String, bool)>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trixd"));
    let done = command.arg("--config").arg(place.settings()).args(["check", "--json"]).output().expect("a program");
    let found: Vec<Value> = serde_json::from_slice(&done.stdout).expect("findings");
    let part = |own: &Value| (own["part"].as_str().expect("a part").to_owned(), own["is_well"] == true);
    (done.status.code(), found.iter().map(part).collect())
}

#[test]
fn check_names_the_parts_that_are_away() {
    let place = Place::new();
    let well = |found: &[(String, bool)], part: &str| found.iter().find(|own| own.0 == part).expect("a part").1;
    let (code, found) = check(&place);
    assert_eq!(code, Some(1), "no engine runs");
    assert!(!well(&found, "engine"));
    assert!(well(&found, "catalogue") && well(&found, "mount source") && well(&found, "worker"), "{found:?}");
    fs::remove_file(place.config.mounts.output.join(MARK)).expect("the mount is gone");
    for name in ["film.mkv", "master.mkv"] {
        fs::remove_file(place.config.mounts.source.join(name)).expect("an empty mount");
    }
    let (_, found) = check(&place);
    assert!(!well(&found, "mount output") && !well(&found, "mount source"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_told_to_the_statsd_server() {
    let place = Place::new();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    let address = socket.local_addr().expect("an address").to_string();
    let _api = Process::start_with(&place.settings(), &["api"], &[("TRIXD_METRICS_STATSD", &address)]);
    let url = format!("http://{}/healthz", place.config.api.listen);
    let alive = async || reqwest::get(&url).await.ok().filter(|answer| answer.status().is_success());
    eventually("the API server", Duration::from_secs(20), alive).await;
    let text = loop {
        let mut told = [0; 512];
        let count = socket.recv(&mut told).expect("a measurement");
        let text = String::from_utf8_lossy(&told[..count]).into_owned();
        // Others tell how fast the database is.
        if text.starts_with("trix.api.") {
            break text;
        }
    };
    let milliseconds = text.strip_prefix("trix.api.request:").and_then(|rest| rest.strip_suffix("|ms"));
    assert!(milliseconds.is_some_and(|number| number.parse::<u64>().is_ok()), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_syslog_server_gets_lines_with_tag_and_severity() {
    let mut place = Place::new();
    let path = place.folder.path().join("log");
    let (socket, network) =
        (UnixDatagram::bind(&path).expect("a socket"), UdpSocket::bind("127.0.0.1:0").expect("a port"));
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    network.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    let mut told = [0; 1024];
    place.config.logs.tag = "farm".into();
    place.config.logs.syslog = path.display().to_string();
    let api = Process::start(&place.settings(), &["api"]);
    let count = socket.recv(&mut told).expect("a line");
    drop(api);
    // 30: a daemon (3), and information (6).
    let line = String::from_utf8_lossy(&told[..count]).into_owned();
    assert!(line.starts_with("<30>") && line.contains(" farm[") && line.contains("begins role=\"api\""), "{line}");
    place.config.logs.syslog = network.local_addr().expect("an address").to_string();
    place.config.logs.severity = "warn".into();
    place.config.catalogue.url = "postgres://trix@127.0.0.1:1/none".into();
    let _api = Process::start(&place.settings(), &["api"]);
    let count = network.recv(&mut told).expect("a line");
    let line = String::from_utf8_lossy(&told[..count]).into_owned();
    assert!(line.starts_with("<28>") && line.contains("the catalogue is away"), "{line}");
}

#[test]
fn doctor_tells_versions_and_settings_without_secrets() {
    let mut place = Place::new();
    place.config.catalogue.url = "postgres://trix:secret-one@127.0.0.1:1/none".into();
    place.config.oidc.client_secret = "secret-two".into();
    let mut command = Command::new(env!("CARGO_BIN_EXE_trixd"));
    let done = command.arg("--config").arg(place.settings()).args(["doctor"]).output().expect("a program");
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(done.status.code(), Some(1), "no engine and no catalogue run");
    for wanted in ["trixd ", "library x265 ", "WRONG   catalogue", "url = \"postgres://trix@127.0.0.1:1/none\""] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(!text.contains("secret-one") && !text.contains("secret-two"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn scratch_files_of_old_jobs_are_removed_and_those_of_others_stay() {
    let mut place = Place::new();
    let catalogue = Catalogue::open(&place.config.catalogue).await.expect("a catalogue");
    let submit = async |title: &str| {
        let own: Submission =
            serde_json::from_value(serde_json::json!({ "title": title, "source": "master.mkv" })).expect("one");
        let job = catalogue.submit(&own, "anna", title).await.expect("a job").id;
        let folder = place.config.mounts.cache.join("jobs").join(&job);
        fs::create_dir_all(folder.join("chunks")).expect("a folder");
        (job, folder)
    };
    let ((over, old), (_, open)) = (submit("Over").await, submit("Open").await);
    catalogue.run_ends(&over, 1, None, "test").await.expect("an end");
    let keep = async |settings: &Config| retention::keep(settings, &catalogue).await.expect("it is tidy");
    assert_eq!(keep(&place.config).await, 0, "nothing is old");
    let age = |folder: &Path, days: u64| {
        let past = SystemTime::now() - Duration::from_secs(86_400 * days);
        File::open(folder).expect("a folder").set_modified(past).expect("a time");
    };
    age(&old, 30);
    age(&open, 30);
    assert_eq!(keep(&place.config).await, 0, "the job ended just now");
    let pool = sqlx::SqlitePool::connect(&place.config.catalogue.url).await.expect("the database");
    let query = sqlx::query("UPDATE jobs SET ended_at = ended_at - 30 * 86400000").execute(&pool);
    query.await.expect("it ended a month ago");
    assert_eq!(keep(&place.config).await, 1);
    assert!(!old.exists() && open.exists());
    // Copies that got no name, on the mounts of copies and previews, and copies that were to be replaced.
    let staged = |mount: &Path, name: &str| {
        let folder = mount.join(".trix-staging").join(format!("{over}-{name}"));
        fs::create_dir_all(folder.join("attempt")).expect("a folder");
        folder
    };
    let (copies, preview) =
        (staged(&place.config.mounts.output, "1"), staged(&place.config.mounts.preview, "1-attempt"));
    let replaced = staged(&place.config.mounts.output, "2");
    fs::create_dir(replaced.join("attempt-replaced")).expect("a folder");
    [&copies, &preview, &replaced].into_iter().for_each(|folder| age(folder, 30));
    assert_eq!(keep(&place.config).await, 2);
    assert!(!copies.exists() && !preview.exists() && replaced.exists());
    place.config.retention.jobs_days = 20;
    keep(&place.config).await;
    assert!(catalogue.job(&over).await.is_err(), "the settings do not keep it");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_rows_are_removed_and_new_ones_stay() {
    let place = Place::new();
    let catalogue = Catalogue::open(&place.config.catalogue).await.expect("a catalogue");
    let submit = async |title: &str| {
        let own = serde_json::json!({ "title": title, "source": "master.mkv" });
        let own: Submission = serde_json::from_value(own).expect("a submission");
        catalogue.submit(&own, "anna", title).await.expect("a job").id
    };
    let (over, open) = (submit("Over").await, submit("Open").await);
    catalogue.run_ends(&over, 1, None, "test").await.expect("an end");
    catalogue.worker_lives("old", 1, None, &MachineState::default()).await.expect("a sign");
    let pool = sqlx::SqlitePool::connect(&place.config.catalogue.url).await.expect("the database");
    for query in [
        "UPDATE jobs SET ended_at = ended_at - 3 * 86400000",
        "UPDATE changes SET at = at - 3 * 86400000",
        "UPDATE workers SET seen_at = seen_at - 3 * 86400000",
    ] {
        sqlx::query(query).execute(&pool).await.expect("they are old");
    }
    catalogue.worker_lives("new", 1, None, &MachineState::default()).await.expect("a sign");
    let later = submit("Later").await;
    let settings = Retention { jobs_days: 1, changes_days: 1, workers_days: 1, ..Retention::default() };
    let removed = catalogue.prune(&settings, "test").await.expect("old rows");
    assert_eq!((removed.jobs, removed.changes, removed.workers), (1, 3, 1));
    assert!(catalogue.job(&over).await.is_err());
    assert!(catalogue.job(&open).await.is_ok() && catalogue.job(&later).await.is_ok());
    assert_eq!(catalogue.workers().await.expect("workers").len(), 1);
    let left: Vec<String> =
        catalogue.changes_after(0, 10).await.expect("changes").into_iter().map(|own| own.what).collect();
    assert_eq!(left, ["job.submitted", "catalogue.pruned"]);
}
