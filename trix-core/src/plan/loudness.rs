//! The measured loudness of a track, and the gain that brings it to its target.

use serde::{Deserialize, Serialize};

/// What a track was measured to be, and what brings it to its target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Settled {
    /// Before.
    pub measured: Loudness,
    /// What is done.
    pub normalisation: Normalisation,
    /// Under a limiter, what was measured behind it; `None` where a gain alone does it, whose result is known.
    pub limited: Option<Loudness>,
}

/// How loud audio is. `None` stands for silence: for all values below what the standards count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Loudness {
    /// Gated loudness of the whole, in LUFS (BS.1770-5); `None` also where it is shorter than 400 ms.
    pub integrated_lufs: Option<f64>,
    /// Loudness range in LU (Tech 3342); `None` where nothing is above its gates, or it is shorter than 3 s.
    pub range_lu: Option<f64>,
    /// The highest true peak of all channels, in dBTP, by four times the rate (twice from 96 kHz on, once from 192 kHz
    /// on). As BS.1770-5 (annex 2) has it, tones read 0.4 dB low at the most; noise next to half the sample rate, up to
    /// 1 dB.
    pub true_peak_dbtp: Option<f64>,
    /// The highest true peak of each channel, in dBTP.
    pub true_peaks_dbtp: Vec<Option<f64>>,
    /// The highest sample of all channels, in dB below full scale.
    pub sample_peak_dbfs: Option<f64>,
    /// The highest loudness of any 400 ms, in LUFS, tried every 10 ms.
    pub max_momentary_lufs: Option<f64>,
    /// The highest loudness of any 3 s, in LUFS, tried every 10 ms.
    pub max_short_term_lufs: Option<f64>,
    /// Samples in each channel.
    pub samples: u64,
    /// Samples in a second.
    pub sample_rate: u32,
    /// What each channel counts, as a factor of its power: 1 for front channels, 1.41 for those 60 to 120 degrees to the
    /// side, 0 for low-frequency effects. Channels without a layout count 1 each, and so does mono: played by two
    /// loudspeakers it is 3 dB louder than its number says.
    pub weights: Vec<f64>,
}

/// What is done to bring a track to its target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Normalisation {
    /// The gain, in dB.
    pub gain_db: f64,
    /// The gain that the target alone would ask for, in dB.
    pub wanted_gain_db: f64,
    /// Whether the true peak stands in the way: with a linear gain, the track stays below the target; else a limiter
    /// works.
    pub limited: bool,
    /// The true peak that a limiter keeps, in dBTP; `None`: no limiter.
    pub limit_dbtp: Option<f64>,
    /// The loudness that comes out, in LUFS; under a limiter a little less. `None` for silence, which is left alone.
    pub expected_lufs: Option<f64>,
    /// The true peak that comes out, in dBTP.
    pub expected_true_peak_dbtp: Option<f64>,
}
