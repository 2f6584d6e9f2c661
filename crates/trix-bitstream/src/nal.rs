//! Finds the NAL units in H.264 and HEVC streams, separated by start codes or lengths.
//!
//! Invariant: the essence of a packet (for these codecs, its coded slices) consists of the same bytes before a muxer
//! and after a demuxer. It leaves out everything that a container may add, move or drop.

use crate::messages::{each_message, unescaped};

/// How NAL units are separated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Start codes before each unit (Annex B).
    StartCodes,
    /// A length of this many bytes before each unit (MP4, MOV, Matroska).
    Lengths(usize),
    /// The codec has no NAL units.
    Opaque,
}

/// A codec with NAL units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NalCodec {
    /// H.264.
    H264,
    /// HEVC.
    Hevc,
}

impl NalCodec {
    /// The codec with this FFmpeg name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "h264" => Some(NalCodec::H264),
            "hevc" => Some(NalCodec::Hevc),
            _ => None,
        }
    }

    /// True if a unit holds coded slices (H.264 table 7-1: types 1 to 5; H.265 table 7-1: types 0 to 31).
    pub fn is_slice(self, unit: &[u8]) -> bool {
        match (self, unit.first()) {
            (NalCodec::H264, Some(header)) => (1..=5).contains(&(header & 0x1f)),
            (NalCodec::Hevc, Some(header)) => (header >> 1) & 0x3f < 32,
            (_, None) => false,
        }
    }

    /// True if a unit holds slices of a second layer, such as another view or alpha. Decoders of the first layer ignore
    /// them (H.264 table 7-1: types 19 to 21; H.265, 7.4.2.2: a layer identifier above 0).
    pub fn is_second_layer(self, unit: &[u8]) -> bool {
        match (self, unit) {
            (NalCodec::H264, [header, ..]) => (19..=21).contains(&(header & 0x1f)),
            (NalCodec::Hevc, _) => self.is_slice(unit) && is_above_base(unit),
            _ => false,
        }
    }

    /// True if a unit is a parameter set (H.264: types 7, 8 and 13; H.265: types 32 to 34).
    pub fn is_parameter_set(self, unit: &[u8]) -> bool {
        match (self, unit.first()) {
            (NalCodec::H264, Some(header)) => matches!(header & 0x1f, 7 | 8 | 13),
            (NalCodec::Hevc, Some(header)) => (32..=34).contains(&((header >> 1) & 0x3f)),
            (_, None) => false,
        }
    }

    /// True if a unit is an access unit delimiter, which must come first (H.264: type 9; H.265: type 35).
    pub(crate) fn is_delimiter(self, unit: &[u8]) -> bool {
        match (self, unit.first()) {
            (NalCodec::H264, Some(header)) => header & 0x1f == 9,
            (NalCodec::Hevc, Some(header)) => (header >> 1) & 0x3f == 35,
            (_, None) => false,
        }
    }

    /// True if a unit holds slices of a decodable leading frame (RADL, H.265 table 7-1: types 6 and 7). Such a
    /// frame follows a keyframe in the stream and is shown before it. H.264 has none.
    pub fn is_decodable_leading(self, unit: &[u8]) -> bool {
        self == NalCodec::Hevc && unit.first().is_some_and(|header| (6..=7).contains(&((header >> 1) & 0x3f)))
    }

    /// True if a unit is a sequence parameter set (H.264: type 7; H.265: type 33).
    pub fn is_sequence_set(self, unit: &[u8]) -> bool {
        match (self, unit.first()) {
            (NalCodec::H264, Some(header)) => header & 0x1f == 7,
            (NalCodec::Hevc, Some(header)) => (header >> 1) & 0x3f == 33,
            (_, None) => false,
        }
    }

    /// True if a unit is a sequence parameter set of the first layer. HEVC sets of other layers have another syntax
    /// (H.265, F.7.3.2.2).
    pub(crate) fn is_first_sequence_set(self, unit: &[u8]) -> bool {
        self.is_sequence_set(unit) && (self == NalCodec::H264 || !is_above_base(unit))
    }

    /// How a decoder can start at the frame of this unit, as far as the unit says.
    pub fn random_access(self, unit: &[u8]) -> Random {
        match (self, unit.first()) {
            (NalCodec::H264, Some(header)) if header & 0x1f == 5 => Random::Full,
            (NalCodec::H264, Some(header)) if header & 0x1f == 6 && has_recovery_point(&unit[1..]) => {
                Random::Recovering
            }
            // Table 7-1: BLA, IDR and CRA. Leading frames that no decoder can decode may follow a CRA.
            (NalCodec::Hevc, Some(header)) => match (header >> 1) & 0x3f {
                16..=20 => Random::Full,
                21 => Random::Recovering,
                _ => Random::None,
            },
            _ => Random::None,
        }
    }

    /// The content of a parameter set, without the tier and the level that HEVC's state. No decoder needs those to decode a frame.
    pub fn without_level(self, unit: &[u8]) -> Vec<u8> {
        let mut content = unescaped(unit);
        // Where profile_tier_level begins (H.265, 7.3.2.1 and 7.3.2.2), after the header of two bytes.
        let begin = match (self, unit.first().map(|header| (header >> 1) & 0x3f)) {
            (NalCodec::Hevc, Some(32)) => 6,
            (NalCodec::Hevc, Some(33)) => 3,
            _ => return content,
        };
        const TIER: u8 = 0x20;
        const LEVEL: usize = 11;
        if let Some(profile) = content.get_mut(begin) {
            *profile &= !TIER;
        }
        if let Some(level) = content.get_mut(begin + LEVEL) {
            *level = 0;
        }
        content
    }

    /// The parameter sets in codec-specific data (extradata).
    pub fn parameter_sets(self, extradata: &[u8]) -> Vec<&[u8]> {
        let mut sets = self.configuration(extradata);
        sets.retain(|unit| self.is_parameter_set(unit));
        sets
    }

    /// All NAL units in codec-specific data (extradata): a configuration record (ISO/IEC 14496-15, 5.3.3.1 and 8.3.3.1)
    /// or units with start codes.
    pub fn configuration(self, extradata: &[u8]) -> Vec<&[u8]> {
        if self.framing(extradata) == Framing::StartCodes {
            return units(extradata, Framing::StartCodes);
        }
        let mut sets = Vec::new();
        match self {
            NalCodec::H264 => {
                let sequence = extradata.get(5).map_or(0, |count| count & 0x1f);
                let rest = counted_units(extradata.get(6..).unwrap_or_default(), sequence.into(), &mut sets);
                let frame = rest.first().copied().unwrap_or(0);
                counted_units(rest.get(1..).unwrap_or_default(), frame.into(), &mut sets);
            }
            NalCodec::Hevc => {
                let mut rest = extradata.get(23..).unwrap_or_default();
                for _ in 0..extradata.get(22).copied().unwrap_or(0) {
                    let [_, high, low, tail @ ..] = rest else { break };
                    rest = counted_units(tail, u16::from_be_bytes([*high, *low]), &mut sets);
                }
            }
        }
        sets
    }

    /// The framing of packets with this codec-specific data. A configuration record starts with version 1.
    pub fn framing(self, extradata: &[u8]) -> Framing {
        let at = match self {
            NalCodec::H264 => 4,
            NalCodec::Hevc => 21,
        };
        match (extradata.first(), extradata.get(at)) {
            (Some(1), Some(byte)) => Framing::Lengths(usize::from(byte & 3) + 1),
            _ => Framing::StartCodes,
        }
    }
}

