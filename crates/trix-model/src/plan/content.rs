//! The plan of the content of a file or rendition.

use serde::{Deserialize, Serialize};

use crate::{
    decision::Decision,
    plan::{audio::AudioPlan, ids::EncodeId, metadata::Metadata, video::CopyPlan},
    time::Timestamp,
};

/// What is written into a file or a rendition.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ContentPlan {
    /// The encode of the video; `None` when video is copied or left out.
    pub video: Option<EncodeId>,
    /// Which compressed frames are copied; `None` when they are encoded or left out.
    pub video_copy: Option<CopyPlan>,
    /// The audio tracks, in the order in which they are written.
    pub audio: Vec<AudioContent>,
    /// What goes along with them.
    #[serde(rename = "carried")]
    pub metadata: Metadata,
    /// What is presented at time zero, in the source's time.
    pub origin: Timestamp,
    /// Where the content begins, in the source's time.
    pub start: Option<Timestamp>,
    /// Where it ends, in the source's time.
    pub end: Option<Timestamp>,
    /// Most frames.
    pub frames: Option<u64>,
    /// What was decided without being asked.
    pub decisions: Vec<Decision>,
    /// What the source has and the output will not, and whatever else a reader of the report should know.
    pub notes: Vec<String>,
}

/// How an audio track comes to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AudioContent {
    /// The packets of an encode.
    Encoded(EncodeId),
    /// Packets of the source, or of an external track.
    Copied(Box<AudioPlan>),
}

impl ContentPlan {
    /// The encodes whose packets it takes.
    pub fn encodes(&self) -> impl Iterator<Item = EncodeId> {
        let audio = self.audio.iter().filter_map(|track| match track {
            AudioContent::Encoded(id) => Some(*id),
            AudioContent::Copied(_) => None,
        });
        self.video.into_iter().chain(audio)
    }
}
