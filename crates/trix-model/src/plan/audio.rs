//! The plan of an audio track.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, ErrorKind, Result, Stage},
    plan::{
        ids::{StreamId, StreamKeys},
        loudness::Settled,
    },
    settings::{
        audio_edit::AudioEdit,
        track::{LengthPolicy, LoudnessTarget},
    },
    time::Timestamp,
};

/// How an audio track is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AudioPlan {
    /// The stream that it comes from.
    #[serde(flatten)]
    #[schemars(with = "StreamKeys")]
    pub stream: StreamId,
    /// FFmpeg's name of the codec as written.
    pub codec: String,
    /// True if compressed audio is copied.
    pub copied: bool,
    /// True if every decoded sample equals the sample that was encoded.
    pub lossless: bool,
    /// FFmpeg's name of the sample format for the encoder.
    pub sample_format: Option<String>,
    /// Significant bits of an integer sample; `None` for floating point and for copied audio.
    pub bits: Option<u32>,
    /// Sample rate in Hz.
    pub sample_rate: u32,
    /// Channel layout, as FFmpeg describes it.
    pub layout: String,
    /// The layout that is assumed for audio without one.
    pub assumed_layout: Option<String>,
    /// The remix, if the layout changes.
    pub remix: Option<Remix>,
    /// The resampler, if the rate changes.
    pub resampler: Option<Resampler>,
    /// True if rounding to fewer bits is dithered (triangular).
    pub dithered: bool,
    /// Bits per second, for lossy codecs.
    pub bit_rate: Option<u64>,
    /// ISO 639 code from the source.
    pub language: Option<String>,
    /// Title from the source.
    pub title: Option<String>,
    /// True if players select it by default.
    pub is_default: bool,
    /// Changes to the audio other than its format.
    pub edit: AudioEdit,
    /// The target loudness. The gain is measured before the job runs.
    pub loudness: Option<LoudnessTarget>,
    /// The measurement for the target loudness and its gain, which is part of `edit`; `None` until it is measured.
    pub settled: Option<Settled>,
    /// The time of the track at the start of the output: the origin of the output, or, for an external audio track, the
    /// start of its file.
    pub origin: Option<Timestamp>,
    /// The required length, if there is one.
    pub must_last: Option<MustLast>,
    /// True if drift is measured before the job runs, and the audio is resampled by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub corrects_drift: bool,
}

impl AudioPlan {
    /// True if every sample of the source is written unchanged, in whatever packing.
    #[doc(hidden)]
    pub fn keeps_bits(&self) -> bool {
        let is_mixed = matches!(self.remix, Some(Remix::Standard | Remix::Matrix { .. }));
        self.lossless && !is_mixed && self.resampler.is_none() && !self.dithered && !self.edit.changes_values()
    }

    /// The audio from `origin` to `end`, in a lossless format.
    #[doc(hidden)]
    pub fn heard_within(&self, origin: Timestamp, end: Option<Timestamp>) -> AudioTarget {
        AudioTarget {
            sample_format: "dblp".to_owned(),
            bits: None,
            dithered: false,
            sample_rate: self.sample_rate,
            resampler: self.resampler,
            layout: self.layout.clone(),
            assumed_layout: self.assumed_layout.clone(),
            remix: self.remix.clone(),
            block: 0,
            origin,
            end,
            lead: 0,
            tail: 0,
        }
    }
}

/// The required length of a track.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct MustLast {
    /// Length in samples.
    pub samples: u64,
    /// The allowed difference.
    pub tolerance: Timestamp,
    /// Sample rate in Hz.
    pub sample_rate: u32,
}

impl MustLast {
    /// # Errors
    /// `MalformedInput` if audio that ends at sample `end` differs from the required length by more than the tolerance.
    #[doc(hidden)]
    pub fn check(&self, end: i64) -> Result<()> {
        if !LengthPolicy::Fail.is_broken(end, self.samples, self.tolerance, self.sample_rate) {
            return Ok(());
        }
        let seconds = |samples: f64| samples / f64::from(self.sample_rate);
        let detail = format!(
            "the track ends after {:.3} s and the video after {:.3} s; the job allows {} s between them",
            seconds(end as f64),
            seconds(self.samples as f64),
            self.tolerance.as_spec()
        );
        Err(Error::new(ErrorKind::MalformedInput, Stage::Decode, detail))
    }
}

/// How channels are remixed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Remix {
    /// The same samples with other loudspeaker names.
    Relabel,
    /// Some channels, in another order or together with silent ones; their samples are unchanged.
    Pick {
        /// For each channel of the output, the number of the source channel, from 0; `null` is silence.
        channels: Vec<Option<u32>>,
    },
    /// Mixed by libswresample with the coefficients of ITU-R BS.775 (annex 4): the centre and each surround channel go
    /// to left and right with a factor of the square root of one half, and low-frequency effects are left out. All
    /// factors are divided by the largest sum of the factors of one channel, so that nothing clips.
    Standard,
    /// Mixed with the matrix of the job.
    Matrix {
        /// One row for each channel of the output, with one factor for each channel of the source.
        rows: Vec<Vec<f64>>,
    },
}

/// The library that changes the sample rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Resampler {
    /// libsoxr at 28 bits of precision, its highest quality.
    Soxr,
    /// libswresample's own filters, longer than its default.
    Swr,
}

/// The format and span of converted audio.
#[derive(Clone, Debug, PartialEq)]
pub struct AudioTarget {
    /// FFmpeg's name of the sample format.
    pub sample_format: String,
    /// Significant bits of integer samples.
    pub bits: Option<u32>,
    /// True if rounding to `bits` is dithered.
    pub dithered: bool,
    /// Sample rate in Hz.
    pub sample_rate: u32,
    /// The resampler, if the rate changes.
    pub resampler: Option<Resampler>,
    /// FFmpeg's description of the channel layout.
    pub layout: String,
    /// The layout that is assumed for audio without one.
    pub assumed_layout: Option<String>,
    /// The remix, if the layout changes.
    pub remix: Option<Remix>,
    /// Samples in a block; 0 for any.
    pub block: usize,
    /// The source time at the start of the output.
    pub origin: Timestamp,
    /// The end of the output, if it is before the end of the source.
    pub end: Option<Timestamp>,
    /// Samples of silence before the origin; their times are negative.
    pub lead: usize,
    /// Samples of silence after the end.
    pub tail: usize,
}

impl AudioTarget {
    /// Returns this target with another sample rate and, if the rate changes, with the resampler that `resampler` returns.
    pub fn at_rate(self, sample_rate: u32, resampler: impl FnOnce() -> Resampler) -> Self {
        let resampler = (sample_rate != self.sample_rate).then(resampler).or(self.resampler);
        AudioTarget { sample_rate, resampler, ..self }
    }

    /// Returns this target with FFmpeg's sample format `sample_format` and `bits` significant bits (`None`: floating
    /// point), dithered or only rounded.
    pub fn in_format(self, sample_format: &str, bits: Option<u32>, dithered: bool) -> Self {
        AudioTarget { sample_format: sample_format.to_owned(), bits, dithered, ..self }
    }
}
