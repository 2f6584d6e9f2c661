//! Runs a job whose frames and audio a program gives.
//!
//! Invariant: what such a job cannot do is refused before it asks for the first frame.

use std::time::Instant;

use trix_model::{
    decision::Decision,
    error::{Error, Result, Stage},
    mistake::Mistake,
    time::{Rational, Timestamp},
};

use super::{Control, Opened, Program, execute, refuse_own_source, take_names, together, units::Chunking, warn};
use crate::{
    plan::Plan,
    planner::Draft,
    report::Report,
    settings::{
        job::{Job, SourceSettings, VerifyLevel},
        picture::Crop,
        shape::{self, Shape},
        track::LengthPolicy,
        video::VideoSettings,
    },
    source::Source,
};

/// Plans `job` for frames and audio of `shape`, and runs it. Sends the place of the decoders to `program` once all
/// stages run, and ends when the program has ended its input.
///
/// # Errors
/// `InvalidSpec` with every mistake of the shape or the job, and for what such a job cannot do; otherwise as
/// [`run`](super::run).
pub(crate) fn run_given(job: &Job, shape: &Shape, program: Program<'_>, control: &Control) -> Result<Report> {
    control.to_end(|| given(job, shape, program, control))
}

fn given(job: &Job, shape: &Shape, program: Program<'_>, control: &Control) -> Result<Report> {
    let began = Instant::now();
    control.began(Stage::Plan);
    let mut mistakes = mistakes_of(job);
    mistakes.extend(shape.check());
    if !(Timestamp::new(0, LONGEST.base)..=LONGEST).contains(&program.lead) {
        mistakes.push(Mistake::new("session.lead", program.lead.as_spec(), "0 to 3600 seconds"));
    }
    if !mistakes.is_empty() {
        return Err(Error::of_mistakes(mistakes));
    }
    let mut source = Source::given(shape, job.source.limits)?;
    source.cancel = control.cancel.clone();
    let mut job = job.clone();
    job.source.path = shape::NAME.into();
    let mut draft = Draft::given(&job, &source, program.lead)?;
    let mistakes = mistakes_of_plan(&draft.plan);
    if !mistakes.is_empty() {
        return Err(Error::of_mistakes(mistakes));
    }
    refuse_own_source(&draft.plan)?;
    warn(&draft.plan, &source, control);
    let (_folders, pending) = take_names(&draft.plan, control)?;
    // Only audio from files beside the source is left to measure.
    if draft.has_to_measure() {
        control.began(Stage::Measure);
    }
    draft.measure(&source, &(), &control.cancel)?;
    let Draft { mut plan, external_audio, .. } = draft;
    if !together(&plan).is_empty() {
        let what = format!("frames and audio may be given {} apart", program.lead);
        let why = "coded packets wait in memory for those of the stream that is behind";
        plan.decisions.push(Decision::new(what, why));
    }
    for file in plan.outputs.iter_mut().filter(|file| file.verify == VerifyLevel::Full && file.content.video.is_some())
    {
        let note = "the frames of the file are not compared with those of the program, which are gone";
        file.content.notes.push(note.to_owned());
    }
    let (program, chunking) = (Some(program), Chunking::Encode);
    let opened = Opened { source, external_audio, hasher: None, pending, began, program, chunking };
    execute(plan, opened, control).map_err(|failure| failure.error)
}

/// The longest time by which a program may give one stream ahead of another.
const LONGEST: Timestamp = Timestamp::new(3600, Rational::new(1, 1));

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
    let lasts = |policy: LengthPolicy| policy != LengthPolicy::AsIs;
    for (number, track) in job.tracks.iter().enumerate().filter(|(_, track)| lasts(track.length)) {
        let problem = "the length of the video is not known before its frames are given; give audio of that length";
        mistakes.push(Mistake::new(format!("tracks[{number}].length"), track.length.name(), problem));
    }
    for (number, _) in job.packages.iter().enumerate().filter(|(_, package)| package.picture.crop == Crop::Auto) {
        let problem = "black borders are measured before a job runs, and a session has no frames by then";
        mistakes.push(Mistake::new(format!("packages[{number}].picture.crop"), "auto", problem));
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
