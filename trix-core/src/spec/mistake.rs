//! What is wrong with a job.
//!
//! Invariant: all mistakes of a job are told at once, each with its place, its value and what would be right.

use crate::error::{Error, ErrorKind, Stage};

/// One thing that is wrong with a job.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Mistake {
    /// Where in the job, e.g. `outputs[1].video.depth`.
    pub place: String,
    /// What stands there.
    pub value: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl Mistake {
    pub(crate) fn new(place: impl Into<String>, value: impl ToString, problem: impl Into<String>) -> Self {
        Mistake { place: place.into(), value: value.to_string(), problem: problem.into() }
    }

    /// Says of which output it is; what belongs to the source stays the job's.
    pub(crate) fn enter(&mut self, output: usize) {
        let own = self.place.strip_prefix("output.").unwrap_or(&self.place);
        if !own.starts_with("source") && own != "threads" {
            self.place = format!("outputs[{output}].{own}");
        }
    }

    pub(crate) fn into_error(mut list: Vec<Mistake>) -> Error {
        // Several tracks can make the same mistake.
        let mut told = Vec::new();
        list.retain(|mistake| {
            let new = !told.contains(mistake);
            if new {
                told.push(mistake.clone());
            }
            new
        });
        let lines: Vec<String> = list
            .iter()
            .map(|mistake| match mistake.value.as_str() {
                "" => format!("{}: {}", mistake.place, mistake.problem),
                value => format!("{} = {value}: {}", mistake.place, mistake.problem),
            })
            .collect();
        Error::new(ErrorKind::InvalidSpec, Stage::Plan, lines.join("\n"))
    }
}
