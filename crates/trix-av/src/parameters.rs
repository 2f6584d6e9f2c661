//! The codec parameters of a stream, for decoders and muxers.

use std::{ffi::c_int, ptr::NonNull};

use ffmpeg_sys_next as av;
use trix_model::{
    color::{Color, Matrix, Primaries, Transfer},
    format::FrameFormat,
    frame_facts::FieldOrder,
    stream_kind::StreamKind,
    time::Rational,
};

use crate::{
    AvError, check, enum_field, padded_copy,
    rational::{from_av, rational},
    text,
};

/// An owned set of codec parameters.
pub struct CodecParameters(NonNull<av::AVCodecParameters>);

// SAFETY: plain data with an owned extradata buffer.
unsafe impl Send for CodecParameters {}
// SAFETY: as above; `&CodecParameters` only reads.
unsafe impl Sync for CodecParameters {}

/// Sets colour and field order of video parameters.
pub(crate) fn describe_video(raw: &mut av::AVCodecParameters, color: Color, fields: Option<FieldOrder>) {
    raw.field_order = match fields {
        None => av::AVFieldOrder::AV_FIELD_PROGRESSIVE,
        Some(FieldOrder::Top) => av::AVFieldOrder::AV_FIELD_TT,
        Some(FieldOrder::Bottom) => av::AVFieldOrder::AV_FIELD_BB,
    };
    let location = color.chroma_location.h273_type().map_or(0, |value| c_int::from(value) + 1);
    // SAFETY: the fields are ours. Their enums hold integers of H.273; values that the headers do not list stay
    // unchanged.
    unsafe {
        (&raw mut raw.color_primaries).cast::<c_int>().write(color.primaries.0.into());
        (&raw mut raw.color_trc).cast::<c_int>().write(color.transfer.0.into());
        (&raw mut raw.color_space).cast::<c_int>().write(color.matrix.0.into());
        (&raw mut raw.color_range).cast::<c_int>().write(color.range as c_int);
        (&raw mut raw.chroma_location).cast::<c_int>().write(location);
    }
}

impl CodecParameters {
    pub(crate) fn new() -> Self {
        // SAFETY: no preconditions.
        CodecParameters(NonNull::new(unsafe { av::avcodec_parameters_alloc() }).expect("memory for parameters"))
    }

    pub(crate) fn as_ptr(&self) -> *mut av::AVCodecParameters {
        self.0.as_ptr()
    }

    pub(crate) fn raw(&self) -> &av::AVCodecParameters {
        // SAFETY: the pointer is valid until drop.
        unsafe { self.0.as_ref() }
    }

    pub(crate) fn raw_mut(&mut self) -> &mut av::AVCodecParameters {
        // SAFETY: as above, and we hold the only reference.
        unsafe { self.0.as_mut() }
    }

