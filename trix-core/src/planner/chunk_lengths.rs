//! Chooses where the parts of a film end, within bounds of their lengths.
//!
//! Invariant: the parts partition the film. Where encodes have forced keyframes, each part begins at one. Stretches of the film are
//! divided independently of each other.

use serde::Serialize;
use trix_model::{
    plan::{FrameRange, VideoPlan},
    time::{Rational, Timestamp},
};

/// The usual length of a part in seconds. The least is half of it, and the greatest half as much again.
pub(super) const USUAL: i64 = 10;

/// Frames between keyframes, at most, without an option: `keyint` of x264 and x265.
const KEYINT: u64 = 250;

/// The last frames of a film, in parts of the usual length, are divided into parts half as long, if there are places for that. Cores
/// that have nothing else to do at the end of a job then wait for shorter parts.
const ENDING: u64 = 3;

/// The frames of a stretch, in parts of the usual length.
const STRETCH: u64 = 16;

/// Frames between keyframes, at most, if an option says so.
fn keyint(video: &VideoPlan) -> Option<u64> {
    let own = video.options.iter().rev().find(|(option, _)| option == "keyint")?;
    own.1.parse().ok().filter(|frames| *frames > 0)
}

/// Lengths of parts, in frames.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Lengths {
    least: u64,
    usual: u64,
    greatest: u64,
    /// Frames between forced keyframes, if all encodes have the same. The lengths are multiples of it.
    pub(super) every: Option<u64>,
}

impl Lengths {
    /// About ten seconds: a multiple of the frames between keyframes, so that a part which begins a scene and has no other ends where
    /// the encoder would place a keyframe anyway.
    pub(super) fn of<'v>(mut video: impl Iterator<Item = &'v VideoPlan> + Clone) -> Self {
        let first = video.clone().next();
        let rate = first.map_or(Rational::new(25, 1), |video| video.source_rate);
        let frames = |time: Timestamp| u64::try_from(time.rescale(rate.inverse())).unwrap_or(0).max(1);
        let interval =
            first.and_then(|video| video.key_interval).filter(|_| first.is_some_and(|own| own.constant_rate));
        let is_shared = video.all(|own| own.key_interval == interval);
        let every = interval.filter(|_| is_shared).map(frames);
        let usual = frames(Timestamp::new(USUAL, Rational::new(1, 1)));
        let step = every.unwrap_or_else(|| first.and_then(keyint).unwrap_or(KEYINT));
        // With a low frame rate, ten seconds have fewer frames than that.
        let usual = if usual < step / 2 { usual } else { (usual + step / 2) / step * step };
        Lengths::about(usual, every)
    }

    pub(super) fn about(usual: u64, every: Option<u64>) -> Self {
        let step = every.unwrap_or(1);
        let steps = (usual / step).max(1);
        Lengths { least: steps.div_ceil(2) * step, usual: steps * step, greatest: (steps + steps / 2) * step, every }
    }

    /// Where each stretch of `all` but the first can begin, and where it does if no scene begins nearby.
    pub(super) fn borders(&self, all: FrameRange) -> Vec<Reach> {
        let stretch = STRETCH * self.usual;
        let count = all.frames() / stretch;
        // The last stretch is at least as long as the others.
        let around = |usual: u64| Reach { least: usual - self.usual / 2, usual, greatest: usual + self.usual / 2 };
        (1..count).map(|number| around(all.start + number * stretch)).collect()
    }

    /// Half of these lengths, if they can be divided.
    fn halved(&self) -> Option<Self> {
        let half = Lengths::about(self.usual / 2, self.every);
        (half.usual < self.usual).then_some(half)
    }

    /// Where a part that begins at `start` can end if what is left can be divided: both parts have the least length.
    fn reach(&self, start: u64, end: u64) -> Option<Reach> {
        if end.saturating_sub(start) < self.greatest.max(2 * self.least) {
            return None;
        }
        let latest = (start + self.greatest).min(end - self.least);
        Some(Reach { least: start + self.least, usual: (start + self.usual).min(latest), greatest: latest })
    }
}

/// Where a part can end: frames of the film.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    pub(super) least: u64,
    pub(super) usual: u64,
    pub(super) greatest: u64,
}

impl Reach {
    /// The multiple of `every`, counted from frame `start`, that is nearest to the usual end.
    pub(super) fn at_multiple_of(&self, start: u64, every: u64) -> u64 {
        let before = |frame: u64| start + (frame - start) / every * every;
        before(self.usual + every / 2).min(before(self.greatest))
    }
}

