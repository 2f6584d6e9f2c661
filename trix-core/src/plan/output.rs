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

/// What will be written into a file or a rendition, with its encodes: [`Plan::sink`](crate::Plan::sink) gathers it.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OutputPlan {
    /// The file; of a rendition, the folder of its package with its name. No file of this name is written for it.
    #[serde(serialize_with = "trix_model::path_text::serialize")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// How it is checked.
    pub verify: VerifyLevel,
    /// True if a file of this name may be replaced.
    pub overwrite: bool,
    /// Threads of its video encoder; `None`: what the library chooses for this machine.
    pub threads: Option<u32>,
    /// Container of the output.
    pub container: Container,
    /// What is encoded of the frames; `None` when they are copied or left out.
    pub video: Option<VideoPlan>,
    /// Which compressed frames are copied; `None` when they are encoded or left out.
    pub video_copy: Option<CopyPlan>,
    /// The audio tracks, in the order in which they are written.
    pub audio: Vec<AudioPlan>,
    /// What goes along with them.
    pub metadata: Metadata,
    /// What is presented at time zero of the output, in the source's time.
    pub origin: Timestamp,
    /// Where the output begins, in the source's time.
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
