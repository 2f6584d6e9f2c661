//! What a stream carries.

use serde::{Deserialize, Serialize};

/// What kind of data a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StreamKind {
    /// Frames.
    Video,
    /// Audio.
    Audio,
    /// Text or images of text.
    Subtitle,
    /// A file inside the container: a font, say.
    Attachment,
    /// Anything else: timecode, data.
    Data,
}
