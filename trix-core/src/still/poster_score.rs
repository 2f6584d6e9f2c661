//! Rates how well a frame represents a film, from its luma.
//!
//! Invariant: the score of a frame depends only on its samples and those of its neighbours. It is a whole number, so
//! that the same film gets the same poster on every machine.

use super::image::Canvas;

/// What was measured of a frame.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct PosterScore {
    /// How much detail it shows, in thousandths.
    pub score: u32,
    /// Entropy of the histogram of luma in 64 steps, in thousandths of six bits.
    pub entropy: u32,
    /// Standard deviation of luma, 0 to 127.
    pub contrast: u32,
    /// Average absolute difference of luma from the average of its four neighbours, in tenths of a code.
    pub sharpness: u32,
    /// Average luma, 0 to 255.
    pub brightness: u32,
    /// Average absolute difference of luma from the frame before or after, the larger one, in tenths of a code.
    pub change: u32,
}

/// Size of the frames for rating: the longer side in samples.
pub(super) const SIDE: u32 = 160;

/// Standard deviation of luma that counts as full contrast, about that of an evenly lit scene.
const FULL_CONTRAST: f64 = 56.0;

/// Sharpness, in code values, that counts as full. Noise is far above it and gains nothing.
const FULL_SHARPNESS: f64 = 10.0;

/// Change between frames, in code values, that halves the score. Slow motion stays below a tenth of it. A cut or a
/// quick fade exceeds it.
const RESTLESS: f64 = 16.0;

/// Rates `canvas`. `before` and `after` are its neighbours, if known.
pub(super) fn score(canvas: &Canvas, before: Option<&Canvas>, after: Option<&Canvas>) -> PosterScore {
    let luma = canvas.luma();
    let count = luma.len().max(1) as u64;
    let mut histogram = [0u64; 256];
    for value in &luma {
        histogram[usize::from(*value)] += 1;
    }
    let values = || histogram.iter().zip(0u64..);
    let sum: u64 = values().map(|(times, value)| times * value).sum();
    let squares: u64 = values().map(|(times, value)| times * value * value).sum();
    let mean = sum as f64 / count as f64;
    let deviation = (squares as f64 / count as f64 - mean * mean).max(0.0).sqrt();
    let entropy: f64 = histogram
        .chunks(4)
        .map(|step| step.iter().sum::<u64>())
        .filter(|times| *times > 0)
        .map(|times| times as f64 / count as f64)
        .map(|part| -part * part.log2())
        .sum();
    let sharpness = roughness(&luma, canvas.width());
    let change =
        [before, after].into_iter().flatten().map(|other| difference(&luma, &other.luma())).fold(0.0, f64::max);
    let share = |from: usize, to: usize| histogram[from..to].iter().sum::<u64>() as f64 / count as f64;

    let mut score = 0.5 * entropy / 6.0
        + 0.25 * (deviation / FULL_CONTRAST).min(1.0)
        + 0.25 * (sharpness / FULL_SHARPNESS).min(1.0);
    // Too dark or too bright to show much: a mean below 48 or above 208.
    score *= (mean / 48.0).min((255.0 - mean) / 47.0).clamp(0.1, 1.0);
    score /= 1.0 + change / RESTLESS;
    // Almost completely black or white, or without content.
    if share(0, 32) > 0.85 || share(224, 256) > 0.85 || deviation < 6.0 {
        score *= 0.05;
    }
    PosterScore {
        score: whole(score * 1000.0),
        entropy: whole(entropy / 6.0 * 1000.0),
        contrast: whole(deviation),
        sharpness: whole(sharpness * 10.0),
        brightness: whole(mean),
        change: whole(change * 10.0),
    }
}

fn whole(value: f64) -> u32 {
    value.round() as u32
}

/// Mean difference between a sample and the mean of its four neighbours, in code values.
fn roughness(luma: &[u8], width: usize) -> f64 {
    if width < 3 || luma.len() < 3 * width {
        return 0.0;
    }
    let (mut sum, mut count) = (0u64, 0u64);
    for at in width + 1..luma.len() - width - 1 {
        let column = at % width;
        if column == 0 || column == width - 1 {
            continue;
        }
        let around = [at - 1, at + 1, at - width, at + width].map(|at| i32::from(luma[at]));
        sum += u64::from((4 * i32::from(luma[at]) - around.iter().sum::<i32>()).unsigned_abs());
        count += 4;
    }
    sum as f64 / count.max(1) as f64
}

/// Mean difference between samples at the same position, in code values.
fn difference(ours: &[u8], theirs: &[u8]) -> f64 {
    let sum: u64 = ours.iter().zip(theirs).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / ours.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canvas(of: impl Fn(usize, usize) -> u8) -> Canvas {
        let mut canvas = Canvas::new(64, 36, [0, 0, 0, 255]);
        for x in 0..64 {
            for y in 0..36 {
                let value = of(x, y);
                canvas.stroke(x, y, y + 1, [value, value, value, 255]);
            }
        }
        canvas
    }

    fn scene(x: usize, y: usize) -> u8 {
        (40 + (x * 7 + y * 13) % 90 + x * y * 80 / (64 * 36)) as u8
    }

    #[test]
    fn a_scene_shows_more_than_black_white_grey_a_fade_a_title_or_a_cut() {
        let good = score(&canvas(scene), None, None);
        let others = [
            ("black", canvas(|_, _| 16)),
            ("white", canvas(|_, _| 250)),
            ("grey", canvas(|_, _| 128)),
            ("faded", canvas(|x, y| scene(x, y) / 4)),
            ("title", canvas(|x, y| if (20..40).contains(&x) && y == 18 { 235 } else { 0 })),
        ];
        for (name, other) in others {
            let other = score(&other, None, None);
            assert!(good.score > 2 * other.score, "{name}: {other:?} against {good:?}");
        }
        let cut = score(&canvas(scene), None, Some(&canvas(|x, y| 255 - scene(x, y))));
        assert!(good.score > 2 * cut.score, "{cut:?} against {good:?}");
        assert_eq!(score(&canvas(scene), Some(&canvas(scene)), Some(&canvas(scene))), good);
    }

    #[test]
    fn frames_of_a_few_samples_are_judged_too() {
        for (width, height) in [(1, 1), (2, 2), (3, 3), (1, 9)] {
            assert_eq!(score(&Canvas::new(width, height, [128; 4]), None, None).sharpness, 0);
        }
    }
}
