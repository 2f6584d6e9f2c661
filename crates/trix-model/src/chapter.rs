//! Named parts of a programme.

use crate::time::Timestamp;
use serde::Serialize;

/// A chapter, from `start` up to `end`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Chapter {
    /// When it starts.
    pub start: Timestamp,
    /// When it ends.
    pub end: Timestamp,
    /// What it is called.
    pub title: Option<String>,
}
