//! Plans the stills of a job: which part of the source they show, and how it looks.
//!
//! Invariant: stills show the part of the source that the other outputs of the job show.

use trix_av::stream::StreamFacts;
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    mistake::Mistake,
    time::{TimeBase, Timestamp},
};

use crate::{
    decode::frame_rate::frame_rate,
    plan::{Cut, Span, StillInput, StillPlan, StreamId},
    planner::{drafted::Drafted, external_audio, external_audio::ExternalAudio, output, request::PlanContext, view},
    settings::{
        container::Container,
        job::Job,
        picture::PictureSettings,
        still::{StillFormat, StillSettings, WaveformSettings},
    },
    source::{Source, selection::unusable},
    still::{FrameStill, image::is_there},
};

/// Plans the stills of a job whose other outputs are planned.
///
/// # Errors
/// `InvalidSpec` with the mistakes of a still. `Unsupported` if the video or audio that it shows is missing. Both name
/// the still.
pub(super) fn plan(context: &PlanContext<'_>, source: &Source, drafts: &[Drafted]) -> Result<Vec<StillPlan>> {
    let job = context.job;
    if job.stills.is_empty() {
        return Ok(Vec::new());
    }
    let part = part(context, source, drafts);
    // Stills read the source in the same way as the other outputs.
    let of_outputs = job.outputs.iter().filter(|output| output.video.encoder().is_some()).map(|output| &output.picture);
    let picture = of_outputs.chain(job.packages.iter().map(|package| &package.picture)).next();
    let picture = picture.cloned().unwrap_or_default();
    let mut plans = Vec::new();
    for settings in &job.stills {
        let path = settings.paths().into_iter().next().unwrap_or_default();
        let plan = one(settings, context, source, &picture, &part).map_err(|error| error.in_file(&path))?;
        plans.push(StillPlan { path, ..plan });
    }
    Ok(plans)
}

/// Mistakes of stills in formats that this build of libavcodec cannot write.
pub(super) fn missing_encoders(stills: &[StillSettings]) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for (index, still) in stills.iter().enumerate() {
        let path = match still {
            StillSettings::Poster(poster) => &poster.path,
            StillSettings::Sprites(sprites) => &sprites.path,
            StillSettings::Waveform(_) => continue,
        };
        if let Some(format) = StillFormat::from_path(path).filter(|format| !is_there(*format)) {
            let problem = format!("this build of libavcodec has no encoder for {format}");
            mistakes.push(Mistake::new(format!("stills[{index}].path"), path.display(), problem));
        }
    }
    mistakes
}

fn one(
    settings: &StillSettings,
    context: &PlanContext<'_>,
    source: &Source,
    picture: &PictureSettings,
    part: &Part,
) -> Result<StillPlan> {
    let Part { span, cut, until, end, later } = *part;
    let (input, decisions) = match settings {
        StillSettings::Waveform(waveform) => (audio(waveform, source, context.external_audio, span)?, Vec::new()),
        _ => {
            let view = view::plan(source, picture, context.probe)?;
            let decisions = view.decisions.clone();
            (StillInput::Frames(Box::new(view)), decisions)
        }
    };
    let path = Default::default();
    let plan = StillPlan {
        path,
        overwrite: context.job.overwrite_stills,
        settings: settings.clone(),
        input,
        cut,
        span,
        until,
        end,
        later,
        decisions,
    };
    if matches!(plan.input, StillInput::Frames(_)) {
        // Finds the mistakes that depend on the size of the frames.
        FrameStill::open(&plan)?;
    }
    Ok(plan)
}

/// Mistakes of waveforms whose track does not exist.
pub(super) fn missing_tracks(job: &Job, source: &Source, external_audio: &[ExternalAudio]) -> Vec<Mistake> {
    let tracks = source.audio().count() + external_audio.len();
    let check = |(number, still): (usize, &StillSettings)| match still {
        StillSettings::Waveform(waveform) if waveform.track > 0 && waveform.track >= tracks => {
            let problem = format!("there are {tracks} audio tracks");
            Some(Mistake::new(format!("stills[{number}].track"), waveform.track, problem))
        }
        _ => None,
    };
    job.stills.iter().enumerate().filter_map(check).collect()
}

