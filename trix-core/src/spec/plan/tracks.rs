//! What goes along with pictures and sound: subtitles, chapters, tags, attachments, time code.
//!
//! Invariant: whatever the source has is in the plan, in a decision, or named in a note.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Decision, Mistake};
use crate::{
    ffi::{
        stream::{CodecParameters, StreamFacts, StreamKind},
        subtitle::SubtitleDecoder,
    },
    media::{
        chapter::Chapter,
        time::{Rational, TimeBase, Timestamp},
        timecode_number::NumberedTimecode,
    },
    source::Source,
    spec::{
        container::{Container, cover_type},
        job::Job,
        subtitle::SubtitleSettings,
    },
};

/// What goes along with pictures and sound.
#[derive(Clone, Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Carried {
    /// Subtitle tracks, in the order in which they are written, after the sound.
    pub subtitles: Vec<SubtitlePlan>,
    /// Chapters, in the time of the output.
    pub chapters: Vec<Chapter>,
    /// Files inside the file.
    pub attachments: Vec<AttachmentPlan>,
    /// Cover pictures that the container keeps among its tags.
    pub covers: Vec<CoverPlan>,
    /// Tags about the whole file.
    pub metadata: BTreeMap<String, String>,
    /// Time code of the first picture.
    pub timecode: Option<String>,
    /// Language, title and purpose of each track, by the index of its stream in the source.
    pub tags: BTreeMap<usize, TrackTags>,
}

/// How a track of subtitles comes to be.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct SubtitlePlan {
    /// Index of the stream in the source.
    pub stream: usize,
    /// FFmpeg's name of the codec as written.
    pub codec: String,
    /// Whether it is copied; else text is converted.
    pub copied: bool,
}

/// A file inside the file.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct AttachmentPlan {
    /// Its name.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    #[serde(skip)]
    pub data: Vec<u8>,
}

/// A cover picture.
#[derive(Clone, Serialize, schemars::JsonSchema)]
pub struct CoverPlan {
    /// Index of the stream in the source.
    pub stream: usize,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// What the muxer must know of it.
    #[serde(skip)]
    pub(crate) parameters: CodecParameters,
    /// Its bytes.
    #[serde(skip)]
    pub data: Vec<u8>,
}

impl std::fmt::Debug for CoverPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoverPlan").field("stream", &self.stream).field("codec", &self.codec).finish_non_exhaustive()
    }
}

/// What a container says of a track beside its codec.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct TrackTags {
    /// ISO 639 code.
    pub language: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// What the track is for, by FFmpeg's names.
    pub disposition: Vec<String>,
    /// Anything else.
    pub other: Vec<(String, String)>,
}

impl TrackTags {
    /// As a muxer takes it.
    pub(crate) fn metadata(&self) -> Vec<(String, String)> {
        let named = |key: &str, value: &Option<String>| value.clone().map(|value| (key.to_owned(), value));
        let list = [named("language", &self.language), named("title", &self.title)];
        list.into_iter().flatten().chain(self.other.iter().cloned()).collect()
    }
}

/// What of the source is written, for [`plan`] to go along with.
pub(super) struct Kept<'a> {
    pub(super) video: Option<usize>,
    pub(super) sound: Vec<usize>,
    pub(super) origin: Timestamp,
    pub(super) end: Option<Timestamp>,
    /// Pictures a second of the output, and those that were cut at the start, where both are known.
    pub(super) numbers: Option<(Rational, i64)>,
    /// Why the time code is not known any more, where it is not.
    pub(super) timecode_lost: Option<&'a str>,
}

/// What the plan gathers on its way.
pub(super) struct Told<'a> {
    pub(super) mistakes: &'a mut Vec<Mistake>,
    pub(super) decisions: &'a mut Vec<Decision>,
    pub(super) notes: &'a mut Vec<String>,
}