/// Divides `all` at places that `find` chooses within the reach of each part. Where it chooses none, a part has the usual length.
/// `ends_film`: `all` ends with the film, so its last parts may be shorter.
pub(super) fn ranges(
    (all, ends_film): (FrameRange, bool),
    lengths: &Lengths,
    find: &mut dyn FnMut(Reach) -> Option<u64>,
) -> Vec<FrameRange> {
    let mut found = Vec::new();
    let mut start = all.start;
    let mut found_in = |reach: Reach| find(reach).filter(|end| (reach.least..=reach.greatest).contains(end));
    while start < all.end {
        let is_near_the_end = ends_film && all.end - start < ENDING * lengths.usual;
        let halved = lengths.halved().filter(|_| is_near_the_end).and_then(|own| own.reach(start, all.end));
        let end = halved.and_then(&mut found_in).or_else(|| {
            let reach = lengths.reach(start, all.end)?;
            Some(found_in(reach).unwrap_or(reach.usual))
        });
        let end = end.unwrap_or(all.end);
        found.push(FrameRange { start, end });
        start = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_partition_the_film_and_keep_to_their_lengths(
            start in 0u64..1000,
            frames in 1u64..20_000,
            usual in 1u64..600,
            every in 1u64..700,
        ) {
            let all = FrameRange { start, end: start + frames };
            let lengths = Lengths::about(usual, None);
            // An answer out of reach counts as none.
            let found = ranges((all, true), &lengths, &mut |part| Some(part.usual / every * every));
            prop_assert_eq!((found[0].start, found[found.len() - 1].end), (all.start, all.end));
            prop_assert!(found.windows(2).all(|pair| pair[0].end == pair[1].start));
            let least = lengths.halved().map_or(lengths.least, |half| half.least);
            for range in &found {
                let is_near_the_end = all.end - range.start < ENDING * usual;
                prop_assert!(range.frames() > 0 && range.frames() <= lengths.greatest.max(2 * lengths.least));
                let least = if is_near_the_end { least } else { lengths.least };
                prop_assert!(range.frames() >= least || found.len() == 1);
            }
        }

        #[test]
        fn all_parts_begin_at_forced_keyframes(
            start in 0u64..1000,
            frames in 1u64..20_000,
            usual in 1u64..600,
            every in 1u64..700,
        ) {
            let all = FrameRange { start, end: start + frames };
            let lengths = Lengths::about(usual, Some(every));
            let found = ranges((all, true), &lengths, &mut |part| Some(part.at_multiple_of(start, every)));
            prop_assert!(found.iter().all(|range| (range.start - start) % every == 0), "{found:?}");
        }
    }

    proptest! {
        #[test]
        fn stretches_can_be_divided_wherever_they_begin(frames in 1u64..2_000_000, usual in 2u64..600, seed in 0u64..1000) {
            let all = FrameRange { start: 7, end: 7 + frames };
            let lengths = Lengths::about(usual, None);
            let borders = lengths.borders(all);
            let mut start = all.start;
            for (number, border) in borders.iter().enumerate() {
                let end = border.least + (seed * (number as u64 + 1)) % (border.greatest - border.least + 1);
                let found = ranges((FrameRange { start, end }, false), &lengths, &mut |_| None);
                prop_assert!(found.iter().all(|range| (lengths.least..=lengths.greatest.max(2 * lengths.least)).contains(&range.frames())));
                start = end;
            }
            prop_assert!(borders.is_empty() || all.end - start >= STRETCH * usual - usual / 2);
        }
    }

    #[test]
    fn parts_end_at_the_place_that_is_found_or_have_the_usual_length() {
        let all = FrameRange { start: 0, end: 2000 };
        let ends = |every, find: &mut dyn FnMut(Reach) -> Option<u64>| -> Vec<u64> {
            ranges((all, true), &Lengths::about(250, every), find).iter().map(|range| range.end).collect()
        };
        let begins_scene =
            |part: Reach, scenes: &[u64]| scenes.iter().copied().find(|at| (part.least..=part.greatest).contains(at));
        assert_eq!(
            ends(None, &mut |part| begins_scene(part, &[130, 510])),
            [130, 380, 510, 760, 1010, 1260, 1510, 1760, 2000]
        );
        assert_eq!(
            ends(Some(48), &mut |part| Some(part.at_multiple_of(0, 48))),
            [240, 480, 720, 960, 1200, 1440, 1536, 1632, 1728, 1824, 1920, 2000]
        );
    }

    #[test]
    fn parts_are_shorter_at_the_end_where_there_are_places_for_that() {
        let all = FrameRange { start: 0, end: 1500 };
        let lengths = Lengths::about(250, None);
        let scenes = [45, 175, 255, 465, 525, 825, 920, 960, 1130, 1250];
        let found = ranges((all, true), &lengths, &mut |part| {
            let within = scenes.iter().copied().filter(|at| (part.least..=part.greatest).contains(at));
            within.min_by_key(|at: &u64| at.abs_diff(part.usual))
        });
        let ends: Vec<u64> = found.iter().map(|range| range.end).collect();
        assert_eq!(ends, [255, 525, 825, 960, 1130, 1250, 1500]);
    }
}
