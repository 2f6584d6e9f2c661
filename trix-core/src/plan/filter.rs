//! The plan of filtering between the decoder and the encoders.

use serde::{Deserialize, Serialize};
use trix_model::{
    color::Color,
    format::FrameFormat,
    frame_facts::{FieldOrder, Padding},
    orientation::Orientation,
    time::{Rational, Timestamp},
};

use crate::{
    plan::ids::{Sink, StepId},
    spec::picture::{OnChange, Rectangle, Resampler, Tonemap},
};

/// A step between the decoder and the encoders.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FilterPlan {
    /// The step that provides its frames; `None` for the decoder.
    pub after: Option<StepId>,
    /// The decoded frames that the step uses.
    pub cut: Cut,
    /// What is done to the frames.
    pub filtering: Filtering,
    /// The files and renditions that need it.
    pub outputs: Vec<Sink>,
}

/// The frames of a source that are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Cut {
    /// Earlier frames are left out.
    pub start: Option<Timestamp>,
    /// This frame and later ones are left out.
    pub end: Option<Timestamp>,
    /// The largest number of frames.
    pub frames: Option<u64>,
}

/// The result of a cut for one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Before,
    Keep,
    After,
}

/// How a source is filtered for one output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Filtering {
    /// What is done to every frame.
    pub transform: Transform,
    /// Frames per second of the source. Filters that work on fields need it.
    pub rate: Rational,
    /// Frames per second of the output, evenly spaced; `None` if each frame keeps its time.
    pub constant_rate: Option<Rational>,
    /// What is done when the source changes in mid-stream.
    pub on_change: OnChange,
    /// True if the colour properties of each frame apply; false if those of the transform apply to all frames.
    pub follows_color: bool,
}

/// What is done to every frame, in this order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Transform {
    /// Inverse telecine: film frames are restored from fields.
    pub inverse_telecine: Option<FieldOrder>,
    /// Deinterlacing: fields become frames.
    pub deinterlace: Option<Deinterlacing>,
    /// The part of the frame that remains after cropping.
    pub crop: Option<Rectangle>,
    /// How frames are mirrored and rotated.
    pub orientation: Orientation,
    /// True if frames are composited on black by their alpha channel.
    pub flatten: bool,
    /// High dynamic range is converted to standard dynamic range.
    pub tonemap: Option<ToneMapping>,
    /// Colour properties of the source samples.
    pub from: Color,
    /// Colour properties of the output samples.
    pub to: Color,
    /// Width in samples, before padding.
    pub width: usize,
    /// Height in rows, before padding.
    pub height: usize,
    /// Intermediate sizes of scaling, the largest first; empty if frames are scaled at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<Waypoint>,
    /// The scaling filter.
    pub resampler: Resampler,
    /// Chroma, depth, RGB, alpha.
    pub format: FrameFormat,
    /// FFmpeg's name of a packed format with the same samples, for an encoder that needs it.
    pub packing: Option<String>,
    /// The fields that stay. The two fields of each frame are converted separately.
    pub keeps_fields: Option<FieldOrder>,
    /// Black borders around frames.
    pub pad: Option<Padding>,
}

/// Frames between two scaling steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Waypoint {
    /// Width in samples.
    pub width: usize,
    /// Height in rows.
    pub height: usize,
    /// Chroma, depth, RGB, alpha.
    pub format: FrameFormat,
}

/// How fields become frames (bwdif).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Deinterlacing {
    /// The field that is shown first.
    pub order: FieldOrder,
    /// True if each field becomes a frame; false if each frame does.
    pub each_field: bool,
}

/// How high dynamic range is converted to standard dynamic range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ToneMapping {
    /// The curve.
    pub operator: Tonemap,
    /// The luminance that the curve maps to white, in candela per square metre.
    pub peak: u32,
}