/// Subtitles alone, before anything runs or is known of the cut.
pub(super) fn plan(job: &Job, source: &Source, container: Container, kept: &Kept<'_>, told: &mut Told<'_>) -> Carried {
    let mut carried = Carried::default();
    subtitles(job, source, container, &mut carried, told);
    chapters(source, container, kept, &mut carried, told);
    attachments(source, container, &mut carried, told);
    data(source, kept, told);
    let tracks: Vec<usize> =
        kept.video.iter().chain(&kept.sound).copied().chain(carried.subtitles.iter().map(|plan| plan.stream)).collect();
    for stream in source.streams().iter().filter(|stream| tracks.contains(&stream.index)) {
        let is_first_video = kept.video == Some(stream.index);
        carried.tags.insert(stream.index, tags(stream, container, is_first_video, told));
    }
    metadata(job, source, container, &mut carried, told);
    timecode(job, source, container, kept, &mut carried, told);
    carried
}

/// What messages call a stream.
fn name(stream: &StreamFacts) -> String {
    let language = entry(&stream.metadata, "language").filter(|language| language != "und");
    let language = language.map_or_else(String::new, |language| format!(", {language}"));
    format!("stream {} ({}{language})", stream.index, stream.codec)
}

fn entry(metadata: &[(String, String)], key: &str) -> Option<String> {
    let entry = metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
    entry.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
}

fn subtitles(job: &Job, source: &Source, container: Container, carried: &mut Carried, told: &mut Told<'_>) {
    let settings = job.output.subtitles;
    let container_name = container.name();
    if let Some(codec) = settings.codec().filter(|codec| !container.holds_subtitles(codec)) {
        let instead = match container.text_codec() {
            Some(instead) => format!("{container_name} cannot hold it; use {instead} or copy"),
            None => format!("{container_name} holds no text; use copy or none, or .mkv or .mp4"),
        };
        told.mistakes.push(Mistake::new("subtitles", codec, instead));
        return;
    }
    let streams = source.streams().iter().filter(|stream| stream.kind == StreamKind::Subtitle);
    for stream in streams.filter(|_| settings != SubtitleSettings::None) {
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
                told.notes
                    .push(format!("{} is not carried over: {container_name} holds no {what}; {place}", name(stream)));
                continue;
            }
        };
        if !copied && wanted.is_none() {
            told.decisions.push(Decision::new(
                format!("{} becomes {codec}", name(stream)),
                format!("{container_name} cannot hold {}", stream.codec),
            ));
        }
        if !copied && stream.codec == "ass" {
            told.notes
                .push(format!("{}: {codec} keeps its words and times, not all of its styles and places", name(stream)));
        }
        carried.subtitles.push(SubtitlePlan { stream: stream.index, codec, copied });
    }
}

