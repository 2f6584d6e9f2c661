//! Owners of libavcodec's subtitle decoders and encoders. Both use ASS events.
//!
//! Invariant: an `AVSubtitle` never leaves this file; only text and times do.

use std::{ffi::c_int, sync::Arc};

use ffmpeg_sys_next as av;
use trix_model::time::TimeBase;

use super::{
    AvError, c_string, check,
    codec::{Context, DecoderError},
    log::Sink,
    packet::Packet,
    stream::CodecParameters,
    text,
};
use crate::rational::rational;

/// A decoder for text subtitles.
pub struct SubtitleDecoder {
    context: Context,
    sink: Arc<Sink>,
}

/// The content of a packet.
#[derive(Debug, Default)]
pub struct Lines {
    /// ASS events, as Matroska stores them: read order, layer, style, name, margins, effect, text.
    pub events: Vec<String>,
    /// Display duration in milliseconds, if the packet does not state it.
    pub millis: Option<u32>,
}

impl SubtitleDecoder {
    /// True if libavcodec can decode this codec to text.
    pub fn is_text(parameters: &CodecParameters) -> bool {
        // SAFETY: valid parameters; descriptors are static.
        unsafe {
            let id = (*parameters.as_ptr()).codec_id;
            let descriptor = av::avcodec_descriptor_get(id);
            let is_text = !descriptor.is_null() && (*descriptor).props & av::AV_CODEC_PROP_TEXT_SUB as c_int != 0;
            is_text && !av::avcodec_find_decoder(id).is_null()
        }
    }

    /// Opens a decoder for the stream with `parameters`.
    pub fn open(parameters: &CodecParameters, time_base: TimeBase) -> Result<Self, DecoderError> {
        let sink = Sink::new();
        let entered = sink.enter();
        // SAFETY: the parameters are valid; the context is owned from its creation on.
        let context = unsafe {
            let codec = av::avcodec_find_decoder((*parameters.as_ptr()).codec_id);
            if codec.is_null() {
                return Err(DecoderError::Missing);
            }
            let context = Context::new(codec);
            let raw = context.as_ptr();
            check(av::avcodec_parameters_to_context(raw, parameters.as_ptr())).map_err(DecoderError::Refused)?;
            (*raw).opaque = sink.opaque();
            (*raw).pkt_timebase = rational(time_base);
            check(av::avcodec_open2(raw, codec, std::ptr::null_mut())).map_err(DecoderError::Refused)?;
            context
        };
        drop(entered);
        Ok(SubtitleDecoder { context, sink })
    }

    /// Styles and other data that precede the events.
    pub fn header(&self) -> Vec<u8> {
        // SAFETY: the context is open and keeps `subtitle_header_size` bytes there.
        unsafe {
            let raw = &*self.context.as_ptr();
            if raw.subtitle_header.is_null() || raw.subtitle_header_size <= 0 {
                return Vec::new();
            }
            std::slice::from_raw_parts(raw.subtitle_header, raw.subtitle_header_size as usize).to_vec()
        }
    }

    /// Decodes a packet. The result has no events if the packet only clears the screen.
    pub fn decode(&mut self, packet: &Packet) -> Result<Lines, AvError> {
        let _entered = self.sink.enter();
        // SAFETY: an AVSubtitle is plain data for which zeros are valid; it is freed on every path, and its rectangles
        // are read while it lives.
        unsafe {
            let mut subtitle: av::AVSubtitle = std::mem::zeroed();
            let mut got: c_int = 0;
            let context = self.context.as_ptr();
            check(av::avcodec_decode_subtitle2(context, &mut subtitle, &mut got, packet.as_ptr()))?;
            let mut lines = Lines::default();
            if got != 0 {
                let count = if subtitle.rects.is_null() { 0 } else { subtitle.num_rects as usize };
                lines.events = (0..count).filter_map(|index| text((**subtitle.rects.add(index)).ass)).collect();
                let (start, end) = (subtitle.start_display_time, subtitle.end_display_time);
                lines.millis = Some(end.saturating_sub(start)).filter(|millis| *millis > 0 && end < u32::MAX);
                av::avsubtitle_free(&mut subtitle);
            }
            Ok(lines)
        }
    }

