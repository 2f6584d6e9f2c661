//! The result of a probe: plain data, as `trix probe --json` prints it.
//!
//! Invariant: values that a file does not state are absent.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};
use trix_av::{pixel::PixelFormat, stream::StreamKind};
use trix_model::{
    chapter::Chapter,
    color::Color,
    format::Chroma,
    intervals::Timing,
    orientation::Orientation,
    time::{Rational, TimeBase, Timestamp},
    timecode::Timecode,
};

use super::{
    dates::DateInfo, disagreement::Disagreement, dynamic_range::HdrInfo, packet_scan::Measured, rate_mode::BitRateMode,
};
use crate::{
    decode::data_bursts::DataBursts,
    reading::{bitstream_facts::BitstreamFacts, full_decode_count::FullDecodeCount},
    source::movie::EditInfo,
};

/// The content of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MediaInfo {
    /// Version of this format: 1.
    #[serde(deserialize_with = "trix_model::json::version")]
    pub trix: u32,
    /// The file; absent when the source is a block of memory.
    #[serde(with = "trix_model::path_text::optional")]
    #[schemars(with = "Option<PathBuf>")]
    pub file: Option<PathBuf>,
    /// Size of the file in bytes.
    pub bytes: Option<u64>,
    /// The container.
    pub container: ContainerInfo,
    /// The streams, in file order.
    pub streams: Vec<StreamInfo>,
    /// Index of the video stream that a job encodes by default.
    pub film: Option<usize>,
    /// Chapters of the programme.
    pub chapters: Vec<Chapter>,
    /// The programmes of a transport stream.
    pub programs: Vec<ProgramInfo>,
    /// Time codes of the first frame, from all places that hold one.
    pub timecodes: Vec<TimecodeInfo>,
    /// Differences between what the container states and its content.
    pub disagreements: Vec<Disagreement>,
    /// The result of decoding everything; absent unless it was requested.
    #[serde(rename = "census")]
    pub full_decode_count: Option<FullDecodeCount>,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ContainerInfo {
    /// FFmpeg's name, which may name several related formats (`mov,mp4,m4a,3gp,3g2,mj2`).
    pub format: String,
    /// The name of the format in words.
    pub description: String,
    /// Presentation duration.
    pub duration: Option<Timestamp>,
    /// How the duration was found.
    pub duration_method: Option<Method>,
    /// The start of presentation.
    pub start: Option<Timestamp>,
    /// Bits per second of all streams together.
    pub bit_rate: Option<u64>,
    /// The major brand of MP4 and MOV: which variant of the format it is. Absent for other formats, even if they hold a
    /// copy of the brand of the file that they were made from.
    pub brand: Option<String>,
    /// The library that wrote the container (MuxingApp), as Matroska and WebM state it.
    pub muxing_application: Option<String>,
    /// The program that wrote the file.
    pub writing_application: Option<String>,
    /// Dates that the file states.
    pub dates: Vec<DateInfo>,
    /// Titles, encoders, dates: the metadata of the container, as FFmpeg names them.
    pub metadata: BTreeMap<String, String>,
}

/// How a duration was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Stated in the header of the stream.
    StreamHeader,
    /// Stated in the container, for all of its streams together.
    Container,
    /// The sum of the durations in the index.
    Index,
    /// The times of the first and the last packets.
    LastPackets,
    /// Estimated from the number of bytes and the bitrate: only a guess.
    BitRate,
    /// Measured by reading all packets.
    Measured,
}

/// A stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StreamInfo {
    /// Position in the file, from zero.
    pub index: usize,
    /// The identifier in the container: number of the track, identifier of its packets; zero if there is none.
    pub id: i32,
    /// Video, audio, or another kind.
    pub kind: StreamKind,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// The codec in words.
    pub codec_description: String,
    /// The codec's four-character code in the container.
    pub tag: Option<String>,
    /// Profile in words.
    pub profile: Option<String>,
    /// Level in the numbers of the codec (H.264: 41 is 4.1; HEVC: 123 is 4.1).
    pub level: Option<i32>,
    /// The tier of HEVC and AV1: `Main` or `High`.
    pub tier: Option<String>,
    /// The name under which the format is sold: `IMX 30`, `HDV 1080i`, `XDCAM HD422`, `AVC-Intra 100`. Absent if the
    /// facts do not decide it.
    pub commercial_name: Option<String>,
    /// Time base: seconds per tick.
    pub time_base: TimeBase,
    /// Start time.
    pub start: Option<Timestamp>,
    /// Duration.
    pub duration: Option<Timestamp>,
    /// How the duration was found.
    pub duration_method: Option<Method>,
    /// Bits per second.
    pub bit_rate: Option<u64>,
    /// Whether the bit rate is constant or variable; absent if nothing says so.
    pub bit_rate_mode: Option<BitRateMode>,
    /// The number of frames that the container declares.
    pub declared_frames: Option<u64>,
    /// ISO 639 code.
    pub language: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// The encoder, as its frames or the container name it; or the camera that wrote its name into the frames.
    pub encoder: Option<String>,
    /// All settings of the encoder, as it wrote them into its frames or the container.
    pub encoder_settings: Option<String>,
    /// True if players select it by default.
    pub is_default: bool,
    /// True if it is a cover image.
    pub is_attached_picture: bool,
    /// Why a job leaves it out by default; absent for a stream that a job uses.
    pub left_out: Option<String>,
    /// Purposes of the stream, by FFmpeg's names: `default`, `forced`, `hearing_impaired` and so on.
    pub disposition: Vec<String>,
    /// The edit list of MP4 and MOV, unless it shows all of the media from its start.
    pub edits: Vec<EditInfo>,
    /// The earliest presentation time in the index of MP4 and MOV, before the edit list: above zero if frames are
    /// reordered.
    pub media_start: Option<Timestamp>,
    /// Properties measured from its packets, as far as they were read.
    pub measured: Option<Measured>,
    /// All other metadata of the stream in the container.
    pub metadata: BTreeMap<String, String>,
    /// Properties of video.
    pub video: Option<VideoInfo>,
    /// Properties of audio.
    pub audio: Option<AudioInfo>,
    /// Properties of subtitles.
    pub subtitle: Option<SubtitleInfo>,
    /// Properties of a file inside the container.
    pub attachment: Option<AttachmentInfo>,
}

