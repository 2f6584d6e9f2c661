//! The chunks of a plan, and which of them a store lacks.
//!
//! Invariant: a chunk that is in the store is not encoded again. A chunk that was damaged there is.

use trix_model::error::{Error, ErrorKind, Result, Stage};

use super::{
    key::KeyMaker,
    store::{ChunkKey, Store},
};
use crate::plan::{EncodeId, EncodePlan, FrameRange, Plan};

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
    pub(crate) fn of(plan: &Plan, store: Store) -> Result<Self> {
        let ranges = plan.chunks.as_ref().map(|chunks| chunks.ranges.as_slice()).unwrap_or_default();
        let is_video = |(_, encode): &(usize, &EncodePlan)| encode.video().is_some();
        let ids = plan.encodes.iter().enumerate().filter(is_video).map(|(number, _)| EncodeId(number));
        let keys = |id: EncodeId| {
            let maker = KeyMaker::new(plan, id)?;
            Ok((id, ranges.iter().map(|range| maker.key(*range)).collect()))
        };
        let encodes = ids.map(keys).collect::<Result<_>>()?;
        Ok(Chunked { store, encodes, ranges: ranges.to_vec() })
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

    /// The encodes, with the key of chunk `number` of each.
    pub(super) fn named(&self, number: usize) -> impl Iterator<Item = (EncodeId, ChunkKey)> {
        self.encodes.iter().filter_map(move |(id, keys)| Some((*id, keys.get(number)?.clone())))
    }

    /// The encodes that lack chunk `number`, with its key. A chunk that is not what was written is removed, and counts as missing.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn missing(&self, number: usize) -> Result<Vec<(EncodeId, ChunkKey)>> {
        let mut missing = Vec::new();
        for (id, key) in self.named(number) {
            let has = self.store.has(&key);
            let is_broken = has.as_ref().is_err_and(|error| error.kind() == ErrorKind::MalformedInput);
            if is_broken {
                self.store.remove(&key)?;
            }
            if is_broken || !has? {
                missing.push((id, key));
            }
        }
        Ok(missing)
    }
}
