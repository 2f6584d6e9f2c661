//! Starts to read a source in mid-file, at the packet where decoding begins.
//!
//! Invariant: every packet from that packet on is returned.

use std::collections::VecDeque;

use trix_av::packet::Packet;
use trix_model::{
    error::{Result, Stage},
    time::{TimeBase, Timestamp},
};

use crate::{
    index::{Begin, Coded},
    source::Source,
};

/// How the other streams are read if one stream is read from mid-file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Others {
    /// They are not read.
    Unread,
    /// They are read from near the same place.
    Near,
    /// They are read from the start of the source.
    FromStart,
}

/// What is needed of the other streams that are read from near the same place.
#[derive(Clone, Copy)]
pub(crate) struct Needed<'a> {
    /// The streams, by index.
    pub(crate) streams: &'a [usize],
    /// True if the number of the first sample of a packet is known. The arguments are the stream, and the packet's time in
    /// ticks.
    pub(crate) has_place: &'a dyn Fn(usize, i64) -> bool,
}

impl Needed<'_> {
    /// For a reader of one stream.
    pub(crate) const NOTHING: Self = Needed { streams: &[], has_place: &|_, _| false };

    /// True if the first packet of each needed stream is at least one second earlier than `wanted`, and its samples can be
    /// numbered.
    pub(super) fn are_in(&self, packets: &VecDeque<Packet>, source: &Source, index: usize, wanted: &Coded) -> bool {
        let base = |stream: usize| source.streams().get(stream).map(|facts| facts.time_base);
        let time = |stream: usize, ticks: i64| base(stream).map(|base| Timestamp::new(ticks, base));
        let Some(latest) = wanted.pts.or(wanted.dts).and_then(|ticks| time(index, ticks)) else { return false };
        let latest = latest.plus(Timestamp::new(-1, TimeBase::new(1, 1)));
        self.streams.iter().all(|stream| {
            let first = packets.iter().find(|packet| packet.stream() == *stream).and_then(Packet::pts);
            first.is_some_and(|pts| {
                time(*stream, pts).is_some_and(|time| time <= latest) && (self.has_place)(*stream, pts)
            })
        })
    }
}

/// Packets that are read before the one at which a decode begins.
#[derive(Default)]
struct Before {
    packets: VecDeque<Packet>,
    bytes: usize,
}

impl Before {
    /// False if the packets take too much memory.
    fn push(&mut self, packet: Packet) -> bool {
        const MOST: usize = 64 << 20;
        self.bytes += packet.data().len();
        self.packets.push_back(packet);
        self.bytes <= MOST
    }
}

/// Reads on until there is a packet of each of `streams`. False if that takes too many packets.
fn read_to_all(landed: &mut Source, before: &mut Before, streams: &[usize]) -> Result<bool> {
    /// Maximum number of packets to read.
    const MOST: usize = 1000;
    let has_all = |packets: &VecDeque<Packet>| {
        streams.iter().all(|stream| packets.iter().any(|packet| packet.stream() == *stream))
    };
    for _ in 0..MOST {
        if has_all(&before.packets) {
            return Ok(true);
        }
        let Some(packet) = landed.packet(Stage::Demux)? else { break };
        if !before.push(packet) {
            break;
        }
    }
    Ok(has_all(&before.packets))
}

/// Reads `landed` up to the packet of stream `index` at which `begin` starts, and returns it with that packet. The packets
/// of the `needed` streams before it come first, if they are read from there too. `None` if that packet is not found, or if
/// the packets before it take too much memory.
pub(super) fn enter(
    mut landed: Source,
    index: usize,
    begin: &Begin,
    others: Others,
    needed: Needed<'_>,
) -> Result<Option<(Source, VecDeque<Packet>)>> {
    match others {
        Others::Near => landed.keep(|stream| stream == index || needed.streams.contains(&stream)),
        Others::Unread | Others::FromStart => landed.keep_only(index),
    }
    let wanted = begin.packet();
    let mut before = Before::default();
    loop {
        let Some(packet) = landed.packet(Stage::Demux)? else { return Ok(None) };
        if packet.stream() != index {
            if others == Others::Near && !before.push(packet) {
                return Ok(None);
            }
        } else if wanted.is(packet.pts(), packet.dts(), packet.data().len()) {
            let is_whole = before.push(packet);
            let has_all = others != Others::Near || read_to_all(&mut landed, &mut before, needed.streams)?;
            // What the demuxer reports about the place at which it was put is no damage.
            landed.is_complained_of();
            return Ok((is_whole && has_all).then_some((landed, before.packets)));
        } else if packet.dts().zip(wanted.dts).is_some_and(|(dts, wanted)| dts > wanted) {
            return Ok(None);
        }
    }
}
