//! Named parts of a programme.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A chapter, from `start` up to `end`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Chapter {
    /// When it starts.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// Title.
    pub title: Option<String>,
}
