//! Finds the units in H.264 and HEVC streams, whether start codes or lengths separate them.
//!
//! Invariant: the essence of a packet (its coded slices, for these codecs) is the same bytes before a muxer framed it
//! and after a demuxer read it; everything that a container may add, move or drop is left out.

/// How units are separated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By start codes (Annex B).
    StartCodes,
    /// Each by its length in this many bytes (MP4, MOV, Matroska).
    Lengths(usize),
    /// The codec has no such units.
    Opaque,
}

/// A codec whose units are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NalCodec {
    /// H.264.
    H264,
    /// HEVC.
    Hevc,
}

impl NalCodec {
    /// By FFmpeg's name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "h264" => Some(NalCodec::H264),
            "hevc" => Some(NalCodec::Hevc),
            _ => None,
        }
    }

    /// Whether a unit holds coded slices (H.264 table 7-1: types 1 to 5; H.265 table 7-1: types 0 to 31).
    pub fn is_slice(self, unit: &[u8]) -> bool {
        match (self, unit.first()) {
            (NalCodec::H264, Some(header)) => (1..=5).contains(&(header & 0x1f)),
            (NalCodec::Hevc, Some(header)) => (header >> 1) & 0x3f < 32,
            (_, None) => false,
        }
    }

    /// Whether a unit is a parameter set (H.264: types 7, 8 and 13; H.265: types 32 to 34).
    fn is_parameter_set(self, unit: &[u8]) -> bool {
        match (self, unit.first()) {
            (NalCodec::H264, Some(header)) => matches!(header & 0x1f, 7 | 8 | 13),
            (NalCodec::Hevc, Some(header)) => (32..=34).contains(&((header >> 1) & 0x3f)),
            (_, None) => false,
        }
    }

    /// How packets are framed that come with this codec-specific data: a configuration record starts with version 1.
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

/// The units of `data`, without start codes or lengths. Bytes that fit no framing end the walk.
pub fn units(data: &[u8], framing: Framing) -> Vec<&[u8]> {
    match framing {
        Framing::Opaque => vec![data],
        Framing::Lengths(size) => by_lengths(data, size),
        Framing::StartCodes => by_start_codes(data),
    }
}

/// A picture, its units after start codes, without parameter sets: those that came with it stand elsewhere.
pub fn without_parameter_sets(picture: Vec<u8>, codec: Option<NalCodec>) -> Vec<u8> {
    let Some(codec) = codec else { return picture };
    let list = units(&picture, Framing::StartCodes);
    if !list.iter().any(|unit| codec.is_parameter_set(unit)) {
        return picture;
    }
    let kept = list.into_iter().filter(|unit| !codec.is_parameter_set(unit));
    kept.flat_map(|unit| [&[0, 0, 0, 1], unit].concat()).collect()
}

fn by_lengths(mut data: &[u8], size: usize) -> Vec<&[u8]> {
    let mut units = Vec::new();
    while let Some((length, rest)) = data.split_at_checked(size) {
        let length = length.iter().fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
        let Some((unit, rest)) = rest.split_at_checked(length) else { break };
        units.push(unit);
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

/// A unit never ends in a zero byte; those belong to the next start code.
fn trim(unit: &[u8]) -> &[u8] {
    let end = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &unit[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_framings_give_the_same_units() {
        let annex_b = [0, 0, 0, 1, 0x65, 1, 2, 0, 0, 1, 0x41, 0, 3, 0, 0, 0, 1, 0x06, 9];
        let lengths = [0, 0, 0, 3, 0x65, 1, 2, 0, 0, 0, 3, 0x41, 0, 3, 0, 0, 0, 2, 0x06, 9];
        let expected: Vec<&[u8]> = vec![&[0x65, 1, 2], &[0x41, 0, 3], &[0x06, 9]];
        assert_eq!(units(&annex_b, Framing::StartCodes), expected);
        assert_eq!(units(&lengths, Framing::Lengths(4)), expected);
        let slices: Vec<bool> = expected.iter().map(|unit| NalCodec::H264.is_slice(unit)).collect();
        assert_eq!(slices, [true, true, false]);
    }

    #[test]
    fn parameter_sets_can_be_taken_out() {
        let picture = vec![0, 0, 0, 1, 0x40, 1, 9, 0, 0, 1, 0x26, 1, 7, 0, 0, 1, 0x44, 1, 5];
        let bare = without_parameter_sets(picture.clone(), Some(NalCodec::Hevc));
        assert_eq!(units(&bare, Framing::StartCodes), [&[0x26, 1, 7]]);
        assert_eq!(without_parameter_sets(bare.clone(), Some(NalCodec::Hevc)), bare);
        assert_eq!(without_parameter_sets(picture.clone(), None), picture);
    }

    #[test]
    fn hostile_lengths_do_not_run_past_the_end() {
        assert!(units(&[0xff, 0xff, 0xff, 0xff, 1], Framing::Lengths(4)).is_empty());
        assert!(units(&[0, 0], Framing::Lengths(4)).is_empty());
        assert!(units(&[], Framing::StartCodes).is_empty());
        assert_eq!(units(&[0, 0, 1], Framing::StartCodes), [&[] as &[u8]]);
    }
}
