//! Reads the first packets of a source a second time, to measure the intervals of its frames and the amount of data in
//! each stream, and to decode the first frames.
//!
//! Invariant: it reads at most [`PACKETS`] packets, [`FRAMES`] frames of a stream, or the bytes that the limits allow
//! for probing. Every result states whether this was the whole source.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trix_av::{
    codec::{Decoder, Output},
    packet::Packet,
    stream::{StreamFacts, StreamKind},
};
use trix_bitstream::vpx;
use trix_model::{
    intervals::{Intervals, Timing},
    time::{TimeBase, Timestamp},
};

use super::rate_mode::RateReader;
use crate::{
    decode::data_bursts::{BurstFinder, DataBursts},
    reading::bitstream_facts::{self, BitstreamFacts, BitstreamFactsReader},
    source::Source,
};

/// Number of frames after which a packet scan ends: more than a minute.
const FRAMES: u64 = 2000;
/// Number of packets of all streams after which a packet scan ends.
const PACKETS: u64 = 100_000;

/// Measurements from the first packets of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Measured {
    /// True if the source was read to its end; false if only its first packets were read.
    pub is_whole: bool,
    /// Compressed frames or blocks of audio.
    pub packets: u64,
    /// Bytes of these packets.
    pub bytes: u64,
    /// Packets at which decoding can start: keyframes.
    pub keys: u64,
    /// The largest number of packets from one keyframe to the next.
    pub longest_group: u64,
    /// The earliest presentation time.
    pub start: Option<Timestamp>,
    /// The end of the last of them.
    pub end: Option<Timestamp>,
}

impl Measured {
    /// Duration from the first presentation time to the end of the last packet. `None` for streams without times.
    pub fn duration(&self) -> Option<Timestamp> {
        let (start, end) = (self.start?, self.end?);
        let ticks = end.ticks.checked_sub(start.ticks)?;
        (ticks > 0).then_some(Timestamp::new(ticks, start.base))
    }

    /// Bits per second over this duration.
    pub(crate) fn bit_rate(&self) -> Option<u64> {
        let duration = self.duration()?;
        let bits = i128::from(self.bytes) * 8 * i128::from(duration.base.den);
        u64::try_from(bits / (i128::from(duration.ticks) * i128::from(duration.base.num))).ok().filter(|rate| *rate > 0)
    }
}

/// Result of a packet scan for one stream.
#[derive(Default)]
pub(super) struct PacketScan {
    pub(super) measured: Option<Measured>,
    pub(super) timing: Option<Timing>,
    pub(super) bitstream_facts: Option<BitstreamFacts>,
    pub(super) bursts: Option<DataBursts>,
    pub(super) rates: Option<RateReader>,
}

/// Reads the first packets of `source` again. Returns the results by stream index.
pub(super) fn scan_packets(source: &Source) -> BTreeMap<usize, PacketScan> {
    let Ok(mut again) = source.reopen() else { return BTreeMap::new() };
    let mut watchers: Vec<Watcher> = source.streams().iter().map(|facts| Watcher::new(source, facts)).collect();
    let limit = source.limits().probe_bytes;
    let (mut packets, mut bytes, mut is_whole) = (0, 0, false);
    while packets < PACKETS && bytes < limit {
        match again.read() {
            Ok(Some(packet)) => {
                packets += 1;
                bytes += packet.data().len() as u64;
                // Ignore streams that appear in mid-file.
                let Some(watcher) = watchers.get_mut(packet.stream()) else { continue };
                watcher.push(&packet);
                if watcher.is_video && watcher.packets >= FRAMES {
                    break;
                }
            }
            Ok(None) => {
                is_whole = true;
                break;
            }
            // Later stages report read errors.
            Err(_) => break,
        }
    }
    watchers.into_iter().enumerate().map(|(index, watcher)| (index, watcher.finish(is_whole))).collect()
}

struct Watcher {
    facts: StreamFacts,
    is_video: bool,
    facts_reader: Option<BitstreamFactsReader>,
    listener: Option<Listener>,
    rates: RateReader,
    times: Vec<i64>,
    has_no_pts: bool,
    /// Latest decoding time. Frames read after it are shown after it.
    decoded: Option<i64>,
    packets: u64,
    bytes: u64,
    keys: u64,
    group: u64,
    longest_group: u64,
    end: Option<i64>,
}

