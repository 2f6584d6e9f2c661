//! Makes an index by reading the packets of a source.
//!
//! Invariant: nothing is decoded, and packets are those that a decode of the same source would get.

use trix_av::{packet::Packet, stream::StreamFacts};
use trix_bitstream::entry::Entries;
use trix_model::error::{Error, Result, Stage};

use super::frames::{Coded, FrameIndex, FromStart};
use crate::source::Source;

/// Reads the packets of the stream of `facts` from a second reading of `source`, up to a place behind which no frame is
/// shown at `until` (ticks) or before; `None`: to the end.
pub(super) fn scan(source: &Source, facts: &StreamFacts, until: Option<i64>) -> Result<FrameIndex> {
    let mut again = source.reopen()?;
    let mut entries = Entries::new(&facts.codec, facts.parameters.extradata(), facts.parameters.is_intra_only());
    if !entries.are_known() {
        return Ok(FrameIndex::new(facts.time_base, Vec::new(), None, Some(FromStart::Codec)));
    }
    let mut packets: Vec<Coded> = Vec::new();
    let mut trouble = None;
    // The first entry behind the end, and whether a frame came that is shown behind it.
    let mut last: Option<i64> = None;
    let known = loop {
        if source.is_cancelled() {
            return Err(Error::cancelled(Stage::Source));
        }
        let packet = match again.read() {
            Ok(Some(packet)) if packet.stream() != facts.index => continue,
            Ok(Some(packet)) => packet,
            Ok(None) => break None,
            Err(_) => {
                if let Some(error) = again.io_error() {
                    return Err(error);
                }
                trouble = Some(FromStart::Damaged);
                break None;
            }
        };
        if packet.is_corrupt() || again.is_complained_of() {
            trouble = Some(FromStart::Damaged);
            break None;
        }
        if packet.change().is_some() || packet.new_extradata().is_some_and(|data| data != facts.parameters.extradata())
        {
            trouble = Some(FromStart::Reconfigured);
            break None;
        }
        let is_entry = entries.push(packet.data(), packet.is_key());
        let coded = coded(&packet, facts, is_entry, packets.last());
        packets.push(coded);
        let (Some(until), Some(pts)) = (until, coded.pts) else { continue };
        match last {
            Some(end) if pts > end => break Some(until),
            None if is_entry && pts > until => last = Some(pts),
            _ => {}
        }
    };
    Ok(FrameIndex::new(facts.time_base, packets, known, trouble))
}

fn coded(packet: &Packet, facts: &StreamFacts, is_entry: bool, before: Option<&Coded>) -> Coded {
    // Of two fields of a frame in packets of their own, the second has no time.
    let is_second =
        facts.codec == "h264" && packet.pts().is_none() && before.is_some_and(|before| before.pts.is_some());
    // RFC 6386, 9.1: `show_frame`.
    let is_hidden = facts.codec == "vp8" && packet.data().first().is_some_and(|byte| byte & 0x10 == 0);
    Coded {
        pts: packet.pts(),
        dts: packet.dts(),
        duration: packet.duration(),
        position: packet.position(),
        bytes: packet.data().len().try_into().unwrap_or(u32::MAX),
        is_entry,
        is_shown: !packet.is_discarded() && !is_second && !is_hidden,
    }
}
