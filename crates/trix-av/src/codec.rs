//! Owner of libavcodec's decoders.

use std::{ffi::c_int, ptr, ptr::NonNull, sync::Arc};

use ffmpeg_sys_next as av;
use trix_model::time::{Rational, TimeBase};

use super::{AvError, Dictionary, check, frame::Frame, log::Sink, packet::Packet, stream::CodecParameters, text};
use crate::rational::{from_av, rational};

/// A codec context, open or not.
pub(crate) struct Context(NonNull<av::AVCodecContext>);

impl Context {
    /// A context for `codec`.
    ///
    /// # Safety
    /// `codec` is one of libavcodec's.
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

/// What comes out of a codec.
pub enum Output<T> {
    /// An item.
    Item(T),
    /// Nothing until more is put in.
    Hungry,
    /// Nothing ever again.
    End,
}

/// What a call that takes something out of a codec came to.
pub(crate) fn outcome<T>(code: c_int, item: T) -> Result<Output<T>, AvError> {
    match check(code) {
        Ok(_) => Ok(Output::Item(item)),
        Err(AvError::AGAIN) => Ok(Output::Hungry),
        Err(AvError::EOF) => Ok(Output::End),
        Err(error) => Err(error),
    }
}

/// A decoder of pictures or sound.
pub struct Decoder {
    context: Context,
    sink: Arc<Sink>,
}

/// Why there is no decoder.
pub enum DecoderError {
    /// This build of libavcodec has none for the codec.
    Missing,
    /// It has one, which refused the stream.
    Refused(AvError),
}

impl Decoder {
    /// A decoder with `threads` threads (0: one for each core), which refuses pictures of more than `pixels` pixels. Of
    /// several, it is one that reads an `alpha_layer` beside the pictures, where there is one.
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
            // SMPTE 302M that carries coded audio: decoded if possible, else handed on as it is, and not dropped.
            let mut options = Dictionary::new([("max_pixels", pixels.as_str()), ("non_pcm_mode", "decode_copy")]);
            check(av::avcodec_open2(raw, codec, options.as_mut())).map_err(DecoderError::Refused)?;
            context
        };
        drop(entered);
        Ok(Decoder { context, sink })
    }

    /// Puts a packet in, or with `None` announces the end. All frames must have been taken out before.
    pub fn send(&mut self, packet: Option<&Packet>) -> Result<(), AvError> {
        let _entered = self.sink.enter();
        let packet = packet.map_or(ptr::null(), |packet| packet.as_ptr().cast_const());
        // SAFETY: both are valid; null means end of stream.
        check(unsafe { av::avcodec_send_packet(self.context.0.as_ptr(), packet) }).map(drop)
    }

    /// Takes a frame out.
    pub fn receive(&mut self) -> Result<Output<Frame>, AvError> {
        let _entered = self.sink.enter();
        let frame = Frame::new();
        // SAFETY: both are valid and ours.
        let code = unsafe { av::avcodec_receive_frame(self.context.0.as_ptr(), frame.as_ptr()) };
        outcome(code, frame)
    }

    /// Pictures in a second as the bitstream itself says, once a picture was decoded; absent where it does not say.
    pub fn bitstream_rate(&self) -> Option<Rational> {
        // SAFETY: the context is open.
        let rate = from_av(unsafe { self.context.0.as_ref() }.framerate);
        rate.is_positive().then_some(rate)
    }

    /// Profile and level as the bitstream itself says, once a picture was decoded.
    pub fn bitstream_profile(&self) -> (Option<String>, Option<i32>) {
        // SAFETY: the context is open; names of profiles are static.
        unsafe {
            let raw = self.context.0.as_ref();
            (text(av::avcodec_profile_name(raw.codec_id, raw.profile)), (raw.level > 0).then_some(raw.level))
        }
    }

    /// What the decoder logged since the last look, and how many of the lines were errors.
    pub fn complaints(&self) -> (Vec<super::log::Line>, u64) {
        self.sink.take()
    }
}

/// The decoder that reads an alpha layer of `id`; null where this build has none. libavcodec's own decoders of VP8 and
/// VP9 leave the layer out.
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
