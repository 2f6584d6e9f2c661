//! Resolves a package against its source: the rungs of the ladder, and each rendition.
//!
//! Invariant: no video is enlarged beyond the size of the source. All video renditions have their keyframes at the same
//! times.

use trix_av::stream::StreamKind;
use trix_model::{
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    mistake::Mistake,
    orientation::Orientation,
    time::{Rational, Timestamp},
};

use crate::{
    plan::{Metadata, OutputPlan, PackagePlan, SubtitlePlan, TextPlan},
    planner::{
        audio, output,
        request::{OutputRequest, PlanContext},
        tags::TIMECODE_LOST,
        tracks,
    },
    settings::{
        audio::AudioSettings,
        job::{Container, OutputSettings, SourceSettings},
        package::{PackageJob, PackageSettings, Rung},
        picture::PictureSettings,
        subtitle::SubtitleSettings,
        video::{Size, VideoSettings},
    },
    source::Source,
};

/// A rendition as output settings.
struct Rendition {
    id: String,
    output: OutputSettings,
    /// Which track, if an audio stream becomes several.
    part: Option<usize>,
    /// The location that mistakes name.
    place: String,
}

/// A package expanded for its source and the external audio tracks.
struct Expanded {
    renditions: Vec<Rendition>,
    subtitles: Vec<TextPlan>,
    decisions: Vec<Decision>,
    notes: Vec<String>,
}

/// A package plan without its renditions, and the name, settings and plan of each rendition.
pub(super) type Planned = (PackagePlan, Vec<(String, OutputSettings, OutputPlan)>);

/// Resolves a package against its source. Adds mistakes to `mistakes`; with mistakes, there is no plan.
///
/// # Errors
/// `Unsupported` if the source has something that Trix cannot process, or nothing that the package keeps.
pub(super) fn plan(
    package: &PackageJob,
    context: &PlanContext<'_>,
    source: &Source,
    mistakes: &mut Vec<Mistake>,
) -> Result<Option<Planned>> {
    mistakes.append(&mut mistakes_alone(package));
    if !mistakes.is_empty() {
        return Ok(None);
    }
    let all = source.audio().count();
    let external = all..all + context.external_audio.len();
    let parts = audio_parts(package, context, source);
    let parts = |track: usize| (track, parts.get(track).copied().unwrap_or(1));
    let tracks: Vec<(usize, usize)> =
        source.decodable_audio().map(|(number, _)| number).chain(external).map(parts).collect();
    let expanded = expand(package, source, &tracks);
    let begin = begin(package, &expanded, context, source)?;
    let mut renditions: Vec<(String, OutputSettings, OutputPlan)> = Vec::new();
    let mut notes = expanded.notes;
    let has_video = expanded.renditions.iter().any(|rendition| rendition.output.video != VideoSettings::None);
    for Rendition { id, output, part, place } in expanded.renditions {
        let mut own = Vec::new();
        let request = OutputRequest { part, ..context.request(&output, begin) };
        let planned = output::plan(&request, source, &mut own)?;
        own.iter_mut().for_each(|mistake| mistake.enter(&place));
        mistakes.append(&mut own);
        if let Some(mut planned) = planned {
            // A package cannot hold tags of a whole file.
            if planned.video.is_some() && renditions.is_empty() {
                notes.extend(left_out(&planned.metadata));
            } else if has_video {
                planned.notes.retain(|note| !note.starts_with(TIMECODE_LOST));
            }
            planned.metadata = Metadata { tags: planned.metadata.tags, ..Metadata::default() };
            renditions.push((id, output, planned));
        }
    }
    if !mistakes.is_empty() {
        return Ok(None);
    }
    let Some(origin) = renditions.first().map(|(_, _, plan)| plan.origin) else {
        let detail = "nothing would be written: the source has no stream that the package keeps";
        return Err(Error::new(ErrorKind::Unsupported, Stage::Plan, detail).in_file(&source.label()));
    };
    let plan = PackagePlan {
        path: package.path.clone(),
        overwrite: package.overwrite,
        settings: PackageSettings { segment: package.segment, layout: package.layout },
        renditions: Vec::new(),
        subtitles: expanded.subtitles,
        origin,
        decisions: expanded.decisions,
        notes,
    };
    Ok(Some((plan, renditions)))
}

/// Notes about data that a file would hold and a package cannot.
fn left_out(metadata: &Metadata) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(timecode) = &metadata.timecode {
        notes.push(format!(
            "{TIMECODE_LOST}{timecode} of the first frame is not carried over: a package has no place for it"
        ));
    }
    if !metadata.chapters.is_empty() {
        let count = metadata.chapters.len();
        notes.push(format!("{count} chapters are not carried over: a package has no place for them"));
    }
    notes
}

