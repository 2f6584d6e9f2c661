//! Job and source together: every default resolved, or every mistake at once.
//!
//! Invariant: what a plan says is what runs; a job that cannot work is refused before a picture is decoded.

mod audio;
mod sound_codec;
mod video;
mod geometry;
mod color;
mod hdr;

use serde::Serialize;

pub use self::{audio::AudioPlan, video::VideoPlan};
use super::{
    audio::AudioSettings,
    job::{Container, Job},
    video::VideoSettings,
};
use crate::{
    error::{Error, ErrorKind, Result, Stage},
    ffi::stream::StreamKind,
    media::time::{Rational, TimeBase, Timestamp},
    source::Source,
};

/// One thing that is wrong with a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where in the job, e.g. `video.depth`.
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
    /// Container of the output.
    pub container: Container,
    /// What is encoded of the pictures; `None` when they are copied or left out.
    pub video: Option<VideoPlan>,
    /// Index of the picture stream that is copied.
    pub video_copy: Option<usize>,
    /// The sound tracks, in the order in which they are written.
    pub audio: Vec<AudioPlan>,
    /// What is presented at time zero of the output, in the source's time.
    pub origin: Timestamp,
    /// Where the output begins, in the source's time.
    pub start: Option<Timestamp>,
    /// Where it ends, in the source's time.
    pub end: Option<Timestamp>,
    /// Most pictures.
    pub frames: Option<u64>,
    /// What was decided without being asked.
    pub decisions: Vec<Decision>,
    /// What the source has and the output will not, and whatever else a reader of the report should know.
    pub notes: Vec<String>,
}

impl Plan {
    /// Resolves `job` against its source.
    ///
    /// # Errors
    /// `InvalidSpec` with every mistake of the job, a line each; `Unsupported` when the job is sound and the source
    /// has something that cannot be done.
    pub fn new(job: &Job, source: &Source) -> Result<Plan> {
        let mut mistakes = Vec::new();
        let container = Container::from_path(&job.output.path).unwrap_or_else(|| {
            mistakes.push(Mistake::new(
                "output.path",
                job.output.path.display(),
                "the extension names no container; known are .mp4, .m4v, .mov and .mkv",
            ));
            Container::Matroska
        });
        check_numbers(job, &mut mistakes);
        let (mut decisions, mut notes) = (source.decisions().to_vec(), Vec::new());
        let (video, video_copy) = video::plan(job, source, container, &mut mistakes, &mut decisions, &mut notes)?;
        let audio = audio::plan(job, source, container, &mut mistakes, &mut decisions, &mut notes)?;
        if !mistakes.is_empty() {
            return Err(Mistake::into_error(mistakes));
        }
        if video.is_none() && video_copy.is_none() && audio.is_empty() {
            let detail = "nothing would be written: the source has no stream that the job keeps";
            return Err(Error::new(ErrorKind::Unsupported, Stage::Plan, detail).in_file(&source.label()));
        }
        for stream in source.streams() {
            let kept = video.as_ref().is_some_and(|video| video.stream == stream.index)
                || video_copy == Some(stream.index)
                || audio.iter().any(|audio| audio.stream == stream.index);
            let asked_away = match stream.kind {
                StreamKind::Audio => job.output.audio == AudioSettings::None,
                StreamKind::Video => job.output.video == VideoSettings::None,
                StreamKind::Subtitle | StreamKind::Data | StreamKind::Attachment => false,
            };
            if !kept && !asked_away {
                notes.push(format!("stream {} ({}) is not carried over", stream.index, stream.codec));
            }
        }
        let origin = origin(source, video.as_ref().map(|video| video.stream).or(video_copy), &audio);
        let offset = |time: Timestamp| {
            let nano = TimeBase::new(1, 1_000_000_000);
            Timestamp::new(origin.rescale(nano).saturating_add(time.rescale(nano)), nano)
        };
        let start = job.source.start.map(offset);
        let end = job.source.duration.map(|duration| {
            let nano = TimeBase::new(1, 1_000_000_000);
            let from = start.unwrap_or(origin).rescale(nano);
            Timestamp::new(from.saturating_add(duration.rescale(nano)), nano)
        });
        let origin = start.unwrap_or(origin);
        audio::say_silence(&audio, source, origin, &mut decisions);
        Ok(Plan {
            container,
            video,
            video_copy,
            audio,
            origin,
            start,
            end,
            frames: job.source.frames,
            decisions,
            notes,
        })
    }
}

/// Whether only a part of the source is asked for.
fn is_cut(job: &Job) -> bool {
    job.source.start.is_some() || job.source.duration.is_some() || job.source.frames.is_some()
}

/// What can be judged without knowing the source.
fn check_numbers(job: &Job, mistakes: &mut Vec<Mistake>) {
    let zero = Timestamp::new(0, Rational::new(1, 1));
    if let Some(start) = job.source.start.filter(|start| *start < zero) {
        mistakes.push(Mistake::new("source.start", start, "is before the source; from 0 on"));
    }
    if let Some(duration) = job.source.duration.filter(|duration| *duration <= zero) {
        mistakes.push(Mistake::new("source.duration", duration, "must be above 0"));
    }
    if job.source.frames == Some(0) {
        mistakes.push(Mistake::new("source.frames", 0, "must be above 0"));
    }
    if job.output.video == VideoSettings::None && job.output.audio == AudioSettings::None {
        mistakes.push(Mistake::new("video", "none", "with audio = none, nothing would be written"));
    }
    if let Some(threads) = job.threads.filter(|threads| !(1..=128).contains(threads)) {
        mistakes.push(Mistake::new("threads", threads, "1 to 128"));
    }
    if is_cut(job) && job.output.video == VideoSettings::Copy {
        mistakes.push(Mistake::new("video", "copy", "cannot be cut to --start, --duration or --frames; encode it"));
    }
    audio::check_numbers(job, mistakes);
    video::check_numbers(job, mistakes);
}

/// Time zero of the output: the first picture, or the first sound where that begins earlier.
///
/// Sound that leads by less than 50 ms is an encoder's priming, which players skip; it does not move the picture.
fn origin(source: &Source, video: Option<usize>, audio: &[AudioPlan]) -> Timestamp {
    let micro = TimeBase::new(1, 1_000_000);
    let start_of = |index: usize| {
        let stream = source.streams().get(index)?;
        let first = match stream.kind {
            // An encoder's run-in lies before the start: the one that an edit list hides, and the one that Matroska
            // tells, which libavformat before version 7 plays.
            StreamKind::Audio => {
                let (samples, rate) = stream.parameters.priming();
                let run_in = Timestamp::new(samples.into(), TimeBase::new(1, rate.into())).rescale(stream.time_base);
                let after = source.earliest(index).map(|first| first.saturating_add(run_in));
                [stream.start, after].into_iter().flatten().max()
            }
            // In a transport stream the first picture to be read need not be the first to be shown.
            _ => [stream.start, source.earliest(index)].into_iter().flatten().min(),
        };
        first.map(|ticks| Timestamp::new(ticks, stream.time_base))
    };
    let sound = audio.iter().filter_map(|plan| start_of(plan.stream)).min();
    match (video.and_then(start_of), sound) {
        (Some(video), Some(sound)) if sound.rescale(micro) + 50_000 < video.rescale(micro) => sound,
        (Some(video), _) => video,
        (None, Some(sound)) if video.is_none() => sound,
        _ => Timestamp::new(0, micro),
    }
}
