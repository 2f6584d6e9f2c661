//! Converts to a constant frame rate by repeating and dropping frames.
//!
//! Invariant: output frame `k` is shown `k / rate` seconds after the first. The output is as long as the source, to the
//! nearest frame. Every repeated or dropped frame is counted. No frame is repeated for more than a day.

use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    extras::Extras,
    plan::FrameRange,
    time::{Rational, TimeBase, Timestamp},
};

use super::continuity::LONGEST;
use crate::decode::video::DecodedFrame;

/// The frame rate conversion of one output.
pub struct FrameRate {
    rate: Rational,
    from: TimeBase,
    to: TimeBase,
    /// Duration of the last frame in ticks, unless it states its own.
    last_ticks: i64,
    /// Time of the first frame of the film.
    first: Option<i64>,
    last: i64,
    /// The frame to show from position `next` on.
    held: Option<DecodedFrame>,
    /// The last finished frame. If no position is left for the next frames, it carries their captions.
    made: Option<DecodedFrame>,
    next: i64,
    /// The frames of the source that are counted.
    counted: FrameRange,
    repeated: u64,
    dropped: u64,
}

impl FrameRate {
    /// Converts to `rate` frames a second, from about `source_rate`, with times in `from`.
    pub fn new(rate: Rational, source_rate: Rational, from: TimeBase) -> Self {
        let last_ticks = Timestamp::new(1, source_rate.inverse()).rescale(from).max(1);
        let to = time_base(rate);
        FrameRate {
            rate,
            from,
            to,
            last_ticks,
            first: None,
            last: 0,
            held: None,
            made: None,
            next: 0,
            counted: FrameRange::ALL,
            repeated: 0,
            dropped: 0,
        }
    }

    /// Begins in the midst of a film whose first frame has the time `first`, and counts only what becomes of the frames `counted`.
    pub(crate) fn inside(mut self, first: i64, counted: FrameRange) -> Self {
        (self.first, self.counted) = (Some(first), counted);
        self
    }

    /// Time base of the output frames.
    pub fn time_base(&self) -> TimeBase {
        self.to
    }

    /// The time of the first frame after this stage, if it enters it at `first`.
    pub(crate) fn origin(&self, first: i64) -> i64 {
        Timestamp::new(first, self.from).rescale(self.to)
    }

    /// Number of repeated frames.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Number of dropped frames.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes a frame. The returned frames are shown before it.
    ///
    /// # Errors
    /// `MalformedInput` for a gap of more than a day.
    pub fn push(&mut self, decoded: DecodedFrame) -> Result<Vec<DecodedFrame>> {
        let first = *self.first.get_or_insert(decoded.pts);
        self.last = decoded.pts;
        let position = self.position(decoded.pts, first);
        let Some(held) = &mut self.held else {
            // The position of the held frame is always the next one.
            self.next = position;
            self.held = Some(decoded);
            return Ok(Vec::new());
        };
        if position <= self.next {
            // No position is left for the frame before. Keep its captions.
            self.dropped += u64::from(self.counted.contains(held.number));
            let captions = std::mem::take(&mut held.extras.captions);
            let mut decoded = decoded;
            decoded.extras.captions.splice(0..0, captions);
            self.held = Some(decoded);
            return Ok(Vec::new());
        }
        let mut out = self.emit(position)?;
        self.held = Some(decoded);
        let last = out.pop();
        let before = std::mem::replace(&mut self.made, last);
        Ok(before.into_iter().chain(out).collect())
    }

    /// Returns the remaining frames. The last one is shown for its duration.
    ///
    /// # Errors
    /// `MalformedInput` if that is more than a day.
    pub fn finish(&mut self) -> Result<Vec<DecodedFrame>> {
        let Some(first) = self.first else { return Ok(Vec::new()) };
        // A single frame stays, however short it is.
        let shown = self.held.as_ref().and_then(|held| held.duration).unwrap_or(self.last_ticks);
        let end = self.position(self.last.saturating_add(shown), first).max(1);
        let mut made = self.made.take();
        if end <= self.next
            && let Some(held) = self.held.take()
        {
            self.dropped += u64::from(self.counted.contains(held.number));
            if let Some(made) = &mut made {
                made.extras.captions.extend(held.extras.captions);
            }
        }
        Ok(made.into_iter().chain(self.emit(end)?).collect())
    }

    /// The nearest position. A time half way between two positions belongs to the later one.
    fn position(&self, pts: i64, first: i64) -> i64 {
        Timestamp::new(pts.saturating_sub(first), self.from).rescale(self.rate.inverse())
    }

    fn emit(&mut self, until: i64) -> Result<Vec<DecodedFrame>> {
        let Some(decoded) = self.held.take() else { return Ok(Vec::new()) };
        let longest = Timestamp::new(LONGEST, TimeBase::new(1, 1)).rescale(self.rate.inverse());
        let count = until.saturating_sub(self.next);
        if count > longest {
            let hours = Timestamp::new(count, self.rate.inverse()).rescale(TimeBase::new(3600, 1));
            let detail = format!("a frame is shown for {hours} hours; more than a day is a broken time");
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Filter, detail)
                .at(Some(Timestamp::new(decoded.pts, self.from))));
        }
        let start = self.origin(self.first.unwrap_or(0));
        let positions = self.next..until;
        if self.counted.contains(decoded.number) {
            self.repeated += (positions.clone().count() as u64).saturating_sub(1);
        }
        self.next = until;
        let since = |k: i64| Timestamp::new(k, self.rate.inverse()).rescale(self.to);
        let times = positions.clone().map(|k| start.saturating_add(since(k)));
        let first = positions.start;
        let frames = times
            .zip(positions)
            .map(|(pts, k)| {
                let extras = match k == first {
                    true => decoded.extras.clone(),
                    false => Extras { captions: Vec::new(), ..decoded.extras.clone() },
                };
                DecodedFrame { frame: decoded.frame.clone(), number: decoded.number, pts, duration: None, extras }
            })
            .collect();
        Ok(frames)
    }
}

