//! A farm of real processes: the embedded engine, a dispatcher and workers. `TRIX_TEMPORAL` names the program of the engine.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use trix_core::Source;
use trix_service::catalogue::{Catalogue, Job, JobState, Submission};

use crate::support::{Place, Process, eventually};

/// The program of the engine.
fn engine() -> PathBuf {
    let named = std::env::var_os("TRIX_TEMPORAL").map(PathBuf::from);
    let program = named.unwrap_or_else(|| "temporal".into());
    let is_there = Command::new(&program).arg("--version").output().is_ok_and(|done| done.status.success());
    assert!(is_there, "{}: `make test-service` installs the workflow engine", program.display());
    program
}

struct Farm {
    place: Place,
    settings: PathBuf,
    catalogue: Catalogue,
    engine: Option<Process>,
    others: Vec<Process>,
}

impl Farm {
    /// A farm with so many workers.
    async fn start(workers: usize) -> Self {
        let mut place = Place::new();
        place.config.engine.program = engine();
        let settings = place.settings();
        let catalogue = Catalogue::open(&place.config.catalogue).await.expect("a catalogue");
        let mut farm = Farm { place, settings, catalogue, engine: None, others: Vec::new() };
        farm.start_engine();
        farm.others.push(Process::start(&farm.settings, &["dispatcher"]));
        for number in 0..workers {
            farm.others.push(farm.worker(number));
        }
        farm
    }

    fn start_engine(&mut self) {
        self.engine = Some(Process::start(&self.settings, &["engine"]));
    }

    fn worker(&self, number: usize) -> Process {
        Process::start(&self.settings, &["worker", "--index", &number.to_string()])
    }

    /// Submits the master, with chunks of a second.
    async fn submit(&self, title: &str, preset: &str) -> Job {
        let text = format!(
            "[[outputs]]\npath = \"${{stem}}.mkv\"\n[outputs.video]\ntype = \"x265\"\npreset = \"{preset}\"\nkey_interval = \"1\"\n"
        );
        let profile = self.place.folder.path().join(format!("{title}.toml"));
        std::fs::write(&profile, text).expect("a profile");
        let submission = serde_json::json!({ "title": title, "source": "master.mkv", "profiles": [profile] });
        let submission: Submission = serde_json::from_value(submission).expect("a submission");
        self.catalogue.submit(&submission, "anna", title).await.expect("a job")
    }

    async fn until(&self, job: &Job, what: &str, is_so: impl Fn(&Job) -> bool) -> Job {
        let find = async || self.catalogue.job(&job.id).await.ok().filter(&is_so);
        eventually(what, Duration::from_secs(120), find).await
    }

    /// Waits until `step` of the job runs, and returns its worker.
    async fn running(&self, job: &Job, step: &str) -> String {
        let find = async || {
            let attempts = self.catalogue.attempts_of(&job.id).await.ok()?;
            attempts.into_iter().find(|own| own.step.starts_with(step) && own.ended_at.is_none()).map(|own| own.worker)
        };
        eventually("a step runs", Duration::from_secs(60), find).await
    }

    fn frames(&self, title: &str) -> usize {
        Source::open(self.place.output(title).join(format!("{title}.mkv"))).expect("a copy").frames().count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_goes_through_the_farm() {
    let farm = Farm::start(2).await;
    let began = Instant::now();
    let job = farm.submit("Film", "ultrafast").await;
    farm.until(&job, "the first step", |job| job.started_at.is_some()).await;
    println!("first step after {:?}", began.elapsed());
    let job = farm.until(&job, "the end", |job| job.state.is_over()).await;
    assert_eq!((job.state, farm.frames("Film")), (JobState::Done, 50), "{:?}", job.error);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_costs_a_lease() {
    let mut farm = Farm::start(1).await;
    let job = farm.submit("Film", "veryslow").await;
    farm.running(&job, "chunk").await;
    let began = Instant::now();
    farm.others.pop().expect("the worker").0.kill().expect("it ends");
    farm.others.push(farm.worker(1));
    let job = farm.until(&job, "the end", |job| job.state.is_over()).await;
    assert_eq!((job.state, farm.frames("Film")), (JobState::Done, 50), "{:?}", job.error);
    println!("done {:?} after the kill", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_away_costs_nothing() {
    let mut farm = Farm::start(1).await;
    let job = farm.submit("Film", "veryslow").await;
    farm.running(&job, "chunk").await;
    farm.engine = None;
    tokio::time::sleep(Duration::from_secs(5)).await;
    farm.start_engine();
    let job = farm.until(&job, "the end", |job| job.state.is_over()).await;
    assert_eq!((job.state, farm.frames("Film")), (JobState::Done, 50), "{:?}", job.error);
    let attempts = farm.catalogue.attempts_of(&job.id).await.expect("attempts");
    let mut steps: Vec<&str> = attempts.iter().map(|own| own.step.as_str()).collect();
    let count = steps.len();
    steps.sort_unstable();
    steps.dedup();
    assert_eq!(steps.len(), count, "no step was done twice: {attempts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_worker_discards_what_it_did() {
    let mut farm = Farm::start(1).await;
    let job = farm.submit("Film", "veryslow").await;
    farm.running(&job, "chunk").await;
    let frozen = farm.others.pop().expect("the worker");
    frozen.signal(Signal::STOP);
    farm.others.push(farm.worker(1));
    let job = farm.until(&job, "the end", |job| job.state.is_over()).await;
    assert_eq!((job.state, farm.frames("Film")), (JobState::Done, 50), "{:?}", job.error);
    frozen.signal(Signal::CONT);
    let find = async || {
        let attempts = farm.catalogue.attempts_of(&job.id).await.ok()?;
        attempts.into_iter().find(|own| own.outcome.as_deref() == Some("fenced"))
    };
    eventually("the frozen attempt is refused", Duration::from_secs(30), find).await;
    assert_eq!(farm.frames("Film"), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_is_cancelled_within_three_seconds() {
    let farm = Farm::start(1).await;
    let job = farm.submit("Film", "placebo").await;
    farm.running(&job, "chunk").await;
    let began = Instant::now();
    farm.catalogue.cancel(&job.id, "anna").await.expect("it is to be cancelled");
    let job = farm.until(&job, "the end", |job| job.state.is_over()).await;
    println!("cancelled after {:?}", began.elapsed());
    assert_eq!(job.state, JobState::Cancelled);
    assert!(!farm.place.output("Film").exists());
    // The worker is free for the next job.
    let next = farm.submit("Next", "ultrafast").await;
    assert_eq!(farm.until(&next, "the end", |job| job.state.is_over()).await.state, JobState::Done);
}
