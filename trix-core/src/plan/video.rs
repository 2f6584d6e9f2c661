//! The plan of the video.

use serde::{Deserialize, Serialize};
use trix_model::{
    color::Color,
    format::FrameFormat,
    frame_facts::FieldOrder,
    hdr::{DolbyVision, StaticHdr},
    orientation::Orientation,
    time::{Rational, Timestamp},
};

use crate::{
    plan::{filter::Transform, ids::StepId},
    spec::{picture::OnChange, video::Encoder},
};

/// How frames are encoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct VideoPlan {
    /// Index of the stream in the source.
    pub stream: usize,
    /// Which encoder.
    pub encoder: Encoder,
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Chroma and depth.
    pub format: FrameFormat,
    /// What is done to frames before they are encoded.
    pub transform: Transform,
    /// Whether the filter stage changes the frames.
    pub converted: bool,
    /// What is done when the source changes its size, format or colour in mid-stream.
    pub on_change: OnChange,
    /// Whether frames are believed what they claim of their colour; not where the job overrides it.
    pub follows_color: bool,
    /// Frames of the source in a second.
    pub source_rate: Rational,
    /// Frames in a second, for rate control and headers; times are the source's unless `resampled_rate` is set.
    pub rate: Rational,
    /// Frames in a second that are made by repeating frames and leaving others out.
    pub resampled_rate: Option<Rational>,
    /// Whether the source declares that its frames are evenly spaced.
    pub constant_rate: bool,
    /// Shape of a sample, as written.
    pub sample_aspect: Rational,
    /// Colour, as written.
    pub color: Color,
    /// Which field is shown first, where each frame holds two.
    pub fields: Option<FieldOrder>,
    /// Static HDR metadata, as written.
    pub hdr: StaticHdr,
    /// The Dolby Vision configuration, where its metadata are carried.
    pub dolby_vision: Option<DolbyVision>,
    /// Whether messages of HDR10+ are carried.
    pub hdr10_plus: bool,
    /// How a player is asked to turn frames that are not turned here.
    pub orientation: Orientation,
    /// Which of the job's filter steps makes its frames.
    pub filter: StepId,
    /// 1 or 2.
    pub passes: u32,
    /// Whether every sample must come back as it went in.
    pub lossless: bool,
    /// Preset; the encoder's `medium` where the job names none.
    pub preset: String,
    /// Tunes, where the job names some.
    pub tune: Option<String>,
    /// Profile, where the job names one. ProRes always has one.
    pub profile: Option<String>,
    /// Times of frames that must be keyframes.
    pub keyframes: Vec<Timestamp>,
    /// Time between forced keyframes.
    pub key_interval: Option<Timestamp>,
    /// The encoder's options in the order in which they are set.
    pub options: Vec<(String, String)>,
}

/// Which compressed frames are copied.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CopyPlan {
    /// Index of the stream in the source.
    pub stream: usize,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// When the keyframe is shown that the copy begins with; `None` where the source tells no times.
    pub first: Option<Timestamp>,
    /// When the frame would be shown that follows the last; `None` where the source is copied to its end.
    pub end: Option<Timestamp>,
    /// Packets of the stream before that keyframe.
    pub skipped: u64,
    /// Packets of the stream up to the end of the copy; `None` for all.
    pub until: Option<u64>,
    /// Frames that follow the first keyframe in the file, are shown before it, and are left out.
    pub leading: u64,
    /// When the first frame of the copy is shown: the keyframe, or one that follows it and needs nothing from before.
    pub first_shown: Option<Timestamp>,
    /// Whether the first group says of itself that it needs nothing from before.
    pub closed: bool,
}