fn chapters(source: &Source, container: Container, kept: &Kept<'_>, carried: &mut Carried, told: &mut Told<'_>) {
    let all = source.input.chapters();
    if !all.is_empty() && !container.holds_chapters() {
        told.notes.push(format!(
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
        // One without an end, or of no length at its start, is still a place to go to.
        let outside = end < 0 || limit.is_some_and(|limit| start >= limit) || (end == 0 && chapter.end > chapter.start);
        if !outside {
            let [start, end] = [start, end.max(start)].map(|ticks| Timestamp::new(ticks, nano));
            carried.chapters.push(Chapter { start, end, title: chapter.title });
        }
    }
}

fn attachments(source: &Source, container: Container, carried: &mut Carried, told: &mut Told<'_>) {
    for stream in source.streams() {
        let file = entry(&stream.metadata, "filename");
        let media_type = entry(&stream.metadata, "mimetype");
        match stream.kind {
            StreamKind::Attachment if container.holds_attachments() => carried.attachments.push(AttachmentPlan {
                name: file.unwrap_or_else(|| format!("attachment-{}", stream.index)),
                media_type: media_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
                data: stream.parameters.extradata().to_vec(),
            }),
            StreamKind::Attachment => {
                let file = file.map_or_else(String::new, |file| format!(" {file}"));
                let what = format!("the attached file{file} ({})", name(stream));
                told.notes.push(format!("{what} is not carried over: {} holds no files; .mkv does", container.name()));
            }
            StreamKind::Video if stream.is_attached_picture => {
                let data = source.input.attached_picture(stream.index).filter(|data| !data.is_empty());
                match data.filter(|_| container.holds_cover(&stream.codec)) {
                    Some(data) if container == Container::Matroska => {
                        let (media_type, extension) = cover_type(&stream.codec).unwrap_or_default();
                        let name = file.unwrap_or_else(|| format!("cover.{extension}"));
                        carried.attachments.push(AttachmentPlan { name, media_type: media_type.to_owned(), data });
                    }
                    Some(data) => carried.covers.push(CoverPlan {
                        stream: stream.index,
                        codec: stream.codec.clone(),
                        parameters: stream.parameters.clone(),
                        data,
                    }),
                    None => told.notes.push(format!(
                        "the cover picture ({}) is not carried over: {} has no place for it",
                        name(stream),
                        container.name()
                    )),
                }
            }
            _ => {}
        }
    }
}

/// Names the streams that nothing here knows how to carry.
fn data(source: &Source, kept: &Kept<'_>, told: &mut Told<'_>) {
    let has_chapters = !source.input.chapters().is_empty();
    for stream in source.streams() {
        let tag = stream.parameters.tag();
        // The time code and the chapters of MOV and MP4 are tracks; both are carried as what they are.
        let known = tag == *b"tmcd" || (has_chapters && stream.codec == "bin_data" && tag == *b"text");
        let second_video = stream.kind == StreamKind::Video
            && !stream.is_attached_picture
            && kept.video.is_some_and(|kept| kept != stream.index);
        if (stream.kind == StreamKind::Data && !known) || second_video {
            let tag: String = tag.iter().map(|byte| char::from(*byte)).filter(char::is_ascii_graphic).collect();
            let tag = if tag.is_empty() || second_video { String::new() } else { format!(", tagged {tag}") };
            told.notes.push(format!("{}{tag} is not carried over", name(stream)));
        }
    }
}

/// Tags of tracks that belong to the file they stand in: who wrote it, how long it is, what the container calls things.
fn is_about_the_file(key: &str) -> bool {
    const EXACT: &[&str] = &[
        "encoder",
        "encoding_tool",
        "major_brand",
        "minor_version",
        "compatible_brands",
        "handler_name",
        "vendor_id",
        "duration",
        "rotate",
        "timecode",
        "filename",
        "mimetype",
        // MXF: identities of the file and of the program that wrote it (SMPTE ST 377-1, annex A).
        "uid",
        "generation_uid",
        "company_name",
        "product_name",
        "product_version",
        "product_version_num",
        "product_uid",
        "application_platform",
        "modification_date",
        "toolkit_version_num",
        "operational_pattern_ul",
        "material_package_umid",
        "file_package_umid",
        "file_package_name",
        "reel_umid",
        "track_name",
        "data_type",
        "variant_bitrate",
        "source_id",
    ];
    // Statistics that mkvmerge writes, some with a language behind them.
    const BEGINS: &[&str] = &["_statistics_", "bps", "number_of_frames", "number_of_bytes", "duration-"];
    let key = key.to_ascii_lowercase();
    EXACT.contains(&key.as_str()) || BEGINS.iter().any(|begin| key.starts_with(begin))
}

fn tags(stream: &StreamFacts, container: Container, is_first_video: bool, told: &mut Told<'_>) -> TrackTags {
    let container_name = container.name();
    let mut lost: Vec<String> = Vec::new();
    let language = entry(&stream.metadata, "language").filter(|language| language != "und");
    let language = language.and_then(|language| {
        // Matroska holds any tag (BCP 47); the others three letters (ISO 639-2/T).
        let primary = language.split('-').next().unwrap_or_default();
        let held = if container.is_matroska() { language.as_str() } else { primary };
        let fits = container.holds_language(stream.kind) && (container.is_matroska() || held.len() == 3);
        if !fits || held != language {
            lost.push(format!("language {language}"));
        }
        fits.then(|| held.to_owned())
    });
    let title = entry(&stream.metadata, "title").filter(|title| {
        let holds = container.holds_title();
        if !holds {
            lost.push(format!("title \"{title}\""));
        }
        holds
    });
    let mut disposition: Vec<String> =
        stream.disposition.iter().filter(|name| *name != "attached_pic").cloned().collect();
    // libavformat says both for one and the same role of a sound or text track.
    for (alias, name) in [("captions", "hearing_impaired"), ("descriptions", "visual_impaired")] {
        if disposition.iter().any(|own| own == name) {
            disposition.retain(|own| own != alias);
        }
    }
    // A file has one track of pictures; players need not be told twice, and some must be told.
    if is_first_video && !disposition.iter().any(|name| name == "default") {
        disposition.insert(0, "default".to_owned());
    }
    let is_sound = stream.kind == StreamKind::Audio;
    disposition.retain(|name| {
        let holds = container.holds_disposition(name) && (is_sound || !container.is_transport_stream());
        // Where tracks cannot be marked as default, players take the first.
        if !holds && name != "default" {
            lost.push(format!("purpose {name}"));
        }
        holds
    });
    // The descriptor of MPEG-TS says both or none.
    let language = match language {
        None if container.is_transport_stream() && !disposition.is_empty() => Some("und".to_owned()),
        language => language,
    };
    let known = |key: &str| ["language", "title", "creation_time"].iter().any(|known| key.eq_ignore_ascii_case(known));
    let mut other = Vec::new();
    for (key, value) in
        stream.metadata.iter().filter(|(key, value)| !known(key) && !is_about_the_file(key) && !value.is_empty())
    {
        match container.is_matroska() {
            true => other.push((key.clone(), value.clone())),
            false => lost.push(format!("{key} \"{value}\"")),
        }
    }
    if !lost.is_empty() {
        told.notes.push(format!("{}: {container_name} has no place for {}", name(stream), lost.join(", ")));
    }
    TrackTags { language, title, disposition, other }
}

/// Whether a container holds this tag as it is.
fn holds_tag(container: Container, key: &str, value: &str) -> bool {
    let is_number = |text: &str| text.parse::<u16>().is_ok();
    let known = container.tags().is_none_or(|tags| tags.contains(&key));
    // A name that libavformat would read as another: with a language behind it, or inside another.
    let odd = container.is_matroska() && key.contains(['-', '/', ' ']);
    let fits = match key {
        "creation_time" => is_date(value),
        "track" | "disc" if container == Container::Mp4 => {
            value.split('/').count() <= 2 && value.split('/').all(is_number)
        }
        "season_number" | "media_type" if container == Container::Mp4 => value.parse::<u8>().is_ok(),
        _ if container.is_transport_stream() => value.len() < 200,
        _ => value.len() < 32_768,
    };
    known && fits && !odd
}

/// `YYYY-MM-DDTHH:MM:SS`, with a fraction and a `Z` or without.
fn is_date(value: &str) -> bool {
    let pattern = b"0000-00-00T00:00:00";
    let bytes = value.as_bytes();
    let matches = |(byte, wanted): (&u8, &u8)| if *wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted };
    bytes.len() >= pattern.len()
        && bytes.iter().zip(pattern).all(matches)
        && value[pattern.len()..].chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'Z'))
}

