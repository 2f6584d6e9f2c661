//! Streams that continue other streams: what makes two streams alike, and what the second probe found of a source.
//!
//! Invariant: streams of different codecs or languages are never alike.

use std::collections::{BTreeMap, BTreeSet};

use trix_av::stream::StreamFacts;
use trix_model::time::Timestamp;

/// The result of the second probe.
#[derive(Clone, Default)]
pub(super) struct Further {
    /// Streams by index: those known better than after the first probe, and those that appear in mid-file.
    pub(super) streams: BTreeMap<usize, StreamFacts>,
    /// Streams without packets.
    pub(super) empty: BTreeSet<usize>,
    /// Video streams with a single packet.
    pub(super) stills: BTreeSet<usize>,
    /// Streams that continue another stream.
    pub(super) joints: Vec<Joint>,
    /// The programmes that list a stream at its start, by stream index.
    pub(super) programs: BTreeMap<usize, Vec<i32>>,
}

/// A stream that continues another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Joint {
    /// The stream that starts.
    pub(super) from: usize,
    /// The stream that it continues.
    pub(super) into: usize,
    /// The start time of `from`.
    pub(super) at: Timestamp,
}

/// A stream that continues another starts at least this many microseconds after the start of that other stream.
pub(super) const LATER: i64 = 1_000_000;
/// Minimum silence of the continued stream after that, in microseconds.
pub(super) const SILENT: i64 = 10_000_000;

/// The language of a stream, if it states one.
pub(super) fn language(facts: &StreamFacts) -> Option<&str> {
    let entry = facts.metadata.iter().find(|(key, _)| key.eq_ignore_ascii_case("language"));
    entry.map(|(_, language)| language.as_str()).filter(|language| !language.is_empty() && *language != "und")
}

/// True if, by their descriptions, one stream can continue the other.
pub(super) fn is_alike(one: &StreamFacts, other: &StreamFacts) -> bool {
    // A transport stream does not distinguish the layers of MPEG audio, and one decoder handles all of them.
    let is_layer = |facts: &StreamFacts| matches!(facts.codec.as_str(), "mp1" | "mp2" | "mp3");
    let is_same = one.codec == other.codec || (is_layer(one) && is_layer(other));
    one.kind == other.kind && is_same && language(one) == language(other)
}

/// True if the streams of a container can continue each other. `demuxer` is FFmpeg's name.
pub(super) fn joins(demuxer: &str) -> bool {
    matches!(demuxer, "mpegts" | "mpeg")
}
