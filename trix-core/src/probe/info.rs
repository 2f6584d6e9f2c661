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

use super::{disagreement::Disagreement, dynamic_range::HdrInfo, packet_scan::Measured};
use crate::{
    decode::data_bursts::DataBursts,
    reading::{bitstream_facts::BitstreamFacts, full_decode_count::FullDecodeCount},
    source::movie::EditInfo,
};

/// What a source holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MediaInfo {
    /// Version of this format: 1.
    #[serde(deserialize_with = "trix_model::json::version")]
    pub trix: u32,
    /// The file; absent when the source is a block of memory.
    #[serde(with = "trix_model::path_text::optional")]
    #[schemars(with = "Option<PathBuf>")]
    pub file: Option<PathBuf>,
    /// Bytes of the file.
    pub bytes: Option<u64>,
    /// The container.
    pub container: ContainerInfo,
    /// The streams, in file order.
    pub streams: Vec<StreamInfo>,
    /// Index of the video stream that a job encodes unless it names another.
    pub film: Option<usize>,
    /// Named parts of the programme.
    pub chapters: Vec<Chapter>,
    /// The programmes of a transport stream.
    pub programs: Vec<ProgramInfo>,
    /// Time codes of the first frame, from wherever one stands.
    pub timecodes: Vec<TimecodeInfo>,
    /// Where the container says one thing and what is in it another.
    pub disagreements: Vec<Disagreement>,
    /// What decoding all of it found; absent unless it was asked for.
    #[serde(rename = "census")]
    pub full_decode_count: Option<FullDecodeCount>,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ContainerInfo {
    /// FFmpeg's name, which may name several relatives (`mov,mp4,m4a,3gp,3g2,mj2`).
    pub format: String,
    /// In words.
    pub description: String,
    /// How long it is presented.
    pub duration: Option<Timestamp>,
    /// How that was found.
    pub duration_method: Option<Method>,
    /// When presentation starts.
    pub start: Option<Timestamp>,
    /// Bits in a second over all streams.
    pub bit_rate: Option<u64>,
    /// Titles, encoders, dates: what the container says about itself.
    pub metadata: BTreeMap<String, String>,
}

/// How a duration was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The header of the stream says so.
    StreamHeader,
    /// The container says so, for all of its streams together.
    Container,
    /// The sum of the durations in the index.
    Index,
    /// The times of the first and the last packets.
    LastPackets,
    /// Estimated from the number of bytes and the bit rate: no more than a guess.
    BitRate,
    /// All packets were read.
    Measured,
}

/// A stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StreamInfo {
    /// Position in the file, from zero.
    pub index: usize,
    /// What the container calls it: number of the track, identifier of its packets; zero where it has none.
    pub id: i32,
    /// Frames, audio, or what else.
    pub kind: StreamKind,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// The codec in words.
    pub codec_description: String,
    /// The container's four characters for the codec.
    pub tag: Option<String>,
    /// Profile in words.
    pub profile: Option<String>,
    /// Level as the codec counts it (H.264: 41 is 4.1; HEVC: 123 is 4.1).
    pub level: Option<i32>,
    /// Seconds in a tick.
    pub time_base: TimeBase,
    /// When it starts.
    pub start: Option<Timestamp>,
    /// How long it is.
    pub duration: Option<Timestamp>,
    /// How that was found.
    pub duration_method: Option<Method>,
    /// Bits in a second.
    pub bit_rate: Option<u64>,
    /// Frames that the container declares.
    pub declared_frames: Option<u64>,
    /// ISO 639 code.
    pub language: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Whether players pick it by default.
    pub is_default: bool,
    /// Whether it is a cover image.
    pub is_attached_picture: bool,
    /// Why a job does not take it by itself; absent for a stream that is taken.
    pub left_out: Option<String>,
    /// What it is for, in FFmpeg's names: `default`, `forced`, `hearing_impaired` and so on.
    pub disposition: Vec<String>,
    /// The edit list of MP4 and MOV, unless it shows all of the media from its start.
    pub edits: Vec<EditInfo>,
    /// The earliest presentation time in the index of MP4 and MOV, before the edit list: above zero where frames are
    /// reordered.
    pub media_start: Option<Timestamp>,
    /// What its packets say, as far as they were read.
    pub measured: Option<Measured>,
    /// Everything else that the container says of it.
    pub metadata: BTreeMap<String, String>,
    /// For frames.
    pub video: Option<VideoInfo>,
    /// For audio.
    pub audio: Option<AudioInfo>,
    /// For subtitles.
    pub subtitle: Option<SubtitleInfo>,
    /// For files inside the container.
    pub attachment: Option<AttachmentInfo>,
}

