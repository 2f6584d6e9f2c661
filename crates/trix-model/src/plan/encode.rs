//! The plan of an encode: everything that decides about the packets of an encoder.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    plan::{audio::AudioPlan, ids::EncodeId, video::VideoPlan},
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
    /// Its part in a group of encodes that share one analysis; `None` if it is analysed for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing: Option<Sharing>,
}

/// The part of an encode in a group that shares one analysis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Sharing {
    /// It analyses each frame, and gives its decisions to these encodes.
    Lead {
        /// The encodes that follow.
        followers: Vec<EncodeId>,
    },
    /// It takes the decisions of another encode.
    Follower {
        /// The encode that leads.
        lead: EncodeId,
        /// What it decides anew.
        mode: FollowMode,
    },
}

/// What a follower decides anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FollowMode {
    /// Modes and motion of blocks whose size is given.
    Balanced,
    /// Intra modes only.
    Fast,
}

impl fmt::Display for FollowMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FollowMode::Balanced => "balanced",
            FollowMode::Fast => "fast",
        })
    }
}

impl Sharing {
    /// The encodes that follow it.
    pub fn followers(&self) -> &[EncodeId] {
        match self {
            Sharing::Lead { followers } => followers,
            Sharing::Follower { .. } => &[],
        }
    }

    /// The encode that it follows.
    pub fn lead(&self) -> Option<EncodeId> {
        match self {
            Sharing::Lead { .. } => None,
            Sharing::Follower { lead, .. } => Some(*lead),
        }
    }
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
