//! Where segments begin: at the keyframes nearest to multiples of the target duration.
//!
//! Invariant: a boundary is the time of a keyframe of the leading track; boundaries ascend, and one that was told does
//! not change.

use trix_model::time::{Rational, Timestamp};

/// Chooses boundaries while keyframes come.
pub(super) struct Boundaries {
    target: Rational,
    /// The start of the first segment.
    origin: Option<Timestamp>,
    /// Which multiple of the target is looked for.
    multiple: i64,
    /// Keyframes after the last boundary, as far as they are before the multiple.
    before: Option<Timestamp>,
    chosen: Vec<Timestamp>,
}

impl Boundaries {
    /// Segments that last about `target` seconds.
    pub(super) fn new(target: Rational) -> Self {
        Boundaries { target, origin: None, multiple: 1, before: None, chosen: Vec::new() }
    }

    /// The next keyframe of the leading track.
    pub(super) fn keyframe(&mut self, time: Timestamp) {
        let Some(origin) = self.origin else {
            // What sound yields before zero is not presented.
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
                // The earlier of two that are equally near.
                Some(earlier) if !nearer(time, earlier, mark) => {
                    self.choose(earlier, origin);
                    // The same keyframe may be the nearest to the next multiple too.
                }
                _ => {
                    self.choose(time, origin);
                    return;
                }
            }
        }
    }

    /// After the last picture, which ends at `end`.
    pub(super) fn finish(&mut self, end: Timestamp) {
        let (Some(origin), Some(before)) = (self.origin, self.before.take()) else { return };
        if !nearer(end, before, self.mark(origin)) {
            self.choose(before, origin);
        }
    }

    /// The boundary of number `index`, the first being 0 at the end of the first segment.
    pub(super) fn get(&self, index: usize) -> Option<Timestamp> {
        self.chosen.get(index).copied()
    }

    fn mark(&self, origin: Timestamp) -> Timestamp {
        let distance = Timestamp::new(self.multiple.saturating_mul(self.target.num), Rational::new(1, self.target.den));
        origin.plus(distance)
    }

    fn choose(&mut self, time: Timestamp, origin: Timestamp) {
        self.chosen.push(time);
        self.multiple += 1;
        while self.mark(origin) <= time {
            self.multiple += 1;
        }
    }
}

/// Whether `a` is nearer to `mark` than `b` is; `b` is before it.
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
        // Fewer keyframes than multiples: each is one.
        assert_eq!(chosen(&[0, 50, 100], 150, two), [50, 100]);
        // Sound that begins before zero, as it is coded.
        assert_eq!(chosen(&[-1, 1, 20, 21, 40], 60, two), [20, 40]);
        // Far from zero.
        assert_eq!(chosen(&[5, 25, 45], 60, two), [25, 45]);
        assert_eq!(chosen(&[0], 60, two), [] as [i64; 0]);
        // The last keyframe counts where the end is farther from the multiple.
        assert_eq!(chosen(&[0, 15], 40, two), [15]);
        assert_eq!(chosen(&[0, 15], 21, two), [] as [i64; 0]);
    }

    #[test]
    fn targets_need_not_be_whole_seconds() {
        assert_eq!(chosen(&[0, 15, 20, 30, 45], 60, Rational::new(3, 2)), [15, 30, 45]);
    }
}
