//! The plan of filtering between the decoder and the encoders.

use serde::{Deserialize, Serialize};

use crate::{
    color::Color,
    format::FrameFormat,
    frame_facts::{FieldOrder, Padding},
    orientation::Orientation,
    plan::ids::{Sink, StepId},
    settings::picture::{OnChange, Rectangle, Resampler, Tonemap},
    time::{Rational, Timestamp},
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
#[doc(hidden)]
pub enum Verdict {
    Before,
    Keep,
    After,
}

impl Cut {
    /// Decides about a frame at `time` after `kept` kept frames.
    #[doc(hidden)]
    pub fn judge(&self, time: Timestamp, kept: u64) -> Verdict {
        if self.start.is_some_and(|start| time < start) {
            Verdict::Before
        } else if self.end.is_some_and(|end| time >= end) || self.frames.is_some_and(|frames| kept >= frames) {
            Verdict::After
        } else {
            Verdict::Keep
        }
    }
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

impl Filtering {
    /// A transform alone: every frame keeps its time, and a change of format in the source is refused.
    pub fn by(transform: Transform) -> Self {
        Filtering {
            transform,
            rate: Rational::new(25, 1),
            constant_rate: None,
            on_change: OnChange::Refuse,
            follows_color: true,
        }
    }
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

impl Transform {
    /// A transform that only changes size and format. The colour stays `color`.
    pub const fn to(width: usize, height: usize, format: FrameFormat, resampler: Resampler, color: Color) -> Self {
        Transform {
            inverse_telecine: None,
            deinterlace: None,
            crop: None,
            orientation: Orientation { degrees: 0, mirrored: false },
            flatten: false,
            tonemap: None,
            from: color,
            to: color,
            width,
            height,
            through: Vec::new(),
            resampler,
            format,
            packing: None,
            keeps_fields: None,
            pad: None,
        }
    }

    /// Width and height of the output frames.
    pub fn size(&self) -> (usize, usize) {
        self.pad.map_or((self.width, self.height), |pad| (pad.width, pad.height))
    }

    /// Splits this transform into one stage for each scaling. The first stage does everything else. The last stage adds
    /// the border and packs the samples.
    #[doc(hidden)]
    pub fn stages(&self) -> Vec<Transform> {
        let own = Waypoint { width: self.width, height: self.height, format: self.format };
        let sizes = self.through.iter().copied().chain([own]);
        let mut stages: Vec<Transform> = sizes
            .enumerate()
            .map(|(number, Waypoint { width, height, format })| match number {
                0 => Transform { width, height, format, through: Vec::new(), pad: None, packing: None, ..self.clone() },
                _ => Transform::to(width, height, format, self.resampler, self.to),
            })
            .collect();
        if let Some(last) = stages.last_mut() {
            (last.pad, last.packing) = (self.pad, self.packing.clone());
        }
        stages
    }

    /// Number of output ticks in one input tick. Separate fields need times between those of frames. Inverse telecine
    /// shows four frames in the time of five.
    pub fn time_factor(&self) -> i64 {
        match (self.inverse_telecine, self.deinterlace) {
            (Some(_), _) => 4,
            (None, Some(Deinterlacing { each_field: true, .. })) => 2,
            _ => 1,
        }
    }

    /// True if an output frame depends on several input frames, or on those before it.
    #[doc(hidden)]
    pub fn joins_frames(&self) -> bool {
        self.inverse_telecine.is_some() || self.deinterlace.is_some() || self.keeps_fields.is_some()
    }

    /// Duration of each output frame, in output ticks, if its input frame lasts `ticks`. `None` for inverse telecine,
    /// where the duration does not follow from one frame.
    #[doc(hidden)]
    pub fn duration(&self, ticks: i64) -> Option<i64> {
        // The two fields of a frame share its duration, which has twice as many ticks.
        self.inverse_telecine.is_none().then_some(ticks)
    }

    /// Output frame rate for the input rate `source`.
    pub fn rate(&self, source: Rational) -> Rational {
        match (self.inverse_telecine, self.deinterlace) {
            (Some(_), _) => Rational::new(source.num.saturating_mul(4), source.den.saturating_mul(5)),
            (None, Some(Deinterlacing { each_field: true, .. })) => {
                Rational::new(source.num.saturating_mul(2), source.den)
            }
            _ => source,
        }
    }

    /// True if one frame is output for each input frame.
    pub fn keeps_count(&self) -> bool {
        self.time_factor() == 1
    }
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
