//! Changes to an audio track other than its format.

use serde::{Deserialize, Serialize};
use trix_model::time::{Rational, Timestamp};

/// What happens to the pitch when the tempo changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pitch {
    /// The pitch rises with the tempo, as on a tape that runs faster. Every sample has its exact place. 25/24 raises
    /// the pitch by 0.7 semitones.
    #[default]
    Follow,
    /// The pitch stays. Pieces of 40 ms are overlapped where they are similar: each lies within 10 ms of its exact
    /// place, and errors do not add up. Audio after silence lies at its exact place.
    Keep,
}

/// An exact number of samples of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ExactLength {
    /// Samples, counted from the start of the output.
    pub samples: u64,
    /// True if silence follows shorter audio.
    pub pad: bool,
    /// True if the end of longer audio is cut.
    pub trim: bool,
}

/// Changes to an audio track other than its format. Audio of source time `t` plays `(t - origin) / tempo + offset`
/// after the start of the output.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AudioEdit {
    /// How much later the audio plays. Negative: earlier, and audio before the start is left out.
    pub offset: Timestamp,
    /// The speed as a factor, above zero.
    pub tempo: Rational,
    /// What the tempo does to the pitch.
    pub pitch: Pitch,
    /// The duration by the timestamps of the source, divided by the duration by its samples. The samples are resampled
    /// by this factor. 1 if the two agree, or if drift is not corrected.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub drift: Rational,
    /// Gain in dB; every sample is multiplied by `10^(gain / 20)`.
    pub gain_db: f64,
    /// The limit for the true peak after the gain, in dBTP, which a limiter enforces. `None`: no limiter.
    pub limit_dbtp: Option<f64>,
    /// The length, if it differs from the source's.
    pub length: Option<ExactLength>,
}

/// The audio track that is made of stems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StemTarget {
    /// FFmpeg's name of the layout.
    pub layout: String,
    /// For each channel of the layout, the number of an input channel. Input channels are counted through all inputs,
    /// from zero. Empty: the order of the inputs.
    pub order: Vec<usize>,
    /// Sample rate in Hz; `None`: the highest of the inputs.
    pub sample_rate: Option<u32>,
}

fn one() -> Rational {
    Rational::new(1, 1)
}

fn is_one(ratio: &Rational) -> bool {
    *ratio == Rational::new(1, 1)
}
