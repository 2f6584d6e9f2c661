//! Examines the first frames of a stream: what the bitstream itself states, regardless of its container.
//!
//! Invariant: bitstream facts state no verdict and never fail the job. The later full decode reports damage.

use serde::{Deserialize, Serialize};
use trix_av::{
    codec::{Decoder, Output},
    frame::Frame,
    packet::Packet,
    pixel::PixelFormat,
    stream::StreamFacts,
};
use trix_bitstream::{
    nal::{self, Framing, NalCodec},
    rpu, sei,
};
use trix_model::{
    color::{Color, Matrix},
    hdr::{ContentLight, MasteringDisplay, StaticHdr},
    time::Rational,
    timecode::Timecode,
};

use crate::{decode::dynamic::DynamicHdr, source::Source};

/// Facts from the bitstream of the first frames of a stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BitstreamFacts {
    /// The number of examined frames.
    #[serde(rename = "pictures")]
    pub frames: u64,
    /// Width of the first frame in samples.
    pub width: usize,
    /// Height of the first frame in rows.
    pub height: usize,
    /// Layout of samples in memory.
    pub pixel_format: Option<PixelFormat>,
    /// True if a palette of these frames has colours that are not opaque.
    #[serde(skip)]
    pub clear_palette: bool,
    /// True if the frames have an alpha layer.
    #[serde(skip)]
    pub alpha_layer: bool,
    /// True if the stream has slices of a second layer, another view or alpha, which no decoder here reads.
    #[serde(skip)]
    pub second_layer: bool,
    /// Profile in words.
    pub profile: Option<String>,
    /// Level in the numbers of the codec.
    pub level: Option<i32>,
    /// Frames per second that the bitstream declares.
    pub rate: Option<Rational>,
    /// Sample aspect ratio: width of a sample divided by its height; absent if the bitstream does not state it.
    pub sample_aspect: Option<Rational>,
    /// Colour properties.
    pub color: Color,
    /// Static HDR metadata.
    pub hdr: StaticHdr,
    /// Frames with dynamic HDR10+ metadata.
    pub hdr10_plus: u64,
    /// Frames with a Dolby Vision RPU (reference processing unit).
    pub dolby_vision: u64,
    /// The Dolby Vision profile of the first RPU.
    pub dolby_vision_profile: Option<u8>,
    /// Frames with space for closed captions.
    pub captions: u64,
    /// Frames with CTA-608 captions.
    pub captions_608: u64,
    /// Frames with CTA-708 captions.
    pub captions_708: u64,
    /// Frames that are flagged as interlaced.
    pub interlaced: u64,
    /// Of these, frames whose top field is shown first.
    pub top_first: u64,
    /// Frames with a repeated field, as in film at 60 fields per second.
    pub repeated_fields: u64,
    /// The relevant part of the frame (SMPTE ST 2016-1, active format description).
    pub active_format: Option<u8>,
    /// Time code of the first frame, in a message of its own (SMPTE ST 12-1).
    pub smpte_timecode: Option<Timecode>,
    /// Time code of the first GOP.
    pub gop_timecode: Option<Timecode>,
    /// The encoder, if the bitstream names it.
    pub encoder: Option<String>,
    /// The encoder's settings, if the bitstream holds them.
    pub encoder_settings: Option<String>,
}

/// Number of frames that are decoded for bitstream facts: more than a closed GOP of two seconds needs to show its
/// metadata, and few enough to take almost no time.
pub const FRAMES: u64 = 24;

/// Decodes up to `frames` frames of stream `facts` with a second reader of `source`. Returns `None` if there is no
/// decoder, or if nothing can be decoded.
pub(crate) fn at_most(source: &Source, facts: &StreamFacts, frames: u64) -> Option<BitstreamFacts> {
    let mut again = source.reopen().ok()?;
    let mut facts_reader = BitstreamFactsReader::open(source, facts, frames)?;
    let mut bytes = 0;
    // The limit is twice the amount read to probe the streams, so that this stays quick.
    let limit = source.limits().probe_bytes.saturating_mul(2);
    while facts_reader.wants_more() && bytes < limit {
        let Ok(Some(packet)) = again.read() else { break };
        bytes += packet.data().len() as u64;
        if packet.stream() == facts.index {
            facts_reader.push(&packet);
        }
    }
    facts_reader.finish()
}

