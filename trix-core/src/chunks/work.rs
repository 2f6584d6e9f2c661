//! Encodes the chunks that a store lacks, several at a time.
//!
//! Invariant: a chunk that is in the store is not encoded again. A chunk that was damaged there is.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use trix_model::{
    control::cancel::Cancel,
    error::{Error, ErrorKind, Result, Stage},
};

use super::{
    key::KeyMaker,
    store::{ChunkKey, Store},
    unit::Unit,
};
use crate::{
    plan::{EncodeId, EncodePlan, FrameRange, Plan},
    source::Source,
};

/// The chunks of a plan, and where they are kept.
#[derive(Clone)]
pub(crate) struct Chunked {
    pub(crate) store: Store,
    /// The encodes of video, each with the keys of its chunks in the order of the ranges.
    pub(crate) encodes: Vec<(EncodeId, Vec<ChunkKey>)>,
    pub(crate) ranges: Vec<FrameRange>,
}

impl Chunked {
    /// The chunks of all encodes of video of `plan`, in `store`.
    ///
    /// # Errors
    /// `Bug` if the plan contradicts itself.
    pub(crate) fn of(plan: &Plan, ranges: &[FrameRange], store: Store) -> Result<Self> {
        let is_video = |(_, encode): &(usize, &EncodePlan)| encode.video().is_some();
        let ids = plan.encodes.iter().enumerate().filter(is_video).map(|(number, _)| EncodeId(number));
        let keys = |id: EncodeId| {
            let maker = KeyMaker::new(plan, id)?;
            Ok((id, ranges.iter().map(|range| maker.key(*range)).collect()))
        };
        let encodes = ids.map(keys).collect::<Result<_>>()?;
        Ok(Chunked { store, encodes, ranges: ranges.to_vec() })
    }

    /// The encodes that lack chunk `number`, with its name. A chunk that is not what was written is removed, and counts as missing.
    fn missing(&self, number: usize) -> Result<Vec<(EncodeId, ChunkKey)>> {
        let mut missing = Vec::new();
        for (id, keys) in &self.encodes {
            let key = &keys[number];
            let has = self.store.has(key);
            let is_broken = has.as_ref().is_err_and(|error| error.kind() == ErrorKind::MalformedInput);
            if is_broken {
                self.store.remove(key)?;
            }
            if is_broken || !has? {
                missing.push((*id, key.clone()));
            }
        }
        Ok(missing)
    }
}

/// What is told while chunks are encoded. Several threads call.
pub(crate) trait OnChunks: Send + Sync {
    /// A chunk was found in the store.
    fn kept(&self, range: FrameRange);
    /// A unit has encoded one more frame of the source.
    fn frame(&self);
}

/// Threads that encode the chunks which a store lacks.
pub(crate) struct Units {
    pub(crate) threads: Vec<JoinHandle<()>>,
    work: Arc<Work>,
}

/// What all of the threads share.
struct Work {
    plan: Plan,
    chunked: Chunked,
    /// The frames of each chunk, and the encodes that lack it.
    pending: Vec<(FrameRange, Vec<(EncodeId, ChunkKey)>)>,
    /// Each unit opens the source once more.
    source: Mutex<Source>,
    /// Number of units that were begun.
    next: AtomicUsize,
    failed: Mutex<Option<Error>>,
    /// Ends all units.
    cancel: Cancel,
    on: Box<dyn OnChunks>,
}

impl Units {
    /// Encodes the chunks of `plan` that are missing, `most` at a time.
    ///
    /// # Errors
    /// `Io` if the store cannot be read, or no thread can be started; `Cancelled`.
    pub(crate) fn start(
        plan: &Plan,
        chunked: &Chunked,
        source: Source,
        most: usize,
        cancel: &Cancel,
        on: Box<dyn OnChunks>,
    ) -> Result<Self> {
        let mut pending = Vec::new();
        for (number, range) in chunked.ranges.iter().enumerate() {
            if cancel.is_cancelled() {
                return Err(Error::cancelled(Stage::Encode));
            }
            let missing = chunked.missing(number)?;
            match missing.is_empty() {
                true => on.kept(*range),
                false => pending.push((*range, missing)),
            }
        }
        let count = most.max(1).min(pending.len());
        let (next, failed, source) = (AtomicUsize::new(0), Mutex::default(), Mutex::new(source));
        let (plan, chunked, cancel) = (plan.clone(), chunked.clone(), cancel.child());
        let work = Arc::new(Work { plan, chunked, pending, source, next, failed, cancel, on });
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

    /// The error that ended the units, if there was one.
    pub(crate) fn failure(&self) -> Option<Error> {
        lock(&self.work.failed).take()
    }
}

impl Work {
    /// Encodes one chunk after the other, until none is left or one fails.
    fn run(&self) {
        while let Some((range, encodes)) = self.pending.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = self.encode(*range, encodes) {
                self.next.store(self.pending.len(), Ordering::Relaxed);
                let mut failed = lock(&self.failed);
                // Units that are cancelled because of this one fail later, and say less.
                if failed.as_ref().is_none_or(|known| known.kind() == ErrorKind::Cancelled) {
                    *failed = Some(error);
                }
                self.cancel.cancel();
                return;
            }
        }
    }

    /// Encodes one chunk for some encodes.
    fn encode(&self, range: FrameRange, encodes: &[(EncodeId, ChunkKey)]) -> Result<()> {
        let source = lock(&self.source).again(&self.cancel)?;
        let unit = Unit { plan: &self.plan, range, encodes, store: &self.chunked.store };
        unit.encode(source, &self.cancel, &|| self.on.frame()).map_err(|error| match error.kind() {
            ErrorKind::Cancelled => error,
            _ => error.and(&format!("in the chunk of frames {range}")),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
