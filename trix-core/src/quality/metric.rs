//! The measures of quality, and their names.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A full-reference measure of quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Metric {
    /// Peak signal-to-noise ratio, in decibels; see [`psnr`](super::psnr).
    Psnr,
    /// Structural similarity, −1 to 1; see [`ssim`](super::ssim).
    Ssim,
    /// VMAF of luma, 0 to 100, by the model `vmaf_v0.6.1`. Only in builds with the feature `vmaf`.
    Vmaf,
}

impl Metric {
    /// Every metric, in the order of their names in messages.
    pub const ALL: [Metric; 3] = [Metric::Psnr, Metric::Ssim, Metric::Vmaf];

    /// What is measured if nothing else is asked for.
    pub const DEFAULT: [Metric; 2] = [Metric::Psnr, Metric::Ssim];

    /// True if this build measures it.
    #[must_use]
    pub const fn is_built(self) -> bool {
        match self {
            Metric::Psnr | Metric::Ssim => true,
            Metric::Vmaf => cfg!(feature = "vmaf"),
        }
    }

    /// The name in specs and reports: lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Metric::Psnr => "psnr",
            Metric::Ssim => "ssim",
            Metric::Vmaf => "vmaf",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name of no metric, or of one that this build does not measure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct UnknownMetric {
    /// The given name.
    pub name: String,
}

impl UnknownMetric {
    fn text(&self) -> String {
        if Metric::ALL.iter().any(|metric| metric.name() == self.name) {
            return format!("this build does not measure {}; the feature {} adds it", self.name, self.name);
        }
        let built: Vec<_> = Metric::ALL.into_iter().filter(|metric| metric.is_built()).map(Metric::name).collect();
        format!("unknown metric {:?}; the metrics are {}", self.name, built.join(", "))
    }
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(name: &str) -> Result<Metric, UnknownMetric> {
        let found = Metric::ALL.into_iter().find(|metric| metric.name() == name && metric.is_built());
        found.ok_or_else(|| UnknownMetric { name: name.to_owned() })
    }
}
