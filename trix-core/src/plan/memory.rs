//! How much memory a job takes.

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

/// Bytes of compressed data between two stages: three pictures of a 500 Mbit/s master. A larger packet passes alone.
pub(crate) const PACKETS: usize = 8 << 20;

/// Pictures between two stages: enough that neither waits for the other's hiccups, few enough to matter little beside
/// what an encoder keeps for looking ahead.
pub(crate) const PICTURES: usize = 2;