    /// libavcodec's description of the codec. `None` if it does not know the codec.
    pub(crate) fn descriptor(&self) -> Option<&'static av::AVCodecDescriptor> {
        // SAFETY: the call takes any codec; descriptors are static.
        unsafe { av::avcodec_descriptor_get(self.raw().codec_id).as_ref() }
    }

    /// Copies parameters that another object owns.
    ///
    /// # Safety
    /// `parameters` are valid.
    pub(crate) unsafe fn copy_of(parameters: *const av::AVCodecParameters) -> Self {
        let this = CodecParameters::new();
        // SAFETY: both are valid.
        check(unsafe { av::avcodec_parameters_copy(this.as_ptr(), parameters) }).expect("memory for parameters");
        this
    }

    /// The parameters of an opened encoder.
    ///
    /// # Safety
    /// `context` is a valid codec context.
    pub(crate) unsafe fn of_context(context: *const av::AVCodecContext) -> Result<Self, AvError> {
        let this = CodecParameters::new();
        // SAFETY: both are valid.
        check(unsafe { av::avcodec_parameters_from_context(this.as_ptr(), context) })?;
        Ok(this)
    }

    /// Parameters of a video stream from an encoder outside of libavcodec.
    pub fn for_video(video: &VideoParameters<'_>) -> Self {
        let mut this = CodecParameters::new();
        let raw = this.raw_mut();
        raw.codec_type = av::AVMediaType::AVMEDIA_TYPE_VIDEO;
        raw.codec_id = match video.codec {
            VideoCodec::H264 => av::AVCodecID::AV_CODEC_ID_H264,
            VideoCodec::Hevc => av::AVCodecID::AV_CODEC_ID_HEVC,
        };
        raw.codec_tag = video.tag.map_or(0, u32::from_le_bytes);
        raw.width = video.width as c_int;
        raw.height = video.height as c_int;
        raw.format = super::pixel::PixelFormat::from_name(&video.format.name()).map_or(-1, |format| format.0);
        raw.bits_per_raw_sample = video.format.depth as c_int;
        raw.sample_aspect_ratio = rational(video.sample_aspect);
        raw.video_delay = video.delay as c_int;
        describe_video(raw, video.color, video.fields);
        this.with_extradata(video.extradata)
    }

    /// Parameters of a stereo audio stream that starts with `priming` priming samples.
    pub(crate) fn for_stereo(codec: av::AVCodecID, rate: u32, priming: usize, extradata: &[u8]) -> Self {
        let mut this = CodecParameters::new();
        let raw = this.raw_mut();
        raw.codec_type = av::AVMediaType::AVMEDIA_TYPE_AUDIO;
        raw.codec_id = codec;
        raw.sample_rate = rate as c_int;
        raw.initial_padding = priming as c_int;
        // SAFETY: the layout is ours and empty.
        unsafe { av::av_channel_layout_default(&mut raw.ch_layout, 2) };
        this.with_extradata(extradata)
    }

    /// Parameters of an attachment: a file that a container carries beside its streams.
    pub fn for_attachment(data: &[u8]) -> Self {
        let mut this = CodecParameters::new();
        this.raw_mut().codec_type = av::AVMediaType::AVMEDIA_TYPE_ATTACHMENT;
        this.raw_mut().codec_id = av::AVCodecID::AV_CODEC_ID_BIN_DATA;
        this.with_extradata(data)
    }

    /// These parameters with other codec-specific data (extradata).
    pub fn with_extradata(mut self, data: &[u8]) -> Self {
        let raw = self.raw_mut();
        // SAFETY: the parameters are ours, and so are their old data. The call sets the pointer to null.
        unsafe { av::av_freep((&raw mut raw.extradata).cast()) };
        // With the padding that readers expect.
        raw.extradata = padded_copy(data, av::AV_INPUT_BUFFER_PADDING_SIZE as usize, "extradata");
        raw.extradata_size = data.len() as c_int;
        self
    }

    /// FFmpeg's name of the codec.
    pub fn codec_name(&self) -> String {
        // SAFETY: the call takes any codec; names are static.
        unsafe { text(av::avcodec_get_name(self.raw().codec_id)).unwrap_or_default() }
    }

    /// libavcodec's number of the codec.
    pub fn codec_number(&self) -> c_int {
        // SAFETY: the field has the size of a C int and is initialised.
        unsafe { enum_field!(self.raw().codec_id) }
    }

    /// Samples in a packet of `bytes` bytes; 0 if that is unknown, and for streams that are no audio.
    pub(crate) fn samples_in(&self, bytes: usize) -> i64 {
        let bytes = c_int::try_from(bytes).unwrap_or(0);
        // SAFETY: the parameters are valid, and the call does not change them.
        i64::from(unsafe { av::av_get_audio_frame_duration2(self.as_ptr(), bytes) })
    }

    /// True if every packet of the codec is decoded by itself.
    pub fn is_intra_only(&self) -> bool {
        self.descriptor().is_some_and(|found| found.props & av::AV_CODEC_PROP_INTRA_ONLY as c_int != 0)
    }

    /// The kind of stream.
    pub fn kind(&self) -> StreamKind {
        // SAFETY: the field has the size of a C int and is initialised.
        match unsafe { enum_field!(self.raw().codec_type) } {
            0 => StreamKind::Video,
            1 => StreamKind::Audio,
            3 => StreamKind::Subtitle,
            4 => StreamKind::Attachment,
            _ => StreamKind::Data,
        }
    }

    /// True if frames are coded in another order than they are shown in.
    pub fn reorders(&self) -> bool {
        self.reordering() > 0
    }

    /// Number of frames that a decoder must hold back to restore presentation order.
    pub fn reordering(&self) -> usize {
        usize::try_from(self.raw().video_delay).unwrap_or(0)
    }

    /// Frame rate of the bitstream, if the bitstream states it and the library passes it on.
    pub(crate) fn bitstream_rate(&self) -> Option<Rational> {
        #[cfg(parameters_tell_rate)]
        let rate = from_av(self.raw().framerate);
        #[cfg(not(parameters_tell_rate))]
        let rate = Rational::new(0, 1);
        rate.is_positive().then_some(rate)
    }

    /// Width, height and sample aspect ratio of video. Zero if unknown.
    pub fn coded_size(&self) -> (u32, u32, Rational) {
        let raw = self.raw();
        (raw.width.max(0) as u32, raw.height.max(0) as u32, from_av(raw.sample_aspect_ratio))
    }

    /// The colour code points of H.273.
    pub fn code_points(&self) -> (Primaries, Transfer, Matrix) {
        let raw = self.raw();
        // SAFETY: the fields have the size of a C int and are initialised.
        let [primaries, transfer, matrix] = unsafe {
            [
                enum_field!(raw.color_primaries) as u8,
                enum_field!(raw.color_trc) as u8,
                enum_field!(raw.color_space) as u8,
            ]
        };
        (Primaries(primaries), Transfer(transfer), Matrix(matrix))
    }

    /// Sample rate and number of channels of audio.
    pub fn audio(&self) -> (u32, u32) {
        let raw = self.raw();
        (raw.sample_rate.max(0) as u32, raw.ch_layout.nb_channels.max(0) as u32)
    }

    /// For PCM: the sample rate, and the bytes of one sample of all channels.
    pub fn pcm_block(&self) -> Option<(u32, usize)> {
        let raw = self.raw();
        // SAFETY: takes any codec.
        let bits = unsafe { av::av_get_exact_bits_per_sample(raw.codec_id) };
        let block = usize::try_from(bits / 8).ok()? * usize::try_from(raw.ch_layout.nb_channels).ok()?;
        let rate = u32::try_from(raw.sample_rate).ok()?;
        (self.codec_name().starts_with("pcm_") && block > 0 && rate > 0).then_some((rate, block))
    }

    /// Codec-specific data for the start of the stream (parameter sets, AudioSpecificConfig).
    pub fn extradata(&self) -> &[u8] {
        let raw = self.raw();
        if raw.extradata.is_null() || raw.extradata_size <= 0 {
            return &[];
        }
        // SAFETY: libavcodec keeps `extradata_size` readable bytes there.
        unsafe { std::slice::from_raw_parts(raw.extradata, raw.extradata_size as usize) }
    }

    /// These parameters without the container's statements about video, so that a decoder reports what the bitstream
    /// alone states.
    pub fn without_claims(&self) -> Self {
        const UNSPECIFIED: c_int = 2;
        let mut copy = self.clone();
        let raw = copy.raw_mut();
        raw.sample_aspect_ratio = av::AVRational { num: 0, den: 1 };
        // SAFETY: the copy is ours. Enums of libav* hold integers.
        unsafe {
            (&raw mut raw.color_primaries).cast::<c_int>().write(UNSPECIFIED);
            (&raw mut raw.color_trc).cast::<c_int>().write(UNSPECIFIED);
            (&raw mut raw.color_space).cast::<c_int>().write(UNSPECIFIED);
            (&raw mut raw.color_range).cast::<c_int>().write(0);
            (&raw mut raw.chroma_location).cast::<c_int>().write(0);
            (&raw mut raw.field_order).cast::<c_int>().write(0);
        }
        // For other codecs, only the container states the frame size.
        if matches!(self.codec_name().as_str(), "h264" | "hevc" | "mpeg2video" | "av1" | "vp8" | "vp9") {
            (raw.width, raw.height) = (0, 0);
        }
        copy
    }

    /// FFmpeg's name of the codec, or the container's name if FFmpeg has none.
    pub fn codec_or_tag(&self) -> String {
        let name = self.codec_name();
        let tag = self.tag();
        match &tag {
            _ if name != "none" => name,
            // ISO/IEC 14496-15, clause 11: libavformat 59 does not know H.266.
            b"vvc1" | b"vvi1" => "vvc".to_owned(),
            _ if tag.iter().all(u8::is_ascii_graphic) => String::from_utf8_lossy(&tag).into_owned(),
            _ => name,
        }
    }

    /// Number of priming samples, which a decoder yields before the first audible sample, and their rate. Opus counts
    /// them at 48 kHz, whatever its sample rate.
    pub fn priming(&self) -> (u32, u32) {
        let raw = self.raw();
        let rate = if self.codec_name() == "opus" { 48_000 } else { raw.sample_rate.max(1) };
        (raw.initial_padding.max(0) as u32, rate as u32)
    }

    /// Sets the number of priming samples.
    pub fn set_priming(&mut self, samples: usize) {
        self.raw_mut().initial_padding = samples as c_int;
    }

    /// Sets the container's four-character code of the codec. Zeros leave the choice to the muxer.
    pub fn set_tag(&mut self, tag: [u8; 4]) {
        self.raw_mut().codec_tag = u32::from_le_bytes(tag);
    }

    /// The container's four-character code of the codec.
    pub fn tag(&self) -> [u8; 4] {
        self.raw().codec_tag.to_le_bytes()
    }
}

