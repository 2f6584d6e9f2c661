//! Scores as numbers that can be compared and added up.

use trix_model::settings::video::TargetMetric;

use crate::quality::Score;

/// The peak signal-to-noise ratio that stands for equal frames, in decibels.
const EQUAL: f64 = 100.0;

/// The scale on which scores of a metric are searched: one on which they fall evenly as the factor grows.
#[derive(Clone, Copy)]
pub(super) struct Scale(pub(super) TargetMetric);

impl Scale {
    pub(super) fn of_score(self, score: f64) -> f64 {
        match self.0 {
            TargetMetric::Ssim => -10.0 * (1.0 - score).max(1e-10).log10(),
            TargetMetric::Psnr | TargetMetric::Vmaf => score,
        }
    }

    /// The score at a place of the scale.
    pub(super) fn score(self, place: f64) -> f64 {
        match self.0 {
            TargetMetric::Ssim => 1.0 - 10f64.powf(-place / 10.0),
            TargetMetric::Psnr | TargetMetric::Vmaf => place,
        }
    }

    /// The place on the scale of the score of all parts together.
    pub(super) fn mean(self, scores: &[Score]) -> f64 {
        let frames: f64 = scores.iter().map(|score| score.frames as f64).sum();
        let mean = |of: &dyn Fn(&Score) -> f64| {
            scores.iter().map(|score| of(score) * score.frames as f64).sum::<f64>() / frames
        };
        match self.0 {
            // The ratio of the whole film has the mean of the errors.
            TargetMetric::Psnr => -10.0 * mean(&|own| 10f64.powf(-own.psnr_db.unwrap_or(EQUAL) / 10.0)).log10(),
            TargetMetric::Ssim => self.of_score(mean(&|own| own.ssim.unwrap_or(1.0))),
            TargetMetric::Vmaf => mean(&|own| own.vmaf.unwrap_or(f64::NAN)),
        }
    }

    /// A score in messages.
    pub(super) fn text(self, score: f64) -> String {
        match self.0 {
            TargetMetric::Psnr => format!("{score:.2} dB"),
            TargetMetric::Ssim => format!("{score:.5}"),
            TargetMetric::Vmaf => format!("{score:.2}"),
        }
    }
}