fn metadata(job: &Job, source: &Source, container: Container, carried: &mut Carried, told: &mut Told<'_>) {
    let asked = &job.output.metadata;
    let overridden = |key: &str| asked.keys().any(|own| own.eq_ignore_ascii_case(key));
    let mut lost = Vec::new();
    let programs = source.input.programs();
    // A transport stream says of its programme what other containers say of the file.
    let of_program = programs.first().filter(|_| programs.len() == 1).map(|program| program.metadata.clone());
    for (key, value) in source.input.metadata().into_iter().chain(of_program.unwrap_or_default()) {
        let key = key.to_ascii_lowercase();
        if value.is_empty() || is_about_the_file(&key) || overridden(&key) {
            continue;
        }
        if holds_tag(container, &key, &value) {
            carried.metadata.insert(key, value);
        } else {
            lost.push(key);
        }
    }
    if !lost.is_empty() {
        let list = lost.join(", ");
        told.notes.push(format!("metadata not carried over, because {} has no place for it: {list}", container.name()));
    }
    for (key, value) in asked {
        let lower = key.to_ascii_lowercase();
        let place = format!("metadata.{key}");
        if key.is_empty() || key.contains(['=', '\0']) || value.contains('\0') {
            told.mistakes.push(Mistake::new(place, value, "is no name and value of a tag"));
        } else if value.is_empty() {
            carried.metadata.remove(&lower);
        } else if lower == "timecode" {
            // Judged with the rate of the pictures.
        } else if holds_tag(container, &lower, value) {
            carried.metadata.insert(lower, value.clone());
        } else {
            let problem = match container.tags() {
                Some(tags) if !tags.contains(&lower.as_str()) => {
                    format!("{} has no place for it; it holds {}", container.name(), tags.join(", "))
                }
                _ => format!("{} cannot hold this value or name", container.name()),
            };
            told.mistakes.push(Mistake::new(place, value, problem));
        }
    }
}

