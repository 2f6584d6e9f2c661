//! What administrators use: `trixd check`, and counters for statsd.

use std::{fs, net::UdpSocket, process::Command, time::Duration};

use serde_json::Value;
use trix_service::mounts::MARK;

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
    let mut told = [0; 512];
    let count = socket.recv(&mut told).expect("a measurement");
    let text = String::from_utf8_lossy(&told[..count]).into_owned();
    let milliseconds = text.strip_prefix("trix.api.request:").and_then(|rest| rest.strip_suffix("|ms"));
    assert!(milliseconds.is_some_and(|number| number.parse::<u64>().is_ok()), "{text}");
}
