//! Plans the streams and data beside video and audio: subtitles, chapters, attachments. See `tags.rs` for tags and time
//! code.
//!
//! Invariant: everything in the source is in the plan, in a decision, or in a note.

use trix_av::{
    stream::{StreamFacts, StreamKind},
    subtitle::SubtitleDecoder,
};
use trix_model::{
    chapter::Chapter,
    decision::Decision,
    mistake::Mistake,
    time::{TimeBase, Timestamp},
};
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    plan::{AttachmentPlan, CoverPlan, Metadata, SubtitlePlan, TrackTags},
    planner::{
        diagnostics::Diagnostics,
        kept::{Kept, entry, name},
        request::OutputRequest,
        tags,
    },
    settings::{
        audio::AudioSettings,
        container::{Container, cover_type},
        subtitle::SubtitleSettings,
    },
    source::Source,
};

/// The tags that the source has for a stream, for a container that holds any language, title and purpose.
pub(super) fn tags_of(stream: &StreamFacts) -> TrackTags {
    let entry = |key: &str| {
        let own = stream.metadata.iter().find(|(own, _)| own.eq_ignore_ascii_case(key));
        own.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    let language = entry("language").filter(|language| language != "und");
    TrackTags { language, title: entry("title"), disposition: stream.disposition.clone(), other: Vec::new() }
}

/// Plans everything that is written beside the kept video and audio.
pub(super) fn plan(
    job: &OutputRequest<'_>,
    source: &Source,
    container: Container,
    kept: &Kept<'_>,
    diagnostics: &mut Diagnostics<'_>,
) -> Metadata {
    let mut metadata = Metadata::default();
    subtitles(job, source, container, &mut metadata, diagnostics);
    chapters(source, container, kept, &mut metadata, diagnostics);
    attachments(source, container, &mut metadata, diagnostics);
    data(source, kept, diagnostics);
    if job.output.audio != AudioSettings::None && job.output.tracks.is_none() {
        diagnostics.notes.extend(audio_left_out(source, &kept.audio));
    }
    let tracks: Vec<usize> = kept
        .video
        .iter()
        .chain(&kept.audio)
        .copied()
        .chain(metadata.subtitles.iter().map(|plan| plan.stream))
        .collect();
    let external_audio = job.external_audio.iter().map(|external_audio| &external_audio.facts);
    for stream in source.streams().iter().chain(external_audio).filter(|stream| tracks.contains(&stream.index)) {
        let is_first_video = kept.video == Some(stream.index);
        metadata.tags.insert(stream.index, tags::of_track(stream, container, is_first_video, diagnostics));
    }
    tags::of_file(job, source, container, &mut metadata, diagnostics);
    tags::timecode(job, source, container, kept, &mut metadata, diagnostics);
    metadata
}

fn subtitles(
    job: &OutputRequest<'_>,
    source: &Source,
    container: Container,
    metadata: &mut Metadata,
    diagnostics: &mut Diagnostics<'_>,
) {
    let settings = job.output.subtitles;
    let container_name = container.name();
    if let Some(codec) = settings.codec().filter(|codec| !container.holds_subtitles(codec)) {
        let instead = match container.text_codec() {
            Some(instead) => format!("{container_name} cannot hold it; use {instead} or copy"),
            None => format!("{container_name} holds no text; use copy or none, or .mkv or .mp4"),
        };
        diagnostics.mistakes.push(Mistake::new("subtitles", codec, instead));
        return;
    }
    let streams = source.streams().iter().filter(|stream| stream.kind == StreamKind::Subtitle);
    for stream in streams.filter(|_| settings != SubtitleSettings::None) {
        if let Some(why) = source.selection().why_not(stream.index) {
            if !source.selection().is_continuation(stream.index) {
                diagnostics.notes.push(format!("{} is not carried over: {why}", name(stream)));
            }
            continue;
        }
        let is_text = SubtitleDecoder::is_text(&stream.parameters);
        let wanted = settings.codec().filter(|_| is_text);
        let copied = match wanted {
            Some(codec) => codec == stream.codec,
            None => container.holds_subtitles(&stream.codec),
        };
        let codec = match wanted.or_else(|| container.text_codec().filter(|_| is_text)) {
            _ if copied => stream.codec.clone(),
            Some(codec) => codec.to_owned(),
            None => {
                let what = if is_text { "text subtitles" } else { "these subtitles" };
                let place = if is_text { ".mkv or .mp4 can" } else { ".mkv can" };
                diagnostics
                    .notes
                    .push(format!("{} is not carried over: {container_name} holds no {what}; {place}", name(stream)));
                continue;
            }
        };
        if !copied && wanted.is_none() {
            diagnostics.decisions.push(Decision::new(
                format!("{} becomes {codec}", name(stream)),
                format!("{container_name} cannot hold {}", stream.codec),
            ));
        }
        if !copied && stream.codec == "ass" {
            diagnostics
                .notes
                .push(format!("{}: {codec} keeps its words and times, not all of its styles and places", name(stream)));
        }
        metadata.subtitles.push(SubtitlePlan { stream: stream.index, codec, copied });
    }
}

/// Notes that the order of ordered chapters is not followed.
fn ordered_chapters(source: &Source, diagnostics: &mut Diagnostics<'_>) {
    if let Some(ordered) = source.ordered_chapters() {
        let elsewhere = match ordered.elsewhere {
            0 => String::new(),
            count => format!(", {count} of which lie in other files"),
        };
        diagnostics.notes.push(format!(
            "the source has {} ordered chapters{elsewhere}; their order is not followed, and the output has the frames \
             and the audio in the order in which this file holds them",
            ordered.chapters
        ));
    }
}

fn chapters(
    source: &Source,
    container: Container,
    kept: &Kept<'_>,
    metadata: &mut Metadata,
    diagnostics: &mut Diagnostics<'_>,
) {
    let all = source.input.chapters();
    ordered_chapters(source, diagnostics);
    if !all.is_empty() && !container.holds_chapters() {
        diagnostics.notes.push(format!(
            "{} chapters are not carried over: {} has no place for them",
            all.len(),
            container.name()
        ));
        return;
    }
    let nano = TimeBase::new(1, 1_000_000_000);
    let origin = kept.origin.rescale(nano);
    let limit = kept.end.map(|end| end.rescale(nano) - origin);
    for chapter in all {
        let start = (chapter.start.rescale(nano) - origin).max(0);
        let end = chapter.end.rescale(nano).saturating_sub(origin);
        let end = limit.map_or(end, |limit| end.min(limit));
        // A chapter without an end, or of zero length at its start, is still a valid target to seek to.
        let outside = end < 0 || limit.is_some_and(|limit| start >= limit) || (end == 0 && chapter.end > chapter.start);
        if !outside {
            let [start, end] = [start, end.max(start)].map(|ticks| Timestamp::new(ticks, nano));
            metadata.chapters.push(Chapter { start, end, title: chapter.title });
        }
    }
}

fn attachments(source: &Source, container: Container, metadata: &mut Metadata, diagnostics: &mut Diagnostics<'_>) {
    for stream in source.streams() {
        let file = entry(&stream.metadata, "filename");
        let media_type = entry(&stream.metadata, "mimetype");
        let data = source.attached_data(stream.index);
        match stream.kind {
            StreamKind::Attachment if container.holds_attachments() => metadata.attachments.push(AttachmentPlan {
                stream: stream.index,
                name: file.unwrap_or_else(|| format!("attachment-{}", stream.index)),
                media_type: media_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
                bytes: data.len() as u64,
                xxh3: hash_of(&data),
            }),
            StreamKind::Attachment => {
                let file = file.map_or_else(String::new, |file| format!(" {file}"));
                let what = format!("the attached file{file} ({})", name(stream));
                diagnostics
                    .notes
                    .push(format!("{what} is not carried over: {} holds no files; .mkv does", container.name()));
            }
            StreamKind::Video if stream.is_attached_picture => {
                let (bytes, xxh3) = (data.len() as u64, hash_of(&data));
                match !data.is_empty() && container.holds_cover(&stream.codec) {
                    true if container == Container::Matroska => {
                        let (media_type, extension) = cover_type(&stream.codec).unwrap_or_default();
                        let name = file.unwrap_or_else(|| format!("cover.{extension}"));
                        let media_type = media_type.to_owned();
                        metadata.attachments.push(AttachmentPlan {
                            stream: stream.index,
                            name,
                            media_type,
                            bytes,
                            xxh3,
                        });
                    }
                    true => {
                        metadata.covers.push(CoverPlan {
                            stream: stream.index,
                            codec: stream.codec.clone(),
                            bytes,
                            xxh3,
                        });
                    }
                    false => diagnostics.notes.push(format!(
                        "the cover image ({}) is not carried over: {} has no place for it",
                        name(stream),
                        container.name()
                    )),
                }
            }
            _ => {}
        }
    }
}

/// XXH3 (64 bits) as 16 hexadecimal digits.
fn hash_of(data: &[u8]) -> String {
    format!("{:016x}", xxh3_64(data))
}

/// Notes about the audio streams that the selection leaves out and that are not `kept`, each with the reason.
pub(super) fn audio_left_out(source: &Source, kept: &[usize]) -> Vec<String> {
    let selection = source.selection();
    let left_out = |stream: &&StreamFacts| !kept.contains(&stream.index) && !selection.is_continuation(stream.index);
    let notes = source.audio().filter(left_out).filter_map(|stream| {
        let why = selection.reason(stream.index)?;
        Some(format!("{} is not carried over: {why}", name(stream)))
    });
    notes.collect()
}

/// Notes about streams that Trix cannot carry over.
fn data(source: &Source, kept: &Kept<'_>, diagnostics: &mut Diagnostics<'_>) {
    let has_chapters = !source.input.chapters().is_empty();
    for stream in source.streams() {
        let tag = stream.parameters.tag();
        // MOV and MP4 store time code and chapters as tracks. Both are carried over in their own form.
        let known = tag == *b"tmcd" || (has_chapters && stream.codec == "bin_data" && tag == *b"text");
        let second_video = stream.kind == StreamKind::Video
            && !stream.is_attached_picture
            && kept.video != Some(stream.index)
            && (kept.video.is_some() || source.video().is_none())
            && !source.selection().is_continuation(stream.index);
        if (stream.kind == StreamKind::Data && !known) || second_video {
            let tag: String = tag.iter().map(|byte| char::from(*byte)).filter(char::is_ascii_graphic).collect();
            let tag = if tag.is_empty() || second_video { String::new() } else { format!(", tagged {tag}") };
            let why = source.selection().why_not(stream.index).filter(|_| second_video);
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            diagnostics.notes.push(format!("{}{tag} is not carried over{why}", name(stream)));
        }
    }
}
