//! Whether the bit rate of a stream is constant or variable, and what says so.
//!
//! Invariant: what the stream states comes before what was measured, and a measurement that could be either is left out.

use serde::{Deserialize, Serialize};
use trix_av::{
    packet::Packet,
    stream::{StreamFacts, StreamKind},
};
use trix_bitstream::{
    mpeg_video::{self, Rates},
    nal::{self, Framing, NalCodec},
    sei::{self, Camera},
    sequence_set::{self, SequenceSet},
};

/// The kind of a stream's bit rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BitRateMode {
    /// Constant or variable.
    pub kind: RateKind,
    /// What says so.
    pub method: RateMethod,
    /// The bit rate that video states in its buffer model or its sequence header, in bits per second: the largest one,
    /// if it varies. Absent for audio: MP4 has a field for it, in which writers put the average or what was asked for.
    pub stated: Option<u64>,
}

/// Constant or variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RateKind {
    /// The same number of bits in the same time (CBR).
    Constant,
    /// As many bits as the content needs (VBR).
    Variable,
}

/// What says whether a bit rate is constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RateMethod {
    /// The buffer model in the stream: HRD of H.264 and HEVC, `vbv_delay` of MPEG-2.
    BufferModel,
    /// The settings that the encoder wrote into the stream.
    EncoderSettings,
    /// A header of the file: `Xing`, `Info` or `VBRI` of MP3; for MPEG-4 audio in MP4, a largest rate without an average.
    Header,
    /// The samples are not compressed.
    Uncompressed,
    /// The sizes of the packets that were read.
    PacketSizes,
}

/// Codecs beside those of PCM that write samples as they are.
const UNCOMPRESSED: [&str; 13] =
    ["rawvideo", "s302m", "v210", "v308", "v408", "v410", "r10k", "r210", "avrp", "avui", "ayuv", "y41p", "yuv4"];
/// Number of packets of a stream in which headers are looked for.
const LOOKED: u64 = 24;
/// Number of packets below which their sizes say nothing.
const ENOUGH: u64 = 8;
/// Number of seconds below which bits per second say nothing.
const SECONDS: u64 = 4;

/// Reads what packets state and measures their sizes.
pub(super) struct RateReader {
    nal: Option<(NalCodec, Framing)>,
    is_mpeg2: bool,
    looked: u64,
    sizes: Sizes,
    pub(super) set: SequenceSet,
    pub(super) rates: Rates,
    pub(super) camera: Camera,
}

impl RateReader {
    pub(super) fn new(facts: &StreamFacts) -> Self {
        let extradata = facts.parameters.extradata();
        let nal = NalCodec::from_name(&facts.codec);
        let mut reader = RateReader {
            nal: nal.map(|codec| (codec, codec.framing(extradata))),
            is_mpeg2: facts.codec == "mpeg2video",
            looked: 0,
            sizes: Sizes::new(facts),
            set: SequenceSet::default(),
            rates: Rates::default(),
            camera: Camera::default(),
        };
        if let Some(codec) = nal {
            codec.configuration(extradata).into_iter().for_each(|unit| reader.unit(unit, codec));
        }
        reader
    }

    fn unit(&mut self, unit: &[u8], codec: NalCodec) {
        let Some(set) = sequence_set::read(unit, codec) else { return };
        self.set.is_high_tier = self.set.is_high_tier.or(set.is_high_tier);
        self.set.schedule = self.set.schedule.or(set.schedule);
    }

    pub(super) fn push(&mut self, packet: &Packet) {
        self.sizes.push(packet);
        if self.looked >= LOOKED {
            return;
        }
        self.looked += 1;
        if let Some((codec, framing)) = self.nal {
            let units = nal::units(packet.data(), framing);
            units.iter().for_each(|unit| self.unit(unit, codec));
            if self.camera == Camera::default() {
                self.camera = sei::camera(&units, codec).unwrap_or_default();
            }
        } else if self.is_mpeg2 {
            let found = mpeg_video::rates(packet.data());
            self.rates.bit_rate = self.rates.bit_rate.or(found.bit_rate);
            self.rates.is_constant = self.rates.is_constant.or(found.is_constant);
        }
    }

