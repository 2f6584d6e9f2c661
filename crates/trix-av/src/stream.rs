//! Facts that libavformat knows about a stream, as copies.

use std::ffi::c_int;

use ffmpeg_sys_next as av;
use trix_model::{
    color::{Color, Matrix, Primaries, Transfer},
    hdr::{DolbyVision, StaticHdr},
    orientation::Orientation,
    time::Rational,
};

use crate::{
    entries, enum_field, frame, layout,
    rational::from_av,
    side_data::{self, StreamKind as Side},
    text,
};

pub use crate::parameters::{CodecParameters, VideoCodec, VideoParameters};
pub use trix_model::stream_kind::StreamKind;

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
    /// True if the codec can be lossy. Some codecs, such as H.264 and DTS, can be both.
    pub is_lossy: bool,
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
    pub states_durations: bool,
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
pub(crate) unsafe fn facts(stream: *const av::AVStream) -> StreamFacts {
    // SAFETY: promised by the caller.
    let raw = unsafe { &*stream };
    // SAFETY: parameters live as long as their stream.
    let mut parameters = unsafe { CodecParameters::copy_of(raw.codecpar) };
    side_data::clear(parameters.raw_mut());
    let codec = parameters.raw();
    let descriptor = parameters.descriptor();
    // SAFETY: descriptions of codecs are static.
    let codec_description = descriptor.and_then(|descriptor| unsafe { text(descriptor.long_name) });
    // SAFETY: the call takes any numbers; names of profiles are static.
    let profile = unsafe { text(av::avcodec_profile_name(codec.codec_id, codec.profile)) };
    // SAFETY: the layout of valid parameters is valid.
    let usual = unsafe { layout::in_usual_order(&codec.ch_layout) };
    // Blocks of audio get this order too (`Frame::with_channels_in_order`).
    let ch_layout = usual.as_ref().map_or(&codec.ch_layout, |(usual, _)| &usual.0);
    // SAFETY: as above.
    let layout = unsafe { layout::described(ch_layout) };
    // SAFETY: as above.
    let channel_labels = unsafe { layout::channel_labels(ch_layout) };
    // SAFETY: the dictionary belongs to the stream.
    let metadata = unsafe { entries(raw.metadata) };
    // SAFETY: the stream is valid.
    let indexed_packets = unsafe { av::avformat_index_get_entries_count(stream) };
    // SAFETY: the stream is valid and does not change while its side data are read.
    let side = |kind| unsafe { side_data::of_stream(raw, kind) };
    // SAFETY: the field has the size of a C int and is initialised.
    let field_order = match unsafe { enum_field!(codec.field_order) } {
        1 => "progressive",
        2 => "tt",
        3 => "bb",
        4 => "tb",
        5 => "bt",
        _ => "unknown",
    };
    let aspect = if raw.sample_aspect_ratio.num > 0 { raw.sample_aspect_ratio } else { codec.sample_aspect_ratio };
    StreamFacts {
        index: raw.index.max(0) as usize,
        id: raw.id,
        kind: parameters.kind(),
        codec: parameters.codec_or_tag(),
        codec_description: codec_description.unwrap_or_default(),
        tag: four_characters(codec.codec_tag),
        is_text: descriptor.is_some_and(|found| found.props & av::AV_CODEC_PROP_TEXT_SUB as c_int != 0),
        is_lossless: descriptor.is_some_and(|found| found.props & av::AV_CODEC_PROP_LOSSLESS as c_int != 0),
        is_lossy: descriptor.is_some_and(|found| found.props & av::AV_CODEC_PROP_LOSSY as c_int != 0),
        profile,
        level: (codec.level > 0).then_some(codec.level),
        format: codec.format,
        width: codec.width.max(0) as usize,
        height: codec.height.max(0) as usize,
        sample_aspect: from_av(aspect),
        alpha_layer: metadata
            .iter()
            .any(|(key, value)| key.eq_ignore_ascii_case("alpha_mode") && !matches!(value.trim(), "" | "0")),
        field_order,
        average_rate: from_av(raw.avg_frame_rate),
        base_rate: from_av(raw.r_frame_rate),
        time_base: from_av(raw.time_base),
        start: (raw.start_time != av::AV_NOPTS_VALUE).then_some(raw.start_time),
        duration: (raw.duration != av::AV_NOPTS_VALUE && raw.duration > 0).then_some(raw.duration),
        declared_frames: u64::try_from(raw.nb_frames).ok().filter(|&count| count > 0),
        states_durations: false,
        indexed_packets: indexed_packets.max(0) as usize,
        bit_rate: u64::try_from(codec.bit_rate).ok().filter(|&rate| rate > 0),
        raw_bits: codec.bits_per_raw_sample.max(codec.bits_per_coded_sample).max(0) as u32,
        color: color(codec),
        sample_rate: codec.sample_rate.max(0) as u32,
        channels: codec.ch_layout.nb_channels.max(0) as u32,
        layout,
        channel_labels,
        block_samples: codec.frame_size.max(0) as u32,
        padding: codec.initial_padding.max(0) as u32,
        metadata,
        is_default: raw.disposition & av::AV_DISPOSITION_DEFAULT != 0,
        is_sequence: false,
        is_attached_picture: raw.disposition & av::AV_DISPOSITION_ATTACHED_PIC != 0,
        disposition: dispositions(raw.disposition),
        display_matrix: side(Side::AV_PKT_DATA_DISPLAYMATRIX)
            .and_then(side_data::matrix)
            .filter(|matrix| Orientation::from_matrix(matrix) != Some(Orientation::default())),
        hdr: StaticHdr {
            mastering: side(Side::AV_PKT_DATA_MASTERING_DISPLAY_METADATA).and_then(side_data::mastering),
            light: side(Side::AV_PKT_DATA_CONTENT_LIGHT_LEVEL).and_then(side_data::light),
        },
        dolby_vision: side(Side::AV_PKT_DATA_DOVI_CONF).and_then(side_data::dolby_vision),
        is_spherical: side(Side::AV_PKT_DATA_SPHERICAL).is_some(),
        parameters,
    }
}

/// The colour that parameters state.
fn color(codec: &av::AVCodecParameters) -> Color {
    // SAFETY: the fields have the size of a C int and are initialised.
    unsafe {
        Color {
            primaries: Primaries(enum_field!(codec.color_primaries) as u8),
            transfer: Transfer(enum_field!(codec.color_trc) as u8),
            matrix: Matrix(enum_field!(codec.color_space) as u8),
            range: frame::range(enum_field!(codec.color_range)),
            chroma_location: frame::chroma_location(enum_field!(codec.chroma_location)),
        }
    }
}

/// A codec tag as text. `None` for numeric tags.
fn four_characters(tag: u32) -> Option<String> {
    let bytes = tag.to_le_bytes();
    bytes.iter().all(|byte| (b' '..=b'~').contains(byte)).then(|| bytes.iter().map(|byte| char::from(*byte)).collect())
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
