//! The video filter stage: first the transform, then the frame rate.
//!
//! Invariant: frames out = frames in + added - dropped. Each of them is counted under exactly one reason.

use serde::{Deserialize, Serialize};
use trix_model::{
    error::{Error, Result},
    plan::FrameRange,
    time::TimeBase,
};

use super::{
    convert::{Change, Converter},
    part::Part,
    rate::FrameRate,
};
use crate::{decode::video::DecodedFrame, plan::Filtering, pool::Workers};

/// What the filter stage did to the number of frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FilterCounts {
    /// Frames that went in.
    pub taken: u64,
    /// Frames that came out.
    pub given: u64,
    /// Frames added because each field became one.
    pub added_by_fields: u64,
    /// Frames dropped because pulldown had repeated them.
    pub dropped_by_telecine: u64,
    /// Frames repeated for a constant rate.
    pub repeated_by_rate: u64,
    /// Frames left out for a constant rate.
    pub dropped_by_rate: u64,
}

impl FilterCounts {
    /// The sum of the counts of two parts of a film.
    pub(crate) fn summed(self, other: &FilterCounts) -> Self {
        FilterCounts { given: self.given + other.given, taken: self.taken + other.taken, ..self.and(other) }
    }

    /// The sum of the counts of this step and another.
    pub(crate) fn and(self, other: &FilterCounts) -> Self {
        FilterCounts {
            taken: self.taken + other.taken,
            given: self.given + other.given,
            added_by_fields: self.added_by_fields + other.added_by_fields,
            dropped_by_telecine: self.dropped_by_telecine + other.dropped_by_telecine,
            repeated_by_rate: self.repeated_by_rate + other.repeated_by_rate,
            dropped_by_rate: self.dropped_by_rate + other.dropped_by_rate,
        }
    }
}

/// The video filter stage of one output.
pub struct FrameFilter {
    converter: Converter,
    rate: Option<FrameRate>,
    /// The frames that are counted.
    counted: FrameRange,
    counts: FilterCounts,
    converted: u64,
    keeps_count: bool,
}

impl FrameFilter {
    /// Creates the stage for frames of stream `stream`, with times in `time_base`.
    pub(crate) fn new(filtering: Filtering, stream: usize, time_base: TimeBase) -> Self {
        let (to, keeps_count) = (filtering.constant_rate, filtering.transform.keeps_count());
        let converted_rate = filtering.transform.rate(filtering.rate);
        let converter = Converter::new(filtering, stream, time_base);
        let rate = to.map(|rate| FrameRate::new(rate, converted_rate, converter.time_base()));
        let (counted, counts) = (FrameRange::ALL, FilterCounts::default());
        FrameFilter { converter, rate, counted, counts, converted: 0, keeps_count }
    }

    /// Makes the stage one for a part of a film: its frames get the times that they have in the whole film.
    pub(crate) fn of_part(mut self, part: Part) -> Self {
        let converted = self.converter.origin(part.origin);
        self.rate = self.rate.map(|rate| rate.inside(converted, part.range));
        self.converter = self.converter.inside(part);
        self.counted = part.range;
        self
    }

    /// Lets the stage convert several frames at once on `workers`. A call may then return frames of earlier calls, and none of its own.
    pub(crate) fn on(self, workers: Option<Workers>) -> Self {
        FrameFilter { converter: self.converter.on(workers), ..self }
    }

    /// The time of the first frame of a film where it leaves the stage, if it enters it at `origin`.
    pub(crate) fn origin(&self, origin: i64) -> i64 {
        let converted = self.converter.origin(origin);
        self.rate.as_ref().map_or(converted, |rate| rate.origin(converted))
    }

    /// Time base of the output frames.
    pub fn time_base(&self) -> TimeBase {
        self.rate.as_ref().map_or(self.converter.time_base(), FrameRate::time_base)
    }

    /// Time base of the frames that come.
    pub(crate) fn source_base(&self) -> TimeBase {
        self.converter.source_base()
    }

    /// Index of the stream of these frames.
    pub(crate) fn stream(&self) -> usize {
        self.converter.stream()
    }

    /// Converts all frames as ones of a film that began with `frame`.
    ///
    /// # Errors
    /// As [`Converter::push`].
    pub(crate) fn after(&mut self, filtering: &Filtering, frame: DecodedFrame) -> Result<()> {
        let mut converter = Converter::new(filtering.clone(), self.converter.stream(), self.converter.source_base());
        converter.push(Some(frame))?;
        converter.first().into_iter().for_each(|first| self.converter.after(first));
        Ok(())
    }

    /// How frames of the source look now: their format, and their colour.
    pub(crate) fn look(&self) -> Option<[String; 2]> {
        self.converter.look()
    }

    /// As [`Converter::lost_cycle`].
    pub(crate) fn lost_cycle(&self) -> Option<&str> {
        self.converter.lost_cycle()
    }

    /// Takes a frame and returns finished frames. `None` marks the end of the stream.
    ///
    /// # Errors
    /// As [`Converter::push`]. `MalformedInput` if a constant rate would repeat a frame for more than a day.
    pub fn push(&mut self, frame: Option<DecodedFrame>) -> Result<Vec<DecodedFrame>> {
        let last = frame.is_none();
        let counted = self.counted;
        let own = |frames: &[DecodedFrame]| frames.iter().filter(|own| counted.contains(own.number)).count() as u64;
        self.counts.taken += own(frame.as_slice());
        let mut out = self.converter.push(frame)?;
        self.converted += own(&out);
        if let Some(rate) = &mut self.rate {
            let stream = self.converter.stream();
            let placed = move |error: Error| error.in_stream(stream);
            let mut shown = Vec::new();
            for frame in out {
                shown.extend(rate.push(frame).map_err(placed)?);
            }
            if last {
                shown.extend(rate.finish().map_err(placed)?);
            }
            out = shown;
        }
        self.counts.given += own(&out);
        Ok(out)
    }

    /// The counts so far. They are final after the end of the stream.
    pub fn counts(&self) -> FilterCounts {
        let mut counts = self.counts;
        if !self.keeps_count {
            counts.added_by_fields = self.converted.saturating_sub(counts.taken);
            counts.dropped_by_telecine = counts.taken.saturating_sub(self.converted);
        }
        if let Some(rate) = &self.rate {
            (counts.repeated_by_rate, counts.dropped_by_rate) = (rate.repeated(), rate.dropped());
        }
        counts
    }

    /// Changes of size or format in the source.
    pub fn changes(&self) -> &[Change] {
        self.converter.changes()
    }
}
