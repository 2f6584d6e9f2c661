//! Converts H.264 and HEVC for containers without a sample description: start codes, and parameter sets before each
//! keyframe.
//!
//! Invariant: slices stay unchanged. A frame that already has this form passes unchanged.

use crate::nal::{self, Framing, NalCodec};

/// Converts the frames of one track.
pub struct InBand {
    codec: NalCodec,
    framing: Framing,
    sets: Vec<Vec<u8>>,
}

impl InBand {
    /// Creates a converter for packets of `codec` (FFmpeg's name) with this codec-specific data. `None` for codecs without
    /// NAL units.
    pub fn new(codec: &str, extradata: &[u8]) -> Option<Self> {
        let codec = NalCodec::from_name(codec)?;
        let sets = codec.parameter_sets(extradata).into_iter().map(<[u8]>::to_vec).collect();
        Some(InBand { codec, framing: codec.framing(extradata), sets })
    }

    /// The codec-specific data of the converted frames.
    pub fn extradata(&self) -> Vec<u8> {
        nal::with_start_codes(self.sets.iter().map(Vec::as_slice)).concat()
    }

    /// Converts the frame `data`, which is a keyframe or not. Returns the parts of the new frame, one after the other, or
    /// `None` if the frame has the right form.
    pub fn rewrite<'a>(&'a self, data: &'a [u8], is_key: bool) -> Option<Vec<&'a [u8]>> {
        let units = nal::units(data, self.framing);
        let lacks_sets = is_key && !units.iter().any(|unit| self.codec.is_parameter_set(unit));
        if self.framing == Framing::StartCodes && !lacks_sets {
            return None;
        }
        let delimiters = units.iter().take_while(|unit| self.codec.is_delimiter(unit)).count();
        let (first, rest) = units.split_at(delimiters);
        let sets = self.sets.iter().filter(|_| lacks_sets).map(Vec::as_slice);
        let all = first.iter().copied().chain(sets).chain(rest.iter().copied());
        Some(nal::with_start_codes(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A configuration record of H.264 with two parameter sets, for lengths of four bytes.
    const RECORD: [u8; 16] = [1, 0, 0, 0, 0xff, 0xe1, 0, 3, 0x67, 1, 2, 1, 0, 2, 0x68, 3];
    const SETS: [u8; 13] = [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3];

    #[test]
    fn a_keyframe_has_its_parameter_sets_after_the_delimiter() {
        let converter = InBand::new("h264", &RECORD).unwrap();
        assert_eq!(converter.extradata(), SETS);
        let frame = [0, 0, 0, 2, 9, 0xf0, 0, 0, 0, 2, 0x65, 7];
        let expected = [&[0, 0, 0, 1, 9, 0xf0][..], &SETS, &[0, 0, 0, 1, 0x65, 7]].concat();
        let keyframe = converter.rewrite(&frame, true).unwrap().concat();
        assert_eq!(keyframe, expected);
        let other = converter.rewrite(&frame, false).unwrap().concat();
        assert_eq!(other, [0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1, 0x65, 7]);
        let again = InBand::new("h264", &SETS).unwrap();
        assert_eq!(again.rewrite(&keyframe, true), None);
        assert_eq!(again.rewrite(&other, false), None);
        assert_eq!(again.rewrite(&other, true).map(|parts| parts.concat()), Some(expected));
        assert!(InBand::new("vp9", &[]).is_none());
    }
}
