//! A farm of real processes: the embedded engine, a dispatcher and workers. `TRIX_TEMPORAL` names the program of the engine.

mod failures;
mod long;
mod split;

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use trix_core::Source;
use trix_service::catalogue::{Attempt, Catalogue, Job, JobState, Submission};

use crate::support::{Place, Process, eventually};

/// The program of the engine.
fn engine() -> PathBuf {
    let named = std::env::var_os("TRIX_TEMPORAL").map(PathBuf::from);
    let program = named.unwrap_or_else(|| "temporal".into());
    let is_there = Command::new(&program).arg("--version").output().is_ok_and(|done| done.status.success());
    assert!(is_there, "{}: `make test-service` installs the workflow engine", program.display());
    program
}

/// A farm.
pub(crate) struct Farm {
    pub(crate) place: Place,
    pub(crate) settings: PathBuf,
    pub(crate) catalogue: Catalogue,
    pub(crate) engine: Option<Process>,
    pub(crate) dispatchers: Vec<Process>,
    pub(crate) workers: Vec<Process>,
}

/// Frames of the film.
const FRAMES: usize = 200;
/// The profile of the film.
const PROFILE: &str = "copy";
/// Its text: one copy.
const COPY: &str = r#"
[variables]
preset = "medium"

[[outputs]]
path = "${stem}.mkv"
[outputs.video]
type = "x265"
preset = "${preset}"
key_interval = "1"
"#;

impl Farm {
    /// A farm with so many workers.
    pub(crate) async fn start(workers: usize) -> Self {
        Self::start_with(workers, |_| ()).await
    }

    /// As [`Self::start`], with other settings.
    pub(crate) async fn start_with(workers: usize, set: impl FnOnce(&mut Place)) -> Self {
        let mut place = Place::new();
        place.config.engine.program = engine();
        set(&mut place);
        let settings = place.settings();
        let catalogue = Catalogue::open(&place.config.catalogue).await.expect("a catalogue");
        catalogue.set_profile(PROFILE, COPY, "test").await.expect("a profile");
        let mut farm = Farm { place, settings, catalogue, engine: None, dispatchers: Vec::new(), workers: Vec::new() };
        farm.start_all(workers);
        farm
    }

    /// Starts the engine, a dispatcher, and so many workers.
    pub(crate) fn start_all(&mut self, workers: usize) {
        self.start_engine();
        self.dispatchers.push(self.process(&["dispatcher"]));
        for _ in 0..workers {
            self.start_worker();
        }
    }

    pub(crate) fn process(&self, arguments: &[&str]) -> Process {
        Process::start(&self.settings, arguments)
    }

    pub(crate) fn start_engine(&mut self) {
        self.engine = Some(self.process(&["engine"]));
    }

    pub(crate) fn start_worker(&mut self) {
        let number = self.workers.len().to_string();
        self.workers.push(self.process(&["worker", "--index", &number]));
    }

    /// Submits the film with this preset of x265.
    pub(crate) async fn submit(&self, title: &str, preset: &str) -> Job {
        let submission = self.submission(title, preset);
        self.catalogue.submit(&submission, "anna", title).await.expect("a job")
    }

    pub(crate) fn submission(&self, title: &str, preset: &str) -> Submission {
        let submission = serde_json::json!({
            "title": title, "source": "film.mkv", "profiles": [PROFILE], "set": { "preset": preset },
        });
        serde_json::from_value(submission).expect("a submission")
    }

    pub(crate) async fn until(&self, job: &Job, what: &str, is_so: impl Fn(&Job) -> bool) -> Job {
        let find = async || {
            let job = self.catalogue.job(&job.id).await.ok()?;
            assert!(is_so(&job) || !job.state.is_over(), "{what}: it is over: {job:?}");
            Some(job).filter(&is_so)
        };
        eventually(what, Duration::from_secs(240), find).await
    }

    /// Waits until the job is done, with all frames in its copy.
    pub(crate) async fn until_done(&self, job: &Job) {
        let job = self.until(job, "the end", |job| job.state.is_over()).await;
        assert_eq!(job.state, JobState::Done, "{:?}", job.error);
        let title = &job.submission.title;
        let copy = self.place.output(title).join(format!("{title}.mkv"));
        assert_eq!(Source::open(copy).expect("a copy").frames().count(), FRAMES);
    }

    /// Waits until a step whose name begins so runs.
    pub(crate) async fn running(&self, job: &Job, step: &str) -> Attempt {
        let find = async || {
            let attempts = self.catalogue.attempts_of(&job.id).await.ok()?;
            attempts.into_iter().find(|own| own.step.starts_with(step) && own.ended_at.is_none())
        };
        eventually("a step runs", Duration::from_secs(60), find).await
    }

