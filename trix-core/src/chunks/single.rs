//! Encodes one chunk, for programs that spread the chunks of a film over processes and machines.

use std::{cell::Cell, path::Path};

use trix_model::{
    control::cancel::Cancel,
    error::{Error, Result},
};

use super::{
    chunked::{ChunkPhase, Chunked},
    errors::in_chunk,
    key::share_index,
    process::source_of,
    setup::ChunkTask,
    state::Notes,
    store::Store,
    track::Sign,
    unit::Unit,
};
use crate::{
    plan::{self, FrameRange, Plan},
    source::Source,
};

/// What [`encode_chunk`] or [`measure_chunk`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkDone {
    /// The frames of the chunk.
    pub range: FrameRange,
    /// False if all that was asked for was in the store already.
    pub is_new: bool,
}

/// Encodes chunk `number` (from 0) of a plan into the store in the folder `store`, for all encodes of video whose chunk is not
/// there. Equal calls give equal bytes, on every machine with the same encoders. Several can run at once, also in one store.
///
/// Encodes with two passes need the first pass of all chunks before the second of any, and some chunks before all others. What is
/// missing of that is made here. [`measure_chunk`] makes the first pass of one chunk.
///
/// # Errors
/// `InvalidSpec` if the source has changed, or if the plan has no such chunk; those of decoding, filtering, encoding and writing, which
/// name the frames of the chunk; `Cancelled`.
pub fn encode_chunk(plan: &Plan, number: usize, store: &Path, cancel: &Cancel) -> Result<ChunkDone> {
    encode_chunk_telling(plan, number, store, cancel, &|_| ())
}

/// As [`encode_chunk`], and calls `tell` after each frame that was decoded and given to all encoders, with the number of such frames.
/// `tell` must return at once.
///
/// # Errors
/// As [`encode_chunk`].
pub fn encode_chunk_telling(
    plan: &Plan,
    number: usize,
    store: &Path,
    cancel: &Cancel,
    tell: &dyn Fn(u64),
) -> Result<ChunkDone> {
    let mut single = Single::open(plan, store, cancel, tell)?;
    let range = single.chunked.range(number)?;
    if single.chunked.has_first_pass() {
        single.make_all(ChunkPhase::FirstPass)?;
        single.chunked.allocate()?;
        while single.chunked.tasks(number, ChunkPhase::Chunks).len() < single.chunked.encodes() {
            single.make_all(ChunkPhase::Chunks)?;
            single.chunked.allocate_rest()?;
        }
    }
    let is_new = single.make(number, single.chunked.missing(number, ChunkPhase::Chunks)?)?;
    Ok(ChunkDone { range, is_new })
}

/// Makes the first of two passes of chunk `number` of a plan, for the encodes that have two. What it finds out is kept in the store
/// in the folder `store`. Several calls can run at once. Does nothing if no encode has two passes.
///
/// # Errors
/// As [`encode_chunk`].
pub fn measure_chunk(plan: &Plan, number: usize, store: &Path, cancel: &Cancel) -> Result<ChunkDone> {
    let single = Single::open(plan, store, cancel, &|_| ())?;
    let range = single.chunked.range(number)?;
    let is_new = single.make(number, single.chunked.missing(number, ChunkPhase::FirstPass)?)?;
    Ok(ChunkDone { range, is_new })
}

/// A plan of which one chunk is made.
struct Single<'a> {
    plan: &'a Plan,
    source: Source,
    chunked: Chunked,
    cancel: &'a Cancel,
    tell: &'a dyn Fn(u64),
    /// Frames that were decoded.
    frames: Cell<u64>,
}

impl<'a> Single<'a> {
    fn open(plan: &'a Plan, store: &Path, cancel: &'a Cancel, tell: &'a dyn Fn(u64)) -> Result<Self> {
        let source = source_of(plan, cancel)?;
        let kinds: Vec<_> = source.streams().iter().map(|facts| facts.kind).collect();
        let mistakes = plan::check::mistakes(plan, &kinds);
        if !mistakes.is_empty() {
            return Err(Error::of_mistakes(mistakes));
        }
        let chunked = Chunked::of(plan, Store::open(store)?)?;
        Notes::list(&chunked.store, plan);
        Ok(Single { plan, source, chunked, cancel, tell, frames: Cell::new(0) })
    }

    /// Makes what encodes with two passes need of all chunks before the second pass of others.
    fn make_all(&self, phase: ChunkPhase) -> Result<()> {
        for number in 0..self.chunked.ranges.len() {
            let mut missing = self.chunked.missing(number, phase)?;
            missing.retain(|task| task.first_pass.is_some());
            self.make(number, missing)?;
        }
        Ok(())
    }

    /// Makes what is missing of a chunk. Returns false if nothing is.
    fn make(&self, number: usize, missing: Vec<ChunkTask>) -> Result<bool> {
        if missing.is_empty() {
            return Ok(false);
        }
        let Single { plan, source, chunked, cancel, tell, frames } = self;
        let range = chunked.range(number)?;
        share_index(&chunked.store, source, plan)?;
        let unit = Unit { plan, range, tasks: &missing, store: &chunked.store, attempt: 1 };
        let sign = |sign| {
            if sign == Sign::Frame {
                frames.set(frames.get() + 1);
                tell(frames.get());
            }
        };
        unit.encode(source.again(cancel)?, cancel, &sign).map_err(|error| in_chunk(error, range))?;
        Ok(true)
    }
}
