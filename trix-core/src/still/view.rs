//! How frames of a source look on a screen, and the filters that make stills of them.
//!
//! Invariant: deinterlacing, cropping, orientation, colour and tone mapping are those of a plan for an encode of the
//! same source. Only size and format are specific to stills.

use trix_model::{
    color::{Color, Matrix, Primaries, Range, Transfer},
    decision::Decision,
    error::{Error, Result, Stage},
    format::{Chroma, PictureFormat},
    time::{TimeBase, Timestamp},
};

use crate::{
    plan::{Filtering, OutputPlan, Transform, VideoPlan},
    planner::Plan,
    source::Source,
    spec::{
        audio::AudioSettings,
        job::Job,
        picture::{Deinterlace, DynamicHdr, OnChange, PictureSettings, Rotate, Tonemap},
        subtitle::SubtitleSettings,
        video::{EncodeSettings, VideoSettings},
    },
};

/// How the frames of a source look on a screen: upright, deinterlaced, with square samples, in standard dynamic range.
#[derive(Clone, Debug)]
pub struct View {
    filtering: Filtering,
    stream: usize,
    time_base: TimeBase,
    origin: Timestamp,
    width: usize,
    height: usize,
    decisions: Vec<Decision>,
}

impl View {
    /// The view of the first video stream of `source`. `picture` matters only for reading and cropping the source.
    /// Stills are always rotated upright, deinterlaced and converted to standard dynamic range.
    ///
    /// # Errors
    /// Those of a plan for an encode: `Unsupported` without video, `InvalidSpec` if colour must be converted and the
    /// source does not specify it.
    pub fn of(source: &Source, picture: &PictureSettings) -> Result<Self> {
        // A plan never opens its output. For a job with 8 bits and full chroma, it makes all decisions that a still
        // needs.
        let mut job = Job::new(source.label(), "still.mkv");
        job.outputs[0].audio = AudioSettings::None;
        job.outputs[0].subtitles = SubtitleSettings::None;
        job.outputs[0].video = VideoSettings::X264(EncodeSettings {
            depth: Some(8),
            chroma: Some(Chroma::C444),
            ..EncodeSettings::default()
        });
        let off = picture.deinterlace == Deinterlace::Off;
        job.outputs[0].picture = PictureSettings {
            deinterlace: if off { Deinterlace::Auto } else { picture.deinterlace },
            inverse_telecine: false,
            rotate: Rotate::Auto,
            pad: None,
            rate: None,
            tonemap: if picture.tonemap == Tonemap::Off { Tonemap::Auto } else { picture.tonemap },
            color: None,
            range: None,
            dynamic_hdr: DynamicHdr::Drop,
            on_change: OnChange::Scale,
            ..picture.clone()
        };
        let output = Plan::new(&job, source)?.outputs.pop();
        let Some(OutputPlan { video: Some(plan), origin, decisions, .. }) = output else {
            return Err(Error::bug(Stage::Plan, "a plan without pictures"));
        };
        let time_base = source.streams().get(plan.stream).map_or(TimeBase::new(1, 1000), |facts| facts.time_base);
        let (width, height) = square(&plan);
        let mut view =
            View { filtering: plan.filtering(), stream: plan.stream, time_base, origin, width, height, decisions };
        view.settle(&plan);
        Ok(view)
    }

    /// Adapts the transform of an encode to stills, apart from the size.
    fn settle(&mut self, plan: &VideoPlan) {
        let transform = &mut self.filtering.transform;
        transform.format = PictureFormat { chroma: Chroma::C444, depth: 8, rgb: true, alpha: false };
        transform.packing = None;
        transform.keeps_fields = None;
        if let Some(fields) = &mut transform.deinterlace {
            fields.each_field = false;
        }
        let from = &mut transform.from;
        if !from.matrix.is_specified() {
            // A still needs red, green and blue. Players choose the matrix in the same way if the source does not
            // specify it.
            let high = self.width >= 1280 || self.height > 576;
            from.matrix = if high { Matrix(1) } else { Matrix(6) };
            let why = format!("the source does not say its matrix, and players guess by the size, {}", size_of(plan));
            self.decisions.push(Decision::new(format!("stills are read by the matrix of {}", from.matrix), why));
        }
        transform.to = target(transform);
    }

