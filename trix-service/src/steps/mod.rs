//! The work of a step, in a process of its own: a codec that crashes costs one attempt.
//!
//! Invariant: a step can be done twice, also at the same time. What it leaves is the same, or lies in a folder of the attempt.

mod chunk;
mod finish;
mod folders;
mod plan;
mod publish;

use std::{
    io::{self, BufRead, Read, Write},
    thread,
};

use serde::{Deserialize, Serialize};
use trix_core::ErrorDetail;

use crate::{
    catalogue::{Output, Submission},
    config::Mounts,
    engine::{Step, StepEnd},
    error::Result,
};

pub use folders::Folders;

/// What a process has to do, as JSON in one line of its standard input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepRequest {
    /// The folders of the farm.
    pub mounts: Mounts,
    /// The job.
    pub job: String,
    /// The number of the run.
    pub run: i64,
    /// What was submitted.
    pub submission: Submission,
    /// The step.
    pub step: Step,
    /// The attempt. Its files lie in folders of its own.
    pub attempt: String,
}

/// What the process says, as JSON in one line of its standard output.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Said {
    /// How far it is.
    Progress {
        /// Frames that are done.
        frames: u64,
    },
    /// The step is done.
    Ended {
        /// How.
        end: StepEnd,
        /// What is to be registered, after `publish`.
        #[serde(default)]
        made: Option<Made>,
    },
    /// The step has failed.
    Failed {
        /// Why.
        error: ErrorDetail,
    },
}

/// The copies of a title.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Made {
    /// The files.
    pub outputs: Vec<Output>,
    /// The report of the job, as JSON.
    pub report: String,
}

impl StepRequest {
    /// Does the step.
    fn run(&self) -> Result<(StepEnd, Option<Made>)> {
        let folders = Folders::of(self);
        Ok(match &self.step {
            Step::Plan => (plan::plan(self, &folders)?, None),
            Step::Chunk { number } => (chunk::encode(self, &folders, *number)?, None),
            Step::Finish => (finish::finish(self, &folders)?, None),
            Step::Publish { attempt } => {
                let made = publish::publish(self, &folders, attempt)?;
                (StepEnd::Published, Some(made))
            }
        })
    }
}

/// Says something to the parent. A parent that reads no more is gone.
fn say(said: &Said) {
    let mut output = io::stdout().lock();
    let _ = serde_json::to_writer(&mut output, said).map(|()| output.write_all(b"\n").and_then(|()| output.flush()));
}

/// Does the step that the parent sends, and says how it ended. The process ends with its parent.
pub fn serve() {
    let mut input = io::stdin().lock();
    let mut line = String::new();
    let _ = input.read_line(&mut line);
    drop(input);
    thread::spawn(|| {
        // The parent never writes again: the end of its life closes the pipe.
        let _ = io::stdin().lock().read(&mut [0]);
        std::process::exit(1);
    });
    let request: StepRequest = match serde_json::from_str(&line) {
        Ok(request) => request,
        Err(error) => {
            let error = crate::error::Error::invalid(format!("it is no step of this version: {error}"));
            return say(&Said::Failed { error: error.document().error });
        }
    };
    match request.run() {
        Ok((end, made)) => say(&Said::Ended { end, made }),
        Err(error) => say(&Said::Failed { error: error.document().error }),
    }
}
