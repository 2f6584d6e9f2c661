//! Owner of libavcodec's audio encoders.

use std::{ffi::c_int, ptr, sync::Arc};

use ffmpeg_sys_next as av;

use super::{
    AvError, c_string, check,
    codec::{Codec, Context, Output, outcome},
    frame::Frame,
    layout,
    log::Sink,
    packet::Packet,
    stream::CodecParameters,
};

/// Settings of an audio encoder.
pub struct AudioEncoderSettings<'a> {
    /// FFmpeg's name of the encoder.
    pub encoder: &'a str,
    /// FFmpeg's name of the sample format.
    pub sample_format: &'a str,
    /// Samples per second.
    pub sample_rate: u32,
    /// FFmpeg's description of the channel layout.
    pub layout: &'a str,
    /// Bits per second, for lossy codecs.
    pub bit_rate: Option<u64>,
    /// Significant bits per sample, if fewer than the sample format has.
    pub raw_bits: Option<u32>,
}

/// An audio encoder.
pub struct AudioEncoder {
    context: Context,
    sink: Arc<Sink>,
}

impl AudioEncoder {
    /// Opens an encoder whose time base is one sample.
    pub fn open(settings: &AudioEncoderSettings<'_>) -> Result<Self, AvError> {
        let sink = Sink::new();
        let entered = sink.enter();
        let codec = Codec::encoder_named(settings.encoder).ok_or(AvError::NO_ENCODER)?;
        let mut context = Context::new(codec);
        let raw = context.raw_mut();
        raw.opaque = sink.opaque();
        let format = c_string(settings.sample_format);
        // SAFETY: the string lives during the call.
        raw.sample_fmt = unsafe { av::av_get_sample_fmt(format.as_ptr()) };
        raw.sample_rate = settings.sample_rate as c_int;
        raw.time_base = av::AVRational { num: 1, den: settings.sample_rate as c_int };
        layout::parse(settings.layout, &mut raw.ch_layout)?;
        if let Some(rate) = settings.bit_rate {
            raw.bit_rate = rate as i64;
        }
        if let Some(bits) = settings.raw_bits {
            raw.bits_per_raw_sample = bits as c_int;
        }
        raw.flags |= av::AV_CODEC_FLAG_GLOBAL_HEADER as c_int | av::AV_CODEC_FLAG_BITEXACT as c_int;
        context.open(codec, None)?;
        drop(entered);
        Ok(AudioEncoder { context, sink })
    }

    /// The codec parameters for a muxer.
    pub fn parameters(&self) -> Result<CodecParameters, AvError> {
        // SAFETY: the context is open.
        unsafe { CodecParameters::of_context(self.context.as_ptr()) }
    }

    /// Samples that every frame except the last must have. 0 if any number is allowed.
    pub fn frame_samples(&self) -> usize {
        let raw = self.context.raw();
        // SAFETY: an open context has a codec; codecs are static.
        let capabilities = unsafe { (*raw.codec).capabilities };
        let any = capabilities & av::AV_CODEC_CAP_VARIABLE_FRAME_SIZE as c_int != 0;
        if any { 0 } else { raw.frame_size.max(0) as usize }
    }

    /// Samples in a full packet. 0 if packets have no fixed length.
    pub fn packet_samples(&self) -> usize {
        self.context.raw().frame_size.max(0) as usize
    }

    /// Samples that a decoder yields before the first input sample.
    pub fn priming(&self) -> usize {
        self.context.raw().initial_padding.max(0) as usize
    }

    /// Sends a frame. `None` marks the end of the stream.
    pub fn send(&mut self, frame: Option<&Frame>) -> Result<(), AvError> {
        let _entered = self.sink.enter();
        let frame = frame.map_or(ptr::null(), |frame| frame.as_ptr().cast_const());
        // SAFETY: both are valid; null means end of stream.
        check(unsafe { av::avcodec_send_frame(self.context.as_ptr(), frame) }).map(drop)
    }

    /// Receives a packet.
    pub fn receive(&mut self) -> Result<Output<Packet>, AvError> {
        let _entered = self.sink.enter();
        let packet = Packet::new();
        // SAFETY: both are valid and ours.
        let code = unsafe { av::avcodec_receive_packet(self.context.as_ptr(), packet.as_ptr()) };
        outcome(code, packet)
    }
}
