//! What became of the inputs of combined audio.

use serde::Serialize;

/// What became of the inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct StemReport {
    /// Samples in a second of the output.
    pub sample_rate: u32,
    /// Samples in each channel of the output so far.
    pub samples: u64,
    /// Each input.
    pub stems: Vec<StemFacts>,
}

/// What became of one input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct StemFacts {
    /// The file, as errors call it.
    pub file: String,
    /// Samples in a second, where they were not those of the output.
    pub resampled_from: Option<u32>,
    /// Samples of silence that were added at its end so far, at the rate of the output.
    pub padded: u64,
}