    /// The messages of the decoder since the last call.
    pub fn complaints(&self) -> Vec<String> {
        self.sink.take().0.into_iter().map(|line| line.text).collect()
    }
}

/// An encoder for text subtitles.
pub struct SubtitleEncoder {
    context: Context,
    sink: Arc<Sink>,
    buffer: Vec<u8>,
}

/// Maximum size of an encoded event in bytes. A page of text needs a hundredth of it.
const ROOM: usize = 1 << 20;

impl SubtitleEncoder {
    /// Opens an encoder by the codec's name, for events that belong to `header`.
    pub fn open(codec: &str, header: &[u8]) -> Result<Self, AvError> {
        let sink = Sink::new();
        let entered = sink.enter();
        let name = c_string(codec);
        // SAFETY: strings live during the calls; the context is owned from its creation on and frees the header, which
        // is allocated as it frees it, with a zero at its end.
        let context = unsafe {
            let descriptor = av::avcodec_descriptor_get_by_name(name.as_ptr());
            let descriptor = descriptor.as_ref().ok_or(AvError(av::AVERROR_ENCODER_NOT_FOUND))?;
            let codec = av::avcodec_find_encoder(descriptor.id);
            if codec.is_null() {
                return Err(AvError(av::AVERROR_ENCODER_NOT_FOUND));
            }
            let context = Context::new(codec);
            let raw = &mut *context.as_ptr();
            raw.opaque = sink.opaque();
            raw.time_base = av::AVRational { num: 1, den: 1000 };
            raw.flags |= av::AV_CODEC_FLAG_BITEXACT as c_int;
            raw.subtitle_header = av::av_mallocz(header.len() + 1).cast();
            assert!(!raw.subtitle_header.is_null(), "memory for a header");
            raw.subtitle_header.copy_from_nonoverlapping(header.as_ptr(), header.len());
            raw.subtitle_header_size = header.len() as c_int;
            check(av::avcodec_open2(raw, codec, std::ptr::null_mut()))?;
            context
        };
        drop(entered);
        Ok(SubtitleEncoder { context, sink, buffer: vec![0; ROOM] })
    }

    /// The codec parameters for a muxer.
    pub fn parameters(&self) -> Result<CodecParameters, AvError> {
        // SAFETY: the context is open.
        unsafe { CodecParameters::of_context(self.context.as_ptr()) }
    }

    /// Encodes events that are shown together for `millis` milliseconds.
    pub fn encode(&mut self, events: &[String], millis: u32) -> Result<&[u8], AvError> {
        let _entered = self.sink.enter();
        // SAFETY: the subtitle, its list, rectangles and strings are allocated as avsubtitle_free frees them; the count
        // grows with them; the buffer has the length that is passed.
        let length = unsafe {
            let mut subtitle: av::AVSubtitle = std::mem::zeroed();
            subtitle.end_display_time = millis;
            subtitle.rects = av::av_calloc(events.len().max(1), size_of::<*mut av::AVSubtitleRect>()).cast();
            assert!(!subtitle.rects.is_null(), "memory for subtitles");
            for event in events {
                let rectangle: *mut av::AVSubtitleRect = av::av_mallocz(size_of::<av::AVSubtitleRect>()).cast();
                assert!(!rectangle.is_null(), "memory for subtitles");
                (*rectangle).type_ = av::AVSubtitleType::SUBTITLE_ASS;
                (*rectangle).ass = av::av_strdup(c_string(event).as_ptr());
                subtitle.rects.add(subtitle.num_rects as usize).write(rectangle);
                subtitle.num_rects += 1;
            }
            let context = self.context.as_ptr();
            let code = av::avcodec_encode_subtitle(context, self.buffer.as_mut_ptr(), ROOM as c_int, &subtitle);
            av::avsubtitle_free(&mut subtitle);
            check(code)?
        };
        Ok(&self.buffer[..length as usize])
    }
}
