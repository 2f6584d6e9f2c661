//! Finds dynamic HDR metadata (HDR10+, Dolby Vision) in the packets of a HEVC stream and gives them to their pictures.
//!
//! libavcodec parses HDR10+ into numbers and loses the Dolby Vision metadata of some pictures; what is carried on is what
//! stands in the packet, byte by byte.
//!
//! Invariant: metadata go to the picture that has the presentation time of their packet, or to none.

use std::collections::BTreeMap;

use trix_av::{packet::Packet, stream::CodecParameters};
use trix_bitstream::{
    nal::{Framing, NalCodec},
    sei,
};
use trix_model::extras::Extras;

use super::video::Picture;

/// Metadata whose pictures did not come out of the decoder yet.
pub struct DynamicHdr {
    framing: Framing,
    waiting: BTreeMap<i64, Extras>,
}

/// More than a decoder holds: 16 pictures for reordering, and one for each of 64 threads.
const WAITING: usize = 128;

impl DynamicHdr {
    /// For a stream with these parameters; `None` for anything but HEVC.
    pub fn new(parameters: &CodecParameters) -> Option<Self> {
        let codec = NalCodec::from_name(&parameters.codec_name()).filter(|codec| *codec == NalCodec::Hevc)?;
        Some(DynamicHdr { framing: codec.framing(parameters.extradata()), waiting: BTreeMap::new() })
    }

    /// Looks into a packet that goes into the decoder.
    pub fn push(&mut self, packet: &Packet) {
        let Some(pts) = packet.pts() else { return };
        // Captions come with the decoded picture, from whatever codec.
        let found = Extras { captions: Vec::new(), ..sei::extras(packet.data(), NalCodec::Hevc, self.framing) };
        if !found.is_empty() {
            self.waiting.insert(pts, found);
        }
        while self.waiting.len() > WAITING {
            self.waiting.pop_first();
        }
    }

    /// The metadata of the picture that came out with time `pts`.
    pub fn take(&mut self, pts: i64) -> Extras {
        self.waiting.remove(&pts).unwrap_or_default()
    }
}

/// What travels with `picture`, which just left its decoder: captions, and what `dynamic` found in its packet.
pub(crate) fn extras(dynamic: Option<&mut DynamicHdr>, picture: &Picture) -> Extras {
    Extras {
        captions: picture.frame.captions().map(<[u8]>::to_vec).unwrap_or_default(),
        ..dynamic.map(|dynamic| dynamic.take(picture.pts)).unwrap_or_default()
    }
}
