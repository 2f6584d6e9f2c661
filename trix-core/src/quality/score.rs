//! The result of a comparison.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::curve::ScoreCurve;

/// The similarity of a clip to its reference. All values are 0, `false`, `None` or empty if no frame was compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Score {
    /// Pairs of frames compared.
    pub frames: u64,
    /// Of these, the pairs that are equal in every sample of all planes.
    pub identical_frames: u64,
    /// True if at least one pair was compared and all were equal in every sample.
    pub identical: bool,
    /// PSNR in decibels, from the mean squared error over all samples of all planes and frames, so that planes are
    /// weighted by their size. `None` if the clips are identical (the ratio has no finite value) or PSNR was not
    /// measured.
    pub psnr_db: Option<f64>,
    /// SSIM, as the mean over the frames of the mean over the planes, weighted by their size; −1 to 1. `None` if SSIM
    /// was not measured.
    pub ssim: Option<f64>,
    /// VMAF of luma, as the mean over the frames; 0 to 100. `None` if it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vmaf: Option<f64>,
    /// The same for each plane, in the order of the frame's planes.
    pub planes: Vec<PlaneScore>,
    /// The first of the frames with the lowest luma PSNR. `None` if PSNR was not measured or luma is equal in all
    /// frames.
    pub worst_psnr: Option<WorstFrame>,
    /// The first of the frames with the lowest luma SSIM. `None` if SSIM was not measured or luma is equal in all
    /// frames.
    pub worst_ssim: Option<WorstFrame>,
    /// The similarity of luma over time. `None` if no metric was measured.
    #[serde(default)]
    pub curve: Option<ScoreCurve>,
}

/// The part of a [`Score`] for one plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlaneScore {
    /// The plane.
    pub plane: PlaneLabel,
    /// True if the plane is equal in every sample of every pair.
    pub identical: bool,
    /// PSNR in decibels, from the mean over the frames of the plane's mean squared error. `None` if the planes are
    /// identical (the ratio has no finite value) or PSNR was not measured.
    pub psnr_db: Option<f64>,
    /// Mean of the plane's SSIM over the frames; −1 to 1. `None` if SSIM was not measured.
    pub ssim: Option<f64>,
}

/// A frame that a [`Score`] names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorstFrame {
    /// Its place in the order of the comparison, from 0.
    pub frame: u64,
    /// PSNR of its luma, in decibels. `None` if it was not measured.
    pub luma_psnr_db: Option<f64>,
    /// SSIM of its luma; −1 to 1. `None` if it was not measured.
    pub luma_ssim: Option<f64>,
}

/// The plane of a score, by its position in the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum PlaneLabel {
    /// Luma: the first plane, and the only plane of grey frames.
    Y,
    /// Blue-difference chroma: the second of three or four.
    U,
    /// Red-difference chroma: the third of three or four.
    V,
    /// Alpha: the second of two, the fourth of four.
    A,
}

impl PlaneLabel {
    /// The labels of a frame with `planes` planes. Empty if such frames cannot be compared.
    pub(super) fn of(planes: usize) -> &'static [PlaneLabel] {
        use PlaneLabel::{A, U, V, Y};
        match planes {
            1 => &[Y],
            2 => &[Y, A],
            3 => &[Y, U, V],
            4 => &[Y, U, V, A],
            _ => &[],
        }
    }
}

impl fmt::Display for PlaneLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            PlaneLabel::Y => "Y",
            PlaneLabel::U => "U",
            PlaneLabel::V => "V",
            PlaneLabel::A => "A",
        })
    }
}