impl Watcher {
    fn new(source: &Source, facts: &StreamFacts) -> Self {
        let is_video = facts.kind == StreamKind::Video;
        // Frames of more than 2048x1536 take long to decode, above all in intra-only codecs.
        let is_large = facts.width.saturating_mul(facts.height) > 2048 * 1536;
        let frames = if is_large { bitstream_facts::FRAMES / 4 } else { bitstream_facts::FRAMES };
        Watcher {
            facts: facts.clone(),
            is_video: is_video && !facts.is_attached_picture,
            facts_reader: is_video.then(|| BitstreamFactsReader::open(source, facts, frames)).flatten(),
            listener: Listener::open(facts),
            rates: RateReader::new(facts),
            times: Vec::new(),
            has_no_pts: true,
            decoded: None,
            packets: 0,
            bytes: 0,
            keys: 0,
            group: 0,
            longest_group: 0,
            end: None,
        }
    }

    fn push(&mut self, packet: &Packet) {
        self.packets += 1;
        self.bytes += packet.data().len() as u64;
        self.rates.push(packet);
        if packet.is_key() {
            self.keys += 1;
            self.group = 0;
        }
        self.group += 1;
        self.longest_group = self.longest_group.max(self.group);
        if let Some(facts_reader) = &mut self.facts_reader {
            facts_reader.push(packet);
        }
        if let Some(listener) = &mut self.listener {
            listener.push(packet);
        }
        self.decoded = self.decoded.max(packet.dts());
        if packet.is_discarded() {
            return;
        }
        if vpx::is_hidden(&self.facts.codec, packet.data()) {
            return;
        }
        self.has_no_pts &= packet.pts().is_none();
        // AVI has only decoding times. Their intervals are as even as those of the presentation times.
        if let Some(time) = packet.pts().or_else(|| packet.dts().filter(|_| self.has_no_pts)) {
            self.times.push(time);
            self.end = self.end.max(Some(time.saturating_add(packet.duration().max(0))));
        }
    }

    fn finish(mut self, is_whole: bool) -> PacketScan {
        self.times.sort_unstable();
        let mut intervals = Intervals::new(self.facts.time_base);
        // If reading stopped in mid-file, frames are missing that are shown before frames already read.
        let is_settled = |time: &i64| is_whole || self.decoded.is_none_or(|decoded| *time <= decoded);
        self.times.iter().copied().filter(is_settled).for_each(|time| intervals.push(time));
        let time = |ticks: i64| Timestamp::new(ticks, self.facts.time_base);
        let timing = if self.is_video { intervals.timing() } else { None };
        let mut end = self.end.map(time);
        // Without a duration, the last frame gets the most common interval.
        if let (Some(timing), Some(last)) = (&timing, self.times.last())
            && end == Some(time(*last))
        {
            end = Some(time(last.saturating_add(timing.most_common.ticks)));
        }
        PacketScan {
            measured: (self.packets > 0).then_some(Measured {
                is_whole,
                packets: self.packets,
                bytes: self.bytes,
                keys: self.keys,
                longest_group: self.longest_group,
                start: self.times.first().copied().map(time),
                end,
            }),
            timing,
            bitstream_facts: self.facts_reader.and_then(BitstreamFactsReader::finish),
            bursts: self.listener.and_then(|listener| listener.found),
            rates: Some(self.rates),
        }
    }
}

/// Searches the first seconds of lossless audio for embedded data.
struct Listener {
    decoder: Decoder,
    base: TimeBase,
    finder: BurstFinder,
    found: Option<DataBursts>,
    /// Samples left to search.
    left: u64,
}

/// Number of seconds to search.
const LISTENED: u64 = 4;

impl Listener {
    fn open(facts: &StreamFacts) -> Option<Self> {
        let keeps = facts.is_lossless || facts.codec.starts_with("pcm_") || facts.codec == "s302m";
        let decoder = (keeps && facts.kind == StreamKind::Audio)
            .then(|| Decoder::open(&facts.parameters, facts.time_base, 1, u64::from(i32::MAX as u32), false).ok())
            .flatten()?;
        let left = LISTENED * u64::from(facts.sample_rate.max(1));
        Some(Listener { decoder, base: facts.time_base, finder: BurstFinder::default(), found: None, left })
    }

    fn push(&mut self, packet: &Packet) {
        if self.left == 0 || self.found.is_some() {
            return;
        }
        // Later stages report decode errors.
        let _ = self.decoder.send(Some(packet));
        while let Ok(Output::Item(frame)) = self.decoder.receive() {
            self.left = self.left.saturating_sub(frame.samples() as u64);
            self.found = self.found.take().or_else(|| self.finder.push(&frame, self.base));
        }
    }
}
