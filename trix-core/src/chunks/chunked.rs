//! The chunks of a plan, and which of them a store lacks.
//!
//! Invariant: a chunk that is in the store is not encoded again. A chunk that was damaged there is.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use trix_model::error::{Error, ErrorKind, Result, Stage};

use super::{
    chunked_encode::ChunkedEncode,
    first_pass,
    key::KeyMaker,
    setup::{ChunkTask, Setup},
    store::{ChunkKey, Store},
};
use crate::plan::{EncodeId, FrameRange, Plan};

/// The chunks of a plan, and where they are kept.
#[derive(Clone)]
pub(crate) struct Chunked {
    pub(crate) store: Store,
    encodes: Vec<ChunkedEncode>,
    pub(crate) ranges: Vec<FrameRange>,
    /// The entries that were found to be whole.
    whole: Arc<Mutex<BTreeSet<ChunkKey>>>,
}

/// What is made of all chunks, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChunkPhase {
    /// The first of two passes, for the encodes that have two.
    FirstPass,
    /// The chunks.
    Chunks,
}

impl Chunked {
    /// The chunks of all encodes of video of `plan`, in `store`.
    ///
    /// # Errors
    /// `Bug` if the plan contradicts itself.
    pub(crate) fn of(plan: &Plan, store: Store) -> Result<Self> {
        let ranges = plan.chunks.as_ref().map(|chunks| chunks.ranges.clone()).unwrap_or_default();
        let own =
            plan.encodes.iter().enumerate().filter_map(|(number, encode)| Some((EncodeId(number), encode.video()?)));
        let encodes = own.map(|(id, own)| ChunkedEncode::new(id, own, KeyMaker::new(plan, id)?, ranges.len()));
        let encodes = encodes.collect::<Result<_>>()?;
        Ok(Chunked { store, encodes, ranges, whole: Arc::default() })
    }

    /// Number of encodes.
    pub(crate) fn encodes(&self) -> usize {
        self.encodes.len()
    }

