//! The plan of an audio track.

use serde::{Deserialize, Serialize};
use trix_model::time::Timestamp;

use crate::{
    plan::{
        ids::{StreamId, StreamKeys},
        loudness::Settled,
    },
    spec::{audio_edit::AudioEdit, track::LoudnessTarget},
};

/// How an audio track comes to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AudioPlan {
    /// The stream that it comes from.
    #[serde(flatten)]
    #[schemars(with = "StreamKeys")]
    pub stream: StreamId,
    /// FFmpeg's name of the codec as written.
    pub codec: String,
    /// Whether compressed audio is copied.
    pub copied: bool,
    /// Whether every sample comes back as it went into the encoder.
    pub lossless: bool,
    /// FFmpeg's name of the sample format that the encoder takes.
    pub sample_format: Option<String>,
    /// Significant bits of an integer sample; `None` for floating point and for copied audio.
    pub bits: Option<u32>,
    /// Samples in a second.
    pub sample_rate: u32,
    /// Channels, as FFmpeg describes them.
    pub layout: String,
    /// The layout that channels without one are taken for.
    pub assumed_layout: Option<String>,
    /// What is done to the channels.
    pub remix: Option<Remix>,
    /// What changes the sample rate.
    pub resampler: Option<Resampler>,
    /// Whether the rounding to fewer bits is spread by triangular dither.
    pub dithered: bool,
    /// Bits in a second, for lossy codecs.
    pub bit_rate: Option<u64>,
    /// ISO 639 code from the source.
    pub language: Option<String>,
    /// Title from the source.
    pub title: Option<String>,
    /// Whether players pick it by default.
    pub is_default: bool,
    /// What is done to the audio beside its format.
    pub edit: AudioEdit,
    /// The loudness that it is brought to, by a gain that is measured before the job runs.
    pub loudness: Option<LoudnessTarget>,
    /// What was measured for that, and the gain, which is part of `edit`; not known while nothing runs.
    pub settled: Option<Settled>,
    /// What of its own time is heard at the start of the output: the output's origin, or, of a track from beside the
    /// source, the start of its file.
    pub origin: Option<Timestamp>,
    /// How long it must last, where that is asked for.
    pub must_last: Option<MustLast>,
    /// Whether a drift of its times is measured before the job runs, and the audio resampled by as much.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub corrects_drift: bool,
}

/// How long a track must last.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct MustLast {
    /// Samples.
    pub samples: u64,
    /// By how much it may differ.
    pub tolerance: Timestamp,
    /// Samples in a second.
    pub sample_rate: u32,
}

/// What is done to channels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Remix {
    /// The same samples under the names of other speakers.
    Relabel,
    /// Some channels, in another order or beside silent ones; their samples are the same.
    Pick {
        /// For each channel of the output, which channel of the source it is, counted from 0; `null` is silence.
        channels: Vec<Option<u32>>,
    },
    /// Mixed by libswresample with the coefficients of ITU-R BS.775 (annex 4): the centre and each surround channel go
    /// to left and right with a factor of one half's square root, low-frequency effects are left out. All factors are
    /// divided by the largest sum of a channel's factors, so that nothing clips.
    Standard,
    /// Mixed as the user says.
    Matrix {
        /// A row for each channel of the output, in it a factor for each channel of the source.
        rows: Vec<Vec<f64>>,
    },
}

/// What changes the sample rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Resampler {
    /// libsoxr at 28 bits of precision, its highest quality.
    Soxr,
    /// libswresample's own filters, longer than by default.
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
