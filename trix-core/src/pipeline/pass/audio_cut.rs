//! Cuts copied audio: keeps whole packets, and marks in the container which part of the first and last packet is
//! played.
//!
//! Invariant: every packet within the span is kept with its own times. Earlier packets that a decoder needs are kept
//! too, and marked as not played.

use std::collections::VecDeque;

use trix_av::{packet::Packet, stream::StreamFacts};
use trix_model::time::{TimeBase, Timestamp};

use crate::{encode::subtitle::Span, source::Source};

/// Cuts the packets of one track.
pub(super) struct AudioCut {
    span: Span,
    /// True if the container can state to the sample which part of a packet is played.
    is_exact: bool,
    codec: String,
    /// The duration of one sample.
    sample: TimeBase,
    /// Bytes of a sample of all channels, if packets can be cut.
    block: Option<usize>,
    /// Samples of a packet without a duration; 0 if unknown.
    usual: i64,
    /// The start of the previous packet.
    before: Option<i64>,
    /// Counts samples if the times of the source are coarser.
    clock: Option<Clock>,
    /// The time base of the packets.
    base: TimeBase,
    /// Packets before the span that a decoder may need.
    held: VecDeque<Packet>,
    /// True once the first packet of the copy was passed on.
    begun: bool,
}

/// The packets to pass on, and whether the span continues after them.
pub(super) struct Kept {
    pub(super) packets: Vec<Packet>,
    pub(super) goes_on: bool,
}

impl AudioCut {
    /// The cut of the stream with `facts` to `span`.
    pub(super) fn new(facts: &StreamFacts, span: Span, is_exact: bool) -> Self {
        let block = facts.parameters.pcm_block().map(|(_, block)| block);
        let clock = Clock::new(facts, block);
        AudioCut {
            span,
            is_exact,
            codec: facts.codec.clone(),
            sample: TimeBase::new(1, i64::from(facts.sample_rate.max(1))),
            block,
            usual: facts.block_samples.into(),
            before: None,
            base: clock.as_ref().map_or(facts.time_base, |clock| clock.sample),
            clock,
            held: VecDeque::new(),
            begun: false,
        }
    }

    /// Samples at 48 kHz between the first packet of the copy and the span. Reads `file` at that position.
    pub(super) fn samples_before(mut self, file: &Source, facts: &StreamFacts) -> Option<u16> {
        // Earlier than any decoder needs: packets last 120 ms at most.
        let before = Timestamp::new(-1, TimeBase::new(1, 1));
        let mut again = file.reopen().ok()?;
        let from = self.span.origin.plus(before).rescale(facts.time_base);
        if again.input.seek(facts.index, from).is_err() {
            again = file.reopen().ok()?;
        }
        loop {
            let packet = again.input.read().ok()??;
            if packet.stream() != facts.index {
                continue;
            }
            let Kept { packets, goes_on } = self.take(packet);
            if let Some(first) = packets.first() {
                let first = Timestamp::new(first.pts()?, self.base);
                let rate = TimeBase::new(1, 48_000);
                return u16::try_from(self.span.origin.rescale(rate).saturating_sub(first.rescale(rate)).max(0)).ok();
            }
            if !goes_on {
                return None;
            }
        }
    }

    /// The time base of the packets that are passed on.
    pub(super) fn base(&self) -> TimeBase {
        self.base
    }

    /// Takes the next packet, with times in the time base of the stream.
    pub(super) fn take(&mut self, mut packet: Packet) -> Kept {
        let base = self.base;
        if let Some(clock) = &mut self.clock {
            clock.set(&mut packet);
        }
        let Some(ticks) = packet.pts().or(packet.dts()) else {
            return Kept { packets: vec![packet], goes_on: true };
        };
        if packet.duration() <= 0 {
            // Use the usual duration of the codec, or else that of the previous packet.
            let usual = match self.usual {
                0 => self.before.map_or(0, |before| ticks.saturating_sub(before).max(0)),
                usual => Timestamp::new(usual, self.sample).rescale(base),
            };
            packet.set_times(packet.pts(), packet.dts(), usual);
        }
        self.before = Some(ticks);
        let start = Timestamp::new(ticks, base);
        let end = Timestamp::new(ticks.saturating_add(packet.duration()), base);
        if self.block.is_some() {
            return self.cut_pcm(packet, start, end);
        }
        let middle = Timestamp::new(ticks.saturating_add(packet.duration() / 2), base);
        // If the container cannot state a part, a packet is played whole or not at all.
        let is_before = if self.is_exact { end <= self.span.origin } else { middle < self.span.origin };
        if is_before {
            self.hold(packet);
            return Kept { packets: Vec::new(), goes_on: true };
        }
        let is_after = |limit: Timestamp| if self.is_exact { start >= limit } else { middle >= limit };
        if self.span.end.is_some_and(is_after) {
            return Kept { packets: Vec::new(), goes_on: false };
        }
        let mut goes_on = true;
        if let Some(limit) = self.span.end.filter(|limit| self.is_exact && end > *limit) {
            let heard = limit.rescale(base).saturating_sub(ticks).max(0);
            let over = Timestamp::new(packet.duration().saturating_sub(heard), base).rescale(self.sample);
            packet.set_times(packet.pts(), packet.dts(), heard);
            packet.set_padding(u32::try_from(over).unwrap_or(u32::MAX));
            goes_on = false;
        }
        let mut packets: Vec<Packet> = Vec::new();
        let is_first = !std::mem::replace(&mut self.begun, true);
        // A packet that decoding can begin with needs no earlier one.
        if is_first && self.is_exact && !(self.begins_by_itself() && self.can_begin(&packet)) {
            packets.extend(self.held.drain(..));
        }
        self.held.clear();
        packets.push(packet);
        Kept { packets, goes_on }
    }

