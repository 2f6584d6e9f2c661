//! Compares tags, chapters, attachments and time code.
//!
//! Invariant: everything that the plan carries over is looked for in the file, by its content.

use trix_av::stream::{StreamFacts, StreamKind};
use trix_model::{chapter::Chapter, time::Timestamp, timecode::Timecode};
use xxhash_rust::xxh3::xxh3_64;

use super::checks::Checks;
use crate::{
    plan::{OutputPlan, TrackTags},
    settings::container::Container,
    source::Source,
};

/// The source stream of track number `place` among the tracks of its kind.
pub(super) fn source_of(plan: &OutputPlan, kind: StreamKind, place: usize) -> Option<usize> {
    match kind {
        StreamKind::Video => {
            plan.video.as_ref().map(|video| video.stream).or(plan.video_copy.as_ref().map(|copy| copy.stream))
        }
        StreamKind::Audio => plan.audio.get(place).map(|audio| audio.stream.index()),
        StreamKind::Subtitle => plan.metadata.subtitles.get(place).map(|subtitle| subtitle.stream),
        StreamKind::Attachment | StreamKind::Data => None,
    }
}

fn entry<'a>(metadata: &'a [(String, String)], key: &str) -> Option<&'a str> {
    metadata.iter().find(|(name, _)| same_name(name, key)).map(|(_, value)| value.as_str())
}

fn same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// Language, title, purpose and tags of one track.
pub(super) fn check_tags(
    checks: &mut Checks,
    name: &dyn Fn(&str) -> String,
    container: Container,
    expected: &TrackTags,
    found: &StreamFacts,
) {
    let language = entry(&found.metadata, "language").filter(|language| *language != "und");
    if let Some(expected) = expected.language.as_deref().filter(|language| *language != "und") {
        checks.equal(&name("language"), expected, language.unwrap_or("none"));
    }
    if let Some(title) = &expected.title {
        let key = if container.is_iso() { "handler_name" } else { "title" };
        checks.equal(&name("title"), title.as_str(), entry(&found.metadata, key).unwrap_or("none"));
    }
    for (key, value) in &expected.other {
        checks.equal(&name(&format!("tag {key}")), value.as_str(), entry(&found.metadata, key).unwrap_or("none"));
    }
    let purposes = |list: &[String]| {
        // If no track has the default flag, MP4 and MOV set it for the first of each kind, which players would choose
        // anyway.
        let counts = |name: &&String| container.holds_disposition(name) && name.as_str() != "default";
        let mut list: Vec<&str> = list.iter().filter(counts).map(String::as_str).collect();
        list.sort_unstable();
        list.join(" ")
    };
    checks.equal(&name("purpose"), purposes(&expected.disposition), purposes(&found.disposition));
    if expected.disposition.iter().any(|name| name == "default") {
        checks.equal(&name("default"), true, found.is_default);
    }
}

/// Compares the tags, chapters, attachments and time code of the whole file.
pub(super) fn check(checks: &mut Checks, plan: &OutputPlan, source: &Source) {
    let planned = &plan.metadata;
    let programs = source.input.programs();
    let of_programs = programs.into_iter().flat_map(|program| program.metadata);
    let metadata: Vec<(String, String)> = source.input.metadata().into_iter().chain(of_programs).collect();
    for (key, value) in &planned.metadata {
        let key_there = if plan.container.is_transport_stream() && key == "title" { "service_name" } else { key };
        let found = entry(&metadata, key_there).unwrap_or("none");
        // Movie headers hold whole seconds.
        let cut = |text: &str| if key == "creation_time" { text.chars().take(19).collect() } else { text.to_owned() };
        checks.equal(&format!("tag {key}"), cut(value), cut(found));
    }
    check_chapters(checks, &planned.chapters, &source.input.chapters());
    let file = |name: &str, data: &[u8]| format!("{name}, {} bytes, {:016x}", data.len(), xxh3_64(data));
    let mut found = Vec::new();
    let mut covers = Vec::new();
    for stream in source.streams() {
        let name = entry(&stream.metadata, "filename");
        let frame = source.input.attached_picture(stream.index).filter(|_| stream.is_attached_picture);
        match (stream.kind, frame) {
            (StreamKind::Attachment, _) => found.push(file(name.unwrap_or(""), stream.parameters.extradata())),
            // Matroska stores a cover as an attachment. libavformat shows it as a stream of one frame.
            (StreamKind::Video, Some(data)) if plan.container.is_matroska() => {
                found.push(file(name.unwrap_or(""), &data));
            }
            (StreamKind::Video, Some(data)) => covers.push(file(&stream.codec, &data)),
            _ => {}
        }
    }
    // libavformat lists images separately from other files.
    found.sort();
    let mut expected: Vec<String> =
        planned.attachments.iter().map(|own| format!("{}, {} bytes, {}", own.name, own.bytes, own.xxh3)).collect();
    expected.sort();
    checks.equal("attachments", expected.join("; "), found.join("; "));
    let expected: Vec<String> =
        planned.covers.iter().map(|own| format!("{}, {} bytes, {}", own.codec, own.bytes, own.xxh3)).collect();
    checks.equal("cover images", expected.join("; "), covers.join("; "));
    if let Some(expected) = &planned.timecode {
        let of_streams = source.streams().iter().find_map(|stream| entry(&stream.metadata, "timecode"));
        let found = entry(&metadata, "timecode").or(of_streams).unwrap_or("none");
        // Above 100 frames a second, libavutil writes the frame with three digits. The numbers count, not their width.
        let same = matches!((expected.parse::<Timecode>(), found.parse()), (Ok(one), Ok(other)) if one == other);
        checks.equal("time code", expected.as_str(), if same { expected } else { found });
    }
}

fn check_chapters(checks: &mut Checks, expected: &[Chapter], found: &[Chapter]) {
    checks.equal("chapters", expected.len(), found.len());
    for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
        let name = |what: &str| format!("chapter {index} {what}");
        let title = |chapter: &Chapter| chapter.title.clone().unwrap_or_default();
        checks.equal(&name("title"), title(expected), title(found));
        // MP4 and MOV store chapter times in milliseconds.
        let start = |chapter: &Chapter| Some::<Timestamp>(chapter.start);
        checks.near(&name("start"), start(expected), start(found), 1000);
    }
}
