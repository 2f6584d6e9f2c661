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
}

impl Metric {
    /// Every metric, in the order of their names in messages.
    pub const ALL: [Metric; 2] = [Metric::Psnr, Metric::Ssim];

    /// The name in specs and reports: lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Metric::Psnr => "psnr",
            Metric::Ssim => "ssim",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An unknown metric name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown metric {name:?}; the metrics are {}", Metric::ALL.map(Metric::name).join(", "))]
pub struct UnknownMetric {
    /// The given name.
    pub name: String,
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(name: &str) -> Result<Metric, UnknownMetric> {
        let found = Metric::ALL.into_iter().find(|metric| metric.name() == name);
        found.ok_or_else(|| UnknownMetric { name: name.to_owned() })
    }
}