/// A stream of frames.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct VideoInfo {
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Layout of samples in memory.
    pub pixel_format: Option<PixelFormat>,
    /// Bits in a sample.
    pub bit_depth: Option<u32>,
    /// Chroma subsampling; absent for RGB.
    pub chroma: Option<Chroma>,
    /// Width of a sample by its height.
    pub sample_aspect: Option<Rational>,
    /// Width of the frame by its height as it is shown, before it is turned; samples without an aspect are square.
    pub display_aspect: Option<Rational>,
    /// How it is turned and mirrored before it is shown; absent where the container says nothing.
    pub orientation: Option<Orientation>,
    /// Whether a display matrix does something else than that: scale, shear, turn by odd angles.
    pub has_odd_matrix: bool,
    /// Width and height of the part that is meant to be seen (`clap`), in samples.
    pub clean_aperture: Option<(Rational, Rational)>,
    /// Progressive, or which field is coded and which shown first (t, b).
    pub field_order: String,
    /// Frames in a second that the container declares: the base of which all times are multiples.
    pub declared_rate: Option<Rational>,
    /// Frames in a second over the whole duration.
    pub average_rate: Option<Rational>,
    /// How the frames follow one another, measured by their times.
    pub timing: Option<Timing>,
    /// Which frames that is about.
    pub timing_extent: Option<TimingExtent>,
    /// How samples mean colour: as the bitstream says, else as the container does.
    pub color: Color,
    /// High dynamic range; absent for SDR.
    pub hdr: Option<HdrInfo>,
    /// Whether the video is a projection of a sphere.
    pub is_spherical: bool,
    /// What the first frames say by themselves; absent where none could be decoded.
    pub bitstream: Option<BitstreamFacts>,
}

/// Which frames were measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimingExtent {
    /// All, by the container's index.
    Index,
    /// All, by reading all packets.
    AllPackets,
    /// Those of the first packets.
    FirstPackets,
}

/// A stream of audio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AudioInfo {
    /// Samples in a second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u32,
    /// Which loudspeakers, as FFmpeg describes them.
    pub layout: String,
    /// The loudspeaker of each channel, in order (FL, FR, FC, LFE); empty where the file does not say.
    pub channel_labels: Vec<String>,
    /// Bits in a sample, where the codec has such: containers state one for lossy codecs too, which means nothing.
    pub bit_depth: Option<u32>,
    /// Samples of a block, where all blocks have as many.
    pub block_samples: Option<u32>,
    /// Samples at the start that are decoded and not heard.
    pub priming: Option<u64>,
    /// Objects of E-AC-3 with joint object coding (Dolby Atmos), as the container says.
    pub joint_objects: Option<u8>,
    /// Coded audio that the samples of the first seconds carry as data (SMPTE 337), which is noise to the ear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_bursts: Option<DataBursts>,
}

/// A stream of subtitles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SubtitleInfo {
    /// Text, or images of text.
    pub form: SubtitleForm,
    /// Whether it is shown without being asked for.
    pub is_forced: bool,
    /// Whether it also tells what is heard.
    pub is_for_hearing_impaired: bool,
}

/// What subtitles are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SubtitleForm {
    /// Text.
    Text,
    /// Frames of text.
    Bitmap,
}

/// A file inside the container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AttachmentInfo {
    /// Its name.
    pub name: Option<String>,
    /// What it is, as a media type.
    pub media_type: Option<String>,
    /// Its bytes.
    pub bytes: u64,
}

/// A programme of a transport stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProgramInfo {
    /// Its number.
    pub number: i32,
    /// Its name.
    pub name: Option<String>,
    /// Who provides it.
    pub provider: Option<String>,
    /// Indices of its streams.
    pub streams: Vec<usize>,
}

/// A time code, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TimecodeInfo {
    /// Of the first frame.
    pub value: Timecode,
    /// Where it stands.
    pub origin: TimecodeOrigin,
    /// Index of the stream; absent for one of the whole container.
    pub stream: Option<usize>,
}

/// Where a time code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimecodeOrigin {
    /// In the container's metadata.
    Container,
    /// In a track of its own.
    Track,
    /// In the metadata of a stream.
    Stream,
    /// In the header of the first group of pictures.
    GroupOfPictures,
    /// In a message beside the first frame (SMPTE ST 12-1).
    Picture,
}