/// A time base in which every frame at `rate` lasts a whole number of ticks, fine enough for other times.
fn time_base(rate: Rational) -> TimeBase {
    // A much finer base would overflow players with 32-bit times in less than a day.
    const FINE: i64 = 12_800;
    let times = (FINE / rate.num.max(1)).max(1);
    TimeBase::new(1, rate.num.max(1) * times)
}

#[cfg(test)]
mod tests {
    use super::*;
    use trix_av::frame::Frame;

    fn frame(number: usize, pts: i64, duration: Option<i64>) -> DecodedFrame {
        DecodedFrame { frame: Frame::grey(2, 2), number: number as u64, pts, duration, extras: Extras::default() }
    }

    #[test]
    fn a_stage_that_begins_in_mid_film_gives_the_frames_of_one_that_does_not() {
        for (rate, step) in [(25, 20), (30, 40), (24, 40), (1, 17), (60, 41)] {
            let times: Vec<i64> = (0..60).map(|number| 7 + number * step + number % 3).collect();
            let stage = || {
                let source_rate = Rational::new(1000, step);
                FrameRate::new(Rational::new(rate, 1), source_rate, TimeBase::new(1, 1000))
            };
            let shown = |mut stage: FrameRate, frames: &mut dyn Iterator<Item = usize>| {
                let mut out = Vec::new();
                frames.for_each(|number| out.extend(stage.push(frame(number, times[number], None)).unwrap()));
                out.extend(stage.finish().unwrap());
                let shown = out.iter().map(|decoded| (decoded.number, decoded.pts)).collect::<Vec<_>>();
                (shown, stage.repeated(), stage.dropped())
            };
            let whole = shown(stage(), &mut (0..60));
            let (mut joined, mut repeated, mut dropped) = (Vec::new(), 0, 0);
            for (start, end) in [(0, 1), (1, 13), (13, 40), (40, 60)] {
                let own = FrameRange { start, end };
                let part = shown(stage().inside(times[0], own), &mut (start as usize..60));
                joined.extend(part.0.into_iter().filter(|(number, _)| own.contains(*number)));
                (repeated, dropped) = (repeated + part.1, dropped + part.2);
            }
            assert_eq!((joined, repeated, dropped), whole, "to {rate} frames a second");
        }
    }

    fn run(rate: i64, source_rate: i64, times: &[i64]) -> (Vec<(u64, i64)>, u64, u64) {
        let (rate, source_rate) = (Rational::new(rate, 1), Rational::new(source_rate, 1));
        let mut stage = FrameRate::new(rate, source_rate, TimeBase::new(1, 1000));
        let mut out = Vec::new();
        for (number, &pts) in times.iter().enumerate() {
            out.extend(stage.push(frame(number, pts, None)).unwrap());
        }
        out.extend(stage.finish().unwrap());
        let base = stage.time_base();
        let shown =
            out.iter().map(|decoded| (decoded.number, Timestamp::new(decoded.pts, base).rescale(rate.inverse())));
        (shown.collect(), stage.repeated(), stage.dropped())
    }

    #[test]
    fn frames_are_repeated_and_left_out_and_counted() {
        assert_eq!(run(25, 25, &[0, 40, 80]), (vec![(0, 0), (1, 1), (2, 2)], 0, 0));
        assert_eq!(run(25, 25, &[0, 120, 160]), (vec![(0, 0), (0, 1), (0, 2), (1, 3), (2, 4)], 2, 0));
        // 50 to 25: the last frame lies half way to a position after the end.
        let (shown, repeated, dropped) = run(25, 50, &[0, 20, 40, 60, 80, 100, 120, 140]);
        assert_eq!(shown.iter().map(|(_, position)| *position).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!((repeated, dropped), (0, 4));
        // Every frame is shown for its own duration, including the last.
        let (shown, repeated, dropped) = run(4, 1, &[0, 1000]);
        assert_eq!(shown, [(0, 0), (0, 1), (0, 2), (0, 3), (1, 4), (1, 5), (1, 6), (1, 7)]);
        assert_eq!((repeated, dropped), (6, 0));
        assert_eq!(run(25, 50, &[0]), (vec![(0, 0)], 0, 0));
        assert_eq!(run(25, 50, &[]), (vec![], 0, 0));
    }
    #[test]
    fn a_frame_that_would_be_repeated_for_more_than_a_day_is_refused() {
        let new = || FrameRate::new(Rational::new(1, 1), Rational::new(1, 1), TimeBase::new(1, 1000));
        for far in [86_402_000, 1 << 40, i64::MAX] {
            let mut stage = new();
            stage.push(frame(0, 0, None)).unwrap();
            stage.push(frame(1, 1000, None)).unwrap();
            let error = stage.push(frame(2, far, None)).err().expect("a gap of more than a day");
            assert_eq!(error.kind(), ErrorKind::MalformedInput, "{far}");
            assert!(error.to_string().contains("hours"), "{far}: {error}");
            let mut stage = new();
            stage.push(frame(0, 0, Some(far))).unwrap();
            assert_eq!(stage.finish().err().map(|error| error.kind()), Some(ErrorKind::MalformedInput), "{far}");
        }
        let mut stage = new();
        stage.push(frame(0, 0, None)).unwrap();
        assert_eq!(stage.push(frame(1, 86_400_000, None)).unwrap().len(), 86_399, "the last one is kept back");
    }
}
