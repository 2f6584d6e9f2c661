//! Does the steps that the engine hands out, one at a time.
//!
//! 1. The process of a step [runs](child), and its progress is told to engine and catalogue.
//! 2. Its end is [told](complete) to the engine, for as long as that takes.
//! 3. If the engine refuses the end, another attempt has taken its place: what this one made is removed, and the worker ends. Whoever
//!    supervises it starts it anew.
//!
//! Invariant: copies get their names, and are registered, only after the engine has accepted the attempt that made them. An attempt
//! that it did not accept leaves none.

pub mod child;
pub mod complete;
mod machine;
mod verdict;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use trix_core::ErrorDetail;

pub use self::verdict::{Again, Verdict};
use crate::{
    catalogue::{Catalogue, Job, JobState, Master, Outcome, StepProgress, Wishes, soon},
    config::Config,
    engine::{Run, Step, StepEnd},
    error::{Error, Result},
    in_thread, now, profiles,
    steps::{Folders, Planned, Said, StepRequest},
};

/// What the engine and its attempt are told.
pub trait Signs: Send + Sync {
    /// The attempt is alive, and has done so many frames.
    fn beat(&self, frames: i64) -> impl Future<Output = ()> + Send;
}

/// A worker.
pub struct Worker {
    /// Its name.
    pub name: String,
    /// The settings.
    pub config: Config,
    /// The database.
    pub catalogue: Catalogue,
    /// What it does.
    work: Mutex<Option<Work>>,
    /// Wakes whoever tells the catalogue what it does.
    news: Notify,
    began_at: i64,
    /// True if an attempt was refused, so that the process has to end.
    pub is_fenced: AtomicBool,
    /// True if it takes no further step. One that came meanwhile goes to another worker.
    pub is_leaving: AtomicBool,
}

/// What a worker does.
#[derive(Clone)]
struct Work {
    /// Title and step.
    text: String,
    attempt: String,
    progress: StepProgress,
    /// Ends the attempt.
    cancel: CancellationToken,
}

/// An attempt at a step.
pub struct Attempt {
    /// Its id.
    pub id: String,
    request: StepRequest,
    /// How far it came.
    progress: StepProgress,
    /// What the job will make, and the master, after `plan`.
    planned: Option<(Planned, Master)>,
}

impl Attempt {
    fn of(worker: &Worker, id: String, run: (&str, i64), job: &Job, step: &Step) -> Self {
        let request = StepRequest {
            mounts: worker.config.mounts.clone(),
            job: run.0.to_owned(),
            run: run.1,
            submission: job.submission.clone(),
            profiles: BTreeMap::new(),
            step: step.clone(),
            attempt: id.clone(),
        };
        Attempt { id, request, progress: StepProgress::default(), planned: None }
    }
}

/// Time between two signs of life.
const BEAT: Duration = Duration::from_secs(2);
/// Time between two attempts at a call of the catalogue.
const PAUSE: Duration = Duration::from_secs(1);

/// Calls the catalogue until it answers, or `cancel` is cancelled.
macro_rules! patiently {
    ($cancel:expr, $signs:expr, $call:expr) => {
        loop {
            match soon($call).await {
                Err(error) if error.is_away() && !$cancel.is_cancelled() => {
                    tracing::warn!(%error, "the catalogue is away");
                    $signs.beat(0).await;
                    tokio::time::sleep(PAUSE).await;
                }
                other => break other,
            }
        }
    };
}

impl Worker {
    /// A worker of these settings.
    pub fn new(config: Config, catalogue: Catalogue) -> Self {
        let name = match config.worker.name.as_str() {
            "" => format!("{}-{}", crate::host(), std::process::id()),
            name => name.to_owned(),
        };
        let (is_fenced, is_leaving) = (AtomicBool::new(false), AtomicBool::new(false));
        let (work, news) = (Mutex::default(), Notify::new());
        Worker { name, config, catalogue, work, news, began_at: now(), is_fenced, is_leaving }
    }

    /// Tells the catalogue every two seconds that the worker lives and how far it is, until `end`. Returns true if it is to take no
    /// further step.
    pub async fn live(&self, end: &CancellationToken) -> bool {
        let mut told = None;
        loop {
            let work = self.work().clone();
            let wishes = match self.tell(work.as_ref(), &mut told).await {
                Ok(wishes) => wishes,
                Err(error) => {
                    tracing::debug!(%error, "the catalogue is not told");
                    let _ = soon(self.catalogue.check()).await;
                    Wishes::default()
                }
            };
            if wishes.drains && work.is_none() {
                self.is_leaving.store(true, Ordering::Relaxed);
                return true;
            }
            if let Some(work) = work.filter(|_| wishes.cancels) {
                // The engine tells it, too, but later.
                work.cancel.cancel();
            }
            tokio::select! {
                () = tokio::time::sleep(BEAT) => {}
                () = self.news.notified() => {}
                () = end.cancelled() => return false,
            }
        }
    }

