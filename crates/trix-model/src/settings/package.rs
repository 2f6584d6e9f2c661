//! A package for streaming: a ladder of video renditions, audio and subtitles, cut into segments.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    audio::{AudioSettings, AudioShape},
    picture::PictureSettings,
    video::{EncodeSettings, VideoSettings},
};
use crate::time::Rational;

/// A package: a folder with CMAF segments, playlists of HLS and a manifest of DASH.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PackageJob {
    /// The folder.
    #[serde(with = "crate::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// Duration of a segment in seconds, 1 to 60; a keyframe is forced at the start of each. Default: 6.
    pub segment: Rational,
    /// How segments are stored.
    pub layout: Layout,
    /// What is done to frames before they are scaled.
    pub picture: PictureSettings,
    /// Renditions, the largest first. Those with more rows than the source are left out.
    pub ladder: Vec<Rung>,
    /// How each audio track is written.
    pub audio: AudioSettings,
    /// Channel layout and sample rate of encoded audio.
    pub audio_shape: AudioShape,
    /// True if text subtitles are included, as WebVTT.
    pub subtitles: bool,
    /// True if an existing package with this name may be replaced.
    pub overwrite: bool,
}

impl Default for PackageJob {
    fn default() -> Self {
        PackageJob {
            path: PathBuf::new(),
            segment: Rational { num: 6, den: 1 },
            layout: Layout::default(),
            picture: PictureSettings::default(),
            ladder: Vec::new(),
            audio: AudioSettings::Aac { kbps: None },
            audio_shape: AudioShape::default(),
            subtitles: true,
            overwrite: false,
        }
    }
}

/// A rendition of a ladder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rung {
    /// Height in rows; the width keeps the aspect ratio of the frame.
    #[schemars(range(min = 2, max = 16_384))]
    pub height: u32,
    /// Encoder settings; the size is `height`. `maxrate` and `bufsize` hold for up to 30 frames per second. For higher
    /// frame rates they are multiplied by 1.5.
    pub video: VideoSettings,
}

impl Default for Rung {
    fn default() -> Self {
        Rung { height: 0, video: VideoSettings::X264(EncodeSettings::default()) }
    }
}

/// How the segments of a rendition are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Each segment in a file of its own.
    #[default]
    Files,
    /// All segments of a rendition in one file; playlists give byte ranges.
    Single,
}

/// How a package is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PackageSettings {
    /// Duration of a segment in seconds, 1 to 60. Default 6, as Apple's authoring specification recommends.
    pub segment: Rational,
    /// How segments are stored. Default: each in a file of its own.
    pub layout: Layout,
}

impl Default for PackageSettings {
    fn default() -> Self {
        PackageSettings { segment: Rational { num: 6, den: 1 }, layout: Layout::Files }
    }
}
