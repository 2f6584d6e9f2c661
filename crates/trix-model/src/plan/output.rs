//! The plan of a file or a rendition.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    decision::Decision,
    plan::{
        audio::{AudioPlan, AudioTarget},
        metadata::{Metadata, TrackTags},
        video::{CopyPlan, VideoPlan},
    },
    settings::{container::Container, job::VerifyLevel},
    time::Timestamp,
};

/// The plan of a file or a rendition together with its encodes, as [`Plan::sink`](crate::plan::Plan::sink) returns it.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OutputPlan {
    /// The file; of a rendition, the folder of its package with its name. No file of this name is written for it.
    #[serde(with = "crate::path_text")]
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

impl OutputPlan {
    /// The tags of the track that comes from stream `index` of the source.
    #[doc(hidden)]
    pub fn tags(&self, index: usize) -> TrackTags {
        self.metadata.tags.get(&index).cloned().unwrap_or_default()
    }

    /// Where audio and subtitles end: with the frames, if those are cut.
    #[doc(hidden)]
    pub fn span_end(&self) -> Option<Timestamp> {
        let by_frames = end_by_frames(self.origin, self.frames, self.video.as_ref());
        [self.end, by_frames].into_iter().flatten().min()
    }
}

impl AudioPlan {
    /// The audio that `output` plays, in a lossless format.
    #[doc(hidden)]
    pub fn heard(&self, output: &OutputPlan) -> AudioTarget {
        // The end of an external audio track is in its own time, and part of its edit.
        let end = output.span_end().filter(|_| self.stream.external_audio().is_none());
        self.heard_within(self.origin.unwrap_or(output.origin), end)
    }
}

/// The time after `frames` frames from `origin`.
#[doc(hidden)]
pub fn end_by_frames(origin: Timestamp, frames: Option<u64>, video: Option<&VideoPlan>) -> Option<Timestamp> {
    let (frames, video) = frames.zip(video)?;
    Some(origin.plus(Timestamp::new(i64::try_from(frames).ok()?, video.source_rate.inverse())))
}