    /// The frames of chunk `number`.
    ///
    /// # Errors
    /// `InvalidSpec` if there is no such chunk.
    pub(super) fn range(&self, number: usize) -> Result<FrameRange> {
        let missing = || {
            let detail = format!("the plan has no chunk {number}; it has {}", self.ranges.len());
            Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail)
        };
        self.ranges.get(number).copied().ok_or_else(missing)
    }

    /// The keys of the chunks of encode `id`, in the order of the ranges.
    ///
    /// # Errors
    /// `Bug` if there is no such encode, or if not all of its chunks are known.
    pub(crate) fn keys(&self, id: EncodeId) -> Result<Vec<ChunkKey>> {
        let own = self.encodes.iter().find(|own| own.id == id);
        let key = |own: &ChunkedEncode, number: usize| {
            Some(own.key(number, *self.ranges.get(number)?, (*own.setups.get(number)?)?))
        };
        let keys = own.and_then(|own| (0..self.ranges.len()).map(|number| key(own, number)).collect());
        keys.ok_or_else(|| Error::bug(Stage::Plan, format!("encode {id} has no chunks")))
    }

    /// What has to be there of chunk `number` after a phase.
    pub(super) fn tasks(&self, number: usize, phase: ChunkPhase) -> Vec<ChunkTask> {
        let Some(range) = self.ranges.get(number) else { return Vec::new() };
        let setup = |own: &ChunkedEncode| match phase {
            ChunkPhase::FirstPass => own.wanted.map(|_| Setup::first_pass()),
            ChunkPhase::Chunks => own.setups.get(number).copied().flatten(),
        };
        self.encodes.iter().filter_map(|own| Some(own.task(number, *range, setup(own)?))).collect()
    }

    /// The task of encode `id` for the frames of chunk `number`.
    pub(super) fn task(&self, number: usize, id: EncodeId, setup: Setup) -> Option<ChunkTask> {
        let range = self.ranges.get(number)?;
        self.encodes.iter().find(|own| own.id == id).map(|own| own.task(number, *range, setup))
    }

    /// What is missing of chunk `number` after a phase. A chunk that is not what was written counts as missing: the one that is made
    /// takes its place.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn missing(&self, number: usize, phase: ChunkPhase) -> Result<Vec<ChunkTask>> {
        let mut missing = Vec::new();
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        let tasks = self.tasks(number, phase);
        for task in &tasks {
            if whole.contains(&task.key) {
                continue;
            }
            let has = match phase {
                ChunkPhase::FirstPass => Ok(first_pass::is_kept(&task.key, &self.store)),
                ChunkPhase::Chunks => self.store.has(&task.key),
            };
            match has {
                Ok(true) => _ = whole.insert(task.key.clone()),
                Ok(false) => missing.push(task.id),
                Err(error) if error.kind() == ErrorKind::MalformedInput => missing.push(task.id),
                Err(error) => return Err(error),
            }
        }
        // Encodes that share an analysis are made together.
        let lead = |id: EncodeId| self.encodes.iter().find(|own| own.id == id).map(|own| own.lead);
        let leads: BTreeSet<_> = missing.into_iter().map(lead).collect();
        Ok(tasks.into_iter().filter(|task| leads.contains(&lead(task.id))).collect())
    }

    /// True if encodes have two passes.
    pub(crate) fn has_first_pass(&self) -> bool {
        self.encodes.iter().any(|own| own.wanted.is_some())
    }

    /// Divides the bits of encodes with two passes among their chunks. Those that show how exactly the encoder keeps to its bit rate
    /// come first.
    ///
    /// # Errors
    /// `MalformedInput` if the first pass of a chunk is missing, or not what was written.
    pub(crate) fn allocate(&mut self) -> Result<()> {
        for own in self.encodes.iter_mut().filter(|own| own.wanted.is_some()) {
            own.allocate(&self.ranges, &self.store)?;
        }
        Ok(())
    }

    /// Divides the bits that are left of encodes with two passes, when the chunks of a round are there. Returns true if chunks have to be
    /// encoded now that had to wait.
    ///
    /// # Errors
    /// `MalformedInput` if a chunk is missing, or not what was written; `Io`.
    pub(crate) fn allocate_rest(&mut self) -> Result<bool> {
        let mut is_new = false;
        for own in self.encodes.iter_mut().filter(|own| own.setups.contains(&None)) {
            own.allocate_rest(&self.ranges, &self.store)?;
            is_new = true;
        }
        Ok(is_new)
    }

    /// Corrects the bit rate of encodes with two passes, when all of their chunks are there. Returns true if some have to be encoded again.
    ///
    /// # Errors
    /// As [`Chunked::allocate_rest`].
    pub(crate) fn correct_rates(&mut self) -> Result<bool> {
        let mut is_new = false;
        for own in &mut self.encodes {
            is_new |= own.correct(&self.ranges, &self.store)?;
        }
        Ok(is_new)
    }

    /// Finds chunks for which the buffer of a decoder is too empty. Returns true if some have to be encoded for the buffer as it is.
    ///
    /// # Errors
    /// As [`Chunked::allocate_rest`].
    pub(crate) fn settle_buffers(&mut self) -> Result<bool> {
        let mut is_lacking = false;
        // What followers become depends on how their lead is set up.
        let (leads, followers): (Vec<_>, Vec<_>) = self.encodes.iter_mut().partition(|own| own.lead == own.id);
        let mut settled = BTreeMap::new();
        for own in leads {
            is_lacking |= own.settle_buffer(&self.ranges, &self.store)?;
            settled.insert(own.id, own.setups.clone());
        }
        for own in followers {
            own.lead_setups = settled.get(&own.lead).cloned().unwrap_or_default();
            is_lacking |= own.settle_buffer(&self.ranges, &self.store)?;
        }
        Ok(is_lacking)
    }

    /// True if some chunks depend on what others became.
    pub(crate) fn is_settled_by_rounds(&self) -> bool {
        self.encodes.iter().any(|own| own.wanted.is_some() || own.buffer.is_some())
    }

    /// The chunks of which the buffer of a decoder comes short, although they were encoded for it.
    pub(crate) fn short_of_buffer(&self) -> impl Iterator<Item = (EncodeId, FrameRange)> {
        self.encodes.iter().flat_map(|own| own.short.iter().map(|range| (own.id, *range)))
    }
}