    /// Holds a packet before the span, as long as packets within it may need it.
    fn hold(&mut self, packet: Packet) {
        if self.begins_by_itself() && self.can_begin(&packet) {
            self.held.clear();
        }
        self.held.push_back(packet);
        while self.held.len() > self.needed() {
            self.held.pop_front();
        }
    }

    /// The number of packets before the first played one that its decoder needs.
    fn needed(&self) -> usize {
        match self.codec.as_str() {
            // ISO/IEC 11172-3: a layer III frame may begin 511 bytes earlier. Ten frames of the lowest rate hold as
            // much.
            "mp3" => 10,
            // RFC 7845, 4.6: 80 ms, or 32 of the shortest packets.
            "opus" => 32,
            // A major sync occurs at least every 128 access units.
            "truehd" | "mlp" => 256,
            // Spectral band replication of HE-AAC needs one frame more than the overlap.
            "aac" => 2,
            _ => 1,
        }
    }

    /// True if decoding can begin only at some packets.
    fn begins_by_itself(&self) -> bool {
        matches!(self.codec.as_str(), "truehd" | "mlp")
    }

    /// True if decoding can begin with `packet`: an access unit of MLP or TrueHD with a major sync.
    fn can_begin(&self, packet: &Packet) -> bool {
        matches!(packet.data().get(4..8), Some([0xf8, 0x72, 0x6f, 0xba | 0xbb]))
    }

    /// Cuts PCM, which can be cut at any sample.
    fn cut_pcm(&self, packet: Packet, start: Timestamp, end: Timestamp) -> Kept {
        let (block, base) = (self.block.unwrap_or(1).max(1), start.base);
        let samples = (packet.data().len() / block) as i64;
        let since = |time: Timestamp| {
            // Convert both times to samples first: Matroska rounds times to milliseconds.
            time.rescale(self.sample).saturating_sub(start.rescale(self.sample)).clamp(0, samples)
        };
        let first = if start < self.span.origin { since(self.span.origin) } else { 0 };
        let last = self.span.end.filter(|limit| *limit < end).map_or(samples, since);
        let goes_on = self.span.end.is_none_or(|limit| end < limit);
        if last <= first {
            return Kept { packets: Vec::new(), goes_on };
        }
        if first == 0 && last == samples {
            return Kept { packets: vec![packet], goes_on };
        }
        let bytes = packet.data().get(first as usize * block..last as usize * block).unwrap_or_default();
        let mut cut = packet.with_parts(&[bytes]);
        let later = |count: i64| start.plus(Timestamp::new(count, self.sample)).rescale(base);
        let ticks = if first > 0 { later(first) } else { start.ticks };
        cut.set_times(Some(ticks), Some(ticks), later(last).saturating_sub(ticks));
        Kept { packets: vec![cut], goes_on }
    }
}

/// Gives packets times in samples if the source rounds times to a coarser tick, as Matroska and FLV do.
struct Clock {
    from: TimeBase,
    sample: TimeBase,
    codec: String,
    block: Option<usize>,
    usual: i64,
    /// Samples at the start that are not played. The source states the exact number.
    priming: i64,
    /// The start of the stream in its container.
    first: Option<i64>,
    /// The start of the next packet, if none is missing.
    next: Option<i64>,
}