/// A video stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct VideoInfo {
    /// Width in samples.
    pub width: usize,
    /// Height in rows.
    pub height: usize,
    /// Layout of samples in memory.
    pub pixel_format: Option<PixelFormat>,
    /// Bits per sample.
    pub bit_depth: Option<u32>,
    /// Chroma subsampling; absent for RGB.
    pub chroma: Option<Chroma>,
    /// Sample aspect ratio: width of a sample divided by its height.
    pub sample_aspect: Option<Rational>,
    /// Display aspect ratio: width of the shown frame divided by its height, before rotation. Samples without an aspect
    /// ratio are square.
    pub display_aspect: Option<Rational>,
    /// How the frame is rotated and mirrored for display; absent if the container does not state it.
    pub orientation: Option<Orientation>,
    /// True if a display matrix does more than that: scaling, shearing, rotation by other angles.
    pub has_odd_matrix: bool,
    /// Width and height of the visible part (clean aperture, `clap`), in samples.
    pub clean_aperture: Option<(Rational, Rational)>,
    /// Progressive, or the field that is coded first and the field that is shown first (t, b).
    pub field_order: String,
    /// The frame rate that the container declares: all times are multiples of its interval.
    pub declared_rate: Option<Rational>,
    /// Average frame rate over the whole duration.
    pub average_rate: Option<Rational>,
    /// The intervals between frames, measured from their times.
    pub timing: Option<Timing>,
    /// The frames that were measured.
    pub timing_extent: Option<TimingExtent>,
    /// Colour properties: from the bitstream, else from the container.
    pub color: Color,
    /// High dynamic range; absent for SDR.
    pub hdr: Option<HdrInfo>,
    /// True if the video is a spherical projection.
    pub is_spherical: bool,
    /// Facts from the bitstream of the first frames; absent if none could be decoded.
    pub bitstream: Option<BitstreamFacts>,
}

/// The frames that were measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimingExtent {
    /// All frames, from the index of the container.
    Index,
    /// All frames, by reading all packets.
    AllPackets,
    /// The frames of the first packets.
    FirstPackets,
}

/// An audio stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AudioInfo {
    /// Sample rate in Hz.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u32,
    /// Channel layout, as FFmpeg describes it.
    pub layout: String,
    /// The loudspeaker of each channel, in order (FL, FR, FC, LFE); empty if the file does not state them.
    pub channel_labels: Vec<String>,
    /// Bits per sample, if the codec has a bit depth. Containers also state one for lossy codecs, where it means
    /// nothing.
    pub bit_depth: Option<u32>,
    /// Samples per block, if all blocks have the same number.
    pub block_samples: Option<u32>,
    /// Samples at the start that are decoded and not presented.
    pub priming: Option<u64>,
    /// Number of objects of E-AC-3 with joint object coding (Dolby Atmos), from the container.
    pub joint_objects: Option<u8>,
    /// Coded audio that is carried as data in the samples of the first seconds (SMPTE 337). Played as samples, it is
    /// noise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_bursts: Option<DataBursts>,
}

/// A subtitle stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SubtitleInfo {
    /// Text, or images of text.
    pub form: SubtitleForm,
    /// True if players show it without a request (forced).
    pub is_forced: bool,
    /// True if it also describes sounds.
    pub is_for_hearing_impaired: bool,
}

/// The form of subtitles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SubtitleForm {
    /// Text.
    Text,
    /// Bitmap images of text.
    Bitmap,
}

/// A file inside the container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AttachmentInfo {
    /// File name.
    pub name: Option<String>,
    /// Media type.
    pub media_type: Option<String>,
    /// Size in bytes.
    pub bytes: u64,
}

/// A programme of a transport stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProgramInfo {
    /// Its number.
    pub number: i32,
    /// Its name.
    pub name: Option<String>,
    /// The name of its provider.
    pub provider: Option<String>,
    /// Indices of its streams.
    pub streams: Vec<usize>,
}

/// A time code and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TimecodeInfo {
    /// The time code of the first frame.
    pub value: Timecode,
    /// The place of the time code.
    pub origin: TimecodeOrigin,
    /// Index of the stream; absent for a time code of the whole container.
    pub stream: Option<usize>,
}

/// The place of a time code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimecodeOrigin {
    /// In the container's metadata.
    Container,
    /// In a track of its own.
    Track,
    /// In the metadata of a stream.
    Stream,
    /// In the header of the first GOP.
    GroupOfPictures,
    /// In a message of the first frame (SMPTE ST 12-1).
    Picture,
}
