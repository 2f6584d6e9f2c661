//! The work of a step, in a process of its own: a codec that crashes costs one attempt.
//!
//! Invariant: a step can be done twice, also at the same time. What it leaves is the same, or lies in a folder of the attempt.

mod chunk;
mod finish;
mod folders;
mod plan;
mod planned;
mod publish;

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Read, Write},
    thread,
};

use serde::{Deserialize, Serialize};
use trix_core::ErrorDetail;

use crate::{
    catalogue::{Master, Output, StepProgress, Submission},
    config::Mounts,
    engine::{Step, StepEnd},
    error::{Error, Result},
};

pub use self::{
    folders::{Folders, STAGING, variables, write_profiles},
    planned::{Planned, PlannedOutput, Reason},
};

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
    /// The texts of the profiles that are in force for the job, by name.
    #[serde(default)]
    pub profiles: BTreeMap<String, String>,
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
        /// How far.
        #[serde(flatten)]
        progress: StepProgress,
    },
    /// The step is done.
    Ended {
        /// How.
        end: StepEnd,
        /// What is to be registered, after `publish`.
        #[serde(default)]
        made: Option<Made>,
        /// What the job will make, and the master, after `plan`.
        #[serde(default)]
        planned: Option<(Planned, Master)>,
    },
    /// The step has failed.
    Failed {
        /// Why.
        error: ErrorDetail,
        /// True if something outside is missing, a mount or space: this is no fault of the job.
        is_outside: bool,
    },
}

/// The copies of a title.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Made {
    /// The files.
    pub outputs: Vec<Output>,
    /// The report of the job, as JSON.
    pub report: String,
    /// The SHA-256 of the master, if it was hashed.
    #[serde(default)]
    pub master: Option<String>,
}

impl Said {
    fn failed(error: &Error) -> Self {
        Said::Failed { error: error.document().error, is_outside: error.is_away() || is_of_the_system(error) }
    }
}

/// What the system says of a file system that is full, gone, or cannot be written: ENOSPC, EDQUOT, EROFS, ESTALE, EIO and ENOTCONN.
const OUTSIDE: [i32; 6] = [28, 122, 30, 116, 5, 107];

/// True if the error comes from such a file system.
fn is_of_the_system(error: &Error) -> bool {
    let Error::Refused(error) = error else { return false };
    trix_core::os_error(error).is_some_and(|code| OUTSIDE.contains(&code))
}

impl StepRequest {
    /// Does the step.
    fn run(&self) -> Result<Said> {
        let folders = Folders::of(self);
        let (mut made, mut planned) = (None, None);
        let end = match &self.step {
            Step::Plan => {
                let (chunks, found, master) = plan::plan(self, &folders)?;
                planned = Some((found, master));
                StepEnd::Planned { chunks }
            }
            Step::Chunk { number } => chunk::encode(self, &folders, *number)?,
            Step::Finish => finish::finish(self, &folders)?,
            Step::Publish { attempt } => {
                made = Some(publish::publish(self, &folders, attempt)?);
                StepEnd::Published
            }
        };
        Ok(Said::Ended { end, made, planned })
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
            let error = Error::invalid(format!("it is no step of this version: {error}"));
            return say(&Said::failed(&error));
        }
    };
    say(&request.run().unwrap_or_else(|error| Said::failed(&error)));
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_full_disk_and_a_dead_mount_are_no_fault_of_the_job() {
        let of = |code| folders::failed(Path::new("copy.mkv"), "cannot be written", io::Error::from_raw_os_error(code));
        assert!(OUTSIDE.iter().all(|code| is_of_the_system(&of(*code))));
        // ENOENT and EACCES.
        assert!([2, 13].iter().all(|code| !is_of_the_system(&of(*code))));
        let Said::Failed { is_outside, .. } = Said::failed(&Error::Away { part: "mount source", why: "empty".into() })
        else {
            panic!("a failure")
        };
        assert!(is_outside);
    }
}