/// Examines one stream, packet by packet.
pub(crate) struct BitstreamFactsReader {
    decoder: Decoder,
    found: BitstreamFacts,
    most: u64,
    /// The codec and framing of H.264 and HEVC.
    nal: Option<(NalCodec, Framing)>,
    /// Finds the dynamic metadata of HEVC.
    dynamic: Option<DynamicHdr>,
    /// The encoder signature in the codec-specific data.
    signature: Option<String>,
}

impl BitstreamFactsReader {
    /// Starts to examine up to `most` frames of stream `facts` of `source`. Returns `None` if there is no decoder.
    pub(crate) fn open(source: &Source, facts: &StreamFacts, most: u64) -> Option<Self> {
        let (claims, pixels) = (facts.parameters.without_claims(), source.limits().pixels);
        let decoder = Decoder::open(&claims, facts.time_base, 0, pixels, facts.alpha_layer).ok()?;
        let nal = NalCodec::from_name(&facts.codec);
        let extradata = facts.parameters.extradata();
        // All decoders pass on metadata of a frame, but not all pass on metadata from the codec configuration.
        let signature = nal.and_then(|codec| sei::signature(&codec.configuration(extradata), codec));
        let nal = nal.map(|codec| (codec, codec.framing(extradata)));
        let dynamic = DynamicHdr::new(&facts.parameters);
        Some(BitstreamFactsReader { decoder, found: BitstreamFacts::default(), most, nal, dynamic, signature })
    }

    /// True if it needs more packets.
    pub(crate) fn wants_more(&self) -> bool {
        self.found.frames < self.most
    }

    /// Examines the frames of the stream's next packet.
    pub(crate) fn push(&mut self, packet: &Packet) {
        if self.wants_more() {
            if let Some((codec, framing)) = self.nal {
                let units = nal::units(packet.data(), framing);
                self.found.second_layer |= units.iter().any(|unit| codec.is_second_layer(unit));
                // The H.264 decoder in libavcodec 59 does not pass on static HDR metadata.
                if codec == NalCodec::H264 {
                    let (mastering, light) = sei::static_hdr(&units, codec);
                    let hdr = &mut self.found.hdr;
                    hdr.mastering = hdr.mastering.or(mastering.as_ref().map(MasteringDisplay::from_steps));
                    hdr.light = hdr.light.or(light.map(|[max, max_average]| ContentLight { max, max_average }));
                }
            }
            self.found.alpha_layer |= packet.has_alpha_layer();
            let numbered = self.dynamic.as_mut().and_then(|dynamic| dynamic.push(packet));
            let _ = self.decoder.send(numbered.as_ref().or(Some(packet)));
            self.take_frames();
        }
    }

    /// Returns the findings, or `None` if no frame could be decoded.
    pub(crate) fn finish(mut self) -> Option<BitstreamFacts> {
        if self.wants_more() {
            let _ = self.decoder.send(None);
            self.take_frames();
        }
        let BitstreamFactsReader { decoder, mut found, .. } = self;
        found.rate = decoder.bitstream_rate();
        (found.profile, found.level) = decoder.bitstream_profile();
        (found.frames > 0).then_some(found)
    }

