//! Facts that libavformat knows about a stream, as copies, and the codec parameters for decoders and muxers.

use std::{
    ffi::{c_char, c_int},
    ptr::NonNull,
};

use ffmpeg_sys_next as av;
use trix_model::{
    color::{Color, Matrix, Primaries, Transfer},
    format::PictureFormat,
    hdr::{DolbyVision, StaticHdr},
    orientation::Orientation,
    picture::FieldOrder,
    time::Rational,
};

use crate::rational::{from_av, rational};

use super::{
    AvError, check, entries, enum_field, frame,
    side_data::{self, StreamKind as Side},
    text,
};

/// What kind of data a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StreamKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Text or pictures of text.
    Subtitle,
    /// A file inside the container: a font, say.
    Attachment,
    /// Anything else: timecode, data.
    Data,
}

/// An owned set of codec parameters.
pub struct CodecParameters(NonNull<av::AVCodecParameters>);

// SAFETY: plain data with an owned extradata buffer.
unsafe impl Send for CodecParameters {}
// SAFETY: as above; `&CodecParameters` only reads.
unsafe impl Sync for CodecParameters {}

impl CodecParameters {
    fn new() -> Self {
        // SAFETY: no preconditions.
        CodecParameters(NonNull::new(unsafe { av::avcodec_parameters_alloc() }).expect("memory for parameters"))
    }

    pub(crate) fn as_ptr(&self) -> *mut av::AVCodecParameters {
        self.0.as_ptr()
    }

    /// Copies parameters that another object owns.
    ///
    /// # Safety
    /// `parameters` are valid.
    pub unsafe fn copy_of(parameters: *const av::AVCodecParameters) -> Self {
        let this = CodecParameters::new();
        // SAFETY: both are valid.
        assert!(unsafe { av::avcodec_parameters_copy(this.as_ptr(), parameters) } >= 0, "memory for parameters");
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
        let this = CodecParameters::new();
        // SAFETY: freshly allocated and ours; extradata is allocated by av_malloc with the padding that readers expect.
        unsafe {
            let raw = &mut *this.as_ptr();
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
            raw.field_order = match video.fields {
                None => av::AVFieldOrder::AV_FIELD_PROGRESSIVE,
                Some(FieldOrder::Top) => av::AVFieldOrder::AV_FIELD_TT,
                Some(FieldOrder::Bottom) => av::AVFieldOrder::AV_FIELD_BB,
            };
            raw.video_delay = video.delay as c_int;
            let color = video.color;
            // These enums hold integers of H.273. Values that the headers do not list stay unchanged.
            (&raw mut raw.color_primaries).cast::<c_int>().write(color.primaries.0.into());
            (&raw mut raw.color_trc).cast::<c_int>().write(color.transfer.0.into());
            (&raw mut raw.color_space).cast::<c_int>().write(color.matrix.0.into());
            (&raw mut raw.color_range).cast::<c_int>().write(color.range as c_int);
            let location = color.chroma_location.h273_type().map_or(0, |value| c_int::from(value) + 1);
            (&raw mut raw.chroma_location).cast::<c_int>().write(location);
        }
        this.with_extradata(video.extradata)
    }

    /// Parameters of a stereo audio stream that starts with `priming` priming samples.
    pub(crate) fn for_stereo(codec: av::AVCodecID, rate: u32, priming: usize, extradata: &[u8]) -> Self {
        let this = CodecParameters::new();
        // SAFETY: freshly allocated and ours.
        unsafe {
            let raw = &mut *this.as_ptr();
            raw.codec_type = av::AVMediaType::AVMEDIA_TYPE_AUDIO;
            raw.codec_id = codec;
            raw.sample_rate = rate as c_int;
            raw.initial_padding = priming as c_int;
            av::av_channel_layout_default(&mut raw.ch_layout, 2);
        }
        this.with_extradata(extradata)
    }

    /// Parameters of an attachment: a file that a container carries beside its streams.
    pub fn for_attachment(data: &[u8]) -> Self {
        let this = CodecParameters::new();
        // SAFETY: freshly allocated and ours.
        unsafe {
            (*this.as_ptr()).codec_type = av::AVMediaType::AVMEDIA_TYPE_ATTACHMENT;
            (*this.as_ptr()).codec_id = av::AVCodecID::AV_CODEC_ID_BIN_DATA;
        }
        this.with_extradata(data)
    }