impl Clock {
    fn new(facts: &StreamFacts, block: Option<usize>) -> Option<Self> {
        let (priming, rate) = facts.parameters.priming();
        let sample = TimeBase::new(1, rate.max(1).into());
        // Codecs whose packets all have the same duration, or state their own.
        let is_known = match facts.codec.as_str() {
            "aac" | "mp1" | "mp2" | "mp3" | "ac3" | "eac3" | "dts" | "truehd" | "mlp" => facts.block_samples > 0,
            "opus" | "alac" => true,
            _ => block.is_some(),
        };
        (is_known && facts.time_base > sample).then(|| Clock {
            from: facts.time_base,
            sample,
            codec: facts.codec.clone(),
            block,
            usual: match facts.codec.as_str() {
                "alac" => alac_frame(facts.parameters.extradata()),
                _ => facts.block_samples.into(),
            },
            priming: priming.into(),
            first: facts.start.map(|ticks| Timestamp::new(ticks, facts.time_base).rescale(sample)),
            next: None,
        })
    }

    fn samples(&self, packet: &Packet) -> i64 {
        match (self.block, self.codec.as_str()) {
            (Some(block), _) => (packet.data().len() / block.max(1)) as i64,
            (None, "opus") => opus_samples(packet.data()).unwrap_or(0),
            (None, "alac") => alac_samples(packet.data()).unwrap_or(self.usual),
            (None, _) => self.usual,
        }
    }

    /// The place nearest to `stated` at which a packet begins if all have `samples`, for a source that was entered in
    /// mid-file.
    fn in_row(&self, stated: i64, tick: i64, samples: i64) -> Option<i64> {
        let first = self.first.filter(|_| samples > 0)?;
        let first = if (first + self.priming).abs() <= tick { -self.priming } else { first };
        let packets = stated.saturating_sub(first).saturating_add(samples / 2).div_euclid(samples);
        Some(first.saturating_add(packets.saturating_mul(samples)))
    }

    fn set(&mut self, packet: &mut Packet) {
        let Some(ticks) = packet.pts().or(packet.dts()) else { return };
        let tick = Timestamp::new(1, self.from).rescale(self.sample).max(1);
        let stated = Timestamp::new(ticks, self.from).rescale(self.sample);
        let near = |place: &i64| (stated.saturating_sub(*place)).abs() <= tick;
        let samples = self.samples(packet);
        let expected = self.next.or_else(|| self.in_row(stated, tick, samples)).or(Some(-self.priming));
        let place = expected.filter(near).unwrap_or(stated);
        let length = Timestamp::new(packet.duration(), self.from).rescale(self.sample);
        // A duration that differs from the usual one of the codec takes precedence.
        let is_usual = length == 0 || (length - samples).abs() <= tick;
        let lasts = if is_usual { samples } else { length };
        packet.set_times(Some(place), Some(place), lasts);
        self.next = Some(place.saturating_add(lasts));
    }
}

/// Samples in a packet of ALAC, from its configuration (ALACSpecificConfig, after the header of its box).
fn alac_frame(description: &[u8]) -> i64 {
    let length = description.get(12..16).and_then(|bytes| bytes.try_into().ok());
    length.map_or(0, |bytes| u32::from_be_bytes(bytes).into())
}

/// Samples in a short packet of ALAC: a flag after 19 bits, and a 32-bit count after three more.
fn alac_samples(data: &[u8]) -> Option<i64> {
    let head: [u8; 8] = data.get(..8)?.try_into().ok()?;
    let bits = u64::from_be_bytes(head);
    (bits >> 44 & 1 == 1).then_some((bits >> 9 & 0xffff_ffff) as i64)
}

/// Samples at 48 kHz in a packet of Opus (RFC 6716, 3.1 and 3.2).
fn opus_samples(data: &[u8]) -> Option<i64> {
    let head = *data.first()?;
    let each = match head >> 3 {
        config @ 0..12 => [480, 960, 1920, 2880][usize::from(config & 3)],
        config @ 12..16 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let count = match head & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => i64::from(data.get(1)? & 0x3f),
    };
    Some(each * count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_opus_tell_how_long_they_last() {
        // The configuration, then the number of frames.
        for (data, samples) in [
            (&[0b1111_1000_u8][..], 960),
            (&[0b1000_0000], 120),
            (&[0b0001_1000], 2880),
            (&[0b0110_0001], 960),
            (&[0b0110_1011, 0b0000_0011], 2880),
        ] {
            assert_eq!(opus_samples(data), Some(samples), "{data:?}");
        }
        assert_eq!(opus_samples(&[]), None);
    }

    #[test]
    fn a_last_packet_of_alac_states_its_length() {
        // A pair of channels, a length, 512 samples.
        let bits: u64 = 1 << 61 | 1 << 44 | 512 << 9;
        assert_eq!(alac_samples(&bits.to_be_bytes()), Some(512));
        assert_eq!(alac_samples(&(1u64 << 61).to_be_bytes()), None);
    }
}
