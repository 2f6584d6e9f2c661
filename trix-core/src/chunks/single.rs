//! Encodes one chunk, for programs that spread the chunks of a film over processes and machines.

use std::path::Path;

use trix_model::{
    control::cancel::Cancel,
    error::{Error, Result},
};

use super::{chunked::Chunked, key::share_index, process::source_of, state::Notes, store::Store, unit::Unit};
use crate::plan::{self, FrameRange, Plan};

/// What [`encode_chunk`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkDone {
    /// The frames of the chunk.
    pub range: FrameRange,
    /// False if the chunk was in the store already.
    pub is_new: bool,
}

/// Encodes chunk `number` (from 0) of a plan into the store in the folder `store`, for all encodes of video whose chunk is not
/// there. Equal calls give equal bytes, on every machine with the same encoders. Several can run at once, also in one store.
///
/// # Errors
/// `InvalidSpec` if the source has changed, or if the plan has no such chunk; those of decoding, filtering, encoding and writing, which
/// name the frames of the chunk; `Cancelled`.
pub fn encode_chunk(plan: &Plan, number: usize, store: &Path, cancel: &Cancel) -> Result<ChunkDone> {
    let source = source_of(plan, cancel)?;
    let kinds: Vec<_> = source.streams().iter().map(|facts| facts.kind).collect();
    let mistakes = plan::check::mistakes(plan, &kinds);
    if !mistakes.is_empty() {
        return Err(Error::of_mistakes(mistakes));
    }
    let chunked = Chunked::of(plan, Store::open(store)?)?;
    let range = chunked.range(number)?;
    Notes::list(&chunked.store, plan);
    let encodes = chunked.missing(number)?;
    if !encodes.is_empty() {
        share_index(&chunked.store, &source, plan)?;
        let unit = Unit { plan, range, encodes: &encodes, store: &chunked.store, attempt: 1 };
        unit.encode(source, cancel, &|_| ()).map_err(|error| error.and(&format!("in the chunk of frames {range}")))?;
    }
    Ok(ChunkDone { range, is_new: !encodes.is_empty() })
}
