//! The search for a rate factor: pure numbers, with encodes behind functions.

use trix_model::error::Result;

/// Factors that are tried first. Most targets lie between them.
const FIRST: [f64; 4] = [18.0, 26.0, 34.0, 42.0];

/// Factors for higher scores.
const FINER: [f64; 3] = [0.0, 6.0, 12.0];

/// The factor for lower scores.
const COARSER: [f64; 1] = [51.0];

/// The most factors that are tried one by one.
const CHECKS: usize = 3;

/// Tries that miss the target by less than so many tolerances need no other: the step from there to the target is a small one.
const NEAR: f64 = 8.0;

/// How encodes are tried.
pub(super) trait Trials {
    /// The scores at these factors, the finest first. It may be fast and slightly wrong.
    fn curve(&mut self, factors: &[f64]) -> Result<Vec<f64>>;
    /// How many tries have parts of the film of their own. 1: each try encodes the same.
    fn rounds(&self) -> usize;
    /// The score at a factor, as in the encode of the whole film, over the parts of a round.
    fn score(&mut self, factor: f64, round: usize) -> Result<f64>;
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    /// A factor, and the factors that were tried one by one, with their scores.
    Factor { factor: f64, tried: Vec<(f64, f64)> },
    /// The target is beyond what the factors 51 and 0 reach.
    OutOfReach { least: f64, most: f64 },
}

/// Finds the factor whose score is nearest to `target`; one within `tolerance` is good enough.
pub(super) fn find(target: f64, tolerance: f64, trials: &mut dyn Trials) -> Result<Found> {
    let mut curve = Curve::default();
    curve.add(&FIRST, trials)?;
    if curve.most() < target {
        curve.add(&FINER, trials)?;
    }
    if curve.least() > target {
        curve.add(&COARSER, trials)?;
    }
    if !(curve.least()..=curve.most()).contains(&target) {
        for ends in [&FINER[..1], &COARSER] {
            if !curve.points.iter().any(|(factor, _)| *factor == ends[0]) {
                curve.add(ends, trials)?;
            }
        }
        return Ok(Found::OutOfReach { least: curve.least(), most: curve.most() });
    }
    let (mut factor, mut slope) = curve.crossing(target);
    let (mut tried, rounds): (Vec<(f64, f64)>, usize) = (Vec::new(), trials.rounds());
    loop {
        let score = trials.score(factor, tried.len() % rounds)?;
        if let Some((other, known)) = tried.last().filter(|(_, known)| rounds == 1 && *known != score) {
            slope = (score - known) / (factor - other);
        }
        tried.push((factor, score));
        // What the parts of all rounds would score with this factor.
        let recent = &tried[tried.len().saturating_sub(rounds)..];
        let here = recent.iter().map(|(other, known)| known + slope.min(FLATTEST) * (factor - other)).sum::<f64>();
        let missed = here / recent.len() as f64 - target;
        let next = rounded(factor - missed / slope.min(FLATTEST));
        let is_known = rounds == 1 && tried.iter().any(|(known, _)| *known == next);
        if tried.len() >= rounds && (missed.abs() <= tolerance || is_known) {
            break;
        }
        if tried.len() >= rounds && (missed.abs() <= NEAR * tolerance || rounds > 1 && tried.len() == CHECKS) {
            factor = next;
            break;
        }
        if tried.len() == CHECKS {
            let miss = |(_, score): &(f64, f64)| (score - target).abs();
            let nearest = tried.iter().min_by(|one, other| miss(one).total_cmp(&miss(other)));
            factor = nearest.map_or(factor, |(known, _)| *known);
            break;
        }
        factor = next;
    }
    Ok(Found::Factor { factor, tried })
}

/// The least loss of score for each unit of the factor that a step is computed with: steps stay small where scores hardly change.
const FLATTEST: f64 = -0.02;

/// A factor with one decimal, within the legal ones.
fn rounded(factor: f64) -> f64 {
    ((factor * 10.0).round() / 10.0).clamp(0.0, 51.0)
}

