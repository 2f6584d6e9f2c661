//! What happens when a part of the farm fails, with real processes. `make test-failures` prints the table.
//!
//! The lease is ten seconds, and thirty more than the outage where the engine is away.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    process::Command,
    time::{Duration, Instant},
};

use reqwest::{Client, StatusCode};
use rustix::process::Signal;
use serde_json::Value;
use trix_core::Plan;
use trix_service::{
    catalogue::{JobState, Role},
    mounts::MARK,
};

use super::{Farm, are_single};
use crate::support::{Place, Postgres, eventually, port};

/// Adds a row to the table that `TRIX_FAILURES` names.
pub(super) fn note(what: &str, seen: &str) {
    println!("{what}: {seen}");
    let Some(path) = std::env::var_os("TRIX_FAILURES") else { return };
    let mut file = OpenOptions::new().append(true).create(true).open(path).expect("the table");
    writeln!(file, "| {what} | {seen} |").expect("a row");
}

fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f64())
}

async fn engine_away(outage: u64) {
    let mut farm = Farm::start_with(1, |place| place.config.engine.lease = outage as f64 + 30.0).await;
    let job = farm.submit("Film", "veryslow").await;
    let running = farm.running(&job, "chunk").await;
    farm.engine = None;
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(outage)).await;
    farm.start_engine();
    let back = Instant::now();
    let registered = async || {
        let attempts = farm.attempts(&job).await;
        attempts.into_iter().find(|own| own.id == running.id && own.outcome.as_deref() == Some("done"))
    };
    eventually("the unit is registered", Duration::from_secs(60), registered).await;
    let after = seconds(back);
    farm.until_done(&job).await;
    let attempts = farm.attempts(&job).await;
    assert!(are_single(&attempts), "{attempts:?}");
    note(
        &format!("engine away {outage} s while units run and end"),
        &format!(
            "the unit is registered {after} after the restart, nothing is done twice, done {} after the kill",
            seconds(began)
        ),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_is_away_20_seconds() {
    engine_away(20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_is_away_45_seconds() {
    engine_away(45).await;
}

async fn catalogue_away(outage: u64) {
    let server = Postgres::start();
    let url = server.url.clone();
    let farm = Farm::start_with(1, |place| place.config.catalogue.url = url).await;
    let job = farm.submit("Film", "veryslow").await;
    farm.running(&job, "chunk").await;
    server.pause();
    tokio::time::sleep(Duration::from_secs(outage)).await;
    server.resume();
    let back = Instant::now();
    farm.until_done(&job).await;
    let attempts = farm.attempts(&job).await;
    assert!(are_single(&attempts), "{attempts:?}");
    assert!(attempts.iter().all(|own| own.outcome.as_deref() == Some("done")), "{attempts:?}");
    note(
        &format!("catalogue away {outage} s while units run and end"),
        &format!("nothing is done twice, done {} after the restart", seconds(back)),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_is_away_20_seconds() {
    catalogue_away(20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_is_away_45_seconds() {
    catalogue_away(45).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_killed() {
    // A chunk for each of six workers, and one that is free.
    let mut farm = Farm::start(7).await;
    let job = farm.submit("Film", "veryslow").await;
    farm.running(&job, "chunk 5").await;
    let lost = farm.running(&job, "chunk").await;
    let busy = |own: &crate::support::Process| lost.worker.ends_with(&format!("-{}", own.0.id()));
    let killed = farm.workers.iter().position(busy).expect("the worker of the chunk");
    let began = Instant::now();
    drop(farm.workers.remove(killed));
    farm.begins_again(&job, &lost).await;
    let after = began.elapsed();
    assert!(after < Duration::from_secs(14), "{after:?}");
    farm.until_done(&job).await;
    note(
        "worker killed",
        &format!("its unit begins elsewhere after {:.1} s (lease 10 s), one copy", after.as_secs_f64()),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_frozen_and_comes_back() {
    let mut farm = Farm::start(1).await;
    let job = farm.submit("Film", "veryslow").await;
    let lost = farm.running(&job, "chunk").await;
    let mut frozen = farm.workers.pop().expect("the worker");
    frozen.signal(Signal::STOP);
    farm.start_worker();
    let again = async || {
        let attempts = farm.attempts(&job).await;
        attempts.into_iter().find(|own| own.step == lost.step && own.id != lost.id)
    };
    eventually("another attempt", Duration::from_secs(60), again).await;
    let back = Instant::now();
    frozen.signal(Signal::CONT);
    let fenced = async || {
        let attempts = farm.attempts(&job).await;
        attempts.into_iter().find(|own| own.id == lost.id && own.outcome.as_deref() == Some("fenced"))
    };
    eventually("the frozen attempt is refused", Duration::from_secs(60), fenced).await;
    let after = seconds(back);
    assert_eq!(frozen.ended(Duration::from_secs(30)).await, Some(75), "its supervisor starts it anew");
    farm.until_done(&job).await;
    note(
        "worker frozen, declared lost, comes back",
        &format!("refused {after} after it woke, it ends with exit code 75, one copy"),
    );
}

/// A farm with an API server, and the token of an operator.
async fn with_api(set: impl FnOnce(&mut Place)) -> (Farm, crate::support::Process, String, String) {
    let farm = Farm::start_with(1, set).await;
    farm.catalogue.set_user("anna", "a long password", Role::Operator, "test").await.expect("a user");
    let (_, token) = farm.catalogue.token("anna", "test", None).await.expect("a token");
    let api = farm.process(&["api"]);
    let url = format!("http://{}", farm.place.config.api.listen);
    let health = format!("{url}/healthz");
    eventually("the API answers", Duration::from_secs(20), async || Client::new().get(&health).send().await.ok()).await;
    (farm, api, url, token)
}

async fn submitted(farm: &Farm, url: &str, token: &str, title: &str) -> (StatusCode, Value) {
    let submission = farm.submission(title, "veryslow");
    let request = Client::new().post(format!("{url}/api/jobs")).bearer_auth(token).header("idempotency-key", title);
    let answer = request.json(&submission).send().await.expect("an answer");
    (answer.status(), answer.json().await.unwrap_or(Value::Null))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mount_of_masters_is_gone() {
    let (farm, _api, url, token) = with_api(|_| ()).await;
    let job = farm.submit("Film", "veryslow").await;
    farm.running(&job, "chunk").await;
    let (source, away) = (farm.place.config.mounts.source.clone(), farm.place.folder.path().join("away"));
    fs::rename(&source, &away).expect("the mount goes");
    fs::create_dir(&source).expect("an empty mount point");
    let began = Instant::now();
    let waiting =
        farm.until(&job, "the job waits", |job| job.detail.contains("the mount source does not answer")).await;
    let after = seconds(began);
    let (status, document) = submitted(&farm, &url, &token, "Next").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{document}");
    let says_so = async || {
        let ready = Client::new().get(format!("{url}/readyz")).send().await.ok()?.text().await.ok()?;
        ready.contains("\"part\":\"source\",\"away_since\":1").then_some(())
    };
    eventually("the page can say so", Duration::from_secs(10), says_so).await;
    fs::remove_dir(&source).expect("the mount point");
    fs::rename(&away, &source).expect("the mount is back");
    farm.until_done(&job).await;
    note(
        "source mount gone",
        &format!("after {after}: \"{}\"; new jobs are refused (503); done after it is back", waiting.detail),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mount_of_copies_is_full() {
    let mut small = None;
    let farm = Farm::start_with(1, |place| small = Some(SmallMount::over(&place.config.mounts.output))).await;
    let small = small.expect("a mount");
    fs::write(small.0.join(MARK), "").expect("a mark");
    let filler = small.0.join("filler");
    let job = farm.submit("Film", "veryfast").await;
    fs::write(&filler, vec![1; 3 << 20]).expect_err("it is full now");
    let waiting = farm.until(&job, "the job waits", |job| job.detail.contains("No space left")).await;
    assert!(!farm.place.output("Film").exists());
    fs::remove_file(&filler).expect("space");
    farm.until_done(&job).await;
    note(
        "output mount full",
        &format!("\"{}\"; nothing under a final name; done after there is space", waiting.detail),
    );
    drop(farm);
}

/// A file system of two megabytes.
struct SmallMount(std::path::PathBuf);

impl SmallMount {
    fn over(folder: &std::path::Path) -> Self {
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(folder).status();
        assert!(done.is_ok_and(|status| status.success()), "this test mounts a file system, and needs to run as root");
        SmallMount(folder.to_owned())
    }
}

impl Drop for SmallMount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn api_servers_and_dispatchers_are_killed() {
    let (mut farm, api, url, token) = with_api(|_| ()).await;
    // A second of each.
    let second = port();
    let other = {
        let address = format!("127.0.0.1:{second}");
        crate::support::Process::start_with(&farm.settings, &["api"], &[("TRIXD_API_LISTEN", &address)])
    };
    let dispatcher = farm.process(&["dispatcher"]);
    farm.dispatchers.push(dispatcher);
    let servers = [farm.place.config.api.listen.port(), second];
    let (web, _) = crate::support::Process::web_server(farm.place.folder.path(), servers);
    let (_other_web, port) = crate::support::Process::web_server(farm.place.folder.path(), servers);
    let (status, job) = submitted(&farm, &url, &token, "Film").await;
    assert_eq!(status, StatusCode::OK, "{job}");
    let job = farm.catalogue.job(job["id"].as_str().expect("an id")).await.expect("the job");
    farm.running(&job, "chunk").await;
    drop(api);
    drop(web);
    farm.dispatchers.remove(0);
    let began = Instant::now();
    // Through the other web server, which knows nothing of the API server that was killed.
    let at_second = format!("http://127.0.0.1:{port}/api/jobs/{}", job.id);
    let answers = async || {
        Client::new().get(&at_second).bearer_auth(&token).send().await.ok().filter(|own| own.status().is_success())
    };
    eventually("the other server answers", Duration::from_secs(10), async || answers().await).await;
    let after = seconds(began);
    farm.until_done(&job).await;
    let attempts = farm.attempts(&job).await;
    assert!(are_single(&attempts), "{attempts:?}");
    drop(other);
    note(
        "API server, web server and dispatcher killed, two of each",
        &format!("the others answer after {after}, no step is begun twice"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_is_away_at_submission() {
    let server = Postgres::start();
    let url = server.url.clone();
    let (farm, _api, url, token) = with_api(|place| place.config.catalogue.url = url).await;
    server.pause();
    let began = Instant::now();
    let (status, document) = submitted(&farm, &url, &token, "Film").await;
    let after = seconds(began);
    assert!(began.elapsed() < Duration::from_secs(10), "{after}");
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{document}");
    let message = document["error"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains("the catalogue does not answer"), "{message}");
    server.resume();
    let works =
        async || Some(submitted(&farm, &url, &token, "Film").await).filter(|(status, _)| *status == StatusCode::OK);
    let (_, job) = eventually("a submission", Duration::from_secs(20), async || works().await).await;
    let jobs = farm.catalogue.jobs(&Default::default()).await.expect("jobs");
    assert_eq!(jobs.len(), 1, "nothing half-made");
    farm.until_done(&jobs[0]).await;
    assert_eq!(job["id"], jobs[0].id);
    note(
        "catalogue away at submission",
        &format!("503 after {after}, nothing half-made, works again without a restart"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_is_rebooted() {
    let mut farm = Farm::start(2).await;
    let job = farm.submit("Film", "veryslow").await;
    farm.running(&job, "chunk").await;
    farm.engine = None;
    farm.dispatchers.clear();
    farm.workers.clear();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let began = Instant::now();
    farm.start_all(2);
    farm.until_done(&job).await;
    note("all processes killed, and started again", &format!("done {} after the start", seconds(began)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_file_fails_after_three_attempts() {
    let farm = Farm::start_with(1, |place| {
        // The process of each chunk of this title crashes.
        let program = place.folder.path().join("crashes");
        let real = env!("CARGO_BIN_EXE_trixd");
        let script = format!(
            "#!/bin/bash\nexec 3<&0\nread -r line <&3\ncase $line in *'\"title\":\"Poison\"'*'\"type\":\"chunk\"'*) kill -SEGV $$ ;; esac\n\
             exec {real} \"$@\" < <(printf '%s\\n' \"$line\"; cat <&3)\n"
        );
        fs::write(&program, script).expect("a program");
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a program");
        place.config.worker.program = program;
    })
    .await;
    let poison = farm.submit("Poison", "ultrafast").await;
    let other = farm.submit("Film", "ultrafast").await;
    let failed = farm.until(&poison, "the end", |job| job.state.is_over()).await;
    assert_eq!(failed.state, JobState::Failed);
    let message = failed.error.map(|error| error.message).unwrap_or_default();
    // Any chunk can be the first to fail.
    let plan = farm.place.config.mounts.cache.join("jobs").join(&poison.id).join("plan-1.json");
    let plan: Plan = serde_json::from_slice(&fs::read(plan).expect("the plan")).expect("the plan");
    let ranges = plan.chunks.expect("chunks").ranges;
    let named = ranges.iter().enumerate().map(|(number, range)| format!("chunk {number} (frames {range})"));
    assert_eq!(named.filter(|named| message.contains(named)).count(), 1, "{message}");
    farm.until_done(&other).await;
    let attempts = farm.attempts(&poison).await;
    let most = attempts.iter().map(|own| attempts.iter().filter(|other| other.step == own.step).count()).max();
    assert_eq!(most, Some(3), "{attempts:?}");
    note("poisoned file", &format!("three attempts, then \"{message}\"; the worker lives, the other title is done"));
}