/// Mistakes of a package that do not depend on its source.
pub(super) fn mistakes_alone(package: &PackageJob) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    if package.segment < Rational::new(1, 1) || package.segment > Rational::new(60, 1) {
        mistakes.push(Mistake::new("segment", package.segment, "must be 1 to 60 seconds"));
    }
    if package.path.file_name().is_none() {
        mistakes.push(Mistake::new("path", package.path.display(), "is no name for a folder"));
    }
    if let Some(size) = package.picture.size {
        mistakes.push(Mistake::new("picture.size", size, "the height of each rung is its size"));
    }
    if package.ladder.is_empty() && package.audio == AudioSettings::None {
        mistakes.push(Mistake::new("ladder", "", "without audio, nothing would be written"));
    }
    for (number, rung) in package.ladder.iter().enumerate() {
        let place = format!("ladder[{number}]");
        if !(2..=16_384).contains(&rung.height) || rung.height % 2 == 1 {
            mistakes.push(Mistake::new(
                format!("{place}.height"),
                rung.height,
                "must be an even number from 2 to 16384",
            ));
        }
        if package.ladder[..number].iter().any(|other| other.height == rung.height) {
            mistakes.push(Mistake::new(format!("{place}.height"), rung.height, "stands there twice"));
        }
        match &rung.video {
            // The segments decide about keyframes, but the number has to be legal.
            VideoSettings::X264(settings) | VideoSettings::X265(settings) if settings.gop == Some(0) => {
                mistakes.push(Mistake::new(format!("{place}.video.gop"), 0, "must be 1 or more"));
            }
            VideoSettings::X264(_) | VideoSettings::X265(_) => {}
            _ => mistakes.push(Mistake::new(format!("{place}.video"), "", "a rung is encoded by x264 or x265")),
        }
    }
    mistakes
}

/// The number of renditions for each audio track.
fn audio_parts(package: &PackageJob, context: &PlanContext<'_>, source: &Source) -> Vec<usize> {
    let audio_shape = package.audio_shape.clone();
    let output = OutputSettings { audio: package.audio, audio_shape, ..OutputSettings::default() };
    let request = OutputRequest { part: Some(0), ..context.request(&output, None) };
    audio::parts(&request, source, Container::Mp4)
}

