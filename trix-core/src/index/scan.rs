//! Makes an index from the header of a source if it lists all packets, otherwise by reading the packets.
//!
//! Invariant: nothing is decoded, and the packets are the same as for a decode of the same source.

use trix_av::{AvError, packet::Packet, stream::StreamFacts};
use trix_bitstream::entry::Entries;
use trix_model::error::{Error, Result, Stage};

use super::{
    frames::{Begin, Coded, FrameIndex},
    from_start::FromStart,
};
use crate::source::Source;

/// Reads the packets of the stream of `facts` with a second reader of `source`. Reading stops at a point after which no
/// frame is presented at `until` (ticks) or earlier. `None` means that it continues to the end.
pub(super) fn scan(source: &Source, facts: &StreamFacts, until: Option<i64>) -> Result<FrameIndex> {
    let mut again = source.reopen()?;
    let mut entries = Entries::new(&facts.codec, facts.parameters.extradata(), facts.parameters.is_intra_only());
    if !entries.are_known() {
        return Ok(FrameIndex::new(facts.time_base, Vec::new(), None, Some(FromStart::Codec)));
    }
    let Walk { packets, until, trouble } = walk(&mut again, facts, &mut entries, until)?;
    Ok(FrameIndex::new(facts.time_base, packets, until, trouble))
}

/// The packets of a stream, as far as they were read.
pub(super) struct Walk {
    pub(super) packets: Vec<Coded>,
    /// The time up to which all frames are known; `None` at the end of the stream.
    pub(super) until: Option<i64>,
    pub(super) trouble: Option<FromStart>,
}

/// Reads the packets of the stream of `facts` from the place of `again` on, as far as [`scan`] does.
pub(super) fn walk(again: &mut Source, facts: &StreamFacts, entries: &mut Entries, until: Option<i64>) -> Result<Walk> {
    let mut packets: Vec<Coded> = Vec::new();
    let mut trouble = None;
    // The time of the first entry after `until`. A frame presented after it ends the scan.
    let mut last: Option<i64> = None;
    let known = loop {
        let packet = match next(again)? {
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
    Ok(Walk { packets, until: known, trouble })
}

/// The next packet of `again`, or the error of libavformat.
///
/// # Errors
/// `Cancelled`. A read that is cut off looks like damage, or like the end of the source.
pub(super) fn next(again: &mut Source) -> Result<std::result::Result<Option<Packet>, AvError>> {
    let found = again.read();
    if again.is_cancelled() { Err(Error::cancelled(Stage::Source)) } else { Ok(found) }
}

fn coded(packet: &Packet, facts: &StreamFacts, is_entry: bool, before: Option<&Coded>) -> Coded {
    // If the two fields of a frame are in separate packets, the second has no time.
    let is_second =
        facts.codec == "h264" && packet.pts().is_none() && before.is_some_and(|before| before.pts.is_some());
    // RFC 6386, 9.1: `show_frame`.
    let is_hidden = facts.codec == "vp8" && packet.data().first().is_some_and(|byte| byte & 0x10 == 0);
    Coded {
        pts: packet.pts(),
        dts: packet.dts(),
        duration: packet.duration(),
        bytes: packet.data().len().try_into().unwrap_or(u32::MAX),
        position: packet.position(),
        is_entry,
        is_shown: !packet.is_discarded() && !is_second && !is_hidden,
    }
}

/// Makes an index from the header alone. Returns `None` if the header does not list all packets. The keyframe flags of
/// the header must still be verified as entries.
pub(super) fn list(source: &Source, facts: &StreamFacts) -> Result<Option<FrameIndex>> {
    let entries = Entries::new(&facts.codec, facts.parameters.extradata(), facts.parameters.is_intra_only());
    let Some(mut listed) = source.listed(facts.index)?.filter(|_| entries.are_known()) else { return Ok(None) };
    let is_each = facts.parameters.is_intra_only();
    let mut packets: Vec<Coded> = Vec::new();
    loop {
        if source.is_cancelled() {
            return Err(Error::cancelled(Stage::Source));
        }
        match listed.next() {
            Ok(Some(packet)) => {
                let coded = coded(&packet, facts, is_each || packet.is_key(), packets.last());
                packets.push(coded);
            }
            Ok(None) => break,
            // The file ends earlier than its header states. Reading shows where.
            Err(_) => return Ok(None),
        }
    }
    // If the header does not yield every packet it lists, it is not reliable.
    let is_whole = packets.len() == facts.indexed_packets && !packets.is_empty();
    Ok(is_whole.then(|| FrameIndex::new(facts.time_base, packets, None, None).listed()))
}

/// Checks by its content whether decoding can start at the packet of `begin`. Returns `None` if the packet cannot be
/// reached: the header is wrong, or the file cannot be read there.
pub(super) fn is_entry(source: &Source, facts: &StreamFacts, begin: &Begin) -> Result<Option<bool>> {
    let Some(mut entries) = entries_from_start(source, facts)? else { return Ok(None) };
    let found = reach(source, facts.index, &begin.packet())?;
    Ok(found.map(|(_, packet)| entries.push(packet.data(), packet.is_key())))
}

/// Recognises entries of the stream of `facts` after its first packet. `None` if that packet cannot be read.
pub(super) fn entries_from_start(source: &Source, facts: &StreamFacts) -> Result<Option<Entries>> {
    let mut entries = Entries::new(&facts.codec, facts.parameters.extradata(), facts.parameters.is_intra_only());
    let mut head = source.reopen()?;
    head.keep_only(facts.index);
    loop {
        let Ok(Some(first)) = next(&mut head)? else { return Ok(None) };
        if first.stream() == facts.index {
            entries.push(first.data(), first.is_key());
            return Ok(Some(entries));
        }
    }
}

/// Opens a second reader of `source`, positioned after the packet `wanted` of stream `index`, and returns it with that
/// packet. Returns `None` if a seek does not lead to the packet, or if the file cannot be read there.
pub(crate) fn reach(source: &Source, index: usize, wanted: &Coded) -> Result<Option<(Source, Packet)>> {
    let Some(dts) = wanted.dts.or(wanted.pts) else { return Ok(None) };
    let mut again = source.reopen()?;
    if again.seek(index, dts).is_err() {
        return Ok(None);
    }
    again.keep_only(index);
    loop {
        match next(&mut again)? {
            Ok(Some(packet)) if wanted.is(packet.pts(), packet.dts(), packet.data().len()) => {
                return Ok(Some((again, packet)));
            }
            Ok(Some(packet)) if packet.dts().is_none_or(|found| found > dts) => return Ok(None),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return Ok(None),
        }
    }
}