/// Scores by factor. They fall as the factor grows.
#[derive(Default)]
struct Curve {
    points: Vec<(f64, f64)>,
}

impl Curve {
    fn add(&mut self, factors: &[f64], trials: &mut dyn Trials) -> Result<()> {
        self.points.extend(factors.iter().copied().zip(trials.curve(factors)?));
        self.points.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        Ok(())
    }

    fn most(&self) -> f64 {
        self.points.first().map_or(f64::NAN, |(_, score)| *score)
    }

    fn least(&self) -> f64 {
        self.points.last().map_or(f64::NAN, |(_, score)| *score)
    }

    /// The factor at which the score is `target`, and the change of the score for each unit of the factor there.
    fn crossing(&self, target: f64) -> (f64, f64) {
        let pair = self.points.windows(2).find(|pair| pair[1].1 <= target);
        let Some([(from, above), (to, below)]) = pair.and_then(|pair| <[_; 2]>::try_from(pair).ok()) else {
            return (FIRST[0], FLATTEST);
        };
        let slope = (below - above) / (to - from);
        (rounded(from + (target - above) / slope.min(FLATTEST)), slope)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Scores along a curve. Fast encodes are off by `bias`.
    struct Made<F> {
        score: F,
        bias: f64,
        /// By how much the parts of each round score better than the film.
        rounds: Vec<f64>,
        whole: usize,
    }

    impl<F: Fn(f64) -> f64> Trials for Made<F> {
        fn curve(&mut self, factors: &[f64]) -> Result<Vec<f64>> {
            Ok(factors.iter().map(|factor| (self.score)(*factor) - self.bias).collect())
        }

        fn rounds(&self) -> usize {
            self.rounds.len()
        }

        fn score(&mut self, factor: f64, round: usize) -> Result<f64> {
            self.whole += 1;
            Ok((self.score)(factor) + self.rounds[round])
        }
    }

    proptest! {
        #[test]
        fn a_factor_near_the_target_is_found_where_fast_encodes_are_off(
            (high, fall, bend) in (45.0..60.0f64, 0.3..0.7f64, -0.003..0.003f64),
            (bias, at, apart) in (-0.4..0.4f64, 0.1..0.9f64, prop::option::of(-1.0..1.0f64)),
        ) {
            let score = |factor: f64| high - fall * factor + bend * factor * factor;
            let target = score(51.0) + 1.0 + at * (score(0.0) - score(51.0) - 2.0);
            // Parts of two rounds, which score as the film does together.
            let rounds = apart.map_or(vec![0.0], |apart| vec![apart, -apart]);
            let mut trials = Made { score, bias, rounds, whole: 0 };
            let found = find(target, 0.15, &mut trials).unwrap();
            let Found::Factor { factor, tried } = found else { panic!("{found:?}") };
            prop_assert!((score(factor) - target).abs() <= 0.2, "{target}: {factor} gives {}", score(factor));
            prop_assert!(trials.whole == tried.len() && tried.len() <= CHECKS);
        }
    }

    #[test]
    fn a_target_beyond_the_factors_is_refused_with_what_can_be_reached() {
        let score = |factor: f64| 60.0 - 0.6 * factor;
        let find = |target| find(target, 0.1, &mut Made { score, bias: 0.0, rounds: vec![0.0], whole: 0 }).unwrap();
        assert_eq!(find(70.0), Found::OutOfReach { least: score(51.0), most: 60.0 });
        assert_eq!(find(20.0), Found::OutOfReach { least: score(51.0), most: 60.0 });
        assert!(matches!(find(59.0), Found::Factor { factor, .. } if (factor - 1.7).abs() < 0.2));
    }

    #[test]
    fn a_film_that_scores_the_same_at_many_factors_ends_the_search() {
        let score = |factor: f64| if factor < 40.0 { 50.0 } else { 45.0 };
        let found = find(47.0, 0.1, &mut Made { score, bias: 0.0, rounds: vec![0.0], whole: 0 }).unwrap();
        assert!(matches!(found, Found::Factor { tried, .. } if tried.len() <= CHECKS));
    }
}
