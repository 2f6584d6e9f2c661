//! Encodes the chunks that a store lacks, several at a time.
//!
//! Invariant: a chunk that fails is tried again as often as the caller says. Then the units that run are let to their end, so that
//! their chunks are kept, and no other is begun.

use std::{
    cmp::Reverse,
    ffi::OsString,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use trix_model::{
    control::cancel::Cancel,
    error::{Error, ErrorKind, Result, Stage},
};

use super::{
    beat::{Beat, stalled},
    chunked::{ChunkPhase, Chunked},
    errors::in_chunk,
    key::share_index,
    process::Process,
    setup::ChunkTask,
    track::Sign,
    unit::Unit,
};
use crate::{
    plan::{EncodeId, FrameRange, Plan},
    pool::text_of_panic,
    source::Source,
};

/// What is told while chunks are encoded. Several threads call.
pub(crate) trait OnChunks: Send + Sync {
    /// A chunk was found in the store.
    fn kept(&self, range: FrameRange);
    /// A unit has encoded one more frame of the source for some encodes.
    fn frame(&self, tasks: &[ChunkTask]);
    /// A unit that had encoded so many frames has failed, and is tried again.
    fn retried(&self, range: FrameRange, tasks: &[ChunkTask], frames: u64, error: &Error);
}

/// How units run.
pub(crate) struct UnitSettings {
    /// The most that run at the same time.
    pub(crate) most: usize,
    /// The encodes of each unit of a chunk.
    pub(crate) groups: Vec<Vec<EncodeId>>,
    /// How often one that failed is tried again.
    pub(crate) retries: u32,
    /// One that makes no frame for this time has failed.
    pub(crate) patience: Duration,
    /// Runs each in a process of its own.
    pub(crate) program: Option<Vec<OsString>>,
}

/// Threads that encode the chunks which a store lacks.
pub(crate) struct Units {
    pub(crate) threads: Vec<JoinHandle<()>>,
    work: Arc<Work>,
}

/// A chunk that some encodes lack.
struct Pending {
    chunk: usize,
    range: FrameRange,
    tasks: Vec<ChunkTask>,
}

/// What all of the threads share.
struct Work {
    plan: Plan,
    chunked: Chunked,
    settings: UnitSettings,
    /// Those with the most frames of all encodes first, so that no core waits long for the last one.
    pending: Vec<Pending>,
    /// Each unit opens the source once more.
    source: Mutex<Source>,
    /// Number of units that were begun.
    next: AtomicUsize,
    /// The units that run.
    beats: Mutex<Vec<Arc<Beat>>>,
    failed: Mutex<Option<Error>>,
    /// Ends all units.
    cancel: Cancel,
    on: Box<dyn OnChunks>,
}

impl Units {
    /// Makes what is missing of the chunks of `plan` after `phase`.
    ///
    /// # Errors
    /// `Io` if the store cannot be read, or no thread can be started; `Cancelled`.
    pub(crate) fn start(
        plan: &Plan,
        (chunked, phase): (&Chunked, ChunkPhase),
        source: Source,
        settings: UnitSettings,
        cancel: &Cancel,
        on: Box<dyn OnChunks>,
    ) -> Result<Self> {
        let mut pending = Vec::new();
        for (chunk, range) in chunked.ranges.iter().copied().enumerate() {
            if cancel.is_cancelled() {
                return Err(Error::cancelled(Stage::Encode));
            }
            let missing = chunked.missing(chunk, phase)?;
            if missing.is_empty() {
                on.kept(range);
            }
            for group in &settings.groups {
                let tasks: Vec<_> = missing.iter().filter(|task| group.contains(&task.id)).cloned().collect();
                if !tasks.is_empty() {
                    pending.push(Pending { chunk, range, tasks });
                }
            }
        }
        if settings.program.is_some() && !pending.is_empty() {
            share_index(&chunked.store, &source, plan)?;
        }
        pending.sort_by_key(|own| Reverse(own.range.frames() * own.tasks.len() as u64));
        let count = settings.most.max(1).min(pending.len());
        let (next, beats, failed, source) =
            (AtomicUsize::new(0), Mutex::default(), Mutex::default(), Mutex::new(source));
        let (plan, chunked, cancel) = (plan.clone(), chunked.clone(), cancel.child());
        let work = Arc::new(Work { plan, chunked, settings, pending, source, next, beats, failed, cancel, on });
        let mut threads = Vec::new();
        for number in 0..count {
            let own = Arc::clone(&work);
            let started = thread::Builder::new().name(format!("trix-unit-{number}")).spawn(move || own.run());
            threads.push(started.map_err(|error| {
                work.cancel.cancel();
                let detail = format!("a thread cannot be started: {error}");
                Error::new(ErrorKind::Io, Stage::Encode, detail).caused_by(error)
            })?);
        }
        Ok(Units { threads, work })
    }

    /// True if all threads have ended.
    pub(crate) fn are_over(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Cancels the units that make no frame. Returns the error of one that does not end although it was cancelled `grace` ago: it
    /// hangs inside a codec.
    pub(crate) fn hanging(&self, grace: Duration) -> Option<Error> {
        let patience = self.work.settings.patience;
        for beat in lock(&self.work.beats).iter() {
            let since = beat.since();
            if since >= patience {
                beat.stall();
            }
            if since >= patience + grace {
                return Some(in_chunk(stalled(patience), beat.range));
            }
        }
        None
    }

    /// The error that ended the units, if there was one.
    pub(crate) fn failure(&self) -> Option<Error> {
        lock(&self.work.failed).take()
    }
}

impl Drop for Units {
    fn drop(&mut self) {
        self.work.cancel.cancel();
    }
}

impl Work {
    /// Encodes one chunk after the other, until none is left or one fails.
    fn run(&self) {
        while let Some(pending) = self.pending.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = self.encode(pending) {
                self.next.store(self.pending.len(), Ordering::Relaxed);
                let mut failed = lock(&self.failed);
                // A unit that is cancelled says less than one that failed.
                if failed.as_ref().is_none_or(|known| known.kind() == ErrorKind::Cancelled) {
                    *failed = Some(error);
                }
                return;
            }
        }
    }

    /// Encodes a chunk, with as many attempts as the caller allows.
    fn encode(&self, pending: &Pending) -> Result<()> {
        let mut attempt = 1;
        loop {
            let frames = AtomicUsize::new(0);
            let error = match self.attempt(pending, attempt, &frames) {
                Err(error) if error.kind() != ErrorKind::Cancelled => in_chunk(error, pending.range),
                result => return result,
            };
            if attempt > self.settings.retries || !is_worth_a_retry(error.kind()) {
                return Err(error);
            }
            self.on.retried(pending.range, &pending.tasks, frames.into_inner() as u64, &error);
            attempt += 1;
        }
    }

    /// Encodes a chunk once, in this process or in one of its own.
    fn attempt(&self, pending: &Pending, attempt: u32, frames: &AtomicUsize) -> Result<()> {
        let Pending { chunk, range, tasks } = pending;
        let beat = Arc::new(Beat::new(*range, &self.cancel));
        lock(&self.beats).push(Arc::clone(&beat));
        let tell = |sign| {
            beat.sign();
            if sign == Sign::Frame {
                frames.fetch_add(1, Ordering::Relaxed);
                self.on.frame(tasks);
            }
        };
        let (plan, store, range) = (&self.plan, &self.chunked.store, *range);
        let work = || match &self.settings.program {
            Some(program) => {
                let encodes = tasks.iter().map(|task| (task.id, task.setup)).collect();
                Process { program, plan, store, chunk: *chunk, encodes, attempt }.run(&beat.cancel, &tell)
            }
            None => {
                // The other units wait for the lock no longer than that.
                let source = lock(&self.source).again(&beat.cancel);
                let unit = Unit { plan, range, tasks, store, attempt };
                source.and_then(|source| unit.encode(source, &beat.cancel, &tell))
            }
        };
        let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
            let detail = format!("the encode of a chunk panicked: {}", text_of_panic(panic.as_ref()));
            Err(Error::bug(Stage::Encode, detail))
        });
        lock(&self.beats).retain(|own| !Arc::ptr_eq(own, &beat));
        result.map_err(|error| beat.cause(error, self.settings.patience))
    }
}

/// True if another attempt can end differently: the source and the job are the same then.
fn is_worth_a_retry(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Codec | ErrorKind::Io | ErrorKind::Bug)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
