//! A score over the time of a clip, in a bounded number of points.
//!
//! Invariant: all points but the last stand for the same number of frames.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::psnr;

/// The most points. A clip with more frames has several frames a point.
const MOST: usize = 512;

/// The similarity of luma over the time of a clip.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoreCurve {
    /// Frames of a point: a power of two, so that there are at most 512 points. The last point may have fewer.
    pub frames: u64,
    /// PSNR of each point in decibels, from the mean squared error over its frames. `None` where they are identical, or if PSNR was
    /// not measured.
    pub psnr_db: Vec<Option<f64>>,
    /// SSIM of each point, as the mean over its frames; −1 to 1. Empty if SSIM was not measured.
    pub ssim: Vec<f64>,
}

/// The sums of a point.
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    frames: u64,
    squared_error: f64,
    similarity: f64,
}

/// Sums up the frames of a clip.
#[derive(Clone, Debug)]
pub(super) struct CurveSums {
    frames: u64,
    points: Vec<Point>,
}

impl Default for CurveSums {
    fn default() -> Self {
        CurveSums { frames: 1, points: Vec::new() }
    }
}

impl CurveSums {
    /// Adds the next frame: its mean squared error and its similarity.
    pub(super) fn push(&mut self, squared_error: f64, similarity: f64) {
        let is_full = self.points.last().is_none_or(|last| last.frames == self.frames);
        if is_full && self.points.len() == MOST {
            self.frames *= 2;
            let pairs = self.points.chunks(2).map(|pair| {
                pair.iter().fold(Point::default(), |sum, one| Point {
                    frames: sum.frames + one.frames,
                    squared_error: sum.squared_error + one.squared_error,
                    similarity: sum.similarity + one.similarity,
                })
            });
            self.points = pairs.collect();
        }
        if is_full {
            self.points.push(Point::default());
        }
        if let Some(last) = self.points.last_mut() {
            last.frames += 1;
            last.squared_error += squared_error;
            last.similarity += similarity;
        }
    }

    /// The curve of luma with `depth` bits.
    pub(super) fn finish(self, depth: u32, with_psnr: bool, with_ssim: bool) -> ScoreCurve {
        let mean = |sum: f64, point: &Point| sum / point.frames as f64;
        let decibels = |point: &Point| {
            let found = with_psnr.then(|| psnr::decibels(mean(point.squared_error, point), depth)).flatten();
            found.map(|own| rounded(own, 1e3))
        };
        let similarity = |point: &Point| rounded(mean(point.similarity, point), 1e6);
        ScoreCurve {
            frames: self.frames,
            psnr_db: self.points.iter().map(decibels).collect(),
            ssim: if with_ssim { self.points.iter().map(similarity).collect() } else { Vec::new() },
        }
    }
}

/// A value as short text, in steps of one part of `parts`.
fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_clip_has_few_points_with_the_same_sums() {
        for count in [0, 1, 511, 512, 513, 1024, 1025, 10_000] {
            let mut sums = CurveSums::default();
            (0..count).for_each(|frame| sums.push(f64::from(frame), 0.5));
            let curve = sums.clone().finish(8, true, true);
            assert_eq!(curve.psnr_db.len(), (count as usize).div_ceil(curve.frames as usize));
            assert!(curve.psnr_db.len() <= MOST && curve.frames.is_power_of_two());
            let total: f64 = sums.points.iter().map(|point| point.squared_error).sum();
            assert_eq!(total, (0..count).map(f64::from).sum::<f64>());
            assert!(sums.points.iter().rev().skip(1).all(|point| point.frames == curve.frames));
            assert!(curve.ssim.iter().all(|similarity| *similarity == 0.5));
        }
    }

    #[test]
    fn identical_frames_have_no_finite_ratio() {
        let mut sums = CurveSums::default();
        sums.push(0.0, 1.0);
        sums.push(50.0, 0.25);
        let curve = sums.finish(8, true, false);
        assert_eq!((curve.psnr_db.len(), curve.psnr_db[0], curve.ssim.len()), (2, None, 0));
        assert_eq!(curve.psnr_db[1], Some(rounded(10.0 * (255.0f64 * 255.0 / 50.0).log10(), 1e3)));
    }
}