    /// The mode by the first of: the buffer model, `header` of the file, `settings` of the encoder, the codec, the sizes
    /// of the packets. `header` is true for a constant rate.
    pub(super) fn mode(
        &self,
        facts: &StreamFacts,
        header: Option<bool>,
        settings: Option<&str>,
    ) -> Option<BitRateMode> {
        if !matches!(facts.kind, StreamKind::Video | StreamKind::Audio) || facts.is_attached_picture {
            return None;
        }
        let schedule = self.set.schedule;
        let stated = schedule.map(|schedule| schedule.bit_rate).or(self.rates.bit_rate);
        let is_raw = facts.codec.starts_with("pcm_") || UNCOMPRESSED.contains(&facts.codec.as_str());
        let ways = [
            (schedule.map(|schedule| schedule.is_constant).or(self.rates.is_constant), RateMethod::BufferModel),
            (header, RateMethod::Header),
            (settings.and_then(by_settings), RateMethod::EncoderSettings),
            (is_raw.then_some(true), RateMethod::Uncompressed),
            (self.sizes.are_constant(), RateMethod::PacketSizes),
        ];
        let (is_constant, method) = ways.into_iter().find_map(|(is_constant, method)| Some((is_constant?, method)))?;
        let kind = if is_constant { RateKind::Constant } else { RateKind::Variable };
        Some(BitRateMode { kind, method, stated })
    }
}

/// True if settings of x264 or x265 ask for a constant bit rate, false for a variable one.
fn by_settings(settings: &str) -> Option<bool> {
    if settings.split_whitespace().any(|word| matches!(word, "strict-cbr" | "nal_hrd=cbr")) {
        return Some(true);
    }
    match settings.split_whitespace().find_map(|word| word.strip_prefix("rc="))? {
        "cbr" => Some(true),
        "abr" | "crf" | "cqp" | "2pass" | "lossless" => Some(false),
        _ => None,
    }
}

/// The sizes of packets, and of seconds of packets.
#[derive(Default)]
struct Sizes {
    /// Ticks per second; zero if unknown.
    second: i64,
    /// True if a packet needs no other: all sizes are those of their content.
    is_separate: bool,
    /// True if the codec is always lossless. Then the content decides all sizes.
    is_lossless: bool,
    /// True if the codec fills each packet up to the bit rate, whatever the content is.
    is_filled: bool,
    /// Bytes by which packets of one bit rate differ: a slot of MPEG audio or a word of AC-3.
    slot: usize,
    /// The packet before.
    previous: Option<Packet>,
    /// Number of packets that equal the one before.
    repeats: u64,
    packets: u64,
    least: usize,
    greatest: usize,
    /// The size of the latest packet: the last one of a stream may be cut.
    latest: Option<usize>,
    first: Option<i64>,
    /// Number of the current second, and its bytes.
    current: (i64, u64),
    seconds: u64,
    least_second: u64,
    greatest_second: u64,
}

impl Sizes {
    fn new(facts: &StreamFacts) -> Self {
        let base = facts.time_base;
        Sizes {
            second: if base.num > 0 { base.den / base.num } else { 0 },
            is_separate: facts.is_lossless || facts.kind == StreamKind::Video,
            is_lossless: facts.is_lossless && !facts.is_lossy,
            // Frames of DV (IEC 61834, SMPTE ST 314) and DNxHD (SMPTE ST 2019-1) have one size by their standards.
            is_filled: matches!(facts.codec.as_str(), "mp1" | "mp2" | "ac3" | "eac3" | "dts" | "dvvideo" | "dnxhd"),
            slot: if matches!(facts.codec.as_str(), "mp1" | "mp2" | "mp3" | "ac3" | "eac3") { 4 } else { 0 },
            least: usize::MAX,
            least_second: u64::MAX,
            ..Sizes::default()
        }
    }

    fn push(&mut self, packet: &Packet) {
        let previous = self.previous.replace(packet.clone());
        self.repeats += u64::from(previous.is_some_and(|previous| previous.data() == packet.data()));
        self.add(packet.data().len(), packet.dts().or(packet.pts()), packet.is_key());
    }

    fn add(&mut self, size: usize, time: Option<i64>, is_key: bool) {
        if let Some(size) = self.latest.replace(size) {
            (self.least, self.greatest) = (self.least.min(size), self.greatest.max(size));
            self.packets += 1;
        }
        self.is_separate &= is_key;
        let Some(time) = time.filter(|_| self.second > 0) else { return };
        let passed = time.saturating_sub(*self.first.get_or_insert(time));
        let (number, bytes) = self.current;
        match passed.div_euclid(self.second) {
            now if now == number => self.current.1 += size as u64,
            now => {
                // Seconds after a jump of the times are no measure.
                if now == number + 1 {
                    self.least_second = self.least_second.min(bytes);
                    self.greatest_second = self.greatest_second.max(bytes);
                    self.seconds += 1;
                }
                self.current = (now, size as u64);
            }
        }
    }

