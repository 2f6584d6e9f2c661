//! A package for streaming: a ladder of frames, audio and subtitles, cut into segments.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use trix_model::time::Rational;

use super::{
    audio::{AudioSettings, AudioShape},
    picture::PictureSettings,
    video::{EncodeSettings, VideoSettings},
};

/// A package: a folder with CMAF segments, playlists of HLS and a manifest of DASH.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PackageJob {
    /// The folder.
    #[serde(with = "trix_model::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// Seconds that a segment lasts, 1 to 60; a keyframe is forced at each. Default: 6.
    pub segment: Rational,
    /// Where segments lie.
    pub layout: Layout,
    /// What is done to frames before they are scaled.
    pub picture: PictureSettings,
    /// Sizes, the largest first. Those with more rows than the source are left out.
    pub ladder: Vec<Rung>,
    /// What becomes of each audio track.
    pub audio: AudioSettings,
    /// Layout and rate of encoded audio.
    pub audio_shape: AudioShape,
    /// Whether text subtitles go along, as WebVTT.
    pub subtitles: bool,
    /// Whether a package that has this name already may be replaced.
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

/// A size of a ladder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rung {
    /// Rows; the width keeps the frame's proportions.
    pub height: u32,
    /// How it is encoded; its size is `height`. `maxrate` and `bufsize` are for 30 frames a second at the most; for
    /// more they become half as much again.
    pub video: VideoSettings,
}

impl Default for Rung {
    fn default() -> Self {
        Rung { height: 0, video: VideoSettings::X264(EncodeSettings::default()) }
    }
}

/// Where the segments of a rendition lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Each in a file of its own.
    #[default]
    Files,
    /// All of a rendition in one file; playlists tell byte ranges.
    Single,
}

/// How a package is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PackageSettings {
    /// Seconds that a segment is to last, 1 to 60. Default 6, as Apple's authoring specification recommends.
    pub segment: Rational,
    /// Where segments lie. Default: each in a file of its own.
    pub layout: Layout,
}

impl Default for PackageSettings {
    fn default() -> Self {
        PackageSettings { segment: Rational { num: 6, den: 1 }, layout: Layout::Files }
    }
}
