//! Applies a [`Transform`](crate::plan::Transform) to the frames of a stream, through changes of their format.
//!
//! Invariant: frames leave in the order in which they came. Nothing is held back at the end.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use trix_av::pixel::PixelFormat;
use trix_model::{
    color::{Color, Range},
    error::{ErrorKind, Result},
    plan::FrameRange,
    time::{TimeBase, Timestamp},
};

use super::{
    held::HeldFrames,
    parallel::Parallel,
    part::Part,
    recipe::{Recipe, Request},
    sequence::{RegularTimes, Sequence},
    single::Single,
    transform::{CYCLE, Shape},
};
use crate::{decode::video::DecodedFrame, plan::Filtering, pool::Workers, settings::picture::OnChange};

/// A change of size or format in mid-stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Change {
    /// When the first frame of the new shape is shown, in the source's time.
    pub time: Timestamp,
    /// What frames were.
    pub from: String,
    /// What they are from here on.
    pub to: String,
}

/// Format and colour of the first frame of a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FirstFrame {
    shape: Shape,
    color: Color,
}

/// The format conversion of one output.
pub struct Converter {
    request: Request,
    state: State,
    /// The threads that convert several frames at once; `None` for the caller's.
    workers: Option<Workers>,
    /// Format and colour of the first frame. Later frames are converted to it.
    first: Option<(Shape, Color)>,
    /// Colour of the current frames.
    color: Color,
    /// Where a part begins that is not converted from the film's first frame on.
    part: Option<Part>,
    /// The frames whose changes are listed.
    counted: FrameRange,
    changes: Vec<Change>,
    /// What the video became at its first change, even one that `changes` does not list.
    became: Option<String>,
}

/// Frames that inverse telecine makes of each group of [`CYCLE`].
const OF_CYCLE: u64 = 4;

enum State {
    /// No frame has arrived yet.
    New,
    /// Frames of this format are converted each for itself.
    Single(Shape, Parallel),
    /// Frames of this format are converted together with their neighbours.
    Sequence(Shape, Box<Sequence>),
}

impl State {
    fn shape(&self) -> Option<Shape> {
        match self {
            State::New => None,
            State::Single(shape, _) | State::Sequence(shape, _) => Some(*shape),
        }
    }
}

/// Maximum number of changes in a report.
const LISTED: usize = 100;

impl Converter {
    /// Creates a converter for frames of stream `stream`, with times in `time_base`.
    pub(crate) fn new(filtering: Filtering, stream: usize, time_base: TimeBase) -> Self {
        Converter {
            request: Request { filtering, stream, time_base, pool: Arc::default() },
            state: State::New,
            workers: None,
            first: None,
            color: Color::default(),
            part: None,
            counted: FrameRange::ALL,
            changes: Vec::new(),
            became: None,
        }
    }

    /// Makes the converter one for a part of a film.
    pub(crate) fn inside(mut self, part: Part) -> Self {
        // A change at the first frame is known when the part before it is.
        self.counted = FrameRange { start: part.range.start.saturating_add(1), ..part.range };
        self.part = Some(part);
        self
    }

    /// Lets the converter convert several frames at once on `workers`, where each depends on itself alone. A call may then return frames of
    /// earlier calls, and none of its own.
    pub(crate) fn on(self, workers: Option<Workers>) -> Self {
        Converter { workers, ..self }
    }

    /// The time of the first frame of a film where it leaves the converter, if it enters it at `origin`.
    pub(crate) fn origin(&self, origin: i64) -> i64 {
        origin.saturating_mul(self.request.filtering.transform.time_factor())
    }

    /// Time base of the output frames.
    pub fn time_base(&self) -> TimeBase {
        self.request.base_of_output()
    }

    /// With inverse telecine: what the video became at its first change, where its groups of frames begin anew.
    pub(crate) fn lost_cycle(&self) -> Option<&str> {
        self.became.as_deref().filter(|_| self.request.filtering.transform.inverse_telecine.is_some())
    }

    /// Time base of the frames that come.
    pub(crate) fn source_base(&self) -> TimeBase {
        self.request.time_base
    }

    /// Index of the stream of these frames.
    pub(crate) fn stream(&self) -> usize {
        self.request.stream
    }

