//! How a source is read.

use serde::{Deserialize, Serialize};
use trix_model::time::Rational;

use super::audio_tracks::AudioTracks;

/// How large a source may be in each respect; beyond it stands an error of kind `Limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Streams in the file. Default 256: a feature with every language stays far below.
    pub streams: u32,
    /// Samples in a row, or rows, of a frame. Default 16384, the most that HEVC level 6.2 implementations take.
    pub side: u32,
    /// Samples of a frame. Default 71 303 168, twice 8192x4320 (full-size DCI 8K).
    pub pixels: u64,
    /// Bytes of one compressed frame or block of audio. Default 512 MiB.
    pub packet_bytes: u64,
    /// Bytes that may be read to find out what the streams are. Default 64 MiB.
    pub probe_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { streams: 256, side: 16_384, pixels: 71_303_168, packet_bytes: 512 << 20, probe_bytes: 64 << 20 }
    }
}

/// How a source is to be read, as far as it does not say so itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// How large it may be.
    pub limits: Limits,
    /// The shape of planes that have no header.
    pub raw: Option<RawGeometry>,
    /// Frames in a second of a sequence of files; `None`: what the first of them says, else 25.
    pub rate: Option<Rational>,
    /// The film, by the index of its stream; `None`: the video stream that a person means.
    pub video_stream: Option<usize>,
    /// The audio tracks that are taken; `None`: those of the film's programme.
    pub audio_tracks: Option<AudioTracks>,
    /// Whether the source is read to its end where that is needed to find the first packet of a track. Otherwise the
    /// limit for probing holds.
    pub reads_on: bool,
}

impl From<Limits> for Reading {
    fn from(limits: Limits) -> Self {
        Reading { limits, ..Reading::default() }
    }
}

/// What nothing in a headerless file says, and its owner has to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawGeometry {
    /// Samples in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// FFmpeg's name of the layout of samples, e.g. `yuv420p10le`.
    pub pixel_format: String,
    /// Frames in a second.
    pub rate: Rational,
}
