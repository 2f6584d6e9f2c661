//! Owner of libavcodec's decoders.

use std::{
    ffi::{CStr, c_int},
    ptr,
    ptr::NonNull,
    sync::Arc,
};

use ffmpeg_sys_next as av;
use trix_model::time::{Rational, TimeBase};

use super::{
    AvError, Dictionary, c_string, check, frame::Frame, log::Sink, packet::Packet, stream::CodecParameters, text,
};
use crate::rational::{from_av, rational};

/// A decoder or encoder in this build of libavcodec.
#[derive(Clone, Copy)]
pub(crate) struct Codec(&'static av::AVCodec);

impl Codec {
    /// The encoder with FFmpeg's name `name`.
    pub(crate) fn encoder_named(name: &str) -> Option<Self> {
        let name = c_string(name);
        // SAFETY: the name lives during the call; codecs are static.
        unsafe { av::avcodec_find_encoder_by_name(name.as_ptr()).as_ref() }.map(Codec)
    }

    /// libavcodec's preferred encoder for `id`.
    pub(crate) fn encoder_for(id: av::AVCodecID) -> Option<Self> {
        // SAFETY: the call takes any codec; codecs are static.
        unsafe { av::avcodec_find_encoder(id).as_ref() }.map(Codec)
    }

    /// The decoder with FFmpeg's name `name`.
    pub(crate) fn decoder_named(name: &CStr) -> Option<Self> {
        // SAFETY: the name lives during the call; codecs are static.
        unsafe { av::avcodec_find_decoder_by_name(name.as_ptr()).as_ref() }.map(Codec)
    }

    /// libavcodec's preferred decoder for `id`.
    pub(crate) fn decoder_for(id: av::AVCodecID) -> Option<Self> {
        // SAFETY: the call takes any codec; codecs are static.
        unsafe { av::avcodec_find_decoder(id).as_ref() }.map(Codec)
    }

    fn is_encoder(self) -> bool {
        // SAFETY: the codec is valid.
        unsafe { av::av_codec_is_encoder(self.0) != 0 }
    }
}

/// A codec context, opened or not.
pub(crate) struct Context(NonNull<av::AVCodecContext>);

impl Context {
    /// Allocates a context for `codec`.
    pub(crate) fn new(codec: Codec) -> Self {
        // SAFETY: the codec is valid.
        Context(NonNull::new(unsafe { av::avcodec_alloc_context3(codec.0) }).expect("memory for a codec"))
    }

    /// Sets the parameters of the stream.
    pub(crate) fn set_parameters(&mut self, parameters: &CodecParameters) -> Result<(), AvError> {
        // SAFETY: both are valid, and the context is ours.
        check(unsafe { av::avcodec_parameters_to_context(self.as_ptr(), parameters.as_ptr()) }).map(drop)
    }

    /// Opens the context with the codec that it was allocated for.
    pub(crate) fn open(&mut self, codec: Codec, options: Option<&mut Dictionary>) -> Result<(), AvError> {
        let options = options.map_or(ptr::null_mut(), Dictionary::as_mut);
        // SAFETY: the context is ours and not open yet. The options are null or live during the call.
        check(unsafe { av::avcodec_open2(self.as_ptr(), codec.0, options) }).map(drop)
    }

    pub(crate) fn as_ptr(&self) -> *mut av::AVCodecContext {
        self.0.as_ptr()
    }

    pub(crate) fn raw(&self) -> &av::AVCodecContext {
        // SAFETY: the pointer is valid until drop.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn raw_mut(&mut self) -> &mut av::AVCodecContext {
        // SAFETY: as above, and we hold the only reference.
        unsafe { self.0.as_mut() }
    }
}

// SAFETY: a codec context may be used by any one thread at a time.
unsafe impl Send for Context {}

impl Drop for Context {
    fn drop(&mut self) {
        let mut pointer = self.0.as_ptr();
        // SAFETY: we own the context; the call also joins its worker threads.
        unsafe { av::avcodec_free_context(&mut pointer) };
    }
}

/// Result of a receive call.
pub enum Output<T> {
    /// A frame or packet.
    Item(T),
    /// The codec needs more input first.
    Hungry,
    /// The codec has no more output.
    End,
}

/// Converts the return code of a receive call.
pub(crate) fn outcome<T>(code: c_int, item: T) -> Result<Output<T>, AvError> {
    match check(code) {
        Ok(_) => Ok(Output::Item(item)),
        Err(AvError::AGAIN) => Ok(Output::Hungry),
        Err(AvError::EOF) => Ok(Output::End),
        Err(error) => Err(error),
    }
}

/// A decoder of video or audio.
pub struct Decoder {
    context: Context,
    sink: Arc<Sink>,
    /// True if every frame of the codec is a keyframe.
    has_keys_only: bool,
}

/// Why a decoder could not be opened.
pub enum DecoderError {
    /// This build of libavcodec has no decoder for the codec.
    Missing,
    /// The decoder rejected the stream.
    Refused(AvError),
}

impl Decoder {
    /// Opens a decoder with `threads` threads (0: one for each core) that rejects frames of more than `pixels` pixels.
    /// With `alpha_layer`, prefers a decoder that reads an alpha layer beside the frames, if this build has one.
    pub fn open(
        parameters: &CodecParameters,
        time_base: TimeBase,
        threads: u32,
        pixels: u64,
        alpha_layer: bool,
    ) -> Result<Self, DecoderError> {
        let sink = Sink::new();
        let entered = sink.enter();
        let id = parameters.raw().codec_id;
        let layered = if alpha_layer { reads_alpha(id) } else { None };
        let codec = layered.or_else(|| Codec::decoder_for(id)).ok_or(DecoderError::Missing)?;
        let mut context = Context::new(codec);
        context.set_parameters(parameters).map_err(DecoderError::Refused)?;
        let raw = context.raw_mut();
        raw.opaque = sink.opaque();
        raw.pkt_timebase = rational(time_base);
        raw.thread_count = threads.min(64) as c_int;
        raw.err_recognition |= av::AV_EF_CRCCHECK as c_int;
        let pixels = pixels.to_string();
        // SMPTE 302M may carry coded audio. The decoder decodes it if possible, otherwise passes it on unchanged instead
        // of dropping it.
        let mut options = Dictionary::new([("max_pixels", pixels.as_str()), ("non_pcm_mode", "decode_copy")]);
        context.open(codec, Some(&mut options)).map_err(DecoderError::Refused)?;
        drop(entered);
        Ok(Decoder { context, sink, has_keys_only: parameters.is_intra_only() })
    }

    /// Sends a packet. `None` marks the end of the stream. All frames must have been received before.
    pub fn send(&mut self, packet: Option<&Packet>) -> Result<(), AvError> {
        let _entered = self.sink.enter();
        let packet = packet.map_or(ptr::null(), |packet| packet.as_ptr().cast_const());
        // SAFETY: both are valid; null means end of stream.
        check(unsafe { av::avcodec_send_packet(self.context.0.as_ptr(), packet) }).map(drop)
    }

    /// With `skips`, the next packets yield no frame if no other frame refers to theirs. Decoders that cannot tell decode
    /// all frames.
    pub fn skip_unreferenced(&mut self, skips: bool) {
        let skipped = if skips { av::AVDiscard::AVDISCARD_NONREF } else { av::AVDiscard::AVDISCARD_DEFAULT };
        self.context.raw_mut().skip_frame = skipped;
    }

    /// Receives a frame.
    pub fn receive(&mut self) -> Result<Output<Frame>, AvError> {
        let _entered = self.sink.enter();
        let mut frame = Frame::new();
        // SAFETY: both are valid and ours.
        let code = unsafe { av::avcodec_receive_frame(self.context.0.as_ptr(), frame.as_ptr()) };
        // libavcodec marks every frame as a keyframe of which the decoder says nothing (libvpx).
        if code >= 0 && !self.has_keys_only && frame.frame_type().is_none() {
            frame.unmark_key();
        }
        outcome(code, frame)
    }

    /// Name of the decoder, which can differ from that of the codec, e.g. `libdav1d`.
    pub fn name(&self) -> Option<String> {
        // SAFETY: the context is open; codecs and their names are static.
        unsafe { self.context.raw().codec.as_ref().and_then(|codec| text(codec.name)) }
    }

    /// Frame rate that the bitstream states, once a frame was decoded. `None` if it states none.
    pub fn bitstream_rate(&self) -> Option<Rational> {
        let rate = from_av(self.context.raw().framerate);
        rate.is_positive().then_some(rate)
    }

    /// Profile and level that the bitstream states, once a frame was decoded.
    pub fn bitstream_profile(&self) -> (Option<String>, Option<i32>) {
        let raw = self.context.raw();
        // SAFETY: the call takes any numbers; names of profiles are static.
        let profile = unsafe { text(av::avcodec_profile_name(raw.codec_id, raw.profile)) };
        (profile, (raw.level > 0).then_some(raw.level))
    }

    /// The messages of the decoder since the last call, and the number of errors among them.
    pub fn complaints(&self) -> (Vec<super::log::Line>, u64) {
        self.sink.take()
    }
}

/// The decoder that reads the alpha layer of `id`. `None` if this build has none. libavcodec's own decoders of VP8 and
/// VP9 ignore the layer.
fn reads_alpha(id: av::AVCodecID) -> Option<Codec> {
    match id {
        av::AVCodecID::AV_CODEC_ID_VP8 => Codec::decoder_named(c"libvpx"),
        av::AVCodecID::AV_CODEC_ID_VP9 => Codec::decoder_named(c"libvpx-vp9"),
        _ => None,
    }
}

/// Names of all decoders or encoders in this build of libavcodec.
pub fn names(encoders: bool) -> Vec<String> {
    let mut list = Vec::new();
    let mut opaque = ptr::null_mut();
    // SAFETY: the iteration state belongs to the call; codecs are static.
    while let Some(codec) = unsafe { av::av_codec_iterate(&mut opaque).as_ref() } {
        if Codec(codec).is_encoder() == encoders {
            // SAFETY: names of codecs are static.
            list.extend(unsafe { text(codec.name) });
        }
    }
    list.sort();
    list.dedup();
    list
}
