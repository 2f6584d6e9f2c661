//! What of the source an output keeps, and how messages name its streams.

use trix_av::stream::StreamFacts;
use trix_model::time::{Rational, Timestamp};

/// What an output keeps of the source; the planner of tracks takes along what belongs to it.
pub(super) struct Kept<'a> {
    pub(super) video: Option<usize>,
    pub(super) sound: Vec<usize>,
    pub(super) origin: Timestamp,
    pub(super) end: Option<Timestamp>,
    /// Pictures a second of the output, and those that were cut at the start, where both are known.
    pub(super) numbers: Option<(Rational, i64)>,
    /// Why the time code is not known any more, where it is not.
    pub(super) timecode_lost: Option<&'a str>,
}

/// What messages call a stream.
pub(super) fn name(stream: &StreamFacts) -> String {
    let language = entry(&stream.metadata, "language").filter(|language| language != "und");
    let language = language.map_or_else(String::new, |language| format!(", {language}"));
    format!("stream {} ({}{language})", stream.index, stream.codec)
}

pub(super) fn entry(metadata: &[(String, String)], key: &str) -> Option<String> {
    let entry = metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
    entry.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
}
