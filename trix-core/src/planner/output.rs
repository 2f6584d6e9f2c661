//! Resolves one output against its source. The result is a plan with every default resolved, or the list of all
//! mistakes.
//!
//! Invariant: the job runs exactly as the plan says. An output that cannot work is refused before a frame is decoded.

use trix_av::stream::StreamFacts;
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    mistake::Mistake,
    time::{Rational, TimeBase, Timestamp},
};

use crate::{
    decode::frame_rate::{frame_rate, is_uneven},
    plan::{AudioPlan, OutputPlan, VideoPlan, end_by_frames},
    planner::{
        audio, cut, diagnostics::Diagnostics, external_audio, holding, kept::Kept, request::OutputRequest, tracks,
        video,
    },
    probe,
    settings::{
        audio::AudioSettings,
        container::Container,
        video::{Encoder, VideoSettings},
    },
    source::Source,
};

/// Resolves an output against the source. Adds mistakes to `mistakes`; with mistakes, there is no plan.
///
/// # Errors
/// `Unsupported` if the source has something that Trix cannot process.
pub(super) fn plan(
    job: &OutputRequest<'_>,
    source: &Source,
    mistakes: &mut Vec<Mistake>,
) -> Result<Option<OutputPlan>> {
    mistakes.append(&mut mistakes_alone(job));
    let container = Container::from_path(&job.output.path).unwrap_or(Container::Matroska);
    let (mut decisions, mut notes) = (source.decisions().to_vec(), Vec::new());
    let (video, video_copy) = video::plan(job, source, container, mistakes, &mut decisions, &mut notes)?;
    let audio = audio::plan(job, source, container, mistakes, &mut decisions, &mut notes)?;
    container_fits(job, container, source, &audio, mistakes);
    let heard = audio.iter().filter_map(|audio| audio.stream.source());
    let shown = video.as_ref().map(|video| video.stream).or(video_copy);
    shown.into_iter().chain(heard).try_for_each(|index| source.refuse_edits(index))?;
    if let Some(index) = video_copy.filter(|index| source.is_composed(*index)) {
        let detail = "the edit list puts the video together from several parts, which a copy of its packets cannot \
                      express; encode it";
        return Err(Error::new(ErrorKind::Unsupported, Stage::Plan, detail).in_file(&source.label()).in_stream(index));
    }
    let stream = video.as_ref().map(|video| video.stream).or(video_copy);
    let decided = job.origin;
    let mut origin =
        decided.unwrap_or_else(|| origin(source, container, stream, first_shown(source, stream), streams_of(&audio)));
    let begin = origin;
    // MXF begins with a frame, and cannot state that a frame is shown later.
    let rate = video.as_ref().filter(|_| container == Container::Mxf).map(|video| video.source_rate);
    let first = |time: Timestamp| rate.map_or(time, |rate| first_frame(time, rate));
    let mut start = job.source.start.map(|time| origin.plus(first(time)));
    let mut end = job.source.duration.map(|duration| start.unwrap_or(origin).plus(duration));
    let mut frames = job.source.frames;
    let facts = stream.and_then(|index| source.streams().get(index));
    let mut copy = None;
    if let Some(facts) = facts.filter(|_| video_copy.is_some() && mistakes.is_empty()) {
        let plan = cut::plan(job, source, facts, origin, &mut decisions, &mut notes)?;
        // Audio and subtitles beside copied video are cut where the video is.
        start = start.and(plan.first_shown);
        end = plan.end;
        frames = None;
        origin = self::origin(source, container, stream, plan.first_shown, streams_of(&audio));
        copy = Some(plan);
    }
    let origin = start.unwrap_or(origin);
    let video_end = [end, end_by_frames(origin, frames, video.as_ref())].into_iter().flatten().min();
    let first = copy.as_ref().and_then(|copy| copy.first_shown).or(start);
    let numbers = facts.map(|facts| (frame_rate(facts), facts)).map(|(rate, facts)| {
        let cut = first.map_or(0, |first| frames_before(first, begin, rate, facts.time_base));
        (rate, cut)
    });
    let kept = Kept {
        video: stream,
        audio: streams_of(&audio).collect(),
        origin,
        end: video_end,
        numbers,
        timecode_lost: timecode_lost(&video, facts, numbers),
    };
    notes.extend(facts.and_then(|facts| aperture_lost(source, facts)));
    let mut diagnostics = Diagnostics { mistakes, decisions: &mut decisions, notes: &mut notes };
    let mut metadata = tracks::plan(job, source, container, &kept, &mut diagnostics);
    let layered = facts.filter(|facts| copy.is_some() && facts.alpha_layer && container.is_matroska());
    if let Some(tags) = layered.and_then(|facts| metadata.tags.get_mut(&facts.index)) {
        tags.other.push(("alpha_mode".into(), "1".into()));
    }
    if !mistakes.is_empty() {
        return Ok(None);
    }
    if video.is_none() && copy.is_none() && audio.is_empty() {
        let detail = "nothing would be written: the source has no stream that the job keeps";
        return Err(Error::new(ErrorKind::Unsupported, Stage::Plan, detail).in_file(&source.label()));
    }
    let mut audio = audio;
    let span = external_audio::Span { begin, origin, end: video_end };
    external_audio::settle(&mut audio, job.external_audio, source, &span, &mut decisions, &mut notes);
    audio::say_silence(&audio, source, origin, &mut decisions);
    let path = job.output.path.clone();
    let verify = job.output.verify;
    let threads = job.threads;
    Ok(Some(OutputPlan {
        path,
        verify,
        overwrite: job.output.overwrite,
        threads,
        container,
        video,
        video_copy: copy,
        audio,
        metadata,
        origin,
        start,
        end,
        frames,
        decisions,
        notes,
    }))
}

