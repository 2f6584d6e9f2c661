//! Lets a caller follow a job and cancel it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use trix_model::{
    control::{
        cancel::Cancel,
        events::{self, Event, EventReceiver, EventSender},
        progress::Progress,
    },
    error::{Result, Stage},
};

use crate::{chunks::ChunkControl, quality::Metric};

/// Lets a caller follow a job and cancel it.
#[derive(Clone, Default)]
pub struct Control {
    /// Cancelling this makes the job end with an error of kind `Cancelled`, within 200 ms.
    pub cancel: Cancel,
    /// Called five times a second, on a thread of its own. While it runs, the job goes on; of the progress that comes
    /// meanwhile, it gets the last one. Each phase of the job (reading, verification) ends after the callback has returned
    /// from its last progress. A cancelled job does not wait for it.
    pub progress: Option<OnProgress>,
    /// Receives what happens in the job. [`Self::with_events`] makes it.
    pub events: Option<EventSender>,
    /// Makes the folders of outputs that are missing, after the job was found to be sound. Otherwise a missing folder is an
    /// error.
    pub make_folders: bool,
    /// How the chunks of a film are encoded.
    pub chunks: ChunkControl,
    /// What verification in full measures. Nothing stands for PSNR and SSIM.
    pub metrics: Vec<Metric>,
    /// The threads that were left running by jobs with this control.
    pub stages: Stages,
}

/// The callback that receives each [`Progress`].
pub type OnProgress = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Time between two calls of [`Control::progress`].
pub(super) const TICK: Duration = Duration::from_millis(200);

/// Time between two checks of whether a thread has ended.
const WAIT: Duration = Duration::from_millis(5);

impl Control {
    /// A control, and the events of the jobs that run with it.
    ///
    /// A reader that is slow, or that does not read at all, delays nothing: see [`events`].
    pub fn with_events() -> (Self, EventReceiver) {
        let (sender, receiver) = events::channel();
        (Control { events: Some(sender), ..Control::default() }, receiver)
    }

    /// What verification in full measures.
    pub(super) fn measured(&self) -> &[Metric] {
        if self.metrics.is_empty() { &Metric::DEFAULT } else { &self.metrics }
    }

    /// Number of threads that jobs with this control left running. A job leaves a thread only if it was cancelled while
    /// the thread was inside a long call into a codec. The thread ends when that call returns.
    pub fn stages_left(&self) -> usize {
        self.stages.left()
    }

    /// Waits until no thread is left running, but not longer than `timeout`. Returns false if the time is over and a
    /// thread is left. Call it before the process ends, or before the source is changed.
    pub fn wait_for_stages(&self, timeout: Duration) -> bool {
        self.stages.wait(timeout)
    }

    /// Sends an event, if someone wants events.
    pub(super) fn emit(&self, event: impl FnOnce() -> Event) {
        if let Some(events) = &self.events {
            events.send(event());
        }
    }

    /// Sends the event that a stage begins, which reads the source once.
    pub(super) fn began(&self, stage: Stage) {
        self.emit(|| Event::StageBegan { stage, pass: 1, passes: 1 });
    }

    /// Runs a whole job, and sends how it ended.
    pub(super) fn to_end<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let result = work();
        self.emit(|| Event::JobEnded { error: result.as_ref().err().map(Into::into) });
        result
    }
}

/// Threads of stages that were left running when their job ended.
#[derive(Clone, Default)]
pub struct Stages(Arc<Mutex<Vec<JoinHandle<()>>>>);

impl Stages {
    fn lock(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over the threads of a job that does not wait for them.
    pub(super) fn leave(&self, threads: Vec<JoinHandle<()>>) {
        self.lock().extend(threads);
    }

    /// Joins the threads that have ended, and returns the number of the others.
    fn left(&self) -> usize {
        let mut threads = self.lock();
        join(threads.extract_if(.., |thread| thread.is_finished()));
        threads.len()
    }

    fn wait(&self, timeout: Duration) -> bool {
        let began = Instant::now();
        while self.left() > 0 {
            let rest = timeout.saturating_sub(began.elapsed());
            if rest.is_zero() {
                return false;
            }
            thread::sleep(rest.min(WAIT));
        }
        true
    }
}

/// Waits for the end of each thread.
pub(super) fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        // A stage catches its own panics and reports them as errors.
        let _ = thread.join();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_thread_that_was_left_is_counted_until_it_ends() {
        let control = Control::default();
        let (let_go, held) = mpsc::channel::<()>();
        let hanging = thread::spawn(move || held.recv().unwrap_or_default());
        let ended = thread::spawn(|| ());
        control.stages.leave(vec![hanging, ended]);
        let other = control.clone();
        let began = Instant::now();
        assert!(!other.wait_for_stages(Duration::from_millis(60)));
        assert!(began.elapsed() >= Duration::from_millis(60));
        assert_eq!(control.stages_left(), 1);
        let waiting = thread::spawn(move || (other.wait_for_stages(Duration::from_secs(60)), other.stages_left()));
        drop(let_go);
        assert_eq!(waiting.join().unwrap(), (true, 0));
        assert!(control.wait_for_stages(Duration::ZERO));
    }
}
