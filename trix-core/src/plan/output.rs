//! The plan of a file or a rendition.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use trix_model::{decision::Decision, time::Timestamp};

use crate::{
    plan::{
        audio::AudioPlan,
        metadata::Metadata,
        video::{CopyPlan, VideoPlan},
    },
    spec::{container::Container, job::VerifyLevel},
};

/// The plan of a file or a rendition together with its encodes, as [`Plan::sink`](crate::Plan::sink) returns it.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OutputPlan {
    /// The file; of a rendition, the folder of its package with its name. No file of this name is written for it.
    #[serde(serialize_with = "trix_model::path_text::serialize")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// How the output is verified.
    pub verify: VerifyLevel,
    /// True if a file of this name may be replaced.
    pub overwrite: bool,
    /// Threads of its video encoder; `None` if no video is encoded.
    pub threads: Option<u32>,
    /// Container of the output.
    pub container: Container,
    /// The encoded video; `None` if video is copied or left out.
    pub video: Option<VideoPlan>,
    /// The copied video; `None` if video is encoded or left out.
    pub video_copy: Option<CopyPlan>,
    /// The audio tracks, in the order in which they are written.
    pub audio: Vec<AudioPlan>,
    /// Everything besides video and audio.
    #[serde(rename = "carried")]
    pub metadata: Metadata,
    /// The source time at time zero of the output.
    pub origin: Timestamp,
    /// The start of the output, in source time.
    pub start: Option<Timestamp>,
    /// The end of the output, in source time.
    pub end: Option<Timestamp>,
    /// The largest number of frames.
    pub frames: Option<u64>,
    /// Automatic decisions.
    pub decisions: Vec<Decision>,
    /// Content of the source that the output lacks, and other notes for the reader of the report.
    pub notes: Vec<String>,
}
