//! The plan of everything beside video and audio: subtitles, chapters, attachments, tags.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trix_model::chapter::Chapter;

/// What goes along with video and audio.
#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Metadata {
    /// Subtitle tracks, in the order in which they are written, after the audio.
    pub subtitles: Vec<SubtitlePlan>,
    /// Chapters, in the time of the output.
    pub chapters: Vec<Chapter>,
    /// Files inside the file.
    pub attachments: Vec<AttachmentPlan>,
    /// Cover images that the container keeps among its tags.
    pub covers: Vec<CoverPlan>,
    /// Tags about the whole file.
    pub metadata: BTreeMap<String, String>,
    /// Time code of the first frame.
    pub timecode: Option<String>,
    /// Language, title and purpose of each track, by the index of its stream in the source.
    pub tags: BTreeMap<usize, TrackTags>,
}

/// How a track of subtitles comes to be.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SubtitlePlan {
    /// Index of the stream in the source.
    pub stream: usize,
    /// FFmpeg's name of the codec as written.
    pub codec: String,
    /// Whether it is copied; else text is converted.
    pub copied: bool,
}

/// A file inside the output, such as a font. Its bytes are read from the source again when the plan runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AttachmentPlan {
    /// Index of the stream in the source.
    pub stream: usize,
    /// File name.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// Size in bytes.
    pub bytes: u64,
    /// XXH3 (64 bits) of the bytes, as 16 hexadecimal digits.
    pub xxh3: String,
}

/// A cover image. Its bytes are read from the source again when the plan runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CoverPlan {
    /// Index of the stream in the source.
    pub stream: usize,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// Size in bytes.
    pub bytes: u64,
    /// XXH3 (64 bits) of the bytes, as 16 hexadecimal digits.
    pub xxh3: String,
}

/// What a container says of a track beside its codec.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TrackTags {
    /// ISO 639 code.
    pub language: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// What the track is for, by FFmpeg's names.
    pub disposition: Vec<String>,
    /// Anything else.
    pub other: Vec<(String, String)>,
}
