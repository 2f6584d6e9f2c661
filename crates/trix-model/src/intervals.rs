//! Measures whether frames follow one another at even intervals.
//!
//! Invariant: memory does not grow with the number of frames. A rate is called constant only if one even grid fits
//! every time that was seen.

use std::{cmp::Reverse, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use crate::time::{Rational, TimeBase, Timestamp};

/// The frame rate and the frame intervals, measured from frame times.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Timing {
    /// Number of measured frames.
    #[serde(rename = "pictures")]
    pub frames: u64,
    /// True if one even grid fits all times. The tolerance is a tick or a millisecond, whichever is larger, because
    /// many containers round to milliseconds. If that is more than a quarter of an interval, times must fit exactly.
    pub is_constant: bool,
    /// Places at which frames are missing, if all other times fit one even grid: a hole in a recording. Absent for a
    /// constant rate without holes, and for a variable one. A rate with one hole in 16 frames, or with 64 holes, is
    /// variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holes: Option<u64>,
    /// Frames per second, from the first time to the last, without the time in holes.
    pub rate: Rational,
    /// The customary value of a rate, such as 24 or 24000/1001, if it is constant but for holes and the measured times
    /// agree with it.
    pub customary_rate: Rational,
    /// Shortest time from one frame to the next.
    pub least: Timestamp,
    /// The most common interval. If several are equally common, the shortest of them.
    pub most_common: Timestamp,
    /// Number of intervals with the most common length.
    pub most_common_count: u64,
    /// Longest time from one frame to the next.
    pub greatest: Timestamp,
}

/// Takes the times of frames in presentation order.
#[derive(Clone, Debug)]
pub struct Intervals {
    base: TimeBase,
    /// Largest distance of a time from the grid, in ticks.
    tolerance: i64,
    first: Option<i64>,
    last: i64,
    frames: u64,
    /// Number of occurrences of each interval, in ticks.
    counts: BTreeMap<i64, u64>,
    least: i64,
    greatest: i64,
    /// The frames so far, as runs on even grids. All are one run as long as one grid fits all times. `None` once there
    /// are too many.
    runs: Option<Vec<Run>>,
}

/// Maximum number of runs to keep. A rate with as many holes is variable.
const RUNS: usize = 64;

/// Number of frames for each hole: a rate with more holes is variable.
const FRAMES_PER_HOLE: u64 = 16;

/// Frames that follow one another on one even grid.
#[derive(Clone, Debug)]
struct Run {
    first: i64,
    last: i64,
    frames: u64,
    /// Bounds of the interval of the grid.
    fit: (Rational, Rational),
}

impl Run {
    fn starting_at(ticks: i64) -> Self {
        Run { first: ticks, last: ticks, frames: 1, fit: (Rational::ZERO, Rational::new(i64::MAX, 1)) }
    }

    /// Adds the frame at `ticks` if it fits the grid.
    fn takes(&mut self, ticks: i64, tolerance: i64) -> bool {
        // Frame n of the grid lies at first + n * interval. This frame bounds the interval from both sides.
        let n = i64::try_from(self.frames).unwrap_or(i64::MAX);
        let passed = ticks.saturating_sub(self.first);
        let low = Rational::new(passed.saturating_sub(tolerance), n);
        let high = Rational::new(passed.saturating_add(tolerance), n);
        let narrowed = (self.fit.0.max(low), self.fit.1.min(high));
        let fits = narrowed.0 <= narrowed.1;
        if fits {
            (self.fit, self.last, self.frames) = (narrowed, ticks, self.frames + 1);
        }
        fits
    }
}

/// The intervals of a rate that is constant but for holes.
struct Usual {
    holes: u64,
    /// Number of the other intervals, their sum and the longest of them in ticks.
    intervals: i64,
    passed: i64,
    greatest: i64,
}

/// Number of different intervals to count. A file with more has no meaningful most common interval.
const DISTINCT: usize = 4096;

impl Intervals {
    /// Creates a meter for times in ticks of `base`.
    pub fn new(base: TimeBase) -> Self {
        let tolerance = Timestamp::new(1, Rational::new(1, 1000)).rescale(base).max(1);
        Intervals {
            base,
            tolerance,
            first: None,
            last: 0,
            frames: 0,
            counts: BTreeMap::new(),
            least: i64::MAX,
            greatest: i64::MIN,
            runs: Some(Vec::new()),
        }
    }

