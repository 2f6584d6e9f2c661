//! Finds the messages of HDR10+ in the packets of a HEVC stream and gives each to its picture.
//!
//! libavcodec parses these messages into numbers; what is carried on is the message itself, byte by byte.
//!
//! Invariant: a message goes to the picture that has the presentation time of its packet, or to none.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    encode::{
        nal::{Framing, NalCodec},
        sei,
    },
    ffi::stream::CodecParameters,
    media::packet::Packet,
};

/// Messages whose pictures did not come out of the decoder yet.
pub struct DynamicHdr {
    framing: Framing,
    waiting: BTreeMap<i64, Arc<[u8]>>,
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
        if let Some(message) = sei::extras(packet.data(), NalCodec::Hevc, self.framing).hdr10_plus {
            self.waiting.insert(pts, message);
        }
        while self.waiting.len() > WAITING {
            self.waiting.pop_first();
        }
    }

    /// The message of the picture that came out with time `pts`.
    pub fn take(&mut self, pts: i64) -> Option<Arc<[u8]>> {
        self.waiting.remove(&pts)
    }
}