/// True if a unit of HEVC belongs to a layer above the first: its layer identifier is not 0 (H.265, 7.4.2.2).
fn is_above_base(unit: &[u8]) -> bool {
    matches!(unit, [first, second, ..] if first & 1 != 0 || second >> 3 != 0)
}

/// How a decoder can start at a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Random {
    /// It cannot, or the stream does not say that it can.
    #[default]
    None,
    /// It can start here, but frames shown before this one, or before a later one, are lost.
    Recovering,
    /// It can start with this frame, and all following frames are complete.
    Full,
}

/// True if an SEI unit has a recovery point message (H.264, D.1.8: type 6).
fn has_recovery_point(body: &[u8]) -> bool {
    let mut found = false;
    each_message(body, |kind, _| found |= kind == 6);
    found
}

/// The NAL units of `data`, without start codes or lengths. The walk stops at bytes that do not fit the framing.
pub fn units(data: &[u8], framing: Framing) -> Vec<&[u8]> {
    match framing {
        Framing::Opaque => vec![data],
        Framing::Lengths(size) => by_lengths(data, size),
        Framing::StartCodes => by_start_codes(data),
    }
}

/// `units` and the start code before each of them: the parts of a frame, one after the other.
pub fn with_start_codes<'a>(units: impl IntoIterator<Item = &'a [u8]>) -> Vec<&'a [u8]> {
    units.into_iter().flat_map(|unit| [&[0, 0, 0, 1], unit]).collect()
}

/// A frame (NAL units with start codes) without its parameter sets, which are stored elsewhere: the parts of the new
/// frame, one after the other, or `None` if the frame has no parameter sets.
pub fn without_parameter_sets(frame: &[u8], codec: NalCodec) -> Option<Vec<&[u8]>> {
    let list = units(frame, Framing::StartCodes);
    let is_set = |unit: &[u8]| codec.is_parameter_set(unit);
    let has_sets = list.iter().any(|unit| is_set(unit));
    has_sets.then(|| with_start_codes(list.into_iter().filter(|unit| !is_set(unit))))
}

/// Reads `count` units, each after a length of two bytes, and returns the bytes after them.
fn counted_units<'a>(mut data: &'a [u8], count: u16, units: &mut Vec<&'a [u8]>) -> &'a [u8] {
    for _ in 0..count {
        let Some((length, rest)) = data.split_first_chunk::<2>() else { return &[] };
        let Some((unit, rest)) = rest.split_at_checked(u16::from_be_bytes(*length).into()) else { return &[] };
        units.push(unit);
        data = rest;
    }
    data
}

