//! Applies a [`Transform`] to frames: planes to packed RGB with our own converter, everything else through libavfilter with
//! zimg.
//!
//! Invariant: every output frame names the source frame that it was made from. Nothing is held back at the end.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use trix_av::{codec::Output, frame::Frame, graph::Graph, named, pixel::PixelFormat};
use trix_model::{
    color::{Color, Range},
    error::{Error, ErrorKind, Result, Stage},
    plan::FrameRange,
    time::{Rational, TimeBase, Timestamp},
};

use super::{
    held::HeldFrames,
    part::Part,
    to_rgb::ToRgb,
    transform::{CYCLE, Shape, chain, is_identity},
};
use crate::{
    decode::video::DecodedFrame,
    plan::{Filtering, Transform},
    settings::picture::OnChange,
};

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
    filtering: Filtering,
    stream: usize,
    time_base: TimeBase,
    state: State,
    /// Format and colour of the first frame. Later frames are converted to it.
    first: Option<(Shape, Color)>,
    /// Colour of the current frames.
    color: Color,
    held: HeldFrames,
    /// Where a part begins that is not converted from the film's first frame on.
    part: Option<Part>,
    /// The frames whose changes are listed.
    counted: FrameRange,
    /// Times of the frames that are freed of pulldown.
    regular: RegularTimes,
    changes: Vec<Change>,
    last_time: i64,
}

/// Frames that inverse telecine makes of each group of [`CYCLE`].
const OF_CYCLE: u64 = 4;

/// Times of frames at a constant rate.
#[derive(Default)]
struct RegularTimes {
    /// Time of the first one.
    origin: i64,
    /// Number of the next one.
    next: u64,
}

impl RegularTimes {
    /// The time of the next frame at `rate`.
    fn take(&mut self, rate: Rational, base: TimeBase) -> i64 {
        let since = Timestamp::new(self.next as i64, rate.inverse()).rescale(base);
        self.next += 1;
        self.origin.saturating_add(since)
    }
}

enum State {
    /// No frame has arrived yet.
    New,
    /// Frames of this format pass unchanged.
    Identity(Shape),
    /// Frames of this format are only repacked.
    Repack(Shape, PixelFormat),
    /// The planes of frames of this format become packed RGB.
    ToRgb(Shape, Box<ToRgb>),
    /// Frames of this format and range are converted.
    Convert(Shape, Range, Box<Graph>),
}

/// Maximum number of changes in a report.
const LISTED: usize = 100;

impl Converter {
    /// Creates a converter for frames of stream `stream`, with times in `time_base`.
    pub(crate) fn new(filtering: Filtering, stream: usize, time_base: TimeBase) -> Self {
        Converter {
            filtering,
            stream,
            time_base,
            state: State::New,
            first: None,
            color: Color::default(),
            held: HeldFrames::default(),
            part: None,
            counted: FrameRange::ALL,
            regular: RegularTimes::default(),
            changes: Vec::new(),
            last_time: 0,
        }
    }

    /// Makes the converter one for a part of a film.
    pub(crate) fn inside(mut self, part: Part) -> Self {
        // A change at the first frame is known when the part before it is.
        self.counted = FrameRange { start: part.range.start.saturating_add(1), ..part.range };
        self.part = Some(part);
        self
    }

    /// The time of the first frame of a film where it leaves the converter, if it enters it at `origin`.
    pub(crate) fn origin(&self, origin: i64) -> i64 {
        origin.saturating_mul(self.filtering.transform.time_factor())
    }

    /// Time base of the output frames.
    pub fn time_base(&self) -> TimeBase {
        let TimeBase { num, den } = self.time_base;
        TimeBase::new(num, den.saturating_mul(self.filtering.transform.time_factor()))
    }

    /// True if groups of frames are converted together, from the first frame on.
    pub(crate) fn is_cyclic(&self) -> bool {
        self.filtering.transform.inverse_telecine.is_some()
    }

    /// Time base of the frames that come.
    pub(crate) fn source_base(&self) -> TimeBase {
        self.time_base
    }

