//! The parts of a film that are encoded one by one.
//!
//! Invariant: the ranges of a plan partition its frames, in ascending order. None is empty.

use serde::{Deserialize, Serialize};

/// Frames `start..end` of the source, by their numbers from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FrameRange {
    /// The first frame.
    pub start: u64,
    /// The frame after the last one.
    pub end: u64,
}

impl FrameRange {
    /// All frames of any source.
    pub const ALL: FrameRange = FrameRange { start: 0, end: u64::MAX };

    /// Number of frames.
    pub fn frames(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// True if frame `number` is one of these.
    pub fn contains(self, number: u64) -> bool {
        (self.start..self.end).contains(&number)
    }
}

impl std::fmt::Display for FrameRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// How the film is divided. It depends on the source and the job alone, not on the machine.
///
/// Filters also get frames before a part and after it, as many as they look at. x264 gets frames after a part, too, as many as it looks
/// ahead at; their encode is thrown away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChunkPlan {
    /// The parts.
    pub ranges: Vec<FrameRange>,
    /// Frames before a part that are decoded and filtered for the sake of its first frames, and thrown away.
    pub lead_in: u64,
}
