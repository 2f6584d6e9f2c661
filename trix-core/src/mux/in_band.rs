//! Converts H.264 and HEVC for containers without a sample description: start codes, and parameter sets before each
//! keyframe.
//!
//! Invariant: slices stay unchanged. A packet that already has this form passes unchanged.

use trix_av::{packet::Packet, stream::CodecParameters};
use trix_bitstream::nal::{self, Framing, NalCodec};

/// Converts the packets of one track.
pub(super) struct InBand {
    codec: NalCodec,
    framing: Framing,
    sets: Vec<Vec<u8>>,
}

impl InBand {
    /// Creates a converter for packets with `parameters`. `None` for codecs without NAL units.
    pub(super) fn new(parameters: &CodecParameters) -> Option<Self> {
        let codec = NalCodec::from_name(&parameters.codec_name())?;
        let extradata = parameters.extradata();
        let sets = codec.parameter_sets(extradata).into_iter().map(<[u8]>::to_vec).collect();
        Some(InBand { codec, framing: codec.framing(extradata), sets })
    }

    /// The parameters of the converted packets.
    pub(super) fn parameters(&self, parameters: &CodecParameters) -> CodecParameters {
        let mut extradata = Vec::new();
        self.sets.iter().for_each(|set| append(&mut extradata, set));
        parameters.clone().with_extradata(&extradata)
    }

    /// Converts a packet.
    pub(super) fn rewrite(&self, packet: Packet) -> Packet {
        let units = nal::units(packet.data(), self.framing);
        let lacks_sets = packet.is_key() && !units.iter().any(|unit| self.codec.is_parameter_set(unit));
        if self.framing == Framing::StartCodes && !lacks_sets {
            return packet;
        }
        let mut data = Vec::with_capacity(packet.data().len() + 256);
        let delimiters = units.iter().take_while(|unit| self.codec.is_delimiter(unit)).count();
        units[..delimiters].iter().for_each(|unit| append(&mut data, unit));
        if lacks_sets {
            self.sets.iter().for_each(|set| append(&mut data, set));
        }
        units[delimiters..].iter().for_each(|unit| append(&mut data, unit));
        packet.with_data(&data)
    }
}

fn append(data: &mut Vec<u8>, unit: &[u8]) {
    data.extend([0, 0, 0, 1]);
    data.extend(unit);
}
