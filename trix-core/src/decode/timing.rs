//! Gaps and repeats in the times of a stream.
//!
//! Invariant: the report states facts and does not judge. Variable frame rates are legal, so a gap counts only in a
//! stream whose times are otherwise even.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trix_model::{
    amount::counted,
    time::{TimeBase, Timestamp},
};

/// What is remarkable about the times of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TimingReport {
    /// Whether the distance from frame to frame varies, so that no distance is a gap.
    pub variable: bool,
    /// Distances of more than one and a half frames; for audio, of more than three quarters of a block (10 ms at the
    /// least, 100 ms at the most) from the end of a block to the next. An encode fills them with silence once they add up
    /// to more than 40 ms.
    pub gaps: u64,
    /// Frames whose time is that of one before or earlier; for audio, blocks that begin as much before the end of the
    /// one before. An encode cuts their overlap off once it adds up to more than 40 ms.
    pub repeats: u64,
    /// Frames, or blocks of audio, without a time of their own; a block follows the one before.
    pub missing: u64,
    /// Frames of MPEG-1, MPEG-2, H.264 and HEVC that were left out because what they refer to is not there: those in
    /// front of the first keyframe or recovery point of a recording that begins in mid-stream.
    pub skipped: u64,
    /// How the times of audio run away from its samples, gaps and repeats left aside; absent where they end up less than
    /// 20 ms apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// The first of them, in the order in which they were met.
    pub first: Vec<Irregularity>,
}

/// Two clocks that do not agree: that of the times and that of the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Drift {
    /// By how many millionths the times run longer than the samples last; negative: shorter.
    pub parts_per_million: i64,
    /// How far they are apart at the end.
    pub apart: Timestamp,
}

impl TimingReport {
    /// True if the report has nothing to state.
    pub fn is_empty(&self) -> bool {
        self.gaps == 0 && self.repeats == 0 && self.missing == 0 && self.skipped == 0 && self.drift.is_none()
    }

    /// The irregular times in one line; `None` if there are none.
    pub fn summary(&self) -> Option<String> {
        let some = |count: u64, thing: &str| (count > 0).then(|| counted(count, thing));
        let counts = [
            some(self.gaps, "gap"),
            some(self.repeats, "repeat"),
            some(self.missing, "missing time"),
            some(self.skipped, "skipped frame"),
        ];
        let mut counts: Vec<String> = counts.into_iter().flatten().collect();
        counts.extend(self.drift.map(|drift| {
            let parts = drift.parts_per_million;
            format!("a drift of {parts:+} parts per million ({:+.3} s at the end)", drift.apart.to_f64())
        }));
        let first = self.first.first().map_or_else(String::new, |first| {
            let step = first.step.map_or_else(String::new, |step| format!(" ({:+.3} s)", step.to_f64()));
            format!(", first after {}{step}", first.after)
        });
        (!counts.is_empty()).then(|| format!("{}{first}", counts.join(", ")))
    }
}

/// One place at which times are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Irregularity {
    /// What.
    pub kind: IrregularityKind,
    /// The last time before it.
    pub after: Timestamp,
    /// From there to the next; not above zero for a repeat, absent where the time is missing.
    pub step: Option<Timestamp>,
}

/// Kinds of irregularities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IrregularityKind {
    /// Nothing is shown or heard for too long.
    Gap,
    /// A time that was reached before.
    Repeat,
    /// No time.
    Missing,
}

/// Maximum number of irregularities in a report.
const LISTED: usize = 20;

/// Maximum number of different step lengths. A stream with more is variable.
const STEPS: usize = 256;

/// Tracks the times of a video stream before any repair.
pub(crate) struct FrameTimes {
    base: TimeBase,
    /// The expected step, in ticks, until real steps are known.
    nominal: i64,
    last: Option<i64>,
    steps: BTreeMap<i64, u64>,
    too_many_steps: bool,
    repeats: u64,
    missing: u64,
    seen: Vec<Irregularity>,
}

impl FrameTimes {
    pub(crate) fn new(base: TimeBase, nominal: i64) -> Self {
        FrameTimes {
            base,
            nominal,
            last: None,
            steps: BTreeMap::new(),
            too_many_steps: false,
            repeats: 0,
            missing: 0,
            seen: Vec::new(),
        }
    }

