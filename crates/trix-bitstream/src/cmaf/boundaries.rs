//! Segment boundaries: the keyframes nearest to multiples of the target duration.
//!
//! Invariant: a boundary is the time of a keyframe of the leading track. Boundaries ascend. A boundary never changes
//! once it was returned. Behind the end of the leading track, audio is cut at multiples of the target duration.

use trix_model::time::{Rational, Timestamp};

/// Chooses boundaries while keyframes arrive.
pub struct Boundaries {
    target: Rational,
    /// Start of the first segment.
    origin: Option<Timestamp>,
    /// Number of the multiple for the next boundary.
    multiple: i64,
    /// The last keyframe after the last boundary and before this multiple.
    before: Option<Timestamp>,
    chosen: Vec<Timestamp>,
    /// The end of the leading track.
    end: Option<Timestamp>,
}

impl Boundaries {
    /// Creates boundaries for segments of about `target` seconds.
    pub fn new(target: Rational) -> Self {
        Boundaries { target, origin: None, multiple: 1, before: None, chosen: Vec::new(), end: None }
    }

    /// Adds the next keyframe of the leading track.
    pub fn keyframe(&mut self, time: Timestamp) {
        let Some(origin) = self.origin else {
            // Audio before time zero is not presented.
            self.origin = Some(time.max(Timestamp::new(0, time.base)));
            return;
        };
        loop {
            let mark = self.mark(origin);
            if time < mark {
                self.before = Some(time);
                return;
            }
            match self.before.take() {
                // Take the earlier of two keyframes at equal distance.
                Some(earlier) if !nearer(time, earlier, mark) => {
                    self.choose(earlier, origin);
                    // This keyframe may also be the nearest to the next multiple.
                }
                _ => {
                    self.choose(time, origin);
                    return;
                }
            }
        }
    }

    /// Ends the selection after the last frame, which ends at `end`.
    pub fn finish(&mut self, end: Timestamp) {
        self.end = Some(end);
        let (Some(origin), Some(before)) = (self.origin, self.before.take()) else { return };
        if !nearer(end, before, self.mark(origin)) {
            self.choose(before, origin);
        }
    }

    /// Boundary `index`. Boundary 0 is the end of the first segment.
    pub fn get(&self, index: usize) -> Option<Timestamp> {
        self.chosen.get(index).copied()
    }

    /// Boundary `index` of audio that ends at `end` so far. Behind the end of the leading track, each segment has the target
    /// duration, and the last one up to twice as much.
    pub fn of_audio(&self, index: usize, end: Timestamp) -> Option<Timestamp> {
        if let Some(chosen) = self.get(index) {
            return Some(chosen);
        }
        let later = |from: Timestamp, segments: i64| from.plus(self.after(segments));
        let boundary = later(self.end?, i64::try_from(index - self.chosen.len()).ok()?);
        (later(boundary, 1) <= end).then_some(boundary)
    }

    /// The duration of a number of segments.
    fn after(&self, segments: i64) -> Timestamp {
        Timestamp::new(segments.saturating_mul(self.target.num), Rational::new(1, self.target.den))
    }

    fn mark(&self, origin: Timestamp) -> Timestamp {
        origin.plus(self.after(self.multiple))
    }

    fn choose(&mut self, time: Timestamp, origin: Timestamp) {
        self.chosen.push(time);
        let since = time.plus(Timestamp::new(origin.ticks.saturating_neg(), origin.base));
        self.multiple = self.multiple.saturating_add(1).max(since.multiple_of(self.after(1)));
        // The division rounds down.
        if self.mark(origin) <= time {
            self.multiple = self.multiple.saturating_add(1);
        }
    }
}

/// True if `a` is nearer to `mark` than `b`, which lies before `mark`.
fn nearer(a: Timestamp, b: Timestamp, mark: Timestamp) -> bool {
    let minus = |time: Timestamp| Timestamp::new(time.ticks.saturating_neg(), time.base);
    let far = a.plus(minus(mark));
    let short = mark.plus(minus(b));
    far < short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(keyframes: &[i64], end: i64, target: Rational) -> Vec<i64> {
        let tenth = Rational::new(1, 10);
        let mut boundaries = Boundaries::new(target);
        keyframes.iter().for_each(|ticks| boundaries.keyframe(Timestamp::new(*ticks, tenth)));
        boundaries.finish(Timestamp::new(end, tenth));
        boundaries.chosen.iter().map(|time| time.ticks).collect()
    }

    #[test]
    fn boundaries_are_the_keyframes_nearest_to_multiples() {
        let two = Rational::new(2, 1);
        assert_eq!(chosen(&[0, 20, 40, 60], 80, two), [20, 40, 60]);
        assert_eq!(chosen(&[0, 10, 20, 30, 40, 50], 60, two), [20, 40]);
        assert_eq!(chosen(&[0, 18, 23, 37, 45], 50, two), [18, 37]);
        assert_eq!(chosen(&[0, 17, 22, 37, 45], 50, two), [22, 37]);
        // Fewer keyframes than multiples: each keyframe is a boundary.
        assert_eq!(chosen(&[0, 50, 100], 150, two), [50, 100]);
        // Coded audio that begins before zero.
        assert_eq!(chosen(&[-1, 1, 20, 21, 40], 60, two), [20, 40]);
        // A start far from zero.
        assert_eq!(chosen(&[5, 25, 45], 60, two), [25, 45]);
        assert_eq!(chosen(&[0], 60, two), [] as [i64; 0]);
        // The last keyframe is a boundary if the end is further from the multiple.
        assert_eq!(chosen(&[0, 15], 40, two), [15]);
        assert_eq!(chosen(&[0, 15], 21, two), [] as [i64; 0]);
    }

    #[test]
    fn audio_behind_the_end_of_the_video_is_cut_at_multiples() {
        let second = |ticks| Timestamp::new(ticks, Rational::new(1, 1));
        let mut boundaries = Boundaries::new(Rational::new(2, 1));
        [0, 2, 4].into_iter().for_each(|ticks| boundaries.keyframe(second(ticks)));
        let of_audio = |boundaries: &Boundaries, end| -> Vec<i64> {
            (0..).map_while(|index| boundaries.of_audio(index, second(end))).map(|time| time.ticks).collect()
        };
        assert_eq!(of_audio(&boundaries, 60), [2, 4]);
        boundaries.finish(second(5));
        assert_eq!(of_audio(&boundaries, 6), [2, 4]);
        assert_eq!(of_audio(&boundaries, 7), [2, 4, 5]);
        assert_eq!(of_audio(&boundaries, 14), [2, 4, 5, 7, 9, 11]);
        // The end of the audio is known later than the first of these boundaries.
        assert_eq!(of_audio(&boundaries, 15), [2, 4, 5, 7, 9, 11, 13]);
    }

    #[test]
    fn a_keyframe_in_the_far_future_is_chosen_at_once() {
        assert_eq!(chosen(&[0, 20, 1 << 62, i64::MAX], i64::MAX, Rational::new(2, 1)), [20, 1 << 62, i64::MAX]);
    }

    #[test]
    fn targets_need_not_be_whole_seconds() {
        assert_eq!(chosen(&[0, 15, 20, 30, 45], 60, Rational::new(3, 2)), [15, 30, 45]);
    }
}
