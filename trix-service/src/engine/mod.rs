//! Decides which step of a job comes when. It survives the death of every process.
//!
//! 1. The dispatcher [starts](Engine::start) a run.
//! 2. The [workflow](flow) has the steps done: plan, chunks, finish, publish. Workers do them.
//! 3. The workflow ends the run in the catalogue, if no copies have their names.
//!
//! Invariant: starting a run twice starts it once.

pub mod flow;
pub mod memory;
pub mod server;
pub mod temporal;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use trix_core::ErrorDetail;

use crate::error::Result;

/// A run of a job, for the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The job.
    pub job: String,
    /// The number of the run.
    pub run: i64,
    /// 1 is the most urgent, 5 the least.
    pub priority: u32,
    /// Submitters share the workers fairly.
    pub submitter: String,
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Step {
    /// Plan the job, and divide its film.
    Plan,
    /// Encode a chunk for all outputs.
    Chunk {
        /// Its number, from 0.
        number: usize,
    },
    /// Join the chunks, and verify what was made. Nothing has its final name yet.
    Finish,
    /// Give the copies their names, and register them.
    Publish {
        /// The attempt that has finished.
        attempt: String,
    },
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Step::Plan => f.write_str("plan"),
            Step::Chunk { number } => write!(f, "chunk {number}"),
            Step::Finish => f.write_str("finish"),
            Step::Publish { .. } => f.write_str("publish"),
        }
    }
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StepEnd {
    /// The job is planned.
    Planned {
        /// Number of chunks. 0: the film is encoded in one piece, when the job is finished.
        chunks: usize,
    },
    /// A chunk is in the store.
    Encoded,
    /// Copies are verified.
    Finished {
        /// The attempt that made them.
        attempt: String,
    },
    /// Copies have their names.
    Published,
    /// The step has failed, and another attempt would fail, too.
    Failed {
        /// Why.
        error: Box<ErrorDetail>,
    },
}

/// The engine. What is behind it can be replaced.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Starts a run. Does nothing if it was started before.
    ///
    /// # Errors
    /// If the engine is away.
    async fn start(&self, run: &Run) -> Result<()>;

    /// Cancels a run. Returns false if there is no such run, or it is over.
    ///
    /// # Errors
    /// If the engine is away.
    async fn cancel(&self, job: &str, run: i64) -> Result<bool>;

    /// Changes the priority of the steps of a run that have not begun. Does nothing if there is no such run, or it is over.
    ///
    /// # Errors
    /// If the engine is away.
    async fn set_priority(&self, job: &str, run: i64, priority: u32) -> Result<()>;

    /// Checks that the engine answers.
    ///
    /// # Errors
    /// If it does not.
    async fn check(&self) -> Result<()>;
}
