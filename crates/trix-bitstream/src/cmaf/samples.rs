//! Converts packets to MP4 samples.
//!
//! Invariant: coded slices and audio keep their bytes. Everything that is removed is in the sample description.

use std::borrow::Cow;

use crate::nal::{self, Framing, NalCodec};

/// How the packets of a track become samples.
pub enum SampleForm {
    /// H.264 or HEVC NAL units, each after its length. Their parameter sets are in the sample description.
    Units {
        /// The codec.
        codec: NalCodec,
        /// How the units of a packet are separated.
        from: Framing,
        /// The parameter sets, each as a whole unit.
        sets: Vec<Vec<u8>>,
    },
    /// AAC that may have ADTS headers.
    Aac,
    /// Unchanged.
    Plain,
}

impl SampleForm {
    /// The form for packets of `codec` (FFmpeg's name) with this codec-specific data.
    pub fn of(codec: &str, extradata: &[u8]) -> Self {
        match NalCodec::from_name(codec) {
            Some(codec) => SampleForm::Units {
                codec,
                from: codec.framing(extradata),
                sets: codec.parameter_sets(extradata).into_iter().map(<[u8]>::to_vec).collect(),
            },
            None if codec == "aac" && extradata.is_empty() => SampleForm::Aac,
            None => SampleForm::Plain,
        }
    }

    /// Converts `data` to a sample, and returns the parts of the sample, one after the other.
    ///
    /// # Errors
    /// Why this is not possible, if parameter sets change.
    pub fn sample<'a>(&self, data: &'a [u8]) -> Result<Vec<Cow<'a, [u8]>>, &'static str> {
        match self {
            SampleForm::Plain => Ok(vec![data.into()]),
            SampleForm::Aac => Ok(vec![without_adts(data).into()]),
            SampleForm::Units { codec, from, sets } => {
                let units = nal::units(data, *from);
                let is_set = |unit: &[u8]| codec.is_parameter_set(unit);
                // ISO/IEC 14496-15, 5.4.2.1.1 and 8.4.1.1: with avc1 and hvc1, parameter sets are only in the sample
                // description.
                if units.iter().any(|unit| is_set(unit) && !sets.iter().any(|set| set == unit)) {
                    return Err("its parameter sets change in mid-stream, which one sample description cannot hold");
                }
                if matches!(from, Framing::Lengths(_)) && !units.iter().any(|unit| is_set(unit)) {
                    return Ok(vec![data.into()]);
                }
                let width = if let Framing::Lengths(width) = from { *width } else { 4 };
                let length = |unit: &[u8]| (unit.len() as u64).to_be_bytes()[8 - width.min(8)..].to_vec();
                let kept = units.into_iter().filter(|unit| !is_set(unit) && !unit.is_empty());
                Ok(kept.flat_map(|unit| [Cow::Owned(length(unit)), Cow::Borrowed(unit)]).collect())
            }
        }
    }
}

/// ISO 13818-7, 6.2: removes the ADTS header of 7 bytes, or 9 with a checksum.
fn without_adts(data: &[u8]) -> &[u8] {
    match data {
        [0xff, second, ..] if second & 0xf6 == 0xf0 => {
            data.get(if second & 1 == 1 { 7 } else { 9 }..).unwrap_or_default()
        }
        _ => data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_get_lengths_and_lose_known_parameter_sets() {
        let form = SampleForm::Units {
            codec: NalCodec::H264,
            from: Framing::StartCodes,
            sets: vec![vec![0x67, 1], vec![0x68, 2]],
        };
        let frame = [0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x65, 9];
        assert_eq!(form.sample(&frame).unwrap().concat(), [0, 0, 0, 2, 0x65, 9]);
        assert!(form.sample(&[0, 0, 1, 0x67, 2, 0, 0, 1, 0x65, 9]).is_err());
    }
}
