//! Quality of a copy against its reference: PSNR and SSIM over the planes of a clip, and VMAF of luma.
//!
//! Invariant: a score averages only pairs of one geometry. A rejected pair changes nothing.

mod metric;
mod score;
mod curve;
mod mismatch;
mod planes;
pub mod psnr;
pub mod ssim;
mod strip;
mod vmaf;
mod comparator;

pub use self::{
    comparator::Comparator,
    curve::ScoreCurve,
    metric::{Metric, UnknownMetric},
    mismatch::Mismatch,
    score::{PlaneLabel, PlaneScore, Score, WorstFrame},
};
