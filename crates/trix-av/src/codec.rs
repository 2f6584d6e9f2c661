//! Owner of libavcodec's decoders.

use std::{ffi::c_int, ptr, ptr::NonNull, sync::Arc};

use ffmpeg_sys_next as av;
use trix_model::time::{Rational, TimeBase};

use super::{AvError, Dictionary, check, frame::Frame, log::Sink, packet::Packet, stream::CodecParameters, text};
use crate::rational::{from_av, rational};

/// A codec context, opened or not.
pub(crate) struct Context(NonNull<av::AVCodecContext>);

impl Context {
    /// Allocates a context for `codec`.
    ///
    /// # Safety
    /// `codec` is a codec of libavcodec.
    pub(crate) unsafe fn new(codec: *const av::AVCodec) -> Self {
        // SAFETY: promised by the caller.
        Context(NonNull::new(unsafe { av::avcodec_alloc_context3(codec) }).expect("memory for a codec"))
    }

    pub(crate) fn as_ptr(&self) -> *mut av::AVCodecContext {
        self.0.as_ptr()
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
        // SAFETY: the parameters are valid; the context is owned from its creation on; the options live during the
        // call that reads them.
        let context = unsafe {
            let id = (*parameters.as_ptr()).codec_id;
            let layered = if alpha_layer { reads_alpha(id) } else { ptr::null() };
            let codec = if layered.is_null() { av::avcodec_find_decoder(id) } else { layered };
            if codec.is_null() {
                return Err(DecoderError::Missing);
            }
            let context = Context(NonNull::new(av::avcodec_alloc_context3(codec)).expect("memory for a decoder"));
            let raw = context.0.as_ptr();
            check(av::avcodec_parameters_to_context(raw, parameters.as_ptr())).map_err(DecoderError::Refused)?;
            (*raw).opaque = sink.opaque();
            (*raw).pkt_timebase = rational(time_base);
            (*raw).thread_count = threads.min(64) as c_int;
            (*raw).err_recognition |= av::AV_EF_CRCCHECK as c_int;
            let pixels = pixels.to_string();
            // SMPTE 302M may carry coded audio. The decoder decodes it if possible, otherwise passes it on unchanged
            // instead of dropping it.
            let mut options = Dictionary::new([("max_pixels", pixels.as_str()), ("non_pcm_mode", "decode_copy")]);
            check(av::avcodec_open2(raw, codec, options.as_mut())).map_err(DecoderError::Refused)?;
            context
        };
        drop(entered);
        Ok(Decoder { context, sink })
    }

    /// Sends a packet. `None` marks the end of the stream. All frames must have been received before.
    pub fn send(&mut self, packet: Option<&Packet>) -> Result<(), AvError> {
        let _entered = self.sink.enter();
        let packet = packet.map_or(ptr::null(), |packet| packet.as_ptr().cast_const());
        // SAFETY: both are valid; null means end of stream.
        check(unsafe { av::avcodec_send_packet(self.context.0.as_ptr(), packet) }).map(drop)
    }

    /// Receives a frame.
    pub fn receive(&mut self) -> Result<Output<Frame>, AvError> {
        let _entered = self.sink.enter();
        let frame = Frame::new();
        // SAFETY: both are valid and ours.
        let code = unsafe { av::avcodec_receive_frame(self.context.0.as_ptr(), frame.as_ptr()) };
        outcome(code, frame)
    }

    /// Name of the decoder, which can differ from that of the codec, e.g. `libdav1d`.
    pub fn name(&self) -> Option<String> {
        // SAFETY: the context is open; codecs and their names are static.
        unsafe { self.context.0.as_ref().codec.as_ref().and_then(|codec| text(codec.name)) }
    }

    /// Frame rate that the bitstream states, once a frame was decoded. `None` if it states none.
    pub fn bitstream_rate(&self) -> Option<Rational> {
        // SAFETY: the context is open.
        let rate = from_av(unsafe { self.context.0.as_ref() }.framerate);
        rate.is_positive().then_some(rate)
    }

    /// Profile and level that the bitstream states, once a frame was decoded.
    pub fn bitstream_profile(&self) -> (Option<String>, Option<i32>) {
        // SAFETY: the context is open; names of profiles are static.
        unsafe {
            let raw = self.context.0.as_ref();
            (text(av::avcodec_profile_name(raw.codec_id, raw.profile)), (raw.level > 0).then_some(raw.level))
        }
    }

    /// The messages of the decoder since the last call, and the number of errors among them.
    pub fn complaints(&self) -> (Vec<super::log::Line>, u64) {
        self.sink.take()
    }
}

/// The decoder that reads the alpha layer of `id`. Null if this build has none. libavcodec's own decoders of VP8 and
/// VP9 ignore the layer.
fn reads_alpha(id: av::AVCodecID) -> *const av::AVCodec {
    let name = match id {
        av::AVCodecID::AV_CODEC_ID_VP8 => c"libvpx",
        av::AVCodecID::AV_CODEC_ID_VP9 => c"libvpx-vp9",
        _ => return ptr::null(),
    };
    // SAFETY: the name lives during the call; codecs are static.
    unsafe { av::avcodec_find_decoder_by_name(name.as_ptr()) }
}

/// Names of all decoders or encoders in this build of libavcodec.
pub fn names(encoders: bool) -> Vec<String> {
    let mut list = Vec::new();
    let mut opaque = ptr::null_mut();
    loop {
        // SAFETY: the iteration state belongs to the call; codecs and their names are static.
        unsafe {
            let codec = av::av_codec_iterate(&mut opaque);
            if codec.is_null() {
                break;
            }
            let is_encoder = av::av_codec_is_encoder(codec) != 0;
            if is_encoder == encoders {
                list.extend(text((*codec).name));
            }
        }
    }
    list.sort();
    list.dedup();
    list
}