    fn take_frames(&mut self) {
        // The number of frames that leave the decoder at once depends on the number of threads. The number examined
        // does not.
        while self.wants_more() {
            let Ok(Output::Item(mut frame)) = self.decoder.receive() else { break };
            if self.found.frames == 0 {
                self.first(&frame);
            }
            let found = &mut self.found;
            found.frames += 1;
            found.clear_palette |= frame.has_clear_palette();
            let hdr = frame.hdr();
            found.hdr.mastering = found.hdr.mastering.or(hdr.mastering);
            found.hdr.light = found.hdr.light.or(hdr.light);
            let extras = self.dynamic.as_mut().map(|dynamic| dynamic.take(&mut frame)).unwrap_or_default();
            found.hdr10_plus += u64::from(frame.has_hdr10_plus() || extras.hdr10_plus.is_some());
            // The HEVC decoder in libavcodec 59 loses the units of some frames, and gives some to another frame.
            let unit = if self.dynamic.is_some() { extras.dolby_vision.as_deref() } else { frame.dolby_vision_rpu() };
            if let Some(unit) = unit {
                found.dolby_vision += 1;
                found.dolby_vision_profile = found.dolby_vision_profile.or_else(|| rpu::profile(unit));
            }
            found.interlaced += u64::from(frame.is_interlaced());
            found.top_first += u64::from(frame.is_interlaced() && frame.is_top_field_first());
            found.repeated_fields += u64::from(frame.repeated_fields() > 0);
            found.active_format = found.active_format.or(frame.active_format());
            if let Some(captions) = frame.captions() {
                let has = |kinds: [u8; 2]| captions.chunks_exact(3).any(|triple| is_caption(triple, kinds));
                found.captions += 1;
                found.captions_608 += u64::from(has([0, 1]));
                found.captions_708 += u64::from(has([2, 3]));
            }
        }
    }

    fn first(&mut self, frame: &Frame) {
        let found = &mut self.found;
        (found.width, found.height) = (frame.width(), frame.height());
        found.pixel_format = frame.pixel_format();
        found.sample_aspect = Some(frame.sample_aspect()).filter(|aspect| aspect.is_positive());
        found.color = frame.color();
        if found.pixel_format.is_some_and(PixelFormat::is_rgb) {
            found.color.matrix = Matrix::RGB;
        }
        found.gop_timecode = frame.gop_timecode().map(Timecode::from_gop);
        let rate = self.decoder.bitstream_rate();
        found.smpte_timecode = frame.smpte_timecode().map(|bits| Timecode::from_smpte(bits, rate));
        let said = frame.signature().or_else(|| self.signature.clone());
        if let Some((encoder, settings)) = said.as_deref().and_then(signature) {
            found.encoder = Some(encoder.to_owned());
            found.encoder_settings = Some(settings.to_owned()).filter(|settings| !settings.is_empty());
        }
    }
}

/// True if three bytes of `cc_data` (CTA-708, 4.3) are valid, of one of `kinds`, and not padding.
fn is_caption(triple: &[u8], kinds: [u8; 2]) -> bool {
    let [head, first, second] = *triple else { return false };
    // CTA-608 parity sets the highest bit of a zero.
    let is_filling = first & 0x7f == 0 && second & 0x7f == 0;
    head & 4 != 0 && kinds.contains(&(head & 3)) && !is_filling
}

/// The encoder and its settings, from the message that x264 and x265 write into the first frame.
fn signature(text: &str) -> Option<(&str, &str)> {
    if !text.starts_with("x264") && !text.starts_with("x265") {
        return None;
    }
    let (head, settings) =
        text.split_once(" - options:").or_else(|| text.split_once(" - options ")).unwrap_or((text, ""));
    let name = head.split(" - H.26").next().unwrap_or(head);
    Some((name.trim(), settings.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_is_known_by_what_it_signs_with() {
        let x264 =
            "x264 - core 164 r3095 baee400 - H.264/MPEG-4 AVC codec - Copyleft 2003-2022 - options: cabac=1 ref=3";
        assert_eq!(signature(x264), Some(("x264 - core 164 r3095 baee400", "cabac=1 ref=3")));
        let x265 = "x265 (build 199) - 3.5+1:[Linux][GCC 12] 10bit - H.265/HEVC codec - Copyright - options: 256x144";
        assert_eq!(signature(x265), Some(("x265 (build 199) - 3.5+1:[Linux][GCC 12] 10bit", "256x144")));
        assert_eq!(signature("Lavc"), None);
        assert_eq!(signature("x264"), Some(("x264", "")));
    }

    #[test]
    fn filling_is_no_caption() {
        assert!(is_caption(&[0xfc, 0x94, 0x2c], [0, 1]));
        assert!(!is_caption(&[0xfc, 0x80, 0x80], [0, 1]));
        assert!(!is_caption(&[0xf8, 0x94, 0x2c], [0, 1]));
        assert!(!is_caption(&[0xff, 0x02, 0x21], [0, 1]));
        assert!(is_caption(&[0xff, 0x02, 0x21], [2, 3]));
    }
}