    /// Index of the stream of these frames.
    pub(crate) fn stream(&self) -> usize {
        self.stream
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
        let shape = match &self.state {
            State::New => return None,
            State::Identity(now) | State::Repack(now, _) | State::ToRgb(now, _) | State::Convert(now, ..) => now,
        };
        Some([shape.describe(), self.color.to_string()])
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
        let Some(mut decoded) = decoded else {
            let rest = self.drain()?;
            return self.pad(rest);
        };
        if decoded.frame.pixel_format().is_some_and(PixelFormat::is_palette) {
            // The colours of a palette determine the format of a frame.
            let clear = decoded.frame.has_clear_palette();
            decoded.frame = self.unpacked(&decoded, clear, Range::Full)?;
        }
        let frame = &decoded.frame;
        let shape = Shape { width: frame.width(), height: frame.height(), format: frame.format() };
        self.last_time = decoded.pts;
        let color = self.color_of(&decoded);
        let mut out = Vec::new();
        match &self.state {
            State::Identity(now) | State::Repack(now, _) | State::ToRgb(now, _) | State::Convert(now, ..)
                if *now == shape && self.color == color => {}
            State::New => {
                if let Some((first, was)) = self.first.filter(|first| *first != (shape, color)) {
                    self.refuse_change(first, was, shape, color)?;
                }
                self.enter(shape, color, &decoded)?;
            }
            State::Identity(now) | State::Repack(now, _) | State::ToRgb(now, _) | State::Convert(now, ..) => {
                let time = Timestamp::new(decoded.pts, self.time_base);
                let [from, to] = self.refuse_change(*now, self.color, shape, color)?;
                if self.changes.len() < LISTED && self.counted.contains(decoded.number) {
                    self.changes.push(Change { time, from, to });
                }
                out = self.drain()?;
                self.enter(shape, color, &decoded)?;
            }
        }
        let factor = self.filtering.transform.time_factor();
        let time = decoded.pts.saturating_mul(factor);
        if let State::Convert(_, range, _) = self.state {
            let mut frame = self.unpacked(&decoded, false, range)?;
            frame.set_time(decoded.pts);
            // Tags start at 1, because frames without a tag have 0.
            frame.set_tag(decoded.number as usize + 1);
            self.held.add(decoded.number, decoded.extras, decoded.duration);
            let State::Convert(_, _, graph) = &mut self.state else { return Ok(out) };
            graph.send(Some(&frame)).map_err(|code| self.failed(code))?;
            out.extend(self.receive()?);
        } else {
            let frame = match &mut self.state {
                State::Repack(_, to) => decoded.frame.unpacked(*to, Range::Limited, 16),
                State::ToRgb(_, converter) => converter.convert(&decoded.frame),
                _ => Some(decoded.frame.clone()),
            };
            decoded.frame = frame.ok_or_else(|| self.cannot_unpack(&decoded))?;
            let duration = decoded.duration.map(|duration| duration.saturating_mul(factor));
            out.push(DecodedFrame { pts: time, duration, ..decoded });
        }
        self.pad(out)
    }

    /// Describes a change, which is an error unless the job allows it.
    fn refuse_change(&self, from: Shape, was: Color, to: Shape, color: Color) -> Result<[String; 2]> {
        let [from, to] = match from == to {
            false => [from.describe(), to.describe()],
            true => [was.to_string(), color.to_string()],
        };
        if self.filtering.on_change == OnChange::Refuse {
            let detail = format!("the video changes from {from} to {to} in mid-stream");
            return Err(self.error(ErrorKind::Unsupported, detail));
        }
        Ok([from, to])
    }

