//! What is done to an audio track beside its format.

use serde::{Deserialize, Serialize};
use trix_model::time::{Rational, Timestamp};

/// What becomes of the pitch when audio is made faster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pitch {
    /// It rises with the tempo, as on a tape that runs faster: every sample has its exact place, and 25/24 is 0.7
    /// semitones.
    #[default]
    Follow,
    /// It stays. Pieces of 40 ms are laid over one another where they are alike: each lies within 10 ms of its exact
    /// place, and no error adds up; what follows silence lies at its exact place.
    Keep,
}

/// A number of samples that the output has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ExactLength {
    /// Samples from the start of the output on.
    pub samples: u64,
    /// Whether silence follows audio that is shorter.
    pub pad: bool,
    /// Whether the end of longer audio is cut.
    pub trim: bool,
}

/// What is done to an audio track beside its format. What the source has at time `t` is heard `(t - origin) / tempo +
/// offset` after the start of the output.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AudioEdit {
    /// How much later it is heard. Negative: earlier; what would lie before the start is left out.
    pub offset: Timestamp,
    /// How many times as fast it is, above zero.
    pub tempo: Rational,
    /// What the tempo does to the pitch.
    pub pitch: Pitch,
    /// How much longer the times of the source run than its samples; the samples are resampled by as much. 1 for a
    /// source whose clocks agree, or whose drift is not corrected.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub drift: Rational,
    /// How much louder it is, in dB; every sample is multiplied by `10^(gain / 20)`.
    pub gain_db: f64,
    /// The true peak that a limiter keeps it under, in dBTP, after the gain. `None`: no limiter.
    pub limit_dbtp: Option<f64>,
    /// How long it is, if not as long as the source.
    pub length: Option<ExactLength>,
}

/// What is made of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StemTarget {
    /// FFmpeg's name of the layout.
    pub layout: String,
    /// For each channel of the layout, the number of an input channel; these are counted through all inputs, from zero.
    /// Empty: in the order in which they come.
    pub order: Vec<usize>,
    /// Samples in a second; `None`: the highest of the inputs.
    pub sample_rate: Option<u32>,
}

fn one() -> Rational {
    Rational::new(1, 1)
}

fn is_one(ratio: &Rational) -> bool {
    *ratio == Rational::new(1, 1)
}
