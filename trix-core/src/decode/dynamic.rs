//! Finds dynamic HDR metadata (HDR10+, Dolby Vision) in the packets of an HEVC stream and assigns it to frames.
//!
//! libavcodec parses HDR10+ into numbers, and loses the Dolby Vision metadata of some frames. This module therefore
//! passes on the bytes of the packet unchanged.
//!
//! Invariant: metadata goes to the frame with the presentation time of its packet, or to none.

use std::collections::BTreeMap;

use trix_av::{frame::Frame, packet::Packet, stream::CodecParameters};
use trix_bitstream::{
    nal::{self, Framing, NalCodec},
    sei,
};
use trix_model::extras::Extras;

/// Metadata of frames that have not left the decoder yet.
pub struct DynamicHdr {
    framing: Framing,
    /// By the presentation time that the decoder was told.
    waiting: BTreeMap<i64, Extras>,
    /// Number of packets without times so far.
    untimed: i64,
}

/// More than a decoder holds: 16 frames for reordering, and one for each of 64 threads.
const WAITING: usize = 128;

/// In place of a time, a packet that has none gets its number, counted from here: far below the times of any stream.
const NUMBERS: i64 = i64::MIN / 2;

impl DynamicHdr {
    /// Returns `None` for any codec other than HEVC.
    pub fn new(parameters: &CodecParameters) -> Option<Self> {
        let codec = NalCodec::from_name(&parameters.codec_name()).filter(|codec| *codec == NalCodec::Hevc)?;
        let framing = codec.framing(parameters.extradata());
        Some(DynamicHdr { framing, waiting: BTreeMap::new(), untimed: 0 })
    }

    /// Searches a packet that goes into the decoder. If it has no times, as in a raw stream, returns the packet to send
    /// instead, whose frame [`Self::take`] recognises.
    pub fn push(&mut self, packet: &Packet) -> Option<Packet> {
        let numbered = (packet.pts().is_none() && packet.dts().is_none()).then(|| {
            let mut numbered = packet.clone();
            numbered.set_times(Some(NUMBERS + self.untimed), None, packet.duration());
            self.untimed += 1;
            numbered
        });
        let key = numbered.as_ref().unwrap_or(packet).pts();
        // Captions come with the decoded frame, for every codec.
        let units = nal::units(packet.data(), self.framing);
        let found = Extras { captions: Vec::new(), ..sei::extras(&units, NalCodec::Hevc) };
        if let Some(key) = key.filter(|_| !found.is_empty()) {
            self.waiting.insert(key, found);
        }
        while self.waiting.len() > WAITING {
            self.waiting.pop_first();
        }
        numbered
    }

    /// The metadata of a frame that has just left the decoder. A frame whose packet had no times has none afterwards.
    pub fn take(&mut self, frame: &mut Frame) -> Extras {
        let Some(pts) = frame.pts() else { return Extras::default() };
        if (NUMBERS..NUMBERS + self.untimed).contains(&pts) {
            frame.clear_time();
        }
        self.waiting.remove(&pts).unwrap_or_default()
    }
}
