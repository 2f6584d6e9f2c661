//! Owners of libavcodec's subtitle decoders and encoders. Both use ASS events.
//!
//! Invariant: an `AVSubtitle` never leaves this file; only text and times do.

use std::{ffi::c_int, sync::Arc};

use ffmpeg_sys_next as av;
use trix_model::time::TimeBase;

use super::{
    AvError, c_string, check,
    codec::{Codec, Context, DecoderError},
    log::Sink,
    packet::Packet,
    padded_copy,
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
        let is_text = |found: &av::AVCodecDescriptor| found.props & av::AV_CODEC_PROP_TEXT_SUB as c_int != 0;
        parameters.descriptor().is_some_and(is_text) && Codec::decoder_for(parameters.raw().codec_id).is_some()
    }

    /// Opens a decoder for the stream with `parameters`.
    pub fn open(parameters: &CodecParameters, time_base: TimeBase) -> Result<Self, DecoderError> {
        let sink = Sink::new();
        let entered = sink.enter();
        let codec = Codec::decoder_for(parameters.raw().codec_id).ok_or(DecoderError::Missing)?;
        let mut context = Context::new(codec);
        context.set_parameters(parameters).map_err(DecoderError::Refused)?;
        let raw = context.raw_mut();
        raw.opaque = sink.opaque();
        raw.pkt_timebase = rational(time_base);
        context.open(codec, None).map_err(DecoderError::Refused)?;
        drop(entered);
        Ok(SubtitleDecoder { context, sink })
    }

    /// Styles and other data that precede the events.
    pub fn header(&self) -> Vec<u8> {
        let raw = self.context.raw();
        if raw.subtitle_header.is_null() || raw.subtitle_header_size <= 0 {
            return Vec::new();
        }
        // SAFETY: the context keeps `subtitle_header_size` bytes there.
        unsafe { std::slice::from_raw_parts(raw.subtitle_header, raw.subtitle_header_size as usize) }.to_vec()
    }

    /// Decodes a packet. The result has no events if the packet only clears the screen.
    pub fn decode(&mut self, packet: &Packet) -> Result<Lines, AvError> {
        let _entered = self.sink.enter();
        let mut subtitle = Subtitle::empty();
        let (context, mut got) = (self.context.as_ptr(), 0);
        // SAFETY: context and packet are valid, and the subtitle is ours and empty.
        check(unsafe { av::avcodec_decode_subtitle2(context, &mut subtitle.0, &mut got, packet.as_ptr()) })?;
        let mut lines = Lines::default();
        if got != 0 {
            lines.events = subtitle.events();
            let (start, end) = (subtitle.0.start_display_time, subtitle.0.end_display_time);
            lines.millis = Some(end.saturating_sub(start)).filter(|millis| *millis > 0 && end < u32::MAX);
        }
        Ok(lines)
    }

    /// The messages of the decoder since the last call.
    pub fn complaints(&self) -> Vec<String> {
        self.sink.take().0.into_iter().map(|line| line.text).collect()
    }
}

/// An owned `AVSubtitle`, with rectangles that it frees.
struct Subtitle(av::AVSubtitle);

impl Subtitle {
    fn empty() -> Self {
        // SAFETY: an AVSubtitle is plain data for which zeros are valid.
        Subtitle(unsafe { std::mem::zeroed() })
    }

    /// A subtitle that shows `events` together for `millis` milliseconds.
    fn of_events(events: &[String], millis: u32) -> Self {
        let mut this = Subtitle::empty();
        this.0.end_display_time = millis;
        // SAFETY: no preconditions.
        let list = unsafe { av::av_calloc(events.len().max(1), size_of::<*mut av::AVSubtitleRect>()) };
        this.0.rects = list.cast();
        assert!(!this.0.rects.is_null(), "memory for subtitles");
        for event in events {
            this.push(event);
        }
        this
    }

    /// Adds an event to a list that has room for it.
    fn push(&mut self, event: &str) {
        // SAFETY: no preconditions.
        let rectangle = unsafe { av::av_mallocz(size_of::<av::AVSubtitleRect>()) }.cast::<av::AVSubtitleRect>();
        assert!(!rectangle.is_null(), "memory for subtitles");
        let event = c_string(event);
        // SAFETY: the string lives during the call, which copies it. The rectangle is ours and large enough.
        unsafe {
            (*rectangle).type_ = av::AVSubtitleType::SUBTITLE_ASS;
            (*rectangle).ass = av::av_strdup(event.as_ptr());
        }
        // SAFETY: the list has room for every event. The count grows after the rectangle is in place.
        unsafe { self.0.rects.add(self.0.num_rects as usize).write(rectangle) };
        self.0.num_rects += 1;
    }

    /// The ASS events.
    fn events(&self) -> Vec<String> {
        let count = if self.0.rects.is_null() { 0 } else { self.0.num_rects as usize };
        // SAFETY: the list holds `num_rects` valid rectangles. Their text is null or a string.
        (0..count).filter_map(|index| unsafe { text((**self.0.rects.add(index)).ass) }).collect()
    }
}

impl Drop for Subtitle {
    fn drop(&mut self) {
        // SAFETY: list, rectangles and strings are ours, and allocated as the call frees them.
        unsafe { av::avsubtitle_free(&mut self.0) };
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
        // SAFETY: the name lives during the call; descriptors are static.
        let descriptor = unsafe { av::avcodec_descriptor_get_by_name(name.as_ptr()).as_ref() };
        let codec = descriptor.and_then(|found| Codec::encoder_for(found.id)).ok_or(AvError::NO_ENCODER)?;
        let mut context = Context::new(codec);
        let raw = context.raw_mut();
        raw.opaque = sink.opaque();
        raw.time_base = av::AVRational { num: 1, den: 1000 };
        raw.flags |= av::AV_CODEC_FLAG_BITEXACT as c_int;
        // The context frees the header, which ends with a zero.
        raw.subtitle_header = padded_copy(header, 1, "a header");
        raw.subtitle_header_size = header.len() as c_int;
        context.open(codec, None)?;
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
        let subtitle = Subtitle::of_events(events, millis);
        let (context, buffer) = (self.context.as_ptr(), self.buffer.as_mut_ptr());
        // SAFETY: context and subtitle are valid; the buffer has the length that is passed.
        let length = check(unsafe { av::avcodec_encode_subtitle(context, buffer, ROOM as c_int, &subtitle.0) })?;
        Ok(&self.buffer[..length as usize])
    }
}