/// Expands `package` to its renditions. `tracks` lists each audio track by number, with its number of renditions.
fn expand(package: &PackageJob, source: &Source, tracks: &[(usize, usize)]) -> Expanded {
    let (mut renditions, mut decisions, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    if source.video().is_some() {
        renditions.extend(
            video_renditions(package, source, &mut decisions).into_iter().map(|(number, id, output)| Rendition {
                id,
                output,
                part: None,
                place: format!("ladder[{number}]."),
            }),
        );
    } else if !package.ladder.is_empty() {
        notes.push("the source has no video; the package has audio only".to_owned());
    }
    let base = empty_output(package);
    if package.audio != AudioSettings::None {
        notes.extend(crate::planner::tracks::audio_left_out(source, &[]));
        let parts = |(track, count): (usize, usize)| (0..count).map(move |part| (track, part));
        for (number, (track, part)) in tracks.iter().copied().flat_map(parts).enumerate() {
            let id = format!("audio-{}", number + 1);
            let path = package.path.join(format!("{id}.mp4"));
            let (audio, audio_shape) = (package.audio, package.audio_shape.clone());
            let output = OutputSettings { path, audio, audio_shape, tracks: Some(vec![track]), ..base.clone() };
            renditions.push(Rendition { id, output, part: Some(part), place: String::new() });
        }
    }
    let mut subtitles = Vec::new();
    for facts in source.streams().iter().filter(|facts| facts.kind == StreamKind::Subtitle && package.subtitles) {
        if source.selection().is_foreign(facts.index) {
            continue;
        }
        if facts.is_text {
            let id = format!("text-{}", subtitles.len() + 1);
            let subtitle =
                SubtitlePlan { stream: facts.index, codec: "webvtt".to_owned(), copied: facts.codec == "webvtt" };
            subtitles.push(TextPlan { id, subtitle, tags: tracks::tags_of(facts) });
        } else {
            notes.push(format!("stream {}: {} subtitles are images, and packages hold text", facts.index, facts.codec));
        }
    }
    Expanded { renditions, subtitles, decisions, notes }
}

/// An output with the frames of a package, and without streams.
fn empty_output(package: &PackageJob) -> OutputSettings {
    OutputSettings {
        picture: package.picture.clone(),
        audio_shape: Default::default(),
        audio: AudioSettings::None,
        subtitles: SubtitleSettings::None,
        video: VideoSettings::None,
        ..OutputSettings::default()
    }
}

/// The renditions of the rungs that are not larger than the source: the number of the rung, the name, and the output.
pub(crate) fn video_renditions(
    package: &PackageJob,
    source: &Source,
    decisions: &mut Vec<Decision>,
) -> Vec<(usize, String, OutputSettings)> {
    let Some(facts) = source.video() else { return Vec::new() };
    let turned = facts.display_matrix.as_ref().and_then(Orientation::from_matrix);
    let rows = if turned.is_some_and(|turned| turned.is_sideways()) { facts.width } else { facts.height } as u32;
    let rate = crate::decode::frame_rate::frame_rate(facts);
    let mut renditions = Vec::new();
    for (number, rung, size) in rungs(package, rows, decisions) {
        let video = settled(rung, package.segment, rate, decisions);
        let id = format!("video-{}", if size.is_some() { rung.height } else { rows });
        let path = package.path.join(format!("{id}.mp4"));
        let picture = PictureSettings { size, ..package.picture.clone() };
        renditions.push((number, id, OutputSettings { path, video, picture, ..empty_output(package) }));
    }
    renditions
}

/// The rungs that are not larger than the source, each with its number and its target size.
fn rungs<'a>(
    package: &'a PackageJob,
    rows: u32,
    decisions: &mut Vec<Decision>,
) -> Vec<(usize, &'a Rung, Option<Size>)> {
    let scaled = |rung: &Rung| (rung.height != rows).then_some(Size { width: -2, height: rung.height as i32 });
    let each = package.ladder.iter().enumerate();
    let kept: Vec<_> = each
        .clone()
        .filter(|(_, rung)| rung.height <= rows)
        .map(|(number, rung)| (number, rung, scaled(rung)))
        .collect();
    let too_large: Vec<String> =
        each.clone().filter(|(_, rung)| rung.height > rows).map(|(_, rung)| rung.height.to_string()).collect();
    if !too_large.is_empty() {
        let what = format!("no rungs of {} rows", too_large.join(", "));
        decisions.push(Decision::new(what, format!("the source has {rows} rows, and frames are not enlarged")));
    }
    match (kept.is_empty(), each.min_by_key(|(_, rung)| rung.height)) {
        (true, Some((number, rung))) => {
            decisions.push(Decision::new(
                format!("one rung of {rows} rows, encoded as that of {}", rung.height),
                "the source is smaller than every rung",
            ));
            vec![(number, rung, None)]
        }
        _ => kept,
    }
}

/// The settings of a rung, with keyframes only where segments begin.
fn settled(rung: &Rung, segment: Rational, rate: Rational, decisions: &mut Vec<Decision>) -> VideoSettings {
    let mut video = rung.video.clone();
    if let VideoSettings::X264(settings) | VideoSettings::X265(settings) = &mut video {
        settings.open_gop = Some(false);
        settings.key_interval = Some(Timestamp::new(1, segment));
        // Longer than a segment, so that only forced keyframes occur.
        settings.gop = Some((segment.to_f64() * rate.to_f64()).ceil() as u32 * 2);
        settings.params.entry("scenecut".to_owned()).or_insert_with(|| "0".to_owned());
        if rate > Rational::new(30, 1) && settings.maxrate.is_some() {
            let more = |kbps: u32| kbps.saturating_mul(3) / 2;
            settings.maxrate = settings.maxrate.map(more);
            settings.bufsize = settings.bufsize.map(more);
            let what = format!("the rate limit of the rung of {} rows is half as much again", rung.height);
            decisions.push(Decision::new(what, format!("the source has {:.3} frames a second", rate.to_f64())));
        }
    }
    video
}

/// The start of the source for all renditions: time zero of an MP4 that held all of them.
///
/// # Errors
/// Those of [`output::plan`].
fn begin(
    package: &PackageJob,
    expanded: &Expanded,
    context: &PlanContext<'_>,
    source: &Source,
) -> Result<Option<Timestamp>> {
    let Some(first) = expanded.renditions.first() else { return Ok(None) };
    let together = OutputSettings { audio: package.audio, tracks: None, ..first.output.clone() };
    let whole = SourceSettings { start: None, ..context.job.source.clone() };
    let request = OutputRequest { source: &whole, ..context.request(&together, None) };
    Ok(output::plan(&request, source, &mut Vec::new())?.map(|plan| plan.origin))
}