    /// Records the original time of the next frame.
    pub(crate) fn push(&mut self, pts: Option<i64>) {
        let Some(pts) = pts else {
            self.missing += 1;
            return self.note(IrregularityKind::Missing, self.last.unwrap_or(0), None);
        };
        let Some(last) = self.last else {
            self.last = Some(pts);
            return;
        };
        let step = pts.saturating_sub(last);
        if step <= 0 {
            self.repeats += 1;
            return self.note(IrregularityKind::Repeat, last, Some(step));
        }
        self.last = Some(pts);
        if self.steps.len() < STEPS || self.steps.contains_key(&step) {
            *self.steps.entry(step).or_default() += 1;
        } else {
            self.too_many_steps = true;
        }
        // The usual step is known only at the end, so these are candidates for gaps.
        if is_gap(step, self.usual().unwrap_or(self.nominal).min(self.nominal)) {
            self.note(IrregularityKind::Gap, last, Some(step));
        }
    }

    fn note(&mut self, kind: IrregularityKind, after: i64, step: Option<i64>) {
        // False candidates must not displace later irregularities.
        if self.seen.len() < 4 * LISTED {
            let time = |ticks: i64| Timestamp::new(ticks, self.base);
            self.seen.push(Irregularity { kind, after: time(after), step: step.map(time) });
        }
    }

    /// The step of most frames. If several are equally common, the shortest.
    pub(crate) fn usual(&self) -> Option<i64> {
        let (step, _) = self.steps.iter().rev().max_by_key(|(_, count)| **count)?;
        Some(*step)
    }

    /// The irregularities so far.
    pub(crate) fn report(&self) -> TimingReport {
        let total: u64 = self.steps.values().sum();
        let usual = self.usual().unwrap_or(self.nominal);
        let even: u64 = self
            .steps
            .iter()
            .filter(|(step, _)| step.saturating_mul(2) > usual && !is_gap(**step, usual))
            .map(|(_, n)| n)
            .sum();
        // At least three of four frames must have an even distance. Otherwise there is no regular distance.
        let variable = self.too_many_steps || even * 4 < total * 3;
        let gaps = self.steps.iter().filter(|(step, _)| is_gap(**step, usual)).map(|(_, count)| count).sum();
        let is_real = |found: &&Irregularity| match found.kind {
            IrregularityKind::Gap => !variable && found.step.is_some_and(|step| is_gap(step.ticks, usual)),
            IrregularityKind::Repeat | IrregularityKind::Missing => true,
        };
        TimingReport {
            variable,
            gaps: if variable { 0 } else { gaps },
            repeats: self.repeats,
            missing: self.missing,
            skipped: 0,
            drift: None,
            first: self.seen.iter().filter(is_real).take(LISTED).copied().collect(),
        }
    }
}

/// True for more than one and a half of the usual step, which is more than rounding to ticks explains.
fn is_gap(step: i64, usual: i64) -> bool {
    step.saturating_mul(2) > usual.saturating_mul(3)
}

/// Tracks the times of an audio stream.
pub(crate) struct AudioTimes {
    base: TimeBase,
    end: Option<i64>,
    line: Line,
    report: TimingReport,
}

/// Microseconds, the unit of drift.
const MICRO: TimeBase = TimeBase { num: 1, den: 1_000_000 };

/// Minimum distance, in microseconds, between times and samples at which a drift is reported.
const LEAST_DRIFT: i64 = 20_000;

/// The least-squares line through the distances between times and samples.
#[derive(Default)]
struct Line {
    /// The start of the first block.
    anchor: Option<Timestamp>,
    /// Total shift by gaps and repeats, in microseconds.
    moved: i64,
    /// Number of samples at the current rate. `before` is the duration, in microseconds, of the samples at earlier
    /// rates.
    samples: i64,
    rate: u32,
    before: i64,
    count: i128,
    sum_x: i128,
    sum_y: i128,
    sum_xx: i128,
    sum_xy: i128,
    length: i64,
}

impl Line {
    /// The end of the samples so far, in microseconds.
    fn lasted(&self) -> i64 {
        let rate = TimeBase::new(1, i64::from(self.rate.max(1)));
        self.before.saturating_add(Timestamp::new(self.samples, rate).rescale(MICRO))
    }

