//! Reads the point again at which one stream takes over from another. Finds the packets of the first stream that the
//! demuxer still holds, and whether the first stream has ended.
//!
//! A demuxer delivers a packet when the next packet of its stream starts. The last packet of a stream that ends in
//! mid-file would therefore come at the end of the file, after everything that follows it in time.
//!
//! Invariant: the amount read is bounded. Whatever cannot be determined stays unchanged.

use std::sync::Arc;

use trix_av::{
    input::{Input, InputBounds},
    io::{IoState, ReadSeek},
    log::Sink,
    packet::Packet,
    stream::StreamFacts,
};
use trix_model::{
    error::{Error, Result, Stage},
    time::{TimeBase, Timestamp},
};

use super::{
    container::{ALLOWED, open_input},
    continuation::{LATER, SILENT},
    edits,
    origin::Origin,
    window::limited,
};
use crate::settings::source::Reading;

/// Bytes before a position that contain the tables of a stream. The tables repeat every 100 ms (ETSI TR 101 290).
const TABLES: u64 = 1 << 20;
/// Maximum distance, in bytes, from the start of the last packet of a stream to its end.
const LONGEST: u64 = 8 << 20;
/// Maximum number of bytes by which the end of one stream overlaps the other.
const WOVEN: u64 = 256 << 10;

/// The unit of the time limits.
const MICRO: TimeBase = TimeBase::new(1, 1_000_000);

/// The last packet read of a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastRead {
    /// Its decoding time, or its presentation time if it has no decoding time.
    pub(super) ticks: i64,
    /// The byte position of the packet, or of the last packet before it that has one.
    pub(super) position: Option<u64>,
}

/// Opens the file of a source once more.
#[derive(Clone, Copy)]
pub(super) struct SecondLook<'a> {
    pub(super) origin: &'a Origin,
    pub(super) reading: &'a Reading,
}

impl SecondLook<'_> {
    /// Opens the file up to byte `end`, or all of it, and reads only its header.
    pub(super) fn bare(self, end: Option<u64>) -> Result<Input> {
        let state = Arc::new(IoState::default());
        let reader: Box<dyn ReadSeek> = match self.origin {
            Origin::File { store, content, edits, .. } => {
                let end = end.into_iter().chain(*content).min();
                edits::patched(limited(store.reader(Some(Arc::clone(&state))), end), edits)
            }
            Origin::Memory(bytes) => limited(std::io::Cursor::new(Arc::clone(bytes)), end),
            Origin::Sequence { .. } | Origin::Given(_) => {
                return Err(Error::bug(Stage::Source, "the source has no container"));
            }
        };
        open_input(reader, &state, &Sink::new(), self.origin, self.reading, ALLOWED)
    }

    /// The packets of `ended` after `last` that the demuxer had not delivered when it reached byte `next`, where
    /// another stream takes over. Some multiplexers write the last packet of a stream at the end of the file.
    pub(super) fn held_back(self, ended: &StreamFacts, last: LastRead, next: u64) -> Vec<Packet> {
        let Some(position) = last.position else { return Vec::new() };
        let end = next.saturating_add(WOVEN).min(position.saturating_add(LONGEST));
        let (mut held, _) = self.packets_behind(ended, last, position, Some(end));
        if let Some(size) = self.size().filter(|size| *size > end) {
            let ticks = held.iter().filter_map(|packet| packet.dts().or(packet.pts())).max().unwrap_or(last.ticks);
            let last = LastRead { ticks, ..last };
            let (stragglers, others) = self.packets_behind(ended, last, end.max(size.saturating_sub(WOVEN)), None);
            // Other packets that start later belong to a stream that has come back.
            if others.is_none_or(|position| position < next) {
                held.extend(stragglers);
            }
        }
        held
    }

    /// The packets of `ended` that follow `last` within a second, from byte `position` to byte `end`, and the byte
    /// position of the last packet that does not.
    fn packets_behind(
        self,
        ended: &StreamFacts,
        last: LastRead,
        position: u64,
        end: Option<u64>,
    ) -> (Vec<Packet>, Option<u64>) {
        let limits = self.reading.limits;
        let bounds = InputBounds { probe_bytes: limits.probe_bytes, streams: limits.streams, pixels: limits.pixels };
        let (mut held, mut other) = (Vec::new(), None);
        let Ok(mut input) = self.bare(end) else { return (held, other) };
        if input.find_streams(bounds).and_then(|()| input.seek_byte(position.saturating_sub(TABLES))).is_err() {
            return (held, other);
        }
        let latest = last.ticks.saturating_add(Timestamp::new(LATER, MICRO).rescale(ended.time_base));
        while let Ok(Some(mut packet)) = input.read() {
            if !input.stream(packet.stream()).is_some_and(|facts| is_same(&facts, ended)) {
                continue;
            }
            if let Some(ticks) = packet.dts().or(packet.pts()) {
                let turns = turns(ticks, last.ticks);
                if !(last.ticks.saturating_add(1)..=latest).contains(&ticks.saturating_sub(turns)) {
                    other = packet.position().or(other);
                    continue;
                }
                let moved = |ticks: i64| ticks.saturating_sub(turns);
                packet.set_times(packet.pts().map(moved), packet.dts().map(moved), packet.duration());
            } else if held.is_empty() {
                continue;
            }
            packet.set_stream(ended.index);
            held.push(packet);
        }
        (held, other)
    }

    /// The size of the file in bytes.
    fn size(self) -> Option<u64> {
        match self.origin {
            Origin::File { store, content, .. } => Some(content.unwrap_or_else(|| store.bytes())),
            Origin::Memory(bytes) => Some(bytes.len() as u64),
            Origin::Sequence { .. } | Origin::Given(_) => None,
        }
    }

    /// True if no packet of `old` follows once `new` has started. The first packet of `new` is at byte `position`.
    pub(super) fn is_over(self, old: &StreamFacts, new: &StreamFacts, position: u64) -> bool {
        let Ok(mut input) = self.bare(None) else { return false };
        if input.seek_byte(position.saturating_sub(TABLES)).is_err() {
            return false;
        }
        let (mut begun, mut lasts, mut bytes, mut is_beside) = (None, 0, 0, false);
        while bytes < self.reading.limits.probe_bytes {
            let Ok(Some(packet)) = input.read() else { return !is_beside };
            bytes += packet.data().len() as u64;
            let Some(facts) = input.stream(packet.stream()) else { continue };
            if is_same(&facts, old) {
                if lasts > LATER {
                    return false;
                }
                is_beside |= packet.position().is_some_and(|begin| begin > position.saturating_add(WOVEN));
            }
            let Some(ticks) = packet.pts().or(packet.dts()).filter(|_| is_same(&facts, new)) else { continue };
            let now = Timestamp::new(ticks, facts.time_base).micros();
            lasts = now.saturating_sub(*begun.get_or_insert(now));
            if lasts > SILENT {
                return true;
            }
        }
        lasts > LATER && !is_beside
    }
}

fn is_same(one: &StreamFacts, other: &StreamFacts) -> bool {
    one.id == other.id && one.kind == other.kind
}

/// The ticks of all complete wraps of a 33-bit clock (ISO/IEC 13818-1) between a time and the one before it.
fn turns(ticks: i64, before: i64) -> i64 {
    const TURN: i64 = 1 << 33;
    ticks.saturating_sub(before).saturating_add(TURN / 2).div_euclid(TURN).saturating_mul(TURN)
}