    /// Format and colour of the first frame that came.
    pub(crate) fn first(&self) -> Option<FirstFrame> {
        self.first.map(|(shape, color)| FirstFrame { shape, color })
    }

    /// Converts all frames as ones of a film that began with `first`.
    pub(crate) fn after(&mut self, first: FirstFrame) {
        self.first = Some((first.shape, first.color));
    }

    /// How frames look now: their format, and their colour.
    pub(crate) fn look(&self) -> Option<[String; 2]> {
        Some([self.state.shape()?.describe(), self.color.to_string()])
    }

    /// Changes of size or format in the source.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// Takes a frame and returns finished frames. `None` marks the end of the stream.
    ///
    /// # Errors
    /// `Unsupported` if the source has a format that cannot be converted, or changes its format and the job does not
    /// allow that. `Codec` if the conversion fails.
    pub fn push(&mut self, decoded: Option<DecodedFrame>) -> Result<Vec<DecodedFrame>> {
        let Some(mut decoded) = decoded else { return self.drain() };
        if decoded.frame.pixel_format().is_some_and(PixelFormat::is_palette) {
            // The colours of a palette determine the format of a frame.
            let clear = decoded.frame.has_clear_palette();
            decoded.frame = self.request.unpacked(&decoded, clear, Range::Full)?;
        }
        let frame = &decoded.frame;
        let shape = Shape { width: frame.width(), height: frame.height(), format: frame.format() };
        let color = self.color_of(&decoded);
        let mut out = Vec::new();
        match self.state.shape() {
            Some(now) if now == shape && self.color == color => {}
            Some(now) => {
                let time = Timestamp::new(decoded.pts, self.request.time_base);
                let [from, to] = self.refuse_change((now, self.color), (shape, color), decoded.pts)?;
                self.became.get_or_insert_with(|| to.clone());
                if self.changes.len() < LISTED && self.counted.contains(decoded.number) {
                    self.changes.push(Change { time, from, to });
                }
                out = self.drain()?;
                self.enter(shape, color, &decoded)?;
            }
            None => {
                if let Some(first) = self.first.filter(|first| *first != (shape, color)) {
                    self.refuse_change(first, (shape, color), decoded.pts)?;
                }
                self.enter(shape, color, &decoded)?;
            }
        }
        out.extend(match &mut self.state {
            State::New => Vec::new(),
            State::Single(_, parallel) => parallel.push(decoded)?,
            State::Sequence(_, sequence) => sequence.push(Some(decoded))?,
        });
        Ok(out)
    }

    /// Ends the conversion of frames of one format, and returns those that it holds.
    fn drain(&mut self) -> Result<Vec<DecodedFrame>> {
        match &mut self.state {
            State::New => Ok(Vec::new()),
            State::Single(_, parallel) => parallel.finish(),
            State::Sequence(_, sequence) => sequence.push(None),
        }
    }

    /// Describes a change, which is an error unless the job allows it.
    fn refuse_change(&self, from: (Shape, Color), to: (Shape, Color), pts: i64) -> Result<[String; 2]> {
        let [from, to] = match from.0 == to.0 {
            false => [from, to].map(|(shape, _)| shape.describe()),
            true => [from, to].map(|(_, color)| color.to_string()),
        };
        if self.request.filtering.on_change == OnChange::Refuse {
            let detail = format!("the video changes from {from} to {to} in mid-stream");
            return Err(self.request.error(ErrorKind::Unsupported, detail, pts));
        }
        Ok([from, to])
    }

    /// The colour of a frame. Properties count only if both this frame and the first one specify them.
    fn color_of(&self, decoded: &DecodedFrame) -> Color {
        let mut color = decoded.frame.color();
        if decoded.frame.pixel_format().is_some_and(PixelFormat::is_full_range_variant) {
            color.range = Range::Full;
        }
        // An unspecified range is read as limited.
        color.range = if color.range == Range::Full { Range::Full } else { Range::Limited };
        color.chroma_location = Default::default();
        let Some((_, first)) = self.first else { return color };
        if !self.request.filtering.follows_color {
            return first;
        }
        let both = |new: bool, old: bool| new && old;
        Color {
            primaries: match both(color.primaries.is_specified(), first.primaries.is_specified()) {
                true => color.primaries,
                false => first.primaries,
            },
            transfer: match both(color.transfer.is_specified(), first.transfer.is_specified()) {
                true => color.transfer,
                false => first.transfer,
            },
            matrix: match both(color.matrix.is_specified(), first.matrix.is_specified()) {
                true => color.matrix,
                false => first.matrix,
            },
            ..color
        }
    }