    /// These parameters with other codec-specific data (extradata).
    pub fn with_extradata(self, data: &[u8]) -> Self {
        // SAFETY: the parameters are ours; the data are allocated by av_malloc with the padding that readers expect, and
        // the old ones freed.
        unsafe {
            let raw = &mut *self.as_ptr();
            av::av_freep((&raw mut raw.extradata).cast());
            raw.extradata = av::av_mallocz(data.len() + av::AV_INPUT_BUFFER_PADDING_SIZE as usize).cast();
            assert!(!raw.extradata.is_null(), "memory for extradata");
            raw.extradata.copy_from_nonoverlapping(data.as_ptr(), data.len());
            raw.extradata_size = data.len() as c_int;
        }
        self
    }

    /// FFmpeg's name of the codec.
    pub fn codec_name(&self) -> String {
        // SAFETY: valid parameters; the name is static.
        unsafe { text(av::avcodec_get_name((*self.as_ptr()).codec_id)).unwrap_or_default() }
    }

    /// libavcodec's number of the codec.
    pub fn codec_number(&self) -> c_int {
        // SAFETY: valid parameters, whose codec is read as an integer.
        unsafe { enum_field!((*self.as_ptr()).codec_id) }
    }

    /// Whether every packet of the codec is decoded by itself.
    pub fn is_intra_only(&self) -> bool {
        // SAFETY: valid parameters; what the call returns is static, or null.
        let descriptor = unsafe { av::avcodec_descriptor_get((*self.as_ptr()).codec_id).as_ref() };
        descriptor.is_some_and(|found| found.props & av::AV_CODEC_PROP_INTRA_ONLY as c_int != 0)
    }

