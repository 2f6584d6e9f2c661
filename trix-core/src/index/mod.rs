//! Lists the frames of a source: their times, and where decoding can start.
//!
//! Invariant: an index matches a decode of the whole source, or states that it is not exact.

mod cache;
mod frames;
mod from_start;
mod known;
mod near;
mod saved;
mod scan;

use std::sync::Arc;

use trix_av::stream::StreamFacts;
use trix_model::{error::Result, time::Timestamp};

pub use self::{frames::FrameIndex, from_start::FromStart};
pub(crate) use self::{
    frames::{Begin, Coded},
    known::{Known, reach_known},
    scan::reach,
};
use crate::source::Source;

/// The index of the stream of `facts`, up to the frames presented at `until`, or of all frames if `until` is `None`.
///
/// # Errors
/// `Io` if the source cannot be read, `Cancelled`.
pub(crate) fn of(source: &Source, facts: &StreamFacts, until: Option<Timestamp>) -> Result<Arc<FrameIndex>> {
    if source.is_plain() {
        return Ok(Arc::new(FrameIndex::plain(facts.time_base)));
    }
    // Rounded up.
    let until = until.map(|until| until.rescale(facts.time_base).saturating_add(1));
    let key = source.key().map(|source| cache::Key { source, stream: facts.index });
    if let Some(index) = key.as_ref().and_then(|key| cache::find(key, until)) {
        return Ok(index);
    }
    let index = match scan::list(source, facts)? {
        Some(index) => index,
        None => scan::scan(source, facts, until)?,
    };
    Ok(kept(key, index))
}

/// The index of the stream of `facts` as bytes, for [`adopt`] in another process. `None` if it comes from a header.
///
/// # Errors
/// Those of [`of`].
pub(crate) fn saved(source: &Source, facts: &StreamFacts) -> Result<Option<Vec<u8>>> {
    Ok(saved::written(&*of(source, facts, None)?, facts.time_base))
}

/// Takes over an index that [`saved()`] made of the same source. Returns false if the bytes are not one of this stream.
pub(crate) fn adopt(source: &Source, facts: &StreamFacts, bytes: &[u8]) -> bool {
    let Some(key) = source.key().map(|source| cache::Key { source, stream: facts.index }) else { return false };
    let index = saved::read(bytes, facts.time_base).map(|index| kept(Some(key), index));
    index.is_some()
}

fn kept(key: Option<cache::Key>, index: FrameIndex) -> Arc<FrameIndex> {
    let index = Arc::new(index);
    if let Some(key) = key {
        cache::keep(key, &index);
    }
    index
}

/// Finds where decoding of the stream of `facts` must start to present frames from `start` on.
///
/// # Errors
/// Those of [`of`].
pub(crate) fn begin(source: &Source, facts: &StreamFacts, start: Timestamp) -> Result<SeekResult> {
    let index = of(source, facts, Some(start))?;
    begin_where(source, facts, &index, &|index| index.number_at(start))
}

/// Like [`begin`], but the frames before the start may be uncounted: where the container allows it, only packets near
/// `start` are read.
///
/// # Errors
/// Those of [`of`].
pub(crate) fn begin_near(source: &Source, facts: &StreamFacts, start: Timestamp) -> Result<SeekResult> {
    if source.is_plain() || !near::is_far(source, start) {
        return begin(source, facts, start);
    }
    if source.lists_packets(facts.index) {
        return match begin(source, facts, start)? {
            Ok(begin) => near::with_landing(source, facts, start, begin).map(Ok),
            found => Ok(found),
        };
    }
    match near::window(source, facts, start)? {
        Some(begin) => Ok(Ok(begin)),
        None => begin(source, facts, start),
    }
}

/// Finds where decoding must start for frame `number`, with an index of the stream.
///
/// # Errors
/// Those of [`of`].
pub(crate) fn begin_at(
    source: &Source,
    facts: &StreamFacts,
    index: &Arc<FrameIndex>,
    number: u64,
) -> Result<SeekResult> {
    begin_where(source, facts, index, &|_| number)
}

/// Finds where decoding must start for the frame that `number` finds in an index of the stream. If the index from the
/// header is wrong, another index takes its place.
fn begin_where(
    source: &Source,
    facts: &StreamFacts,
    index: &Arc<FrameIndex>,
    number: &dyn Fn(&FrameIndex) -> u64,
) -> Result<SeekResult> {
    // Maximum number of consecutive keyframes about which a header may be wrong.
    const WRONG: usize = 8;
    let mut index = Arc::clone(index);
    let key = || source.key().map(|source| cache::Key { source, stream: facts.index });
    for _ in 0..WRONG {
        let begin = match index.begin(number(&index)) {
            Ok(begin) if index.is_listed() && !index.is_verified(&begin) => begin,
            found => return Ok(found),
        };
        match scan::is_entry(source, facts, &begin)? {
            Some(true) => {
                index.verify(&begin);
                return Ok(Ok(begin));
            }
            Some(false) => index = kept(key(), index.without(&begin)),
            None => break,
        }
    }
    // The packets take precedence over the header.
    let index = kept(key(), scan::scan(source, facts, None)?);
    Ok(index.begin(number(&index)))
}

/// The position at which to start, or the reason to begin at the start of the stream.
pub(crate) type SeekResult = std::result::Result<Begin, FromStart>;

#[cfg(test)]
mod tests {
    use trix_fixtures::Clip;

    use super::*;
    use crate::settings::source::Reading;

    #[test]
    fn a_file_that_is_read_without_its_container_has_no_index_of_its_packets() {
        let file = Clip::default().encoded("-c:v ffv1", "mkv");
        let index = |reading: &Reading| {
            let source = Source::open_as(&file, reading).expect("a source");
            of(&source, source.video().expect("a stream"), None).expect("an index")
        };
        let whole = index(&Reading::default());
        assert_eq!((whole.len(), whole.trouble()), (30, None));
        let raw = "176x144:yuv420p:25".parse().expect("a geometry");
        let plain = index(&Reading { raw: Some(raw), ..Reading::default() });
        assert_eq!((plain.len(), plain.trouble()), (0, Some(FromStart::Plain)));
    }
}