    /// A view of frames that need only scaling and conversion to RGB.
    #[cfg(test)]
    pub(super) fn plain(width: usize, height: usize, time_base: TimeBase) -> Self {
        let from = Color { matrix: Matrix(1), range: Range::Limited, ..Color::default() };
        let format = PictureFormat { chroma: Chroma::C444, depth: 8, rgb: true, alpha: false };
        let mut transform = Transform::to(width, height, format, Default::default(), from);
        transform.to = target(&transform);
        let filtering = Filtering::by(transform);
        let origin = Timestamp::new(0, time_base);
        View { filtering, stream: 0, time_base, origin, width, height, decisions: Vec::new() }
    }

    /// Index of the stream in the source.
    pub fn stream(&self) -> usize {
        self.stream
    }

    /// Time base of the frames.
    pub fn time_base(&self) -> TimeBase {
        self.time_base
    }

    /// Display duration of a frame at a constant rate.
    pub fn frame(&self) -> Timestamp {
        Timestamp::new(1, self.filtering.rate.inverse())
    }

    /// Start of the whole source, in its own time.
    pub fn origin(&self) -> Timestamp {
        self.origin
    }

    /// Width and height with square samples.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Decisions that the settings left open.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The largest size with the same aspect ratio that fits in `width` by `height` and does not exceed the frame size.
    /// With `even`, both numbers are even, except for frames of one sample.
    pub fn fitting(&self, width: u32, height: Option<u32>, even: bool) -> (usize, usize) {
        let (own_width, own_height) = (self.width.max(1) as u64, self.height.max(1) as u64);
        let (most_width, most_height) = (u64::from(width).max(1), height.map_or(u64::MAX, u64::from).max(1));
        let scaled = |this: u64, to: u64, of: u64| ((this * to + of / 2) / of).max(1);
        let (mut w, mut h) = (own_width, own_height);
        if w > most_width {
            (w, h) = (most_width, scaled(own_height, most_width, own_width));
        }
        if h > most_height {
            (w, h) = (scaled(own_width, most_height, own_height).min(most_width), most_height);
        }
        let side = |side: u64, own: u64| match even {
            // Round to the nearest even number that does not exceed the frame size.
            true => (side.div_ceil(2) * 2).min(own / 2 * 2).max(2.min(own)),
            false => side,
        };
        (side(w, own_width) as usize, side(h, own_height) as usize)
    }

    /// The filters that make a still of this size, as 8-bit RGB.
    pub fn filtering(&self, (width, height): (usize, usize)) -> Filtering {
        let mut filtering = self.filtering.clone();
        (filtering.transform.width, filtering.transform.height) = (width, height);
        filtering
    }
}

/// Width and height with square samples. The side with too few samples grows.
fn square(plan: &VideoPlan) -> (usize, usize) {
    let (width, height, aspect) = (plan.width.max(1), plan.height.max(1), plan.sample_aspect);
    if !aspect.is_positive() {
        return (width, height);
    }
    let scaled = |side: usize, num: i64, den: i64| {
        let exact = (side as i128 * i128::from(num) + i128::from(den) / 2) / i128::from(den.max(1));
        // Limit the result, because an absurd aspect ratio would give a frame that nobody can show.
        usize::try_from(exact).unwrap_or(side).clamp(1, side.saturating_mul(16))
    };
    match aspect.num > aspect.den {
        true => (scaled(width, aspect.num, aspect.den), height),
        false => (width, scaled(height, aspect.den, aspect.num)),
    }
}

fn size_of(plan: &VideoPlan) -> String {
    format!("{}x{}", plan.width, plan.height)
}

/// The colour of a still: full-range RGB with the primaries of BT.709, which are those of sRGB.
///
/// Values with a television transfer function stay unchanged, because browsers show video and images in the same way.
/// Linear light is converted with the curve of sRGB. If the source does not specify its colour, its RGB values stay
/// unchanged.
fn target(transform: &Transform) -> Color {
    const BT709: (Primaries, Transfer) = (Primaries(1), Transfer(1));
    const LINEAR: Transfer = Transfer(8);
    const SRGB: Transfer = Transfer(13);
    let from = transform.from;
    let (primaries, transfer) = if transform.tonemap.is_some() {
        BT709
    } else if !from.primaries.is_specified() || !from.transfer.is_specified() {
        (from.primaries, from.transfer)
    } else if from.transfer == LINEAR {
        (BT709.0, SRGB)
    } else if from.primaries != BT709.0 {
        (BT709.0, if from.transfer == SRGB { SRGB } else { BT709.1 })
    } else {
        (from.primaries, from.transfer)
    };
    Color { primaries, transfer, matrix: Matrix::RGB, range: Range::Full, ..Color::default() }
}
