//! The measured loudness of a track, and the gain to its target.

use serde::{Deserialize, Serialize};

use crate::settings::audio_edit::AudioEdit;

/// The measurement of a track, and the normalisation to its target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Settled {
    /// Loudness before normalisation.
    pub measured: Loudness,
    /// The normalisation.
    pub normalisation: Normalisation,
    /// With a limiter, the loudness measured after it; `None` if a gain alone is enough, whose result is known.
    pub limited: Option<Loudness>,
}

/// The loudness of audio. `None` stands for silence, for all values below the gates of the standards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Loudness {
    /// Gated loudness of the whole, in LUFS (BS.1770-5); `None` also for audio shorter than 400 ms.
    pub integrated_lufs: Option<f64>,
    /// Loudness range in LU (Tech 3342); `None` if nothing is above its gates, or the audio is shorter than 3 s.
    pub range_lu: Option<f64>,
    /// The highest true peak of all channels, in dBTP, at four times the sample rate (twice from 96 kHz, once from
    /// 192 kHz). As BS.1770-5 (annex 2) states, tones read at most 0.4 dB low; noise close to half the sample rate, up
    /// to 1 dB.
    pub true_peak_dbtp: Option<f64>,
    /// The highest true peak of each channel, in dBTP.
    pub true_peaks_dbtp: Vec<Option<f64>>,
    /// The highest sample of all channels, in dBFS.
    pub sample_peak_dbfs: Option<f64>,
    /// The highest loudness of any 400 ms, in LUFS, measured every 10 ms.
    pub max_momentary_lufs: Option<f64>,
    /// The highest loudness of any 3 s, in LUFS, measured every 10 ms.
    pub max_short_term_lufs: Option<f64>,
    /// Samples per channel.
    pub samples: u64,
    /// Sample rate in Hz.
    pub sample_rate: u32,
    /// The weight of each channel, as a factor of its power: 1 for front channels, 1.41 for those 60 to 120 degrees to
    /// the side, 0 for low-frequency effects. Channels without a layout have weight 1 each, and so does mono: two
    /// loudspeakers play it 3 dB louder than its number.
    pub weights: Vec<f64>,
}

/// How a track is brought to its target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Normalisation {
    /// The gain, in dB.
    pub gain_db: f64,
    /// The gain for the target without the peak limit, in dB.
    pub wanted_gain_db: f64,
    /// True if the true peak limits the gain. A track with a linear gain then stays below the target; otherwise a
    /// limiter is used.
    pub limited: bool,
    /// The true peak limit of the limiter, in dBTP; `None`: no limiter.
    pub limit_dbtp: Option<f64>,
    /// The expected loudness, in LUFS; with a limiter it is a little lower. `None` for silence, which is unchanged.
    pub expected_lufs: Option<f64>,
    /// The expected true peak, in dBTP.
    pub expected_true_peak_dbtp: Option<f64>,
}

impl Normalisation {
    /// Adds this gain and the limiter to `edit`.
    pub fn applied_to(&self, edit: AudioEdit) -> AudioEdit {
        AudioEdit { gain_db: edit.gain_db + self.gain_db, limit_dbtp: self.limit_dbtp.or(edit.limit_dbtp), ..edit }
    }
}
