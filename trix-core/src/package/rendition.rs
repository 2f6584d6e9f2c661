//! Renditions of a package: what is to be written, and what was written.

use serde::{Deserialize, Serialize};
use trix_model::time::Timestamp;

use crate::mux::{TrackSpec, record::TrackRecord};

/// A rendition to write.
pub struct Rendition {
    /// Name in addresses, and name of the folder: letters, digits, `-`, `_` and `.`. It must be unique.
    pub id: String,
    /// The track. Playlist and manifest include its tags `language` (ISO 639 or BCP 47) and `title`, and its
    /// disposition (default, forced, comment, original, dub, hearing_impaired, visual_impaired).
    pub track: TrackSpec,
}

/// What was written of a rendition.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RenditionRecord {
    /// Its name.
    pub id: String,
    /// What its samples are, by RFC 6381; `None` for text.
    pub codecs: Option<String>,
    /// How many segments it has.
    pub segments: u64,
    /// When it begins.
    pub start: Timestamp,
    /// How long it lasts.
    pub duration: Timestamp,
    /// Bits in a second of its densest run of segments (HLS: peak segment bit rate).
    pub peak_bit_rate: u64,
    /// Bits in a second of all of its segments.
    pub average_bit_rate: u64,
    /// The record of its packets.
    pub track: TrackRecord,
}
