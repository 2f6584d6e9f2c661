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
        let sets = nal::with_start_codes(self.sets.iter().map(Vec::as_slice));
        parameters.clone().with_extradata(&sets.concat())
    }

    /// Converts a packet.
    pub(super) fn rewrite(&self, packet: Packet) -> Packet {
        let units = nal::units(packet.data(), self.framing);
        let lacks_sets = packet.is_key() && !units.iter().any(|unit| self.codec.is_parameter_set(unit));
        if self.framing == Framing::StartCodes && !lacks_sets {
            return packet;
        }
        let delimiters = units.iter().take_while(|unit| self.codec.is_delimiter(unit)).count();
        let (first, rest) = units.split_at(delimiters);
        let sets = self.sets.iter().filter(|_| lacks_sets).map(Vec::as_slice);
        let all = first.iter().copied().chain(sets).chain(rest.iter().copied());
        packet.with_parts(&nal::with_start_codes(all))
    }
}