    /// Adds the next frame, which is shown at `ticks`.
    pub fn push(&mut self, ticks: i64) {
        self.frames += 1;
        if self.first.is_none() {
            self.first = Some(ticks);
            self.last = ticks;
            self.runs = Some(vec![Run::starting_at(ticks)]);
            return;
        }
        let interval = ticks.saturating_sub(self.last);
        self.last = ticks;
        self.least = self.least.min(interval);
        self.greatest = self.greatest.max(interval);
        if self.counts.len() < DISTINCT || self.counts.contains_key(&interval) {
            *self.counts.entry(interval).or_default() += 1;
        }
        if let Some(runs) = &mut self.runs
            && !runs.last_mut().is_some_and(|run| run.takes(ticks, self.tolerance))
        {
            runs.push(Run::starting_at(ticks));
            self.runs.take_if(|runs| runs.len() > RUNS);
        }
    }

    /// True if one even grid fits all times.
    fn is_one_run(&self) -> bool {
        self.runs.as_ref().is_some_and(|runs| runs.len() == 1)
    }

    /// The usual intervals, if all intervals but a few long ones fit one even grid. `None` without such a hole. The interval
    /// `most_common` occurs `count` times.
    fn but_for_holes(&self, most_common: i64, count: u64) -> Option<Usual> {
        let is_fine = self.tolerance.checked_mul(4)? <= most_common;
        let found = if is_fine { self.on_a_grid() } else { self.on_coarse_ticks(most_common, count) }?;
        let is_rare = found.holes < RUNS as u64 && found.holes.checked_mul(FRAMES_PER_HOLE)? < self.frames;
        (found.holes > 0 && is_rare && found.intervals > 0 && found.passed > 0).then_some(found)
    }

    /// The same if an interval is only a few ticks: all intervals but the holes must be equal. `usual` is the most common
    /// interval, `count` the number of its occurrences.
    fn on_coarse_ticks(&self, usual: i64, count: u64) -> Option<Usual> {
        if usual != self.least || self.counts.keys().any(|ticks| *ticks != usual && *ticks / 2 < usual) {
            return None;
        }
        let intervals = i64::try_from(count).ok()?;
        let holes = (self.frames - 1).checked_sub(count)?;
        Some(Usual { holes, intervals, passed: usual.checked_mul(intervals)?, greatest: usual })
    }

    fn on_a_grid(&self) -> Option<Usual> {
        let runs = self.runs.as_ref().filter(|runs| runs.len() > 1)?;
        let main = runs.iter().max_by_key(|run| run.frames)?;
        let (mut least, mut most) = main.fit;
        // A run of two frames is one interval, which may be a hole. Longer runs must have the same grid.
        for run in runs.iter().filter(|run| run.frames > 2) {
            (least, most) = (least.max(run.fit.0), most.min(run.fit.1));
        }
        if least > most {
            return None;
        }
        let short = runs.iter().filter(|run| run.frames == 2).map(|run| run.last.saturating_sub(run.first));
        let between = runs.windows(2).map(|pair| pair[1].first.saturating_sub(pair[0].last));
        // Both times of an interval may be off the grid.
        let slack = self.tolerance.checked_mul(2)?;
        let whole = |ticks: i64| Rational::new(ticks, 1);
        let is_hole = |ticks: i64| Rational::new(ticks.saturating_mul(2), 3) >= most;
        let mut found = Usual { holes: 0, intervals: i64::try_from(self.frames - 1).ok()?, passed: 0, greatest: 0 };
        found.passed = self.last.checked_sub(self.first?)?;
        for interval in short.chain(between) {
            if is_hole(interval) {
                found.holes += 1;
                found.intervals -= 1;
                found.passed = found.passed.checked_sub(interval)?;
            } else if whole(interval.saturating_add(slack)) < least || whole(interval.saturating_sub(slack)) > most {
                return None;
            }
        }
        found.greatest = *self.counts.keys().rev().find(|ticks| !is_hole(**ticks))?;
        Some(found)
    }