fn timecode(
    job: &Job,
    source: &Source,
    container: Container,
    kept: &Kept<'_>,
    carried: &mut Carried,
    told: &mut Told<'_>,
) {
    let asked =
        job.output.metadata.iter().find(|(key, _)| key.eq_ignore_ascii_case("timecode")).map(|(_, value)| value);
    if let Some(text) = asked {
        if text.is_empty() {
            return;
        }
        let code = kept.numbers.and_then(|(rate, _)| NumberedTimecode::parse(text, rate));
        match code.filter(|_| container.holds_timecode()) {
            Some(code) => carried.timecode = Some(code.to_string()),
            None => {
                let rate = kept.numbers.map_or_else(String::new, |(rate, _)| format!(" at {rate} pictures a second"));
                let problem = match container.holds_timecode() {
                    true => format!("HH:MM:SS:FF{rate}, with ; before the frames to drop numbers at 29.97"),
                    false => format!("{} has no place for a time code", container.name()),
                };
                told.mistakes.push(Mistake::new("metadata.timecode", text, problem));
            }
        }
        return;
    }
    // The picture track's own, else that of a time code track, else that of the file.
    let of_stream = |index: usize| entry(&source.streams().get(index)?.metadata, "timecode");
    let of_data = || {
        let tracks = source.streams().iter().filter(|stream| stream.parameters.tag() == *b"tmcd");
        tracks.filter_map(|stream| entry(&stream.metadata, "timecode")).next()
    };
    let found = kept.video.and_then(of_stream).or_else(of_data).or_else(|| entry(&source.input.metadata(), "timecode"));
    let Some(text) = found else { return };
    let lost = |why: &str, told: &mut Told<'_>| {
        told.notes.push(format!("the time code {text} of the first picture is not carried over: {why}"));
    };
    if !container.holds_timecode() {
        return lost(&format!("{} has no place for it", container.name()), told);
    }
    if let Some(why) = kept.timecode_lost {
        return lost(why, told);
    }
    let Some((rate, cut)) = kept.numbers else { return lost("no pictures are written", told) };
    match NumberedTimecode::parse(&text, rate) {
        None => lost(&format!("it is none at {rate} pictures a second"), told),
        Some(code) => {
            let code = code.later(cut);
            if cut > 0 {
                let what = format!("the time code begins at {code}");
                told.decisions
                    .push(Decision::new(what, format!("{text}, and {cut} pictures are cut before the start")));
            }
            carried.timecode = Some(code.to_string());
        }
    }
}
