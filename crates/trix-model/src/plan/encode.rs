//! The plan of an encode: everything that decides about the packets of an encoder.

use serde::{Deserialize, Serialize};

use crate::{
    plan::{audio::AudioPlan, video::VideoPlan},
    time::Timestamp,
};

/// An encode. It runs once, however many files and renditions take its packets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EncodePlan {
    /// Of video.
    Video(Box<VideoEncode>),
    /// Of an audio track.
    Audio(Box<AudioEncode>),
}

/// An encode of video. Its filter step decides which frames it gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct VideoEncode {
    /// What is encoded, and how.
    pub video: VideoPlan,
    /// Threads of the encoder: of x264 frames or slices, of x265 its pool. The options of the video have the same number.
    pub threads: u32,
    /// The source time at time zero of the packets.
    pub origin: Timestamp,
}

/// An encode of an audio track.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AudioEncode {
    /// What is encoded, and how.
    pub audio: AudioPlan,
    /// The source time at time zero of the packets.
    pub origin: Timestamp,
    /// Where the audio ends, in the source's time; `None`: with its stream.
    pub end: Option<Timestamp>,
    /// True if silence comes first, so that the container can state the encoder's delay in whole milliseconds.
    pub whole_milliseconds: bool,
}

impl EncodePlan {
    /// The encode of video.
    pub fn video(&self) -> Option<&VideoEncode> {
        match self {
            EncodePlan::Video(own) => Some(own),
            EncodePlan::Audio(_) => None,
        }
    }

    /// The encode of audio.
    pub fn audio(&self) -> Option<&AudioEncode> {
        match self {
            EncodePlan::Video(_) => None,
            EncodePlan::Audio(own) => Some(own),
        }
    }
}
