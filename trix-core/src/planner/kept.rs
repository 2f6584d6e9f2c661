//! The parts of the source that an output keeps, and the names of its streams in messages.

use trix_av::stream::StreamFacts;
use trix_model::time::{Rational, Timestamp};

/// The parts of the source that are written.
pub(super) struct Kept<'a> {
    pub(super) video: Option<usize>,
    pub(super) audio: Vec<usize>,
    pub(super) origin: Timestamp,
    pub(super) end: Option<Timestamp>,
    /// Frames a second of the output, and the number of frames cut at the start, if both are known.
    pub(super) numbers: Option<(Rational, i64)>,
    /// Why the time code is no longer valid, if it is not.
    pub(super) timecode_lost: Option<&'a str>,
}

/// The name of a stream in messages.
pub(super) fn name(stream: &StreamFacts) -> String {
    let language = entry(&stream.metadata, "language").filter(|language| language != "und");
    let language = language.map_or_else(String::new, |language| format!(", {language}"));
    format!("stream {} ({}{language})", stream.index, stream.codec)
}

pub(super) fn entry(metadata: &[(String, String)], key: &str) -> Option<String> {
    let entry = metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
    entry.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
}