/// A note that whole frames are written although the container of the source declares a smaller visible part.
fn aperture_lost(source: &Source, facts: &StreamFacts) -> Option<String> {
    let (width, height) = probe::clean_aperture(source, facts)?;
    let whole = |length: Rational, samples: usize| length.to_f64() >= samples as f64;
    if whole(width, facts.width) && whole(height, facts.height) {
        return None;
    }
    let (width, height) = (width.to_f64(), height.to_f64());
    Some(format!(
        "the clean aperture of the source, {width:.0}x{height:.0}, is not carried over: frames are written whole"
    ))
}

/// The number of evenly spaced frames, counted from `begin`, that are shown before `time`. Frame times are those of a
/// container that rounds to ticks of `base`.
fn frames_before(time: Timestamp, begin: Timestamp, rate: Rational, base: TimeBase) -> i64 {
    if !rate.is_positive() || !base.is_positive() {
        return 0;
    }
    let elapsed = Timestamp::new(time.rescale(base).saturating_sub(begin.rescale(base)), base);
    let near = elapsed.rescale(rate.inverse());
    let shown = |number: i64| {
        let ticks = Timestamp::new(number, rate.inverse()).rescale(base);
        Timestamp::new(begin.rescale(base).saturating_add(ticks), base)
    };
    (near.saturating_sub(1)..=near.saturating_add(1)).find(|number| shown(*number) >= time).unwrap_or(near).max(0)
}

/// The time of the first frame at or after `time`, counted from the first frame of the source.
fn first_frame(time: Timestamp, rate: Rational) -> Timestamp {
    if !rate.is_positive() {
        return time;
    }
    let near = time.rescale(rate.inverse());
    let begin = Timestamp::new(near, rate.inverse());
    if begin < time { Timestamp::new(near.saturating_add(1), rate.inverse()) } else { begin }
}

/// Why the frame numbers of the source no longer apply.
fn timecode_lost(
    video: &Option<VideoPlan>,
    facts: Option<&StreamFacts>,
    numbers: Option<(Rational, i64)>,
) -> Option<&'static str> {
    let (rate, cut) = numbers?;
    if video.as_ref().is_some_and(|video| video.rate != rate) {
        return Some("the output has another number of frames a second");
    }
    (facts.is_some_and(is_uneven) && cut > 0)
        .then_some("the frames before the cut are not evenly spaced and cannot be numbered")
}

/// Checks what a container cannot hold.
fn container_fits(
    job: &OutputRequest<'_>,
    container: Container,
    source: &Source,
    audio: &[AudioPlan],
    mistakes: &mut Vec<Mistake>,
) {
    let encoder = job.output.video.encoder().filter(|_| source.video().is_some());
    match (container, encoder) {
        (Container::WebM, Some(encoder)) => {
            let problem = "WebM holds VP8, VP9 and AV1; use .mkv or .mp4, or --video copy for a source that has them";
            mistakes.push(Mistake::new("video", encoder, problem));
        }
        (Container::Mxf, Some(Encoder::X265)) => {
            mistakes.push(Mistake::new("video", "x265", "MXF cannot hold HEVC; use x264, or .mkv, .mov or .mp4"));
        }
        _ => {}
    }
    if container != Container::Mxf {
        return;
    }
    // libavformat writes no temporal offsets for H.264 into the index (SMPTE ST 377-1, 11.2), so a reader takes the
    // decoding order for the display order.
    let reordered = "MXF cannot say in which order frames of H.264 are shown that are coded in another";
    match (&job.output.video, source.video()) {
        (VideoSettings::X264(settings), _) if settings.params.get("bframes").is_none_or(|count| count != "0") => {
            mistakes.push(Mistake::new("video", "x264", format!("{reordered}; use --param bframes=0")));
        }
        (VideoSettings::Copy, Some(facts)) if facts.codec == "h264" && facts.parameters.reorders() => {
            mistakes.push(Mistake::new("video", "copy", format!("{reordered}; use .mov, .mkv, .mp4 or .ts")));
        }
        _ => {}
    }
    if job.output.video == VideoSettings::None || source.video().is_none() {
        mistakes.push(Mistake::new("video", "none", "MXF OP1a holds audio beside video only; use .mkv or .mov"));
    } else if let Some(facts) = source.video() {
        let rate = frame_rate(facts);
        // libavformat accepts the rates of SMPTE ST 377-1 and of television.
        let nominal = (rate.num + rate.den / 2) / rate.den.max(1);
        let known = matches!(nominal, 24 | 25 | 30 | 48 | 50 | 60) && matches!(rate.den, 1 | 1001);
        if is_uneven(facts) || !known {
            let problem =
                format!("MXF holds evenly spaced frames at 24 to 60 a second; the source has {rate} or uneven ones");
            mistakes.push(Mistake::new("output.path", job.output.path.display(), problem));
        }
    }
    for audio in audio.iter().filter(|audio| audio.sample_rate != 48_000) {
        let problem =
            format!("MXF holds audio at 48000 Hz; stream {} would have {}", audio.stream.index(), audio.sample_rate);
        mistakes.push(Mistake::new("audio", job.output.audio, problem));
    }
    for audio in audio.iter().filter(|audio| !audio.copied && !holding::knows(container, &audio.codec)) {
        let problem =
            format!("MXF holds PCM of 16 and 24 bits; stream {} would be {}", audio.stream.index(), audio.codec);
        mistakes.push(Mistake::new("audio", job.output.audio, problem));
    }
}