    /// Records a block that starts at `time`.
    fn enter(&mut self, time: Timestamp) {
        let anchor = *self.anchor.get_or_insert(time);
        let since = time.plus(Timestamp::new(anchor.ticks.saturating_neg(), anchor.base)).rescale(MICRO);
        let lasted = self.lasted();
        let apart = i128::from(since.saturating_sub(lasted).saturating_sub(self.moved));
        let at = i128::from(lasted / 1000);
        self.length = lasted;
        self.count += 1;
        self.sum_x += at;
        self.sum_y += apart;
        self.sum_xx += at * at;
        self.sum_xy += at * apart;
    }

    fn lasts(&mut self, samples: usize, rate: u32) {
        if rate != self.rate {
            self.before = self.lasted();
            (self.samples, self.rate) = (0, rate);
        }
        self.samples = self.samples.saturating_add(samples as i64);
    }

    fn drift(&self) -> Option<Drift> {
        let over = self.count * self.sum_xx - self.sum_x * self.sum_x;
        if self.count < 16 || over <= 0 {
            return None;
        }
        // Microseconds per millisecond are thousandths.
        let slope = (self.count * self.sum_xy - self.sum_x * self.sum_y) * 1000;
        let parts_per_million = i64::try_from((2 * slope + over * slope.signum()) / (2 * over)).ok()?;
        let apart = i64::try_from(i128::from(self.length) * i128::from(parts_per_million) / 1_000_000).ok()?;
        let apart = Timestamp::new(apart, MICRO);
        (apart.ticks.abs() >= LEAST_DRIFT).then_some(Drift { parts_per_million, apart })
    }
}

impl AudioTimes {
    pub(crate) fn new(base: TimeBase) -> Self {
        AudioTimes { base, end: None, line: Line::default(), report: TimingReport::default() }
    }

    /// Records a block that starts at `pts` and has `samples` samples. Returns a time for a block without one.
    pub(crate) fn push(&mut self, pts: Option<i64>, samples: usize, sample_rate: u32) -> Option<i64> {
        let length = Timestamp::new(samples as i64, TimeBase::new(1, i64::from(sample_rate)));
        let micros = length.micros();
        let length = length.rescale(self.base);
        let time = |ticks: i64| Timestamp::new(ticks, self.base);
        if let (Some(pts), Some(end)) = (pts, self.end) {
            let step = pts.saturating_sub(end);
            let moved = time(step).micros();
            // Containers round times, and may give them per chunk. A missing block is longer than that.
            let limit = (micros.saturating_mul(3) / 4).clamp(10_000, 100_000);
            let kind = if moved > limit {
                self.report.gaps += 1;
                Some(IrregularityKind::Gap)
            } else if moved.saturating_neg() > limit {
                self.report.repeats += 1;
                Some(IrregularityKind::Repeat)
            } else {
                None
            };
            if kind.is_some() {
                self.line.moved = self.line.moved.saturating_add(moved);
            }
            if let Some(kind) = kind.filter(|_| self.report.first.len() < LISTED) {
                self.report.first.push(Irregularity { kind, after: time(end), step: Some(time(step)) });
            }
        }
        if let Some(pts) = pts {
            self.line.enter(time(pts));
        }
        self.line.lasts(samples, sample_rate);
        let start = pts.or(self.end).unwrap_or(0);
        self.end = Some(start.saturating_add(length));
        if pts.is_none() {
            self.report.missing += 1;
        }
        pts.is_none().then_some(start)
    }

