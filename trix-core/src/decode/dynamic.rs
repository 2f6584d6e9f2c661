//! Finds dynamic HDR metadata (HDR10+, Dolby Vision) in the packets of an HEVC stream and assigns it to frames.
//!
//! libavcodec parses HDR10+ into numbers, and loses the Dolby Vision metadata of some frames. This module therefore
//! passes on the bytes of the packet unchanged.
//!
//! Invariant: metadata goes to the frame with the presentation time of its packet, or to none.

use std::collections::BTreeMap;

use trix_av::{packet::Packet, stream::CodecParameters};
use trix_bitstream::{
    nal::{self, Framing, NalCodec},
    sei,
};
use trix_model::extras::Extras;

use super::video::DecodedFrame;

/// Metadata of frames that have not left the decoder yet.
pub struct DynamicHdr {
    framing: Framing,
    waiting: BTreeMap<i64, Extras>,
}

/// More than a decoder holds: 16 frames for reordering, and one for each of 64 threads.
const WAITING: usize = 128;

impl DynamicHdr {
    /// Returns `None` for any codec other than HEVC.
    pub fn new(parameters: &CodecParameters) -> Option<Self> {
        let codec = NalCodec::from_name(&parameters.codec_name()).filter(|codec| *codec == NalCodec::Hevc)?;
        Some(DynamicHdr { framing: codec.framing(parameters.extradata()), waiting: BTreeMap::new() })
    }

    /// Searches a packet that goes into the decoder.
    pub fn push(&mut self, packet: &Packet) {
        let Some(pts) = packet.pts() else { return };
        // Captions come with the decoded frame, for every codec.
        let units = nal::units(packet.data(), self.framing);
        let found = Extras { captions: Vec::new(), ..sei::extras(&units, NalCodec::Hevc) };
        if !found.is_empty() {
            self.waiting.insert(pts, found);
        }
        while self.waiting.len() > WAITING {
            self.waiting.pop_first();
        }
    }

    /// The metadata of the frame that left the decoder with the time `pts`.
    pub fn take(&mut self, pts: i64) -> Extras {
        self.waiting.remove(&pts).unwrap_or_default()
    }
}

/// The side data of `frame`, which has just left its decoder: captions, and the metadata that `dynamic` found in its
/// packet.
pub(crate) fn extras(dynamic: Option<&mut DynamicHdr>, frame: &DecodedFrame) -> Extras {
    Extras {
        captions: frame.frame.captions().map(<[u8]>::to_vec).unwrap_or_default(),
        ..dynamic.map(|dynamic| dynamic.take(frame.pts)).unwrap_or_default()
    }
}