    /// Prepares the conversion of frames of `shape` and `color`.
    fn enter(&mut self, shape: Shape, color: Color, decoded: &DecodedFrame) -> Result<()> {
        let (first, first_color) = *self.first.get_or_insert((shape, color));
        self.color = color;
        // After a change of format, cycles begin anew.
        let (next, time) = self.part.take().map_or((0, decoded.pts), |part| {
            (decoded.number.saturating_sub(part.first) / CYCLE * OF_CYCLE, part.origin)
        });
        let mut transform = self.request.filtering.transform.clone();
        // The plan knows the colour of the first frame. A property that differs in this frame comes from this frame.
        let from = &mut transform.from;
        if color.primaries != first_color.primaries {
            from.primaries = color.primaries;
        }
        if color.transfer != first_color.transfer {
            from.transfer = color.transfer;
        }
        if color.matrix != first_color.matrix {
            from.matrix = color.matrix;
        }
        if color.range != first_color.range {
            from.range = color.range;
        }
        let joins_frames = transform.joins_frames();
        let recipe = Recipe { request: self.request.clone(), shape, first, transform };
        let single = match Single::without_filters(&recipe) {
            None if joins_frames => {
                let regular = RegularTimes { origin: self.origin(time), next };
                let held = match std::mem::replace(&mut self.state, State::New) {
                    State::Sequence(_, before) => before.into_held(),
                    State::New | State::Single(..) => HeldFrames::default(),
                };
                self.state = State::Sequence(shape, Box::new(Sequence::new(recipe, decoded, regular, held)?));
                return Ok(());
            }
            None => Single::of_filters(&recipe, decoded)?,
            Some(single) => single,
        };
        self.state = State::Single(shape, Parallel::new(recipe, single, self.workers.clone()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use trix_av::{frame::Frame, pixel::PixelFormat};
    use trix_model::{
        extras::Extras,
        format::{Chroma, FrameFormat},
        frame_facts::FieldOrder,
        time::Rational,
    };

    use super::*;
    use crate::{plan::Transform, settings::picture::Resampler};

    #[test]
    fn captions_of_dropped_frames_survive_a_change_of_size() {
        let format = FrameFormat::ycbcr(Chroma::C400, 8);
        let mut transform = Transform::to(64, 64, format, Resampler::Lanczos, Color::default());
        transform.inverse_telecine = Some(FieldOrder::Top);
        let grey = PixelFormat::from_name("gray").unwrap();
        // The last of each five frames repeats the one before it. The change comes at each phase of these cycles.
        for before in 5..15 {
            let mut filtering = Filtering::by(transform.clone());
            (filtering.on_change, filtering.rate) = (OnChange::Scale, Rational::new(25, 1));
            let mut converter = Converter::new(filtering, 0, TimeBase::new(1, 25));
            let mut given = Vec::new();
            for number in 0..before + 20 {
                let side = if number < before { 64 } else { 32 };
                let extras = Extras { captions: vec![number as u8; 3], ..Extras::default() };
                let shown = if number % 5 == 4 { number - 1 } else { number };
                let samples = vec![20 + 6 * shown as u8; side * side];
                let frame = Frame::from_packed(grey, side, side, &samples).unwrap();
                let decoded = DecodedFrame { frame, number, pts: number as i64, duration: Some(1), extras };
                given.extend(converter.push(Some(decoded)).unwrap());
            }
            given.extend(converter.push(None).unwrap());
            assert!(given.len() < before as usize + 20, "frames are dropped");
            let captions: Vec<u8> = given.iter().flat_map(|own| own.extras.captions.iter().copied()).collect();
            let last = given.last().unwrap().number;
            let all: Vec<u8> = (0..=last as u8).flat_map(|number| [number; 3]).collect();
            assert_eq!(captions, all, "a change at frame {before}");
        }
    }
}