    /// The kind of stream.
    pub fn kind(&self) -> StreamKind {
        // SAFETY: valid parameters, whose kind is read as an integer.
        match unsafe { enum_field!((*self.as_ptr()).codec_type) } {
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
        // SAFETY: valid parameters.
        let delay = unsafe { (*self.as_ptr()).video_delay };
        usize::try_from(delay).unwrap_or(0)
    }

    /// Frame rate of the bitstream, if the bitstream states it and the library passes it on.
    pub(crate) fn bitstream_rate(&self) -> Option<Rational> {
        #[cfg(parameters_tell_rate)]
        // SAFETY: valid parameters.
        let rate = from_av(unsafe { (*self.as_ptr()).framerate });
        #[cfg(not(parameters_tell_rate))]
        let rate = Rational::new(0, 1);
        rate.is_positive().then_some(rate)
    }

    /// Width, height and sample aspect ratio of video. Zero if unknown.
    pub fn picture_size(&self) -> (u32, u32, Rational) {
        // SAFETY: valid parameters.
        let raw = unsafe { &*self.as_ptr() };
        (raw.width.max(0) as u32, raw.height.max(0) as u32, from_av(raw.sample_aspect_ratio))
    }

    /// The colour code points of H.273.
    pub fn code_points(&self) -> (Primaries, Transfer, Matrix) {
        // SAFETY: valid parameters, whose enumerations are read as integers.
        unsafe {
            let raw = &*self.as_ptr();
            let [primaries, transfer, matrix] = [
                enum_field!(raw.color_primaries) as u8,
                enum_field!(raw.color_trc) as u8,
                enum_field!(raw.color_space) as u8,
            ];
            (Primaries(primaries), Transfer(transfer), Matrix(matrix))
        }
    }

    /// Sample rate and number of channels of audio.
    pub fn sound(&self) -> (u32, u32) {
        // SAFETY: valid parameters.
        let raw = unsafe { &*self.as_ptr() };
        (raw.sample_rate.max(0) as u32, raw.ch_layout.nb_channels.max(0) as u32)
    }

    /// For PCM: the sample rate, and the bytes of one sample of all channels.
    pub fn pcm_block(&self) -> Option<(u32, usize)> {
        // SAFETY: valid parameters.
        let raw = unsafe { &*self.as_ptr() };
        // SAFETY: takes any codec.
        let bits = unsafe { av::av_get_exact_bits_per_sample(raw.codec_id) };
        let block = usize::try_from(bits / 8).ok()? * usize::try_from(raw.ch_layout.nb_channels).ok()?;
        let rate = u32::try_from(raw.sample_rate).ok()?;
        (self.codec_name().starts_with("pcm_") && block > 0 && rate > 0).then_some((rate, block))
    }

    /// Codec-specific data for the start of the stream (parameter sets, AudioSpecificConfig).
    pub fn extradata(&self) -> &[u8] {
        // SAFETY: libavcodec keeps `extradata_size` readable bytes there.
        unsafe {
            let raw = &*self.as_ptr();
            if raw.extradata.is_null() || raw.extradata_size <= 0 {
                return &[];
            }
            std::slice::from_raw_parts(raw.extradata, raw.extradata_size as usize)
        }
    }

    /// These parameters without the container's statements about video, so that a decoder reports what the bitstream
    /// alone states.
    pub fn without_claims(&self) -> Self {
        let copy = self.clone();
        // SAFETY: the copy is ours.
        unsafe {
            let raw = &mut *copy.as_ptr();
            raw.sample_aspect_ratio = av::AVRational { num: 0, den: 1 };
            const UNSPECIFIED: c_int = 2;
            (&raw mut raw.color_primaries).cast::<c_int>().write(UNSPECIFIED);
            (&raw mut raw.color_trc).cast::<c_int>().write(UNSPECIFIED);
            (&raw mut raw.color_space).cast::<c_int>().write(UNSPECIFIED);
            (&raw mut raw.color_range).cast::<c_int>().write(0);
            (&raw mut raw.chroma_location).cast::<c_int>().write(0);
            (&raw mut raw.field_order).cast::<c_int>().write(0);
            // For other codecs, only the container states the frame size.
            if matches!(copy.codec_name().as_str(), "h264" | "hevc" | "mpeg2video" | "av1" | "vp8" | "vp9") {
                (raw.width, raw.height) = (0, 0);
            }
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
        // SAFETY: valid parameters.
        let raw = unsafe { &*self.as_ptr() };
        let rate = if self.codec_name() == "opus" { 48_000 } else { raw.sample_rate.max(1) };
        (raw.initial_padding.max(0) as u32, rate as u32)
    }

    /// Sets the number of priming samples.
    pub fn set_priming(&mut self, samples: usize) {
        // SAFETY: we own the parameters.
        unsafe { (*self.as_ptr()).initial_padding = samples as c_int };
    }

    /// Sets the container's four-character code of the codec. Zeros leave the choice to the muxer.
    pub fn set_tag(&mut self, tag: [u8; 4]) {
        // SAFETY: we own the parameters.
        unsafe { (*self.as_ptr()).codec_tag = u32::from_le_bytes(tag) };
    }

    /// The container's four-character code of the codec.
    pub fn tag(&self) -> [u8; 4] {
        // SAFETY: valid parameters.
        unsafe { (*self.as_ptr()).codec_tag }.to_le_bytes()
    }
}

impl Clone for CodecParameters {
    fn clone(&self) -> Self {
        let copy = CodecParameters::new();
        // SAFETY: both are valid.
        let code = unsafe { av::avcodec_parameters_copy(copy.as_ptr(), self.as_ptr()) };
        assert!(code >= 0, "memory for parameters");
        copy
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
    pub format: PictureFormat,
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

/// Everything that libavformat knows about one stream.
#[derive(Clone)]
pub struct StreamFacts {
    /// Index in the file.
    pub index: usize,
    /// Identifier in the container: track number, packet identifier.
    pub id: i32,
    /// Video, audio or another kind.
    pub kind: StreamKind,
    /// Parameters for decoders and muxers.
    pub parameters: CodecParameters,
    /// FFmpeg's name of the codec, or the container's code if FFmpeg has none.
    pub codec: String,
    /// FFmpeg's description of the codec.
    pub codec_description: String,
    /// The container's four-character code of the codec, if it is readable text.
    pub tag: Option<String>,
    /// For subtitles: true for text, false for bitmaps.
    pub is_text: bool,
    /// True if the codec can be lossless.
    pub is_lossless: bool,
    /// Name of the profile.
    pub profile: Option<String>,
    /// Level in the codec's own units.
    pub level: Option<i32>,
    /// `AVPixelFormat` or `AVSampleFormat`. -1 if unknown.
    pub format: c_int,
    /// Samples per row.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
    /// Sample aspect ratio from the container, or else from the bitstream. Zero if unknown.
    pub sample_aspect: Rational,
    /// True if the container states that an alpha layer accompanies the video (Matroska's AlphaMode).
    pub alpha_layer: bool,
    /// Field order in FFmpeg's words: progressive, tt, bb, tb, bt, unknown.
    pub field_order: &'static str,
    /// Frames per second over the whole duration. Zero if unknown.
    pub average_rate: Rational,
    /// Lowest rate of which all timestamps are multiples. Zero if unknown.
    pub base_rate: Rational,
    /// Seconds per tick.
    pub time_base: Rational,
    /// Time of the first frame or sample in ticks.
    pub start: Option<i64>,
    /// Duration in ticks.
    pub duration: Option<i64>,
    /// Number of frames that the container declares.
    pub declared_frames: Option<u64>,
    /// True if the container states the duration of each packet.
    pub tells_durations: bool,
    /// Number of packets in the container's index.
    pub indexed_packets: usize,
    /// Bits per second.
    pub bit_rate: Option<u64>,
    /// Bits per sample, if the codec states them.
    pub raw_bits: u32,
    /// Colour.
    pub color: Color,
    /// Samples per second.
    pub sample_rate: u32,
    /// Number of audio channels.
    pub channels: u32,
    /// FFmpeg's description of the channel layout.
    pub layout: String,
    /// The loudspeaker of each channel, in FFmpeg's abbreviations (FL, FR, LFE).
    pub channel_labels: Vec<String>,
    /// Samples per audio packet if all have the same number, otherwise 0.
    pub block_samples: u32,
    /// Priming samples at the start: decoded but not heard.
    pub padding: u32,
    /// Container metadata of this stream.
    pub metadata: Vec<(String, String)>,
    /// True if players select the stream by default.
    pub is_default: bool,
    /// True if the stream is a cover image.
    pub is_attached_picture: bool,
    /// True if each frame is a separate file.
    pub is_sequence: bool,
    /// Purposes of the track that the container states, by FFmpeg's names: default, forced, comment and so on.
    pub disposition: Vec<String>,
    /// The display matrix, if it is not the identity.
    pub display_matrix: Option<[i32; 9]>,
    /// Static HDR metadata of the container.
    pub hdr: StaticHdr,
    /// Configuration of Dolby Vision.
    pub dolby_vision: Option<DolbyVision>,
    /// True if the video is a spherical projection.
    pub is_spherical: bool,
}

/// Copies the facts known about `stream`.
///
/// # Safety
/// `stream` is a valid stream of an open demuxer.
pub unsafe fn facts(stream: *const av::AVStream) -> StreamFacts {
    // SAFETY: promised by the caller; parameters live as long as the stream. Enums are read as integers.
    unsafe {
        let raw = &*stream;
        let parameters = CodecParameters::new();
        assert!(av::avcodec_parameters_copy(parameters.as_ptr(), raw.codecpar) >= 0, "memory for parameters");
        side_data::clear(parameters.as_ptr());
        let codec = &*parameters.as_ptr();
        let kind = parameters.kind();
        let mut layout = [0 as c_char; 128];
        av::av_channel_layout_describe(&codec.ch_layout, layout.as_mut_ptr(), layout.len());
        let descriptor = av::avcodec_descriptor_get(codec.codec_id).as_ref();
        let aspect = if raw.sample_aspect_ratio.num > 0 { raw.sample_aspect_ratio } else { codec.sample_aspect_ratio };
        StreamFacts {
            index: raw.index.max(0) as usize,
            id: raw.id,
            kind,
            codec: parameters.codec_or_tag(),
            codec_description: descriptor.and_then(|descriptor| text(descriptor.long_name)).unwrap_or_default(),
            tag: four_characters(codec.codec_tag),
            is_text: descriptor.is_some_and(|found| found.props & av::AV_CODEC_PROP_TEXT_SUB as c_int != 0),
            is_lossless: descriptor.is_some_and(|found| found.props & av::AV_CODEC_PROP_LOSSLESS as c_int != 0),
            profile: text(av::avcodec_profile_name(codec.codec_id, codec.profile)),
            level: (codec.level > 0).then_some(codec.level),
            format: codec.format,
            width: codec.width.max(0) as usize,
            height: codec.height.max(0) as usize,
            sample_aspect: from_av(aspect),
            alpha_layer: entries(raw.metadata)
                .iter()
                .any(|(key, value)| key.eq_ignore_ascii_case("alpha_mode") && !matches!(value.trim(), "" | "0")),
            field_order: match enum_field!(codec.field_order) {
                1 => "progressive",
                2 => "tt",
                3 => "bb",
                4 => "tb",
                5 => "bt",
                _ => "unknown",
            },
            average_rate: from_av(raw.avg_frame_rate),
            base_rate: from_av(raw.r_frame_rate),
            time_base: from_av(raw.time_base),
            start: (raw.start_time != av::AV_NOPTS_VALUE).then_some(raw.start_time),
            duration: (raw.duration != av::AV_NOPTS_VALUE && raw.duration > 0).then_some(raw.duration),
            declared_frames: u64::try_from(raw.nb_frames).ok().filter(|&count| count > 0),
            tells_durations: false,
            indexed_packets: av::avformat_index_get_entries_count(stream).max(0) as usize,
            bit_rate: u64::try_from(codec.bit_rate).ok().filter(|&rate| rate > 0),
            raw_bits: codec.bits_per_raw_sample.max(codec.bits_per_coded_sample).max(0) as u32,
            color: Color {
                primaries: Primaries(enum_field!(codec.color_primaries) as u8),
                transfer: Transfer(enum_field!(codec.color_trc) as u8),
                matrix: Matrix(enum_field!(codec.color_space) as u8),
                range: frame::range(enum_field!(codec.color_range)),
                chroma_location: frame::chroma_location(enum_field!(codec.chroma_location)),
            },
            sample_rate: codec.sample_rate.max(0) as u32,
            channels: codec.ch_layout.nb_channels.max(0) as u32,
            layout: text(layout.as_ptr()).unwrap_or_default(),
            channel_labels: channel_labels(&codec.ch_layout),
            block_samples: codec.frame_size.max(0) as u32,
            padding: codec.initial_padding.max(0) as u32,
            metadata: entries(raw.metadata),
            is_default: raw.disposition & av::AV_DISPOSITION_DEFAULT != 0,
            is_sequence: false,
            is_attached_picture: raw.disposition & av::AV_DISPOSITION_ATTACHED_PIC != 0,
            disposition: dispositions(raw.disposition),
            display_matrix: side_data::of_stream(raw, Side::AV_PKT_DATA_DISPLAYMATRIX)
                .and_then(side_data::matrix)
                .filter(|matrix| Orientation::from_matrix(matrix) != Some(Orientation::default())),
            hdr: StaticHdr {
                mastering: side_data::of_stream(raw, Side::AV_PKT_DATA_MASTERING_DISPLAY_METADATA)
                    .and_then(side_data::mastering),
                light: side_data::of_stream(raw, Side::AV_PKT_DATA_CONTENT_LIGHT_LEVEL).and_then(side_data::light),
            },
            dolby_vision: side_data::of_stream(raw, Side::AV_PKT_DATA_DOVI_CONF).and_then(side_data::dolby_vision),
            is_spherical: side_data::of_stream(raw, Side::AV_PKT_DATA_SPHERICAL).is_some(),
            parameters,
        }
    }
}

/// A codec tag as text. `None` for numeric tags.
fn four_characters(tag: u32) -> Option<String> {
    let bytes = tag.to_le_bytes();
    bytes.iter().all(|byte| (b' '..=b'~').contains(byte)).then(|| bytes.iter().map(|byte| char::from(*byte)).collect())
}

/// FFmpeg's abbreviations of the channels of a layout. Empty if the order is unknown.
///
/// # Safety
/// `layout` is valid.
pub unsafe fn channel_labels(layout: &av::AVChannelLayout) -> Vec<String> {
    const UNSPECIFIED: c_int = 0;
    // SAFETY: the field has the size of a C int and is initialised.
    let order = unsafe { enum_field!(layout.order) };
    if order == UNSPECIFIED {
        return Vec::new();
    }
    // No layout has more channels than libavutil has bits for.
    (0..layout.nb_channels.clamp(0, 64) as u32)
        .map(|index| {
            let mut name = [0 as c_char; 32];
            // SAFETY: the layout is valid; the call writes a NUL-terminated name into the buffer.
            unsafe {
                let channel = av::av_channel_layout_channel_from_index(layout, index);
                av::av_channel_name(name.as_mut_ptr(), name.len(), channel);
                text(name.as_ptr()).unwrap_or_default()
            }
        })
        .collect()
}

/// FFmpeg's names of the bits of a disposition.
fn dispositions(bits: c_int) -> Vec<String> {
    (0..31)
        .map(|shift| 1 << shift)
        .filter(|bit| bits & bit != 0)
        // SAFETY: takes any integer; names are static.
        .filter_map(|bit| unsafe { text(av::av_disposition_to_string(bit)) })
        .collect()
}
