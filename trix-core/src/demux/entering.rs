//! Enters a source in mid-file, at the packet at which a decode begins.
//!
//! Invariant: no packet from there on is left out.

use std::collections::VecDeque;

use trix_av::packet::Packet;
use trix_model::error::{Error, Result, Stage};

use crate::{index::Begin, source::Source};

/// What becomes of the other streams, if one is read from mid-file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    /// They are not read.
    Unread,
    /// They are read from near the same place.
    Near,
    /// They are read from the start of the source.
    FromStart,
}

/// Streams whose packets are decoded from mid-file, and whether a packet of one of them, by its time, has a place among the
/// samples of its stream.
pub(crate) type Decoded<'a> = (&'a [usize], &'a dyn Fn(usize, i64) -> bool);

/// Reads on until there is a packet of each of the streams `decoded`.
fn read_to_all(landed: &mut Source, packets: &mut VecDeque<Packet>, decoded: &[usize]) {
    /// Packets of other streams between two of one stream.
    const MOST: usize = 1000;
    let has_all = |packets: &VecDeque<Packet>| {
        decoded.iter().all(|stream| packets.iter().any(|packet| packet.stream() == *stream))
    };
    for _ in 0..MOST {
        if has_all(packets) {
            break;
        }
        match landed.read() {
            Ok(Some(packet)) => packets.push_back(packet),
            Ok(None) | Err(_) => break,
        }
    }
}

/// Reads `landed` up to the packet of stream `index` at which `begin` starts, and returns it with that packet. The packets
/// of other streams before it come first, if they are read from there too. `None` if that packet is not found.
pub(super) fn enter(
    mut landed: Source,
    index: usize,
    begin: &Begin,
    others: Others,
    decoded: &[usize],
) -> Result<Option<(Source, VecDeque<Packet>)>> {
    if others != Others::Near {
        landed.keep_only(index);
    }
    let wanted = begin.packet();
    let mut before = VecDeque::new();
    loop {
        if landed.is_cancelled() {
            return Err(Error::cancelled(Stage::Demux));
        }
        match landed.read() {
            Ok(Some(packet)) if packet.stream() != index => before.extend((others == Others::Near).then_some(packet)),
            Ok(Some(packet)) if wanted.is(packet.pts(), packet.dts(), packet.data().len()) => {
                before.push_back(packet);
                if others == Others::Near {
                    read_to_all(&mut landed, &mut before, decoded);
                }
                // What a demuxer says about the place at which it was put is no damage.
                landed.is_complained_of();
                return Ok(Some((landed, before)));
            }
            Ok(Some(packet)) if packet.dts().zip(wanted.dts).is_some_and(|(dts, wanted)| dts > wanted) => {
                return Ok(None);
            }
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return Ok(None),
        }
    }
}
