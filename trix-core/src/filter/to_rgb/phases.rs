//! Filters that interpolate chroma between its samples.

use std::f64::consts::PI;

use trix_model::color::ChromaLocation;

use crate::settings::picture::Resampler;

/// Samples that count for one interpolated sample.
pub(super) const TAPS: usize = 6;

/// The place of a sample of luma among those of chroma.
///
/// Chroma has half as many samples. Samples of luma lie at two different places between them, in turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Phase {
    /// The first sample of chroma that counts, relative to that with half the number of the sample of luma.
    pub(super) first: isize,
    /// The weights of `TAPS` samples, whose sum is 1.
    pub(super) weights: [f32; TAPS],
}

impl Phase {
    /// The filter for a sample of luma that lies `place` samples of chroma after the sample with half its number.
    fn new(place: f64, resampler: Resampler) -> Self {
        let first = place.floor() as isize + 1 - (TAPS / 2) as isize;
        let weights: [f64; TAPS] = std::array::from_fn(|tap| kernel(place - (first + tap as isize) as f64, resampler));
        let sum: f64 = weights.iter().sum();
        Phase { first, weights: weights.map(|weight| (weight / sum) as f32) }
    }

    /// True if the sample of luma lies on one of chroma, which is taken as it is.
    pub(super) fn is_exact(&self) -> bool {
        self.weights.iter().enumerate().all(|(tap, weight)| *weight == f32::from(self.first + tap as isize == 0))
    }
}

/// The weight of a sample at this distance.
fn kernel(distance: f64, resampler: Resampler) -> f64 {
    let x = distance.abs();
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
    match resampler {
        _ if x == 0.0 => 1.0,
        // Sine of a multiple of pi is not exactly zero in floating point.
        _ if x.fract() == 0.0 => 0.0,
        Resampler::Lanczos if x < 3.0 => sinc(x) * sinc(x / 3.0),
        Resampler::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
        Resampler::Bicubic if x < 2.0 => ((2.5 - 0.5 * x) * x - 4.0) * x + 2.0,
        Resampler::Bilinear if x < 1.0 => 1.0 - x,
        _ => 0.0,
    }
}

/// The filters for columns with even and odd numbers.
pub(super) fn columns(location: ChromaLocation, resampler: Resampler) -> [Phase; 2] {
    use ChromaLocation::{Bottom, Center, Top};
    let even = if matches!(location, Center | Top | Bottom) { -0.25 } else { 0.0 };
    [even, even + 0.5].map(|place| Phase::new(place, resampler))
}

/// The filters for rows with even and odd numbers in a progressive frame.
pub(super) fn rows(location: ChromaLocation, resampler: Resampler) -> [Phase; 2] {
    use ChromaLocation::{Bottom, BottomLeft, Top, TopLeft};
    let even = match location {
        Top | TopLeft => 0.0,
        Bottom | BottomLeft => -0.5,
        _ => -0.25,
    };
    [even, even + 0.5].map(|place| Phase::new(place, resampler))
}

/// The filters for rows with even and odd numbers in a field: 0 is the top field. Chroma of the top field lies a quarter
/// of the distance of its rows below a row of luma, that of the bottom field three quarters (H.264, figure 6-2).
pub(super) fn rows_of_field(field: usize, resampler: Resampler) -> [Phase; 2] {
    let even = if field == 0 { -0.125 } else { -0.375 };
    [even, even + 0.5].map(|place| Phase::new(place, resampler))
}

/// The number of the sample at `place` if samples continue beyond both ends as in a mirror.
pub(super) fn reflected(place: isize, count: usize) -> usize {
    let period = 2 * count.max(1);
    let place = place.rem_euclid(period as isize) as usize;
    place.min(period - 1 - place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn straight_lines_stay_straight_and_constants_constant() {
        use ChromaLocation::{BottomLeft, Center, Left, TopLeft};
        for resampler in [Resampler::Lanczos, Resampler::Bicubic, Resampler::Bilinear] {
            let all = [Left, Center, TopLeft, BottomLeft]
                .map(|location| [columns(location, resampler), rows(location, resampler)]);
            let fields = [0, 1].map(|field| rows_of_field(field, resampler));
            for [even, odd] in all.into_iter().flatten().chain(fields) {
                let at = |phase: Phase| -> f64 {
                    let weights = phase.weights.iter().enumerate();
                    weights.map(|(tap, weight)| f64::from(*weight) * (phase.first + tap as isize) as f64).sum()
                };
                for phase in [even, odd] {
                    assert!((phase.weights.iter().sum::<f32>() - 1.0).abs() < 1e-6);
                }
                // Half a sample of chroma from one row to the next. Three lobes of a sinc bend straight lines a little.
                let within = if resampler == Resampler::Lanczos { 0.05 } else { 1e-6 };
                assert!((at(odd) - at(even) - 0.5).abs() < within, "{resampler:?}: {} {}", at(even), at(odd));
            }
        }
        assert!(columns(Left, Resampler::Lanczos)[0].is_exact() && !columns(Left, Resampler::Lanczos)[1].is_exact());
    }

    #[test]
    fn samples_beyond_the_ends_are_those_inside() {
        assert_eq!([-2, -1, 0, 3, 4, 5].map(|place| reflected(place, 4)), [1, 0, 0, 3, 3, 2]);
        assert_eq!([-3, 0, 2].map(|place| reflected(place, 1)), [0, 0, 0]);
    }
}
