//! The memory that a job needs.

use crate::{amount::bytes, decision::Decision, machine::Machine};
use serde::{Deserialize, Serialize};

/// The memory that a job needs.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemoryPlan {
    /// The largest number of bytes, as estimated.
    pub estimate: u64,
    /// The limit of the job, in bytes.
    pub bound: Option<u64>,
    /// True if queues between stages hold one item each, to stay within the limit or the memory of the machine.
    pub short_queues: bool,
    /// The parts of the estimate.
    pub shares: Vec<MemoryShare>,
}

impl MemoryPlan {
    /// Says that the memory of `machine` may not suffice, if the estimate is above it.
    #[doc(hidden)]
    #[must_use]
    pub fn doubt(&self, machine: &Machine) -> Option<Decision> {
        let memory = machine.memory.filter(|_| machine.lacks(self.estimate))?;
        let what = format!("memory may not suffice on a machine with {}", bytes(memory));
        Some(Decision::new(what, format!("the job takes up to {}", bytes(self.estimate))))
    }
}

/// A part of the memory that a job needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MemoryShare {
    /// What needs the memory: `process`, `source`, `decoder`, `step 0`, an output file or folder, `queues`,
    /// `verification`.
    pub what: String,
    /// Bytes.
    pub bytes: u64,
}

/// Bytes of packets in a queue between two stages: three frames of a 500 Mbit/s master. A larger packet passes alone.
#[doc(hidden)]
pub const PACKETS: usize = 8 << 20;

/// Frames in a queue between two stages. Two absorb short delays of either stage, and take little memory compared with
/// an encoder's lookahead.
#[doc(hidden)]
pub const FRAMES: usize = 2;