fn by_lengths(mut data: &[u8], size: usize) -> Vec<&[u8]> {
    let mut units = Vec::new();
    while let Some((length, rest)) = data.split_at_checked(size) {
        let length = length.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
        let Some((unit, rest)) = rest.split_at_checked(length) else { break };
        units.push(trim(unit));
        data = rest;
    }
    units
}

fn by_start_codes(data: &[u8]) -> Vec<&[u8]> {
    let mut units = Vec::new();
    let mut start = None;
    let mut at = 0;
    while at + 3 <= data.len() {
        if data[at + 2] > 1 {
            at += 3;
        } else if data[at..at + 3] == [0, 0, 1] {
            if let Some(start) = start {
                units.push(trim(&data[start..at]));
            }
            start = Some(at + 3);
            at += 3;
        } else {
            at += 1;
        }
    }
    if let Some(start) = start {
        units.push(trim(&data[start..]));
    }
    units
}

/// Removes trailing zero bytes. A unit never ends in one: they belong to the next start code, or follow the unit.
pub fn trim(unit: &[u8]) -> &[u8] {
    let end = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &unit[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_framings_give_the_same_units() {
        let annex_b = [0, 0, 0, 1, 0x65, 1, 2, 0, 0, 1, 0x41, 0, 3, 0, 0, 0, 1, 0x06, 9];
        // A muxer that converts between the two framings may keep the zero before a start code as part of the unit.
        let lengths = [0, 0, 0, 3, 0x65, 1, 2, 0, 0, 0, 4, 0x41, 0, 3, 0, 0, 0, 0, 2, 0x06, 9];
        let expected: Vec<&[u8]> = vec![&[0x65, 1, 2], &[0x41, 0, 3], &[0x06, 9]];
        assert_eq!(units(&annex_b, Framing::StartCodes), expected);
        assert_eq!(units(&lengths, Framing::Lengths(4)), expected);
        let slices: Vec<bool> = expected.iter().map(|unit| NalCodec::H264.is_slice(unit)).collect();
        assert_eq!(slices, [true, true, false]);
    }

    #[test]
    fn parameter_sets_can_be_taken_out() {
        let frame = vec![0, 0, 0, 1, 0x40, 1, 9, 0, 0, 1, 0x26, 1, 7, 0, 0, 1, 0x44, 1, 5];
        let bare = without_parameter_sets(&frame, NalCodec::Hevc).unwrap().concat();
        assert_eq!(units(&bare, Framing::StartCodes), [&[0x26, 1, 7]]);
        assert_eq!(without_parameter_sets(&bare, NalCodec::Hevc), None);
    }

    #[test]
    fn parameter_sets_are_found_in_both_forms() {
        let annex_b = [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3];
        let record = [1, 0, 0, 0, 0xff, 0xe1, 0, 3, 0x67, 1, 2, 1, 0, 2, 0x68, 3];
        let expected: Vec<&[u8]> = vec![&[0x67, 1, 2], &[0x68, 3]];
        assert_eq!(NalCodec::H264.parameter_sets(&annex_b), expected);
        assert_eq!(NalCodec::H264.parameter_sets(&record), expected);
        let mut record = vec![1; 22];
        record.extend([2, 32, 0, 1, 0, 2, 0x40, 7, 39, 0, 1, 0, 1, 0x4e]);
        assert_eq!(NalCodec::Hevc.parameter_sets(&record), [&[0x40, 7]]);
        for cut in 0..record.len() {
            NalCodec::Hevc.parameter_sets(&record[..cut]);
        }
    }

    #[test]
    fn a_recovery_point_is_found_behind_a_message_with_emulation_prevention() {
        // A buffering period of four bytes, 80 00 00 01, and a recovery point.
        let behind = [6, 0, 4, 0x80, 0, 0, 3, 1, 6, 1, 0xc4, 0x80];
        assert_eq!(NalCodec::H264.random_access(&behind), Random::Recovering);
        assert_eq!(NalCodec::H264.random_access(&[6, 6, 1, 0xc4, 0x80]), Random::Recovering);
        // The last byte of the first message is a 6. No message has this type.
        let within = [6, 0, 5, 0, 0, 3, 1, 7, 6, 1, 1, 0x10, 0x80];
        assert_eq!(NalCodec::H264.random_access(&within), Random::None);
    }

    #[test]
    fn hostile_lengths_do_not_run_past_the_end() {
        assert!(units(&[0xff, 0xff, 0xff, 0xff, 1], Framing::Lengths(4)).is_empty());
        assert!(units(&[0, 0], Framing::Lengths(4)).is_empty());
        assert!(units(&[], Framing::StartCodes).is_empty());
        assert_eq!(units(&[0, 0, 1], Framing::StartCodes), [&[] as &[u8]]);
    }
}
