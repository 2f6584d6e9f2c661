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
    /// The step whose frames it takes; `None` for those of the decoder.
    pub after: Option<StepId>,
    /// Which frames of the decoder it takes.
    pub cut: Cut,
    /// What is done to them.
    pub filtering: Filtering,
    /// The files and renditions that need it.
    pub outputs: Vec<Sink>,
}

/// Which frames of a source count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Cut {
    /// Earlier ones are left out.
    pub start: Option<Timestamp>,
    /// This and later ones are left out.
    pub end: Option<Timestamp>,
    /// Only as many.
    pub frames: Option<u64>,
}

/// The verdict of a cut on one frame.
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
    /// Frames of the source in a second, which filters that work on fields must know.
    pub rate: Rational,
    /// Frames in a second that come out, evenly spaced; `None` where each keeps its time.
    pub constant_rate: Option<Rational>,
    /// What is done when the source changes in mid-stream.
    pub on_change: OnChange,
    /// Whether the colour that frames claim counts, or only what the transform says of them all.
    pub follows_color: bool,
}

/// What is done to every frame, in this order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Transform {
    /// Film is put together again from fields.
    pub inverse_telecine: Option<FieldOrder>,
    /// Fields become frames.
    pub deinterlace: Option<Deinterlacing>,
    /// All but this is cut off.
    pub crop: Option<Rectangle>,
    /// Frames are mirrored and turned like this.
    pub orientation: Orientation,
    /// Frames are laid on black by their alpha channel.
    pub flatten: bool,
    /// High dynamic range becomes standard dynamic range.
    pub tonemap: Option<ToneMapping>,
    /// How samples of the source mean colour.
    pub from: Color,
    /// How samples of the output mean colour.
    pub to: Color,
    /// Samples in a row, before padding.
    pub width: usize,
    /// Rows, before padding.
    pub height: usize,
    /// What frames are scaled to on the way, the largest first; empty where they are scaled at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub through: Vec<Waypoint>,
    /// How samples are computed when the size changes.
    pub resampler: Resampler,
    /// Chroma, depth, RGB, alpha.
    pub format: FrameFormat,
    /// FFmpeg's name of a format with the same samples, for an encoder that takes them packed.
    pub packing: Option<String>,
    /// The two fields of each frame stay, and are converted apart.
    pub keeps_fields: Option<FieldOrder>,
    /// Black is put around frames.
    pub pad: Option<Padding>,
}

/// Frames between two scalings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Waypoint {
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Chroma, depth, RGB, alpha.
    pub format: FrameFormat,
}

/// How fields become frames (bwdif).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Deinterlacing {
    /// Which field is shown first.
    pub order: FieldOrder,
    /// Whether each field becomes a frame, or each frame.
    pub each_field: bool,
}

/// How high dynamic range becomes standard dynamic range.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ToneMapping {
    /// The curve.
    pub operator: Tonemap,
    /// What the curve bends to white, in candela per square metre.
    pub peak: u32,
}
