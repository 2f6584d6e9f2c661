//! The plan of everything besides video and audio: subtitles, chapters, attachments, tags.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::chapter::Chapter;

/// The content of an output besides video and audio.
#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Metadata {
    /// Subtitle tracks, in the order in which they are written, after the audio.
    pub subtitles: Vec<SubtitlePlan>,
    /// Chapters, in the time of the output.
    pub chapters: Vec<Chapter>,
    /// Files inside the output.
    pub attachments: Vec<AttachmentPlan>,
    /// Cover images that the container stores among its tags.
    pub covers: Vec<CoverPlan>,
    /// Tags of the whole file.
    pub metadata: BTreeMap<String, String>,
    /// Time code of the first frame.
    pub timecode: Option<String>,
    /// Language, title and purpose of each track, by the index of its stream in the source.
    pub tags: BTreeMap<usize, TrackTags>,
}

/// How a subtitle track is made.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SubtitlePlan {
    /// Index of the stream in the source.
    pub stream: usize,
    /// FFmpeg's name of the codec as written.
    pub codec: String,
    /// True if it is copied; false if its text is converted.
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

/// The properties of a track, other than its codec, that a container stores.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TrackTags {
    /// ISO 639 code.
    pub language: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// The purposes of the track, by FFmpeg's names.
    pub disposition: Vec<String>,
    /// All other tags.
    pub other: Vec<(String, String)>,
}

impl TrackTags {
    /// The tags as a muxer takes them.
    #[doc(hidden)]
    pub fn metadata(&self) -> Vec<(String, String)> {
        let named = |key: &str, value: &Option<String>| value.clone().map(|value| (key.to_owned(), value));
        let list = [named("language", &self.language), named("title", &self.title)];
        list.into_iter().flatten().chain(self.other.iter().cloned()).collect()
    }
}
