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
    /// Frames per second, from the first time to the last.
    pub rate: Rational,
    /// The customary value of a constant rate, such as 24 or 24000/1001, if the measured times agree with it.
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
    /// Bounds of the grid interval that fits all times so far. `None` once no interval fits.
    fit: Option<(Rational, Rational)>,
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
            fit: Some((Rational::ZERO, Rational::new(i64::MAX, 1))),
        }
    }

    /// Adds the next frame, which is shown at `ticks`.
    pub fn push(&mut self, ticks: i64) {
        self.frames += 1;
        let Some(first) = self.first else {
            self.first = Some(ticks);
            self.last = ticks;
            return;
        };
        let interval = ticks.saturating_sub(self.last);
        self.last = ticks;
        self.least = self.least.min(interval);
        self.greatest = self.greatest.max(interval);
        if self.counts.len() < DISTINCT || self.counts.contains_key(&interval) {
            *self.counts.entry(interval).or_default() += 1;
        }
        // Frame n of the grid lies at first + n * interval. This frame bounds the interval from both sides.
        let n = i64::try_from(self.frames - 1).unwrap_or(i64::MAX);
        let passed = ticks.saturating_sub(first);
        let low = Rational::new(passed.saturating_sub(self.tolerance), n);
        let high = Rational::new(passed.saturating_add(self.tolerance), n);
        let narrowed = self.fit.map(|(least, most)| (least.max(low), most.min(high)));
        self.fit = narrowed.filter(|(least, most)| least <= most);
    }

    /// The result. `None` for fewer than two frames, or if no time passed between them.
    pub fn timing(&self) -> Option<Timing> {
        let passed = self.last.checked_sub(self.first?).filter(|passed| *passed > 0)?;
        let intervals = i64::try_from(self.frames - 1).ok()?;
        // The shortest of the most frequent intervals.
        let (&most_common, &count) = self.counts.iter().max_by_key(|(ticks, count)| (**count, Reverse(**ticks)))?;
        let time = |ticks: i64| Timestamp::new(ticks, self.base);
        let rate = Rational::new(intervals.checked_mul(self.base.den)?, passed.checked_mul(self.base.num)?);
        // If a tick is a large part of an interval, a time that is off by one tick is not a rounding error.
        let is_fine = self.tolerance.checked_mul(4).and_then(|most| most.checked_mul(intervals));
        let is_fine = is_fine.is_some_and(|most| most <= passed);
        let is_constant = self.least == self.greatest || (is_fine && self.fit.is_some());
        // The times are rounded to a tick, or as coarsely as the intervals show.
        let slack = time(self.greatest.saturating_sub(self.least).max(1));
        rate.is_positive().then(|| Timing {
            frames: self.frames,
            is_constant,
            rate,
            customary_rate: if is_constant { customary(rate, intervals, slack) } else { rate },
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