impl Clone for CodecParameters {
    fn clone(&self) -> Self {
        // SAFETY: these parameters are valid.
        unsafe { CodecParameters::copy_of(self.as_ptr()) }
    }
}

impl Drop for CodecParameters {
    fn drop(&mut self) {
        let mut pointer = self.0.as_ptr();
        // SAFETY: we own the parameters.
        unsafe { av::avcodec_parameters_free(&mut pointer) };
    }
}

/// The two codecs that are encoded outside of libavcodec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoCodec {
    /// H.264.
    H264,
    /// HEVC.
    Hevc,
}

impl std::fmt::Display for VideoCodec {
    /// FFmpeg's name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            VideoCodec::H264 => "h264",
            VideoCodec::Hevc => "hevc",
        })
    }
}

/// Properties of a video stream for a muxer.
pub struct VideoParameters<'a> {
    /// The codec.
    pub codec: VideoCodec,
    /// Four-character code, for containers that offer a choice.
    pub tag: Option<[u8; 4]>,
    /// Samples per row.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
    /// Chroma subsampling and bit depth.
    pub format: FrameFormat,
    /// Sample aspect ratio. Zero if unknown.
    pub sample_aspect: Rational,
    /// Colour.
    pub color: Color,
    /// Field order of interlaced video.
    pub fields: Option<FieldOrder>,
    /// Reordering delay in frames.
    pub delay: usize,
    /// Parameter sets with start codes.
    pub extradata: &'a [u8],
}