/// The track that a waveform shows. External audio tracks are counted after those of the source.
fn audio(
    settings: &WaveformSettings,
    source: &Source,
    external_audio: &[ExternalAudio],
    span: Span,
) -> Result<StillInput> {
    let number = settings.track;
    let external = match own_track(source, number)? {
        Some(facts) => {
            return Ok(StillInput::Audio { stream: StreamId::Source(facts.index), time_base: facts.time_base, span });
        }
        // The source has no usable track, so the first external one is shown.
        None if number == 0 => external_audio.first(),
        None => external_audio.get(number.wrapping_sub(source.audio().count())),
    };
    let Some(ExternalAudio { facts, .. }) = external else {
        let detail = "there is no audio stream to draw a waveform of";
        return Err(Error::new(ErrorKind::Unsupported, Stage::Plan, detail).in_file(&source.label()));
    };
    let time_base = TimeBase::new(1, i64::from(facts.sample_rate.max(1)));
    let span = Span { origin: Timestamp::new(0, time_base), ..span };
    let track = facts.index - source.streams().len();
    Ok(StillInput::Audio { stream: StreamId::Side { track, index: facts.index }, time_base, span })
}

/// The audio stream that is track `number` of the source. Track 0 is the first that can be decoded.
fn own_track(source: &Source, number: usize) -> Result<Option<&StreamFacts>> {
    let Some(own) = source.audio().nth(number) else { return Ok(None) };
    if number == 0 {
        return Ok(source.decodable_audio().next().map(|(_, facts)| facts));
    }
    match source.selection().lack(own.index) {
        Some(lack) => Err(unusable(own, lack).in_file(&source.label())),
        None => Ok(Some(own)),
    }
}

/// The part of a source that stills show.
struct Part {
    span: Span,
    cut: Cut,
    until: Option<Timestamp>,
    end: Option<Timestamp>,
    later: Timestamp,
}

/// The part of the source that stills show: that of the first output with encoded video, or the part that such an output
/// would have.
fn part(context: &PlanContext<'_>, source: &Source, drafts: &[Drafted]) -> Part {
    let settings = &context.job.source;
    let planned = drafts.iter().map(|draft| &draft.plan).find(|output| output.video.is_some());
    let (origin, cut, until) = match planned {
        Some(output) => {
            let cut = Cut { start: output.start, end: output.end, frames: output.frames };
            (output.origin, cut, output.span_end())
        }
        None => {
            let video = source.video();
            let stream = video.map(|facts| facts.index);
            let audio = source.chosen_audio().map(|(_, facts)| facts.index);
            let first = output::first_shown(source, stream);
            let begin = output::origin(source, Container::Matroska, stream, first, audio);
            let start = settings.start.map(|time| begin.plus(time));
            let origin = start.unwrap_or(begin);
            let end = settings.duration.map(|duration| origin.plus(duration));
            let by_frames = settings.frames.zip(video).and_then(|(frames, facts)| {
                Some(origin.plus(Timestamp::new(i64::try_from(frames).ok()?, frame_rate(facts).inverse())))
            });
            let cut = Cut { start, end, frames: settings.frames };
            (origin, cut, [end, by_frames].into_iter().flatten().min())
        }
    };
    let zero = Timestamp::new(0, origin.base);
    let later = settings.start.unwrap_or(zero);
    let all = external_audio::film_end(source, external_audio::since(origin, later));
    let end = [until, all].into_iter().flatten().min();
    let expected = end.map(|end| external_audio::since(end, origin));
    Part { span: Span { origin, expected }, cut, until, end: until.and(end), later }
}