    /// True if all packets have the size of a constant bit rate, false if their sizes clearly follow the content.
    fn are_constant(&self) -> Option<bool> {
        /// Packets without content have fewer bytes: silence and frames that repeat.
        const CONTENT: usize = 32;
        if self.packets < ENOUGH {
            return None;
        }
        let are_equal = self.greatest - self.least <= self.slot;
        if !are_equal && (self.is_separate || self.is_lossless) {
            return Some(false);
        }
        // Silence and still frames have equal packets at a variable rate too. Only filled packets show a constant rate.
        let is_empty = self.greatest < CONTENT || self.repeats * 2 > self.packets;
        if self.is_lossless || is_empty && !self.is_filled {
            return None;
        }
        if are_equal {
            return Some(true);
        }
        let (least, greatest) = (self.least_second, self.greatest_second);
        match () {
            () if self.seconds < SECONDS => None,
            () if (greatest - least).saturating_mul(20) <= greatest => Some(true),
            () if greatest / 2 > least => Some(false),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(sizes: &[usize], per_second: i64, is_separate: bool) -> Option<bool> {
        of_codec(Sizes { is_separate, ..Sizes::default() }, sizes, per_second)
    }

    fn of_codec(codec: Sizes, sizes: &[usize], per_second: i64) -> Option<bool> {
        let mut found = Sizes { second: 1000, least: usize::MAX, least_second: u64::MAX, ..codec };
        for (at, size) in sizes.iter().enumerate() {
            found.add(*size, Some(at as i64 * 1000 / per_second), true);
        }
        found.are_constant()
    }

    #[test]
    fn equal_packets_are_a_constant_rate_and_others_by_the_second() {
        let filled = || Sizes { is_filled: true, slot: 4, ..Sizes::default() };
        assert_eq!(of_codec(filled(), &[417, 418, 418].repeat(9), 38), Some(true));
        assert_eq!(of_codec(filled(), &[24; 27], 38), Some(true));
        // Other codecs have no slots, and packets without content.
        assert_eq!(measured(&[417, 418, 418].repeat(9), 38, false), None);
        assert_eq!(measured(&[417, 418, 418].repeat(9), 38, true), Some(false));
        assert_eq!(measured(&[3; 400], 50, false), None);
        assert_eq!(measured(&[3, 30].repeat(200), 50, false), None);
        assert_eq!(measured(&[417; 8], 38, false), None, "too few");
        let cut: Vec<usize> = [vec![417; 30], vec![100]].concat();
        assert_eq!(measured(&cut, 38, false), Some(true));
        // A keyframe and its group, ten of each a second.
        assert_eq!(measured(&[900, 100, 100, 100, 100].repeat(12), 10, false), Some(true));
        assert_eq!(measured(&[900, 100, 100, 100, 100].repeat(6), 10, false), None, "too short");
        let growing: Vec<usize> = (0..100).map(|n| 100 + n * n).collect();
        assert_eq!(measured(&growing, 10, false), Some(false));
        let swaying: Vec<usize> = (0..100).map(|n| 1000 + n * 4).collect();
        assert_eq!(measured(&swaying, 10, false), None);
        assert_eq!(measured(&swaying, 10, true), Some(false));
        let lossless = || Sizes { is_lossless: true, ..Sizes::default() };
        assert_eq!(of_codec(lossless(), &[417; 27], 38), None);
        assert_eq!(of_codec(lossless(), &[417, 417, 430].repeat(9), 38), Some(false));
    }

    #[test]
    fn packets_that_repeat_say_nothing_wherever_they_stand() {
        let measured = |codec: Sizes, contents: &[u8]| {
            let mut found = Sizes { least: usize::MAX, least_second: u64::MAX, ..codec };
            contents.iter().for_each(|content| found.push(&Packet::copy_of(&[*content; 100])));
            found.are_constant()
        };
        let silence = [&[1, 2, 3, 4][..], &[0; 40], &[5]].concat();
        assert_eq!(measured(Sizes::default(), &silence), None);
        assert_eq!(measured(Sizes { is_filled: true, ..Sizes::default() }, &silence), Some(true));
        let content: Vec<u8> = (0..40).collect();
        assert_eq!(measured(Sizes::default(), &content), Some(true));
    }

    #[test]
    fn settings_of_encoders_say_what_was_asked_for() {
        assert_eq!(by_settings("cabac=1 rc=crf mbtree=1 crf=23.0"), Some(false));
        assert_eq!(by_settings("rc=cbr mbtree=1 bitrate=500"), Some(true));
        assert_eq!(by_settings("rc=2pass mbtree=1 nal_hrd=cbr filler=1"), Some(true));
        assert_eq!(by_settings("bitrate=500 no-strict-cbr rc=abr"), Some(false));
        assert_eq!(by_settings("rc=abr strict-cbr"), Some(true));
        assert_eq!(by_settings("quality=high"), None);
    }
}
