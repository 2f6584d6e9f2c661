//! How a source is read.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::audio_tracks::AudioTracks;
use crate::time::Rational;

/// Limits of a source. A source beyond them is an error of kind `Limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Streams in the file. Default 256: a feature film with every language has far fewer.
    pub streams: u32,
    /// Width in samples or height in rows of a frame. Default 16384, the most that implementations of HEVC level 6.2
    /// accept.
    pub side: u32,
    /// Samples per frame. Default 71 303 168, twice 8192x4320 (full-size DCI 8K).
    pub pixels: u64,
    /// Bytes of one compressed frame or block of audio. Default 512 MiB.
    pub packet_bytes: u64,
    /// Bytes that may be read to identify the streams. Default 64 MiB.
    pub probe_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { streams: 256, side: 16_384, pixels: 71_303_168, packet_bytes: 512 << 20, probe_bytes: 64 << 20 }
    }
}

/// Settings for reading a source, for what the source does not state itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The limits of the source.
    pub limits: Limits,
    /// The frame format of a file without a header.
    pub raw: Option<RawGeometry>,
    /// Frames per second of an image sequence; `None`: the rate in the first file, else 25.
    pub rate: Option<Rational>,
    /// The main video, by the index of its stream; `None`: it is chosen automatically.
    pub video_stream: Option<usize>,
    /// The audio tracks to read; `None`: those of the programme of the video.
    pub audio_tracks: Option<AudioTracks>,
    /// True if the source is read to its end where this is needed to find the first packet of a track. If false, the
    /// limit for probing applies.
    pub reads_on: bool,
}

impl From<Limits> for Reading {
    fn from(limits: Limits) -> Self {
        Reading { limits, ..Reading::default() }
    }
}

/// The frame format of a file without a header, which only its owner knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawGeometry {
    /// Width in samples.
    pub width: u32,
    /// Height in rows.
    pub height: u32,
    /// FFmpeg's name of the pixel format, e.g. `yuv420p10le`.
    pub pixel_format: String,
    /// Frames per second.
    pub rate: Rational,
}

impl fmt::Display for RawGeometry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}:{}:{}", self.width, self.height, self.pixel_format, self.rate)
    }
}

/// ```
/// use trix_model::settings::source::RawGeometry;
/// let raw: RawGeometry = "480x270:yuv420p10le:24000/1001".parse()?;
/// assert_eq!((raw.width, raw.height, raw.pixel_format.as_str()), (480, 270, "yuv420p10le"));
/// assert_eq!(raw.to_string().parse(), Ok(raw));
/// # Ok::<(), String>(())
/// ```
impl FromStr for RawGeometry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not WIDTHxHEIGHT:FORMAT:RATE such as 1920x1080:yuv422p10le:25");
        let mut parts = text.splitn(3, ':');
        let (size, format, rate) = match (parts.next(), parts.next(), parts.next()) {
            (Some(size), Some(format), Some(rate)) => (size, format, rate),
            _ => return Err(wrong()),
        };
        let (width, height) = size.split_once('x').ok_or_else(wrong)?;
        Ok(RawGeometry {
            width: width.parse().map_err(|_| wrong())?,
            height: height.parse().map_err(|_| wrong())?,
            pixel_format: format.to_owned(),
            rate: rate.parse()?,
        })
    }
}