    /// The result. `None` for fewer than two frames, or if no time passed between them.
    pub fn timing(&self) -> Option<Timing> {
        let passed = self.last.checked_sub(self.first?).filter(|passed| *passed > 0)?;
        let intervals = i64::try_from(self.frames - 1).ok()?;
        // The shortest of the most frequent intervals.
        let (&most_common, &count) = self.counts.iter().max_by_key(|(ticks, count)| (**count, Reverse(**ticks)))?;
        let time = |ticks: i64| Timestamp::new(ticks, self.base);
        // If a tick is a large part of an interval, a time that is off by one tick is not a rounding error.
        let is_fine = self.tolerance.checked_mul(4).and_then(|most| most.checked_mul(intervals));
        let is_fine = is_fine.is_some_and(|most| most <= passed);
        let is_constant = self.least == self.greatest || (is_fine && self.is_one_run());
        let usual = if is_constant { None } else { self.but_for_holes(most_common, count) };
        let holes = usual.as_ref().map(|usual| usual.holes);
        let (intervals, passed, greatest) =
            usual.map_or((intervals, passed, self.greatest), |usual| (usual.intervals, usual.passed, usual.greatest));
        let rate = Rational::new(intervals.checked_mul(self.base.den)?, passed.checked_mul(self.base.num)?);
        // The times are rounded to a tick, or as coarsely as the intervals show.
        let slack = time(greatest.saturating_sub(self.least).max(1));
        rate.is_positive().then(|| Timing {
            frames: self.frames,
            is_constant,
            holes,
            rate,
            customary_rate: if is_constant || holes.is_some() { customary(rate, intervals, slack) } else { rate },
            least: time(self.least),
            most_common: time(most_common),
            most_common_count: count,
            greatest: time(self.greatest),
        })
    }
}

