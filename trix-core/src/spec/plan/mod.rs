//! Job and source together: every default resolved, or every mistake at once.
//!
//! Invariant: what a plan says is what runs; a job that cannot work is refused before a picture is decoded.

mod output;
mod filters;
mod threads;
mod audio;
mod sound_codec;
mod cut;
mod tags;
mod tracks;
mod video;
mod geometry;
mod color;
mod hdr;

use std::path::Path;

use serde::Serialize;

pub use self::{
    audio::AudioPlan,
    cut::CopyPlan,
    filters::FilterPlan,
    output::OutputPlan,
    tracks::{AttachmentPlan, Carried, CoverPlan, SubtitlePlan, TrackTags},
    video::VideoPlan,
};
pub(crate) use self::{
    cut::{CopyGate, Place},
    output::{Looks, Request},
};
use super::job::Job;
pub(crate) use super::mistake::Mistake;
use crate::{error::Result, source::Source};

/// Something that was decided without being asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Decision {
    /// What is done.
    pub what: String,
    /// What it follows from: flags of the source, a measurement, a limit of the output.
    pub why: String,
}

impl Decision {
    pub(crate) fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Decision { what: what.into(), why: why.into() }
    }
}

/// What will run.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Plan {
    /// What is done to pictures between the one decoder and the encoders, each step once, whoever needs it.
    pub filters: Vec<FilterPlan>,
    /// What is written.
    pub outputs: Vec<OutputPlan>,
    /// What was decided about all of it without being asked.
    pub decisions: Vec<Decision>,
}

impl Plan {
    /// Resolves `job` against its source.
    ///
    /// # Errors
    /// `InvalidSpec` with every mistake of the job, a line each; `Unsupported` when the job is sound and the source
    /// has something that cannot be done.
    pub fn new(job: &Job, source: &Source) -> Result<Plan> {
        let mut mistakes = Vec::new();
        check_names(job, &mut mistakes);
        let looks = Looks::default();
        let mut outputs = Vec::new();
        for (number, output) in job.outputs.iter().enumerate() {
            let threads = output.threads.or(job.threads);
            let request = Request { source: &job.source, output, threads, looks: &looks };
            let mut own = Vec::new();
            outputs.extend(OutputPlan::new(&request, source, &mut own)?);
            // With one output, there is nothing to confuse it with.
            if job.outputs.len() > 1 {
                own.iter_mut().for_each(|mistake| mistake.enter(number));
            }
            mistakes.append(&mut own);
        }
        if !mistakes.is_empty() {
            return Err(Mistake::into_error(mistakes));
        }
        let decisions = threads::share(job, &mut outputs).into_iter().collect();
        let filters = filters::plan(&mut outputs, source);
        Ok(Plan { filters, outputs, decisions })
    }
}

/// What is wrong with a job whatever its source is.
pub(crate) fn mistakes_alone(job: &Job) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    check_names(job, &mut mistakes);
    let looks = Looks::default();
    for (number, output) in job.outputs.iter().enumerate() {
        let request = Request { source: &job.source, output, threads: output.threads.or(job.threads), looks: &looks };
        let mut own = output::mistakes_alone(&request);
        if job.outputs.len() > 1 {
            own.iter_mut().for_each(|mistake| mistake.enter(number));
        }
        mistakes.append(&mut own);
    }
    mistakes
}

/// Whether every output has a name of its own.
fn check_names(job: &Job, mistakes: &mut Vec<Mistake>) {
    if job.outputs.is_empty() {
        mistakes.push(Mistake::new("outputs", "", "nothing is asked for; name at least one output"));
    }
    let mut seen: Vec<&Path> = Vec::new();
    for (number, output) in job.outputs.iter().enumerate() {
        if seen.contains(&output.path.as_path()) {
            let problem = "two outputs have this name";
            mistakes.push(Mistake::new(format!("outputs[{number}].path"), output.path.display(), problem));
        }
        seen.push(&output.path);
    }
}