    /// The irregularities so far.
    pub(crate) fn report(&self) -> TimingReport {
        TimingReport { drift: self.line.drift(), ..self.report.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(times: impl IntoIterator<Item = i64>) -> TimingReport {
        let mut book = FrameTimes::new(TimeBase::new(1, 1000), 40);
        times.into_iter().for_each(|pts| book.push(Some(pts)));
        book.report()
    }

    #[test]
    fn even_times_have_neither_gaps_nor_repeats() {
        assert_eq!(report((0..50).map(|n| n * 40)), TimingReport::default());
        // 23.976 fps, rounded to milliseconds.
        assert_eq!(report((0..500).map(|n| (n * 1001 + 12) / 24)), TimingReport::default());
        // A single frame; no frames.
        assert_eq!(report([7]), TimingReport::default());
        assert_eq!(report([]), TimingReport::default());
    }

    #[test]
    fn gaps_and_repeats_are_counted_and_placed() {
        let found = report((0..20).map(|n| n * 40).chain([760, 720]).chain((30..50).map(|n| n * 40)));
        assert_eq!((found.gaps, found.repeats, found.variable), (1, 2, false));
        let at = |ticks| Timestamp::new(ticks, TimeBase::new(1, 1000));
        let kinds: Vec<_> = found.first.iter().map(|found| (found.kind, found.after, found.step)).collect();
        assert_eq!(
            kinds,
            [
                (IrregularityKind::Repeat, at(760), Some(at(0))),
                (IrregularityKind::Repeat, at(760), Some(at(-40))),
                (IrregularityKind::Gap, at(760), Some(at(440))),
            ]
        );
    }

    #[test]
    fn variable_rates_have_no_gaps() {
        let found = report((0..100).map(|n| n * n));
        assert!(found.variable && found.gaps == 0 && found.first.is_empty(), "{found:?}");
    }

    #[test]
    fn a_rate_that_is_not_the_declared_one_is_no_gap() {
        assert_eq!(report((0..50).map(|n| n * 100)), TimingReport::default());
        assert_eq!(report((0..50).map(|n| n * 10).chain([600])).gaps, 1);
    }

    #[test]
    fn a_drift_is_measured_beside_gaps_and_rounded_times() {
        for parts in [-1000i64, -150, 150, 1000, 5000] {
            let mut book = AudioTimes::new(TimeBase::new(1, 1000));
            for block in 0..9000i64 {
                // AAC at 48 kHz; after a minute, 64 ms are missing.
                let micros = block * 1_024_000_000 / 48_000 + if block > 3000 { 64_000 } else { 0 };
                let drifted = micros + micros * parts / 1_000_000;
                book.push(Some((drifted + 500) / 1000), 1024, 48_000);
            }
            let found = book.report();
            let drift = found.drift.expect("a drift");
            // The gap is known to within 1.5 ms, since times are whole milliseconds: 8 millionths of 192 s.
            assert!((drift.parts_per_million - parts).abs() <= 8, "{parts}: {drift:?}");
            assert_eq!((found.gaps, found.repeats), (1, 0), "{parts}");
        }
    }

    #[test]
    fn rounded_times_are_no_drift_and_no_gap() {
        let mut book = AudioTimes::new(TimeBase::new(1, 1000));
        for block in 0..50_000i64 {
            book.push(Some((block * 1_024_000_000 / 48_000 + 500) / 1000 + block % 3), 1024, 48_000);
        }
        assert_eq!(book.report(), TimingReport::default());
    }

    #[test]
    fn the_farthest_times_are_irregularities() {
        let mut book = AudioTimes::new(MICRO);
        for pts in [i64::MAX, i64::MIN, i64::MAX, 0] {
            book.push(Some(pts), 1024, 48_000);
        }
        let found = book.report();
        assert_eq!((found.gaps, found.repeats), (1, 2));
    }

    #[test]
    fn a_single_block_that_is_missing_is_placed() {
        let mut book = AudioTimes::new(TimeBase::new(1, 90_000));
        for block in (0..100).chain(101..200) {
            book.push(Some(block * 1920), 1024, 48_000);
        }
        let found = book.report();
        assert_eq!((found.gaps, found.first[0].after.ticks, found.drift), (1, 100 * 1920, None));
    }

    #[test]
    fn audio_that_is_missing_is_placed() {
        let mut book = AudioTimes::new(TimeBase::new(1, 48_000));
        for block in (0..10).chain(20..30) {
            book.push(Some(block * 1024), 1024, 48_000);
        }
        book.push(Some(0), 1024, 48_000);
        let found = book.report();
        assert_eq!((found.gaps, found.repeats), (1, 1));
        assert_eq!(found.first[0].after.ticks, 10 * 1024);
        assert_eq!(found.first[0].step.map(|step| step.ticks), Some(10 * 1024));
    }
}
