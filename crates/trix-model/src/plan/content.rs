//! The plan of the content of a file or rendition.

use serde::{Deserialize, Serialize};

use crate::{
    decision::Decision,
    plan::{audio::AudioPlan, ids::EncodeId, metadata::Metadata, video::CopyPlan},
    time::Timestamp,
};

/// The content of a file or a rendition.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ContentPlan {
    /// The encode of the video. `None` if video is copied or left out.
    pub video: Option<EncodeId>,
    /// The copied frames. `None` if video is encoded or left out.
    pub video_copy: Option<CopyPlan>,
    /// The audio tracks, in file order.
    pub audio: Vec<AudioContent>,
    /// Subtitles, chapters, tags and other metadata.
    #[serde(rename = "carried")]
    pub metadata: Metadata,
    /// The time in the source that becomes time zero.
    pub origin: Timestamp,
    /// Start of the content, in the time of the source.
    pub start: Option<Timestamp>,
    /// End of the content, in the time of the source.
    pub end: Option<Timestamp>,
    /// Maximum number of frames.
    pub frames: Option<u64>,
    /// Decisions that the job left open.
    pub decisions: Vec<Decision>,
    /// Properties of the source that the output will lack, and other facts for a reader of the report.
    pub notes: Vec<String>,
}

/// The origin of an audio track.
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