    /// Tells the catalogue what the worker does. `told` is how far it was.
    async fn tell(&self, work: Option<&Work>, told: &mut Option<(String, StepProgress)>) -> Result<Wishes> {
        let now = work.map(|work| (work.attempt.clone(), work.progress.clone()));
        if let Some((attempt, progress)) = now.as_ref().filter(|_| now != *told) {
            self.catalogue.attempt_progresses(attempt, progress).await?;
        }
        *told = now;
        let does = work.map(|work| (work.text.as_str(), work.attempt.as_str()));
        soon(self.catalogue.worker_lives(&self.name, self.began_at, does, &machine::state())).await
    }

    /// True if the worker is to take no further step. Tells the catalogue that it lives.
    pub async fn drains(&self) -> bool {
        let drains = self.tell(None, &mut None).await.unwrap_or_default().drains;
        self.is_leaving.store(drains, Ordering::Relaxed);
        drains
    }

    fn work(&self) -> MutexGuard<'_, Option<Work>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_work(&self, work: Option<Work>) -> StepProgress {
        let before = std::mem::replace(&mut *self.work(), work);
        self.news.notify_one();
        before.map(|work| work.progress).unwrap_or_default()
    }

    /// Does a step once. The verdict says what the engine is to be told.
    pub async fn attempt(
        &self,
        run: (&str, i64),
        step: &Step,
        cancel: &CancellationToken,
        signs: &impl Signs,
    ) -> (Option<Attempt>, Verdict) {
        let job = match patiently!(cancel, signs, self.catalogue.job(run.0)) {
            Ok(job) => job,
            Err(error) => return (None, Verdict::of_error(&error)),
        };
        if job.run != run.1 || job.state.is_over() {
            return (None, Verdict::of_error(&Error::Conflict(format!("run {} of job {} is over", run.1, run.0))));
        }
        if job.is_paused && matches!(step, Step::Plan | Step::Chunk { .. }) {
            return (None, Verdict::Again(Again::Paused));
        }
        if job.state == JobState::Queued
            && let Err(error) = patiently!(cancel, signs, self.catalogue.run_begins(run.0, run.1, &self.name))
        {
            return (None, Verdict::of_error(&error));
        }
        let name = step.to_string();
        let id = match patiently!(cancel, signs, self.catalogue.attempt_begins(run.0, run.1, &name, &self.name)) {
            Ok(id) => id,
            Err(error) => return (None, Verdict::of_error(&error)),
        };
        let counted = patiently!(cancel, signs, self.catalogue.failures(run.0, run.1, &name, &id));
        if let Ok((_, lost)) = counted
            && let Some(verdict) = verdict::of_losses(step, lost)
        {
            return (Some(Attempt::of(self, id, run, &job, step)), verdict);
        }
        let profiles = match patiently!(cancel, signs, profiles::of(&self.catalogue, &job.profile_versions)) {
            Ok(profiles) => profiles,
            Err(error) => return (None, Verdict::of_error(&error)),
        };
        let text = format!("{}: {step}", job.submission.title);
        // Copies get their names as a whole, or not at all.
        let cancel =
            &if matches!(step, Step::Publish { .. }) { CancellationToken::new() } else { cancel.child_token() };
        self.set_work(Some(Work {
            text,
            attempt: id.clone(),
            progress: StepProgress::default(),
            cancel: cancel.clone(),
        }));
        tracing::info!(job = run.0, run = run.1, %step, attempt = id, "begins");
        let mut attempt = Attempt::of(self, id, run, &job, step);
        attempt.request.profiles = profiles;
        let tell = |progress: &StepProgress| {
            if let Some(work) = &mut *self.work() {
                work.progress = progress.clone();
            }
        };
        let mut said = child::run(&self.config.worker, &attempt.request, cancel, signs, &tell).await;
        attempt.progress = self.set_work(None);
        if let Some(Said::Ended { planned, .. }) = &mut said {
            attempt.planned = planned.take();
        }
        let verdict = self.judge(&attempt, &job, said, cancel, signs).await;
        tracing::info!(job = run.0, run = run.1, %step, attempt = attempt.id, ?verdict, "ends");
        (Some(attempt), verdict)
    }

    /// What the engine is to be told of an attempt whose process has ended.
    async fn judge(
        &self,
        attempt: &Attempt,
        job: &Job,
        said: Option<Said>,
        cancel: &CancellationToken,
        signs: &impl Signs,
    ) -> Verdict {
        match said {
            None => Verdict::Cancelled,
            Some(Said::Ended { end, made, .. }) => {
                if let Some(made) = made {
                    let (outputs, report) = (&made.outputs, &made.report);
                    let register = async || {
                        if let Some(sha256) = &made.master {
                            self.catalogue.master_is_hashed(&job.id, sha256).await?;
                        }
                        self.catalogue.register(&job.id, job.run, outputs, report, &self.name).await
                    };
                    if let Err(error) = patiently!(cancel, signs, register()) {
                        return Verdict::of_error(&error);
                    }
                }
                Verdict::Done(end)
            }
            Some(Said::Failed { error, is_outside: true }) => Verdict::Again(Again::Waiting(Box::new(error))),
            Some(Said::Failed { error, is_outside: false }) => {
                let step = attempt.request.step.to_string();
                let counted = patiently!(cancel, signs, self.catalogue.failures(&job.id, job.run, &step, &attempt.id));
                let (failed, _) = counted.unwrap_or_default();
                verdict::of_failure(&self.config, &error, failed)
            }
            Some(Said::Progress { .. }) => Verdict::of_error(&Error::Bug("a step ended with progress".into())),
        }
    }

    /// Notes what the engine said to the end of an attempt. An attempt that was refused loses what it made.
    pub async fn settle(&self, attempt: &Attempt, verdict: &Verdict, is_accepted: bool) {
        let (outcome, error): (Outcome, Option<&ErrorDetail>) = match verdict {
            _ if !is_accepted => (Outcome::Fenced, None),
            Verdict::Done(StepEnd::Failed { error }) => (Outcome::Failed, Some(error)),
            Verdict::Done(_) => (Outcome::Done, None),
            Verdict::Again(Again::Failed(error)) => (Outcome::Failed, Some(error)),
            Verdict::Again(Again::Waiting(error)) => (Outcome::Waited, Some(error)),
            Verdict::Again(Again::Paused | Again::Leaving) | Verdict::Cancelled => (Outcome::Cancelled, None),
        };
        if !is_accepted {
            tracing::warn!(
                attempt = attempt.id,
                "the engine has given the step to another attempt: this one is discarded"
            );
            self.is_fenced.store(true, Ordering::Relaxed);
        }
        if !is_accepted || outcome != Outcome::Done {
            // Half of the copies, or copies that nobody will publish.
            let own = Folders::of(&attempt.request).staging(&attempt.id);
            let _ = in_thread(move || std::fs::remove_dir_all(own)).await;
        }
        let never = CancellationToken::new();
        if let Err(error) = patiently!(never, Silent, self.note(attempt, verdict, (outcome, error), is_accepted)) {
            tracing::error!(%error, attempt = attempt.id, "its end could not be noted");
        }
    }

    async fn note(
        &self,
        attempt: &Attempt,
        verdict: &Verdict,
        (outcome, error): (Outcome, Option<&ErrorDetail>),
        is_accepted: bool,
    ) -> Result<()> {
        let request = &attempt.request;
        self.catalogue.attempt_ends(&attempt.id, outcome, error, &attempt.progress).await?;
        let (catalogue, job, run, who) = (&self.catalogue, &request.job, request.run, &self.name);
        match verdict {
            _ if !is_accepted => Ok(()),
            Verdict::Done(StepEnd::Planned { chunks }) => {
                let (planned, master) = attempt.planned.as_ref().map(|(planned, master)| (planned, master)).unzip();
                if let Some(master) = master {
                    catalogue.master_is_planned(master, job).await?;
                }
                catalogue.run_is_planned(job, run, *chunks as i64, planned, who).await
            }
            Verdict::Done(StepEnd::Encoded) => catalogue.chunk_is_encoded(job, run, who).await,
            Verdict::Again(Again::Waiting(error)) => catalogue.run_waits(job, run, &error.message, who).await,
            _ => Ok(()),
        }
    }
}

/// Tells nobody.
struct Silent;

impl Signs for Silent {
    async fn beat(&self, _frames: i64) {}
}

/// For engines without records: does a step until it is done, fails for good, or is cancelled.
#[async_trait::async_trait]
impl crate::engine::memory::Doer for Arc<Worker> {
    async fn step(&self, run: &Run, step: Step, cancel: &CancellationToken) -> Option<StepEnd> {
        loop {
            let (attempt, verdict) = self.attempt((&run.job, run.run), &step, cancel, &Silent).await;
            if let Some(attempt) = &attempt {
                self.settle(attempt, &verdict, true).await;
            }
            match verdict {
                Verdict::Done(end) => return Some(end),
                Verdict::Cancelled => return None,
                Verdict::Again(again) => tokio::time::sleep(again.pause(&self.config)).await,
            }
        }
    }
}