/// Mistakes of an output that do not depend on its source.
pub(super) fn mistakes_alone(job: &OutputRequest<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    if Container::from_path(&job.output.path).is_none() {
        let problem = format!("the extension names no container; known are {}", Container::EXTENSIONS);
        mistakes.push(Mistake::new("output.path", job.output.path.display(), problem));
    }
    check_numbers(job, &mut mistakes);
    mistakes
}

fn check_numbers(job: &OutputRequest<'_>, mistakes: &mut Vec<Mistake>) {
    let zero = Timestamp::new(0, Rational::new(1, 1));
    if let Some(start) = job.source.start.filter(|start| *start < zero) {
        mistakes.push(Mistake::new("source.start", start, "is before the source; from 0 on"));
    }
    if let Some(duration) = job.source.duration.filter(|duration| *duration <= zero) {
        mistakes.push(Mistake::new("source.duration", duration, "must be above 0"));
    }
    if job.source.frames == Some(0) {
        mistakes.push(Mistake::new("source.frames", 0, "must be 1 or more"));
    }
    if job.output.video == VideoSettings::None && job.output.audio == AudioSettings::None {
        mistakes.push(Mistake::new("video", "none", "with audio = none, nothing would be written"));
    }
    if let Some(threads) = job.threads.filter(|threads| !(1..=128).contains(threads)) {
        mistakes.push(Mistake::new("threads", threads, "must be 1 to 128"));
    }
    audio::check_numbers(job, mistakes);
    video::check_numbers(job, mistakes);
}

/// The source streams that audio tracks come from.
fn streams_of(audio: &[AudioPlan]) -> impl Iterator<Item = usize> {
    audio.iter().map(|plan| plan.stream.index())
}

/// The time at which an audio track is first heard.
fn first_heard(source: &Source, index: usize) -> Option<Timestamp> {
    let stream = source.streams().get(index)?;
    // The encoder's priming lies before the start. An edit list hides it; Matroska declares it, and libavformat before
    // version 7 plays it.
    let (samples, rate) = stream.parameters.priming();
    let run_in = Timestamp::new(samples.into(), TimeBase::new(1, rate.into())).rescale(stream.time_base);
    let after = source.earliest(index).map(|first| first.saturating_add(run_in));
    let first = [stream.start, after].into_iter().flatten().max();
    first.map(|ticks| Timestamp::new(ticks, stream.time_base))
}

/// The time at which the first frame of a stream is shown.
pub(super) fn first_shown(source: &Source, video: Option<usize>) -> Option<Timestamp> {
    let stream = source.streams().get(video?)?;
    // In a transport stream, the first frame in the file may not be the first one shown.
    let first = [stream.start, source.earliest(stream.index)].into_iter().flatten().min();
    first.map(|ticks| Timestamp::new(ticks, stream.time_base))
}

/// Time zero of the output: the first frame, or the first audio sample if that comes earlier.
///
/// Audio that starts less than 50 ms earlier is an encoder's priming. Players skip it, so it does not move the video.
/// MXF always begins with a frame, whatever audio there is.
pub(super) fn origin(
    source: &Source,
    container: Container,
    stream: Option<usize>,
    video: Option<Timestamp>,
    audio: impl Iterator<Item = usize>,
) -> Timestamp {
    let micro = TimeBase::new(1, 1_000_000);
    let audio = audio.filter_map(|stream| first_heard(source, stream)).min();
    match (video, audio) {
        (Some(video), _) if container == Container::Mxf => video,
        (Some(video), Some(audio)) if audio.rescale(micro) + 50_000 < video.rescale(micro) => audio,
        (Some(video), _) => video,
        (None, Some(audio)) if stream.is_none() => audio,
        _ => Timestamp::new(0, micro),
    }
}
