//! The memory that a job takes.

use serde::{Deserialize, Serialize};

/// How much memory a job will take.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemoryPlan {
    /// Bytes that it takes at the most, as estimated.
    pub estimate: u64,
    /// Bytes that the job allows.
    pub bound: Option<u64>,
    /// Whether queues between stages hold one item each, to keep within the bound.
    pub short_queues: bool,
    /// What the estimate is made of.
    pub shares: Vec<MemoryShare>,
}

/// A part of the memory that a job takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemoryShare {
    /// What takes it: `process`, `source`, `decoder`, `step 0`, a file or folder that is made, `queues`,
    /// `verification`.
    pub what: String,
    /// Bytes.
    pub bytes: u64,
}

/// Bytes of packets in a queue between two stages: three frames of a 500 Mbit/s master. A larger packet passes alone.
pub(crate) const PACKETS: usize = 8 << 20;

/// Frames in a queue between two stages. Two absorb short delays of either stage, and take little memory compared with
/// an encoder's lookahead.
pub(crate) const FRAMES: usize = 2;
