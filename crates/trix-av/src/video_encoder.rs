//! Owner of a libavcodec video encoder.
//!
//! Invariant: times are frame numbers, as in the other encoders: frame `n` has the time `n`.

use std::{ffi::c_int, ptr, sync::Arc};

use ffmpeg_sys_next as av;
use trix_model::{color::Color, frame_facts::FieldOrder, time::Rational};

use super::{
    AvError, Dictionary, c_string, check,
    codec::{Codec, Context, Output, outcome},
    frame::Frame,
    log::Sink,
    packet::Packet,
    pixel::PixelFormat,
    stream::CodecParameters,
};
use crate::rational::rational;

/// Settings of an encoder.
pub struct VideoEncoderSettings<'a> {
    /// FFmpeg's name of the encoder.
    pub encoder: &'a str,
    /// Pixel format.
    pub format: PixelFormat,
    /// Samples per row.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
    /// Frames per second.
    pub rate: Rational,
    /// Sample aspect ratio. Zero if unknown.
    pub sample_aspect: Rational,
    /// Colour description.
    pub color: Color,
    /// Field order of interlaced video.
    pub fields: Option<FieldOrder>,
    /// Number of the profile, for muxers that need it (`FF_PROFILE_PRORES_...`).
    pub profile: Option<u32>,
    /// Number of threads; 0 means one for each core.
    pub threads: u32,
    /// Options by FFmpeg's names.
    pub options: &'a [(String, String)],
}

/// An open encoder.
pub struct VideoEncoder {
    context: Context,
    sink: Arc<Sink>,
    color: Color,
    fields: Option<FieldOrder>,
}

impl VideoEncoder {
    /// Opens an encoder. The text of the error holds the messages of the encoder.
    pub fn open(settings: &VideoEncoderSettings<'_>) -> Result<Self, (AvError, String)> {
        let sink = Sink::new();
        let entered = sink.enter();
        let opened = open(settings, &sink);
        drop(entered);
        match opened {
            Ok(context) => Ok(VideoEncoder { context, sink, color: settings.color, fields: settings.fields }),
            Err(code) => {
                let said: Vec<String> = sink.take().0.into_iter().map(|line| line.text).collect();
                Err((code, said.join("; ")))
            }
        }
    }

    /// The codec parameters for a muxer.
    pub fn parameters(&self) -> Result<CodecParameters, AvError> {
        // SAFETY: the context is open.
        unsafe { CodecParameters::of_context(self.context.as_ptr()) }
    }

    /// Sends frame `number`. `None` marks the end of the stream.
    pub fn send(&mut self, frame: Option<(&Frame, u64)>) -> Result<(), AvError> {
        let _entered = self.sink.enter();
        let stamped = frame.map(|(frame, number)| frame.stamped(number as i64, self.color, self.fields));
        let pointer = stamped.as_ref().map_or(ptr::null(), |frame| frame.as_ptr().cast_const());
        // SAFETY: both are valid; null means end of stream; the encoder takes a reference of its own.
        check(unsafe { av::avcodec_send_frame(self.context.as_ptr(), pointer) }).map(drop)
    }

    /// Receives a coded frame.
    pub fn receive(&mut self) -> Result<Output<Packet>, AvError> {
        let _entered = self.sink.enter();
        let packet = Packet::new();
        // SAFETY: both are valid and ours.
        let code = unsafe { av::avcodec_receive_packet(self.context.as_ptr(), packet.as_ptr()) };
        outcome(code, packet)
    }

    /// The warnings of the encoder.
    pub fn complaints(&self) -> Vec<String> {
        self.sink.take().0.into_iter().map(|line| line.text).collect()
    }
}

fn open(settings: &VideoEncoderSettings<'_>, sink: &Sink) -> Result<Context, AvError> {
    let codec = Codec::encoder_named(settings.encoder).ok_or(AvError::NO_ENCODER)?;
    let mut context = Context::new(codec);
    let raw = context.raw_mut();
    raw.opaque = sink.opaque();
    raw.width = settings.width as c_int;
    raw.height = settings.height as c_int;
    raw.time_base = rational(settings.rate.inverse());
    raw.framerate = rational(settings.rate);
    raw.sample_aspect_ratio = rational(settings.sample_aspect);
    raw.gop_size = 1;
    raw.thread_count = settings.threads.min(64) as c_int;
    let color = settings.color;
    const PROGRESSIVE: c_int = 1;
    let order = match settings.fields {
        None => PROGRESSIVE,
        Some(FieldOrder::Top) => 2,
        Some(FieldOrder::Bottom) => 3,
    };
    // SAFETY: the fields are ours. Enums of libav* hold integers.
    unsafe {
        (&raw mut raw.pix_fmt).cast::<c_int>().write(settings.format.0);
        (&raw mut raw.color_primaries).cast::<c_int>().write(color.primaries.0.into());
        (&raw mut raw.color_trc).cast::<c_int>().write(color.transfer.0.into());
        (&raw mut raw.colorspace).cast::<c_int>().write(color.matrix.0.into());
        (&raw mut raw.color_range).cast::<c_int>().write(color.range as c_int);
        (&raw mut raw.field_order).cast::<c_int>().write(order);
    }
    if settings.fields.is_some() {
        raw.flags |= (av::AV_CODEC_FLAG_INTERLACED_DCT | av::AV_CODEC_FLAG_INTERLACED_ME) as c_int;
    }
    raw.flags |= (av::AV_CODEC_FLAG_GLOBAL_HEADER | av::AV_CODEC_FLAG_BITEXACT) as c_int;
    raw.strict_std_compliance = av::FF_COMPLIANCE_EXPERIMENTAL;
    let options = settings.options.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    context.open(codec, Some(&mut Dictionary::new(options)))?;
    if let Some(profile) = settings.profile {
        context.raw_mut().profile = profile as c_int;
    }
    Ok(context)
}

/// True if the encoder has an option `name` that accepts `value`.
pub fn takes_option(encoder: &str, name: &str, value: &str) -> bool {
    let Some(codec) = Codec::encoder_named(encoder) else { return false };
    let context = Context::new(codec);
    let (name, value) = (c_string(name), c_string(value));
    // SAFETY: the strings live during the call. The private data are null or belong to the context.
    check(unsafe { av::av_opt_set(context.raw().priv_data, name.as_ptr(), value.as_ptr(), 0) }).is_ok()
}

const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<VideoEncoder>();
};
