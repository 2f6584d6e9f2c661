//! Where every frame of a source stands: what makes it possible to begin in mid-stream.
//!
//! Invariant: what an index says is what a decode of the whole source finds, or it says that it cannot tell.

mod cache;
mod frames;
mod scan;

use std::sync::Arc;

use trix_av::stream::StreamFacts;
use trix_model::{error::Result, time::Timestamp};

pub(crate) use self::frames::{Begin, Coded};
pub use self::frames::{FrameIndex, FromStart};
use crate::source::Source;

/// The frames of the stream of `facts`, up to those that are shown at `until`; `None`: all.
///
/// # Errors
/// `Io` when the source cannot be read, `Cancelled`.
pub(crate) fn of(source: &Source, facts: &StreamFacts, until: Option<Timestamp>) -> Result<Arc<FrameIndex>> {
    // Rounded up.
    let until = until.map(|until| until.rescale(facts.time_base).saturating_add(1));
    let key = source.identity().map(|source| cache::Key { source, stream: facts.index });
    if let Some(index) = key.as_ref().and_then(|key| cache::find(key, until)) {
        return Ok(index);
    }
    if source.is_plain() {
        return Ok(Arc::new(FrameIndex::plain(facts.time_base)));
    }
    let index = Arc::new(scan::scan(source, facts, until)?);
    if let Some(key) = key {
        cache::keep(key, &index);
    }
    Ok(index)
}

/// Where decoding of the stream of `facts` has to begin for what is shown from `start` on.
///
/// # Errors
/// As [`of`].
pub(crate) fn begin(
    source: &Source,
    facts: &StreamFacts,
    start: Timestamp,
) -> Result<std::result::Result<Begin, FromStart>> {
    let index = of(source, facts, Some(start))?;
    Ok(index.begin(index.number_at(start)))
}
