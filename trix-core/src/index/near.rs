//! Finds where decoding must start in the middle of a long source, without reading everything before.
//!
//! Invariant: the index of the whole stream would allow the same start. If the packets near it do not prove that, no
//! start is returned.

use std::sync::Arc;

use trix_av::stream::StreamFacts;
use trix_model::{
    error::Result,
    time::{TimeBase, Timestamp},
};

use super::{
    frames::{Begin, FrameIndex, Landing},
    scan::{self, Walk},
};
use crate::source::Source;

/// Minimum distance of a cut from the start of the source for a seek. For a nearer cut, reading from the start costs
/// little, and it counts the frames.
const FAR: Timestamp = seconds(30);

/// Seconds before the cut at which reading starts. The first value covers audio that is interleaved earlier than its
/// frames. The others are for long GOPs. Only [`window`] uses them: for transport streams, and for codecs whose packets a
/// header does not list.
const LEADS: [i64; 4] = [4, 16, 30, 64];

const fn seconds(count: i64) -> Timestamp {
    Timestamp::new(count, TimeBase::new(1, 1))
}

fn before(time: Timestamp, by: Timestamp) -> Timestamp {
    time.plus(Timestamp::new(by.ticks.saturating_neg(), by.base))
}

/// True if `start` is so far from the start of `source` that the source is read from mid-file.
pub(super) fn is_far(source: &Source, start: Timestamp) -> bool {
    before(start, FAR) > first(source)
}

/// The start of `source`.
fn first(source: &Source) -> Timestamp {
    Timestamp::new(source.start().unwrap_or(0), TimeBase::new(1, 1_000_000))
}

/// Returns the start of a decode for frames from `start` on, found among the packets shortly before.
///
/// # Errors
/// `Io` if the source cannot be read, `Cancelled`.
pub(super) fn window(source: &Source, facts: &StreamFacts, start: Timestamp) -> Result<Option<Begin>> {
    let until = start.rescale(facts.time_base).saturating_add(1);
    let Some(way) = source.way(facts.index, start)?.map(Arc::new) else { return Ok(None) };
    for lead in LEADS {
        let from = before(start, seconds(lead));
        if from <= first(source) {
            break;
        }
        let landing = Landing { way: Arc::clone(&way), ticks: from.rescale(facts.time_base) };
        let Some(mut entries) = scan::entries_from_start(source, facts)? else { break };
        let Some(mut landed) = source.landed(facts.index, &way, landing.ticks)? else { break };
        landed.keep_only(facts.index);
        let Walk { packets, until, trouble } = scan::walk(&mut landed, facts, &mut entries, Some(until))?;
        let is_early = packets.first().and_then(|first| first.dts.or(first.pts)).is_some_and(|at| at <= landing.ticks);
        if trouble.is_some() || !entries.are_known() || !is_early {
            break;
        }
        let index = Arc::new(FrameIndex::window(facts.time_base, packets, until));
        if index.trouble().is_some() {
            break;
        }
        // `begin` never returns the first entry, so the GOP before the decoded one was seen too.
        if let Ok(begin) = index.begin(index.number_at(start)) {
            return Ok(Some(begin.landing_at(landing)));
        }
    }
    Ok(None)
}

/// Adds to `begin` the place at which the file is entered, so that the other streams are read from shortly before
/// `start`.
pub(super) fn with_landing(source: &Source, facts: &StreamFacts, start: Timestamp, begin: Begin) -> Result<Begin> {
    let first = begin.packet();
    let Some(way) = source.way(facts.index, start)?.map(Arc::new) else { return Ok(begin) };
    let from = before(start, seconds(LEADS[0])).rescale(facts.time_base);
    let ticks = first.dts.or(first.pts).map_or(from, |ticks| ticks.min(from));
    Ok(begin.landing_at(Landing { way, ticks }))
}
