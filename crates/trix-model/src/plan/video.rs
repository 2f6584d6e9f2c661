//! The plan of the video.

use serde::{Deserialize, Serialize};

use crate::{
    color::Color,
    format::FrameFormat,
    frame_facts::FieldOrder,
    hdr::{DolbyVision, StaticHdr},
    orientation::Orientation,
    plan::{
        filter::{Filtering, Transform},
        ids::StepId,
    },
    settings::{picture::OnChange, video::Encoder},
    time::{Rational, Timestamp},
};

/// How video is encoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct VideoPlan {
    /// Index of the stream in the source.
    pub stream: usize,
    /// The encoder.
    pub encoder: Encoder,
    /// Width in samples.
    pub width: usize,
    /// Height in rows.
    pub height: usize,
    /// Chroma and depth.
    pub format: FrameFormat,
    /// What is done to frames before they are encoded.
    pub transform: Transform,
    /// True if the filter stage changes the frames.
    pub converted: bool,
    /// What is done when the source changes its size, format or colour in mid-stream.
    pub on_change: OnChange,
    /// True if the colour properties of each frame apply; false if the job overrides them.
    pub follows_color: bool,
    /// Frames per second of the source.
    pub source_rate: Rational,
    /// Frames per second, for rate control and headers; times are the source's unless `resampled_rate` is set.
    pub rate: Rational,
    /// Frames per second after frame rate conversion, which repeats and drops frames.
    pub resampled_rate: Option<Rational>,
    /// True if the source declares evenly spaced frames.
    pub constant_rate: bool,
    /// Sample aspect ratio, as written.
    pub sample_aspect: Rational,
    /// Colour, as written.
    pub color: Color,
    /// The field that is shown first, for interlaced video.
    pub fields: Option<FieldOrder>,
    /// Static HDR metadata, as written.
    pub hdr: StaticHdr,
    /// The Dolby Vision configuration, if Dolby Vision metadata is carried.
    pub dolby_vision: Option<DolbyVision>,
    /// True if HDR10+ metadata is carried.
    pub hdr10_plus: bool,
    /// The rotation that players must apply, for frames that are not rotated here.
    pub orientation: Orientation,
    /// The filter step of the job that provides its frames.
    pub filter: StepId,
    /// Number of passes, 1 or 2.
    pub passes: u32,
    /// True if every decoded sample must equal the sample that was encoded.
    pub lossless: bool,
    /// Preset; the encoder's `medium` if the job sets none.
    pub preset: String,
    /// Tunes, if the job sets any.
    pub tune: Option<String>,
    /// Profile, if the job sets one. ProRes always has one.
    pub profile: Option<String>,
    /// Times of frames that must be keyframes.
    pub keyframes: Vec<Timestamp>,
    /// Time between forced keyframes.
    pub key_interval: Option<Timestamp>,
    /// The encoder's options in the order in which they are set.
    pub options: Vec<(String, String)>,
}

impl VideoPlan {
    /// The settings of the filter stage.
    pub fn filtering(&self) -> Filtering {
        Filtering {
            transform: self.transform.clone(),
            rate: self.source_rate,
            constant_rate: self.resampled_rate,
            on_change: self.on_change,
            follows_color: self.follows_color,
        }
    }
}

/// The compressed video that is copied.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CopyPlan {
    /// Index of the stream in the source.
    pub stream: usize,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// The display time of the keyframe at the start of the copy; `None` if the source has no times.
    pub first: Option<Timestamp>,
    /// The display time of the first frame after the copy; `None` if the source is copied to its end.
    pub end: Option<Timestamp>,
    /// Packets of the stream before that keyframe.
    pub skipped: u64,
    /// Packets of the stream up to the end of the copy; `None` for all.
    pub until: Option<u64>,
    /// Frames after the first keyframe in the file that are shown before it and are left out.
    pub leading: u64,
    /// The display time of the first frame of the copy: the keyframe, or a frame after it that needs no earlier frame.
    pub first_shown: Option<Timestamp>,
    /// True if the first GOP is flagged as closed: it needs no earlier frame.
    pub closed: bool,
}