    /// Adds the black border to finished frames.
    fn pad(&self, mut frames: Vec<DecodedFrame>) -> Result<Vec<DecodedFrame>> {
        let Transform { pad: Some(pad), to, format, .. } = self.filtering.transform else { return Ok(frames) };
        for decoded in &mut frames {
            decoded.frame = decoded
                .frame
                .padded(pad, to.range, format)
                .ok_or_else(|| Error::bug(Stage::Filter, "a frame that cannot be padded"))?;
        }
        Ok(frames)
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
        if !self.filtering.follows_color {
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
        let (begun, time) = self.part.take().map_or((0, decoded.pts), |part| {
            (decoded.number.saturating_sub(part.first) / CYCLE * OF_CYCLE, part.origin)
        });
        self.regular = RegularTimes { origin: self.origin(time), next: begun };
        let Filtering { transform, rate, .. } = &self.filtering;
        let transform = if color == first_color {
            Cow::Borrowed(transform)
        } else {
            // The plan knows the colour of the first frame. A property that differs in this frame comes from this
            // frame.
            let mut changed = transform.clone();
            let from = &mut changed.from;
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
            Cow::Owned(changed)
        };
        if shape == first && is_identity(&transform, shape) {
            self.state = State::Identity(shape);
            return Ok(());
        }
        let converter = |pixel| ToRgb::new(&transform, pixel, shape.width, shape.height);
        if let Some(converter) = shape.pixel().filter(|_| shape == first).and_then(converter) {
            self.state = State::ToRgb(shape, Box::new(converter));
            return Ok(());
        }
        let (range, format) = (transform.from.range, transform.format);
        let own = shape.pixel().filter(|pixel| pixel.samples() == Some(format) && !pixel.is_float());
        let own = own.filter(|pixel| pixel.odd_chroma().is_none() && !pixel.is_xyz() && transform.packing.is_none());
        if let Some(to) = own.and_then(|_| PixelFormat::from_name(&format.name()))
            && shape == first
            && is_identity(&transform, Shape { format: to.0, ..shape })
        {
            self.state = State::Repack(shape, to);
            return Ok(());
        }
        let frame = self.unpacked(decoded, false, range)?;
        let planar = |shape: Shape| Shape {
            format: shape
                .pixel()
                .and_then(|pixel| pixel.planar_for(format, false))
                .map_or(shape.format, |pixel| pixel.0),
            ..shape
        };
        let chain = chain(&transform, planar(shape), planar(first), zimg_is_there());
        let factor = transform.time_factor();
        // Use a finer time base for filters that output times between those of input frames.
        let chain = if factor > 1 { format!("settb=expr=intb/{factor},{chain}") } else { chain };
        let chain = if chain.is_empty() { "null".to_owned() } else { chain };
        let graph = Graph::for_video(&frame, self.time_base, *rate, &chain).map_err(|(code, said)| {
            let detail = format!("{} cannot be converted: {code} ({said})", shape.describe());
            self.error(ErrorKind::Unsupported, detail).caused_by(code)
        })?;
        self.state = State::Convert(shape, range, Box::new(graph));
        Ok(())
    }

    /// Converts the samples of a frame to the planes that filters take.
    fn unpacked(&self, decoded: &DecodedFrame, clear: bool, range: Range) -> Result<Frame> {
        let format = self.filtering.transform.format;
        let to = decoded.frame.pixel_format().and_then(|own| own.planar_for(format, clear));
        let opacity = if format.alpha { format.depth } else { 16 };
        to.and_then(|to| decoded.frame.unpacked(to, range, opacity)).ok_or_else(|| self.cannot_unpack(decoded))
    }

    fn cannot_unpack(&self, decoded: &DecodedFrame) -> Error {
        let format = decoded.frame.pixel_format();
        let name = format.map_or("an unknown format".into(), PixelFormat::name);
        let why = format.and_then(PixelFormat::obstacle).unwrap_or("their planes cannot be made");
        self.error(ErrorKind::Unsupported, format!("frames of {name} cannot be converted: {why}"))
    }

    fn drain(&mut self) -> Result<Vec<DecodedFrame>> {
        if let State::Convert(_, _, graph) = &mut self.state {
            graph.send(None).map_err(|code| self.failed(code))?;
            return self.receive();
        }
        Ok(Vec::new())
    }

    fn receive(&mut self) -> Result<Vec<DecodedFrame>> {
        let (base, rate) = (self.time_base(), self.filtering.transform.rate(self.filtering.rate));
        let State::Convert(_, _, graph) = &mut self.state else { return Ok(Vec::new()) };
        let mut out = Vec::new();
        loop {
            match graph.receive() {
                Ok(Output::Item(frame)) => {
                    let number = (frame.tag() as u64).saturating_sub(1);
                    let pts = match self.filtering.transform.inverse_telecine {
                        // The filter counts from the first frame that it happens to keep.
                        Some(_) => self.regular.take(rate, base),
                        None => Timestamp::new(frame.pts().unwrap_or(0), graph.time_base()).rescale(base),
                    };
                    let (extras, shown) = self.held.take(number);
                    let duration = shown.and_then(|ticks| self.filtering.transform.duration(ticks));
                    out.push(DecodedFrame { frame, number, pts, duration, extras });
                }
                Ok(Output::Hungry | Output::End) => return Ok(out),
                Err(code) => return Err(self.failed(code)),
            }
        }
    }

    fn failed(&self, code: trix_av::AvError) -> Error {
        let said = match &self.state {
            State::Convert(_, _, graph) => graph.complaints().join("; "),
            _ => String::new(),
        };
        self.error(ErrorKind::Codec, format!("conversion failed: {code} ({said})")).caused_by(code)
    }

    fn error(&self, kind: ErrorKind, detail: String) -> Error {
        let time = Timestamp::new(self.last_time, self.time_base);
        Error::new(kind, Stage::Filter, detail).in_stream(self.stream).at(Some(time))
    }
}

/// True if this build of libavfilter has zimg, which dithers when the depth decreases. Otherwise swscale converts.
pub fn zimg_is_there() -> bool {
    named::has_filter("zscale")
}
