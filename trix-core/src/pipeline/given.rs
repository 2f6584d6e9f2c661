//! Runs a job whose frames and audio a program gives.
//!
//! Invariant: what such a job cannot do is refused before it asks for the first frame.

use std::time::Instant;

use crossbeam_channel as crossbeam;
use trix_model::{
    error::{Error, Result, Stage},
    mistake::Mistake,
};

use super::{Control, Feed, Opened, execute, finish::PendingOutputs, refuse_own_source};
use crate::{
    machine::this_machine,
    plan::Plan,
    planner::Draft,
    report::Report,
    settings::{
        job::{Job, SourceSettings, VerifyLevel},
        picture::Crop,
        shape::{self, Shape},
        video::VideoSettings,
    },
    source::Source,
};

/// Plans `job` for frames and audio of `shape`, and runs it. Sends the place of the decoders to `to_program` once all
/// stages run, and ends when the program has ended its input.
///
/// # Errors
/// `InvalidSpec` with every mistake of the shape or the job, and for what such a job cannot do; otherwise as
/// [`run`](super::run).
pub(crate) fn run_given(
    job: &Job,
    shape: &Shape,
    to_program: &crossbeam::Sender<Feed>,
    control: &Control,
) -> Result<Report> {
    control.to_end(|| given(job, shape, to_program, control))
}

fn given(job: &Job, shape: &Shape, to_program: &crossbeam::Sender<Feed>, control: &Control) -> Result<Report> {
    let began = Instant::now();
    control.began(Stage::Plan);
    let mistakes = mistakes_of(job);
    if !mistakes.is_empty() {
        return Err(Error::of_mistakes(mistakes));
    }
    let mut source = Source::given(shape, job.source.limits)?;
    source.cancel = control.cancel.clone();
    let mut job = job.clone();
    job.source.path = shape::NAME.into();
    let Draft { mut plan, external_audio } = Draft::new(&job, &source, &this_machine())?;
    let mistakes = mistakes_of_plan(&plan);
    if !mistakes.is_empty() {
        return Err(Error::of_mistakes(mistakes));
    }
    for file in plan.outputs.iter_mut().filter(|file| file.verify == VerifyLevel::Full && file.content.video.is_some())
    {
        let note = "the frames of the file are not compared with those of the program, which are gone";
        file.content.notes.push(note.to_owned());
    }
    refuse_own_source(&plan)?;
    let pending = PendingOutputs::take(&plan)?;
    execute(plan, Opened { source, external_audio, hasher: None, pending, began, feed: Some(to_program) }, control)
}

/// What a job without a source cannot do, as its settings say.
fn mistakes_of(job: &Job) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    if job.source != (SourceSettings { limits: job.source.limits, ..SourceSettings::default() }) {
        let problem = "a session has no source; only the limits of a source count";
        mistakes.push(Mistake::new("source", job.source.path.display(), problem));
    }
    for (number, output) in job.outputs.iter().enumerate() {
        if output.video == VideoSettings::Copy {
            let problem = "a session has frames, and no packets to copy";
            mistakes.push(Mistake::new(format!("outputs[{number}].video"), "copy", problem));
        }
        if output.picture.crop == Crop::Auto {
            let problem = "black borders are measured before a job runs, and a session has no frames by then";
            mistakes.push(Mistake::new(format!("outputs[{number}].picture.crop"), "auto", problem));
        }
    }
    for (number, package) in job.packages.iter().enumerate().filter(|(_, package)| package.picture.crop == Crop::Auto) {
        let problem = "black borders are measured before a job runs, and a session has no frames by then";
        mistakes.push(Mistake::new(format!("packages[{number}].picture.crop"), package.path.display(), problem));
    }
    mistakes
}

/// What a job without a source cannot do, as its plan says.
fn mistakes_of_plan(plan: &Plan) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for sink in plan.sinks() {
        let output = plan.sink(sink);
        let mut refuse = |place: &str, problem: &str| {
            mistakes.push(Mistake::new(place, output.path.display(), problem));
        };
        if output.video.as_ref().is_some_and(|video| video.passes > 1) {
            refuse("video.rate.passes", "a session encodes in one pass, as frames are given once");
        }
        // An external audio track has a file, which is read as often as needed.
        if output.audio.iter().any(|audio| audio.stream.external_audio().is_none() && audio.loudness.is_some()) {
            refuse(
                "audio_shape.loudness",
                "loudness is measured before a job runs, and a session has no audio by then",
            );
        }
    }
    mistakes
}