    /// Waits until a step begins once more.
    pub(crate) async fn begins_again(&self, job: &Job, lost: &Attempt) {
        let again = async || {
            let attempts = self.attempts(job).await;
            attempts.into_iter().find(|own| own.step == lost.step && own.id != lost.id)
        };
        eventually("another attempt", Duration::from_secs(60), again).await;
    }

    /// How often each step of a job was done. Those that were not accepted count, too.
    pub(crate) async fn attempts(&self, job: &Job) -> Vec<Attempt> {
        self.catalogue.attempts_of(&job.id).await.expect("attempts")
    }
}

/// True if no step was begun twice.
pub(crate) fn are_single(attempts: &[Attempt]) -> bool {
    let mut steps: Vec<&str> = attempts.iter().map(|own| own.step.as_str()).collect();
    steps.sort_unstable();
    steps.windows(2).all(|two| two[0] != two[1])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_goes_through_the_farm() {
    let farm = Farm::start(2).await;
    let began = Instant::now();
    let job = farm.submit("Film", "ultrafast").await;
    farm.until(&job, "the first step", |job| job.started_at.is_some()).await;
    println!("first step after {:?}", began.elapsed());
    farm.until_done(&job).await;
    let job = farm.catalogue.job(&job.id).await.expect("the job");
    assert_eq!((job.units, job.units_done), (6, 6));
    let attempts = farm.attempts(&job).await;
    assert!(are_single(&attempts), "{attempts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_costs_a_lease() {
    let mut farm = Farm::start(1).await;
    let job = farm.submit("Film", "veryslow").await;
    farm.running(&job, "chunk").await;
    let began = Instant::now();
    farm.workers.clear();
    farm.start_worker();
    farm.until_done(&job).await;
    println!("done {:?} after the kill", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_worker_discards_what_it_did() {
    let mut farm = Farm::start(1).await;
    let job = farm.submit("Film", "veryslow").await;
    farm.running(&job, "chunk").await;
    let frozen = farm.workers.pop().expect("the worker");
    frozen.signal(Signal::STOP);
    farm.start_worker();
    farm.until_done(&job).await;
    frozen.signal(Signal::CONT);
    let find = async || farm.attempts(&job).await.into_iter().find(|own| own.outcome.as_deref() == Some("fenced"));
    eventually("the frozen attempt is refused", Duration::from_secs(30), find).await;
    farm.until_done(&job).await;
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
    farm.until_done(&next).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_becomes_urgent_overtakes_chunks_that_wait() {
    let farm = Farm::start(1).await;
    let first = farm.submit("First", "medium").await;
    farm.running(&first, "chunk").await;
    let second = farm.submit("Second", "ultrafast").await;
    let handed = async || {
        let hurry = farm.catalogue.runs_to_hand(100, 100).await.ok()?;
        hurry.is_empty().then_some(())
    };
    eventually("the engine has it", Duration::from_secs(10), handed).await;
    farm.catalogue.set_priority(&second.id, 1, "anna").await.expect("it is urgent");
    farm.until_done(&second).await;
    let first = farm.catalogue.job(&first.id).await.expect("the first job");
    assert_eq!(first.state, JobState::Running, "its chunks waited");
    println!("{} of {} chunks of the first job were done by then", first.units_done, first.units);
    assert!(first.units_done < first.units);
    farm.until_done(&first).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_drains_ends_its_step_first() {
    let mut farm = Farm::start(1).await;
    let job = farm.submit("Film", "medium").await;
    let running = farm.running(&job, "chunk").await;
    farm.catalogue.drain(&running.worker, true, "anna").await.expect("it drains");
    let ended =
        async || farm.attempts(&job).await.into_iter().find(|own| own.id == running.id && own.ended_at.is_some());
    let ended = eventually("the step ends", Duration::from_secs(60), ended).await;
    assert_eq!(ended.outcome.as_deref(), Some("done"), "{ended:?}");
    farm.start_worker();
    farm.until_done(&job).await;
    let attempts = farm.attempts(&job).await;
    assert!(are_single(&attempts), "{attempts:?}");
    let after =
        attempts.iter().filter(|own| own.worker == running.worker && own.began_at > ended.ended_at.unwrap_or(0));
    assert_eq!(after.count(), 0, "{attempts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submitter_with_a_long_name_gets_copies() {
    let farm = Farm::start(1).await;
    let submission = farm.submission("Film", "ultrafast");
    let name = "оператор ".repeat(5);
    let job = farm.catalogue.submit(&submission, name.trim(), "one").await.expect("a job");
    farm.until_done(&job).await;
}