/// The customary rate nearest to `rate`: a whole number, or a multiple of 1000 over 1001. It replaces `rate` only if
/// times with an error of `slack`, over `intervals` intervals, cannot distinguish the two.
fn customary(rate: Rational, intervals: i64, slack: Timestamp) -> Rational {
    let off = |known: &Rational| (known.to_f64() - rate.to_f64()).abs();
    let whole = rate.to_f64().round() as i64;
    let known = [Rational::new(whole, 1), Rational::new(whole.saturating_mul(1000), 1001)];
    let nearest = known.into_iter().filter(|known| known.is_positive()).min_by(|a, b| off(a).total_cmp(&off(b)));
    let most = rate.to_f64() * rate.to_f64() * slack.to_f64() / intervals as f64;
    nearest.filter(|known| off(known) <= most).unwrap_or(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(times: impl IntoIterator<Item = i64>, base: Rational) -> Timing {
        let mut intervals = Intervals::new(base);
        times.into_iter().for_each(|time| intervals.push(time));
        intervals.timing().unwrap()
    }

    #[test]
    fn times_that_were_rounded_to_milliseconds_are_even() {
        let ms = Rational::new(1, 1000);
        let film = timing((0..1000).map(|n| (n * 1001 + 12) / 24), ms);
        assert!(film.is_constant);
        assert_eq!((film.least.ticks, film.greatest.ticks, film.most_common.ticks), (41, 42, 42));
        assert_eq!(film.customary_rate, Rational::new(24_000, 1001));
    }

    #[test]
    fn a_rate_is_rounded_only_as_far_as_its_times_are() {
        let exact = timing((0..9).map(|n| n * 3001), Rational::new(1, 90_000));
        assert_eq!(exact.customary_rate, Rational::new(90_000, 3001));
        let ntsc = timing((0..9).map(|n| n * 1001), Rational::new(1, 30_000));
        assert_eq!(ntsc.customary_rate, Rational::new(30_000, 1001));
        let ticks = timing((0..250).map(|n| (n * 90_090 + 15) / 60), Rational::new(1, 90_000));
        assert_eq!(ticks.customary_rate, Rational::new(60_000, 1001));
    }

    #[test]
    fn a_change_from_24_to_23_976_is_not_even() {
        let base = Rational::new(1, 24_000);
        let times = (0..500).map(|n| n * 1000).chain((0..500).map(|n| 500_000 + n * 1001));
        assert!(!timing(times, base).is_constant);
        assert!(timing((0..500).map(|n| n * 1001), base).is_constant);
    }

    #[test]
    fn a_missing_frame_makes_a_rate_uneven() {
        let gap = timing([0, 40, 80, 160, 200], Rational::new(1, 1000));
        assert!(!gap.is_constant);
        assert_eq!((gap.most_common.ticks, gap.most_common_count, gap.greatest.ticks), (40, 3, 80));
        assert_eq!(gap.rate, Rational::new(20, 1));
        assert!(!timing([0, 1, 2, 4, 5], Rational::new(1, 25)).is_constant);
        assert!(timing([0, 1, 2, 3, 4], Rational::new(1, 25)).is_constant);
    }

    #[test]
    fn the_rate_of_a_stream_with_a_hole_is_that_of_its_usual_interval() {
        let transport = Rational::new(1, 90_000);
        let frame = |n: i64| (n * 90_090 + 30) / 60;
        // Two frames are missing, in the middle and right after the first.
        for hole in [31, 1] {
            let found = timing((0..62).filter(|n| !(hole..hole + 2).contains(n)).map(frame), transport);
            assert_eq!((found.is_constant, found.holes), (false, Some(1)));
            assert_eq!(found.customary_rate, Rational::new(60_000, 1001));
            assert!((found.rate.to_f64() - 59.94).abs() < 0.02, "{}", found.rate);
        }
        // Milliseconds, and a clock that went on at another place of the grid.
        let paused = (0..100).map(|n| (n * 1000 + 12) / 24).chain((0..100).map(|n| 9_017 + (n * 1000 + 12) / 24));
        let found = timing(paused, Rational::new(1, 1000));
        assert_eq!((found.holes, found.customary_rate), (Some(1), Rational::new(24, 1)));
        let several = (0..200).filter(|n| ![40, 41, 42, 90, 150].contains(n)).map(frame);
        assert_eq!(timing(several, transport).holes, Some(3));
        // A clock of one tick for a frame.
        let coarse = timing((0..100).filter(|n| *n != 50), Rational::new(1, 25));
        assert_eq!((coarse.holes, coarse.rate), (Some(1), Rational::new(25, 1)));
    }

    #[test]
    fn a_variable_rate_has_no_holes() {
        let ms = Rational::new(1, 1000);
        // Every tenth frame is missing; jitter of 5 ms; another rate after the hole; a short interval.
        let thinned = timing((0..200).filter(|n| n % 10 != 3).map(|n| n * 40), ms);
        assert_eq!((thinned.holes, thinned.customary_rate), (None, thinned.rate));
        let jitter = timing((0..200).map(|n| n * 40 + [0, 5, -3, 2][n as usize % 4]), ms);
        assert_eq!(jitter.holes, None);
        let changed = timing((0..50).map(|n| n * 40).chain((0..50).map(|n| 3000 + n * 20)), ms);
        assert_eq!(changed.holes, None);
        let short = timing((0..50).map(|n| n * 40).chain([1980]).chain((50..99).map(|n| n * 40 + 200)), ms);
        assert_eq!(short.holes, None);
    }

    #[test]
    fn many_holes_are_a_variable_rate_however_the_container_rounds() {
        // One frame of 24 is missing, at 24 and 25 frames a second in milliseconds, and in ticks of one frame.
        let ms = Rational::new(1, 1000);
        let dropped = |count: i64| (0..count).filter(|n| n % 24 != 5);
        for frames in [1920, 240] {
            let film = timing(dropped(frames).map(|n| (n * 1000 + 12) / 24), ms);
            let pal = timing(dropped(frames).map(|n| n * 40), ms);
            let ticks = timing(dropped(frames), Rational::new(1, 25));
            let expected = (frames == 240).then_some(10);
            assert_eq!((film.holes, pal.holes, ticks.holes), (expected, expected, expected));
        }
        // Four ticks for a frame are the coarsest clock whose rounding is tolerated.
        let edge = timing((0..100).filter(|n| *n != 50).map(|n| n * 4), ms);
        assert_eq!((edge.holes, edge.rate), (Some(1), Rational::new(250, 1)));
    }

    #[test]
    fn nothing_can_be_said_of_one_frame_or_of_times_that_stand_still() {
        let mut intervals = Intervals::new(Rational::new(1, 25));
        assert_eq!(intervals.timing(), None);
        intervals.push(5);
        intervals.push(5);
        assert_eq!(intervals.timing(), None);
        intervals.push(i64::MAX);
        intervals.push(i64::MIN);
        assert_eq!(intervals.timing(), None);
    }
}
