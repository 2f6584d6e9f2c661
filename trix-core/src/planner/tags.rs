//! Tags of tracks and of the whole file, and the time code.
//!
//! Invariant: a tag about the programme is carried over or named in a note. A tag about the old file is dropped.

use trix_av::stream::{StreamFacts, StreamKind};
use trix_model::{decision::Decision, mistake::Mistake, time::Rational, timecode::Timecode};

use crate::{
    plan::{Metadata, TrackTags},
    planner::{
        diagnostics::Diagnostics,
        kept::{Kept, entry, name},
        request::OutputRequest,
    },
    settings::{container::Container, language as codes},
    source::Source,
};

/// True if a tag describes its file: the writing program, the length, names of the container.
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
        // How the coded frames carry alpha. A copy with alpha states it again.
        "alpha_mode",
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
    // Statistics that mkvmerge writes, some with a language suffix.
    const BEGINS: &[&str] = &["_statistics_", "bps", "number_of_frames", "number_of_bytes", "duration-"];
    let key = key.to_ascii_lowercase();
    EXACT.contains(&key.as_str()) || BEGINS.iter().any(|begin| key.starts_with(begin))
}

/// The tags of the track that comes from `stream`.
pub(super) fn of_track(
    stream: &StreamFacts,
    container: Container,
    is_first_video: bool,
    diagnostics: &mut Diagnostics<'_>,
) -> TrackTags {
    let container_name = container.name();
    let mut lost: Vec<String> = Vec::new();
    let language = entry(&stream.metadata, "language").filter(|language| language != "und");
    let language = language.and_then(|language| {
        // Matroska holds any tag (BCP 47); the others hold three letters (ISO 639-2/T).
        let primary = language.split('-').next().unwrap_or_default();
        let held = match container {
            _ if container.is_matroska() => Some(language.as_str()),
            // MOV has numbers for some languages, under their older codes.
            Container::Mov => codes::in_quicktime(primary),
            _ => Some(primary).filter(|primary| primary.len() == 3),
        };
        let held = held.filter(|_| container.holds_language(stream.kind));
        let is_whole = container.is_matroska() || !language.contains('-');
        if held.is_none() || !is_whole {
            lost.push(format!("language {language}"));
        }
        held.map(str::to_owned)
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
    // libavformat sets both for the same role of an audio or text track.
    for (alias, name) in [("captions", "hearing_impaired"), ("descriptions", "visual_impaired")] {
        if disposition.iter().any(|own| own == name) {
            disposition.retain(|own| own != alias);
        }
    }
    // A file has one video track. Most players need no default flag for it, but some do.
    if is_first_video && !disposition.iter().any(|name| name == "default") {
        disposition.insert(0, "default".to_owned());
    }
    let is_audio = stream.kind == StreamKind::Audio;
    disposition.retain(|name| {
        let holds = container.holds_disposition(name) && (is_audio || !container.is_transport_stream());
        // Without a default flag, players take the first track.
        if !holds && name != "default" {
            lost.push(format!("purpose {name}"));
        }
        holds
    });
    // The descriptor of MPEG-TS states both language and purpose, or neither.
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
        diagnostics.notes.push(format!("{}: {container_name} has no place for {}", name(stream), lost.join(", ")));
    }
    TrackTags { language, title, disposition, other }
}

/// True if a container holds this tag unchanged.
fn holds_tag(container: Container, key: &str, value: &str) -> bool {
    let is_number = |text: &str| text.parse::<u16>().is_ok();
    let known = container.tags().is_none_or(|tags| tags.contains(&key));
    // libavformat reads such a name as another tag: with a language suffix, or as a nested tag.
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

/// True for `YYYY-MM-DDTHH:MM:SS`, with or without a fraction and a `Z`.
fn is_date(value: &str) -> bool {
    let pattern = b"0000-00-00T00:00:00";
    let bytes = value.as_bytes();
    let matches = |(byte, wanted): (&u8, &u8)| if *wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted };
    bytes.len() >= pattern.len()
        && bytes.iter().zip(pattern).all(matches)
        && value[pattern.len()..].chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'Z'))
}

/// Tags about the whole file: those of the source and those of the job.
pub(super) fn of_file(
    job: &OutputRequest<'_>,
    source: &Source,
    container: Container,
    metadata: &mut Metadata,
    diagnostics: &mut Diagnostics<'_>,
) {
    let asked = &job.output.metadata;
    let overridden = |key: &str| asked.keys().any(|own| own.eq_ignore_ascii_case(key));
    let mut lost = Vec::new();
    let programs = source.input.programs();
    // A transport stream describes its programme where other containers describe the file.
    let of_program = programs.first().filter(|_| programs.len() == 1).map(|program| program.metadata.clone());
    for (key, value) in source.input.metadata().into_iter().chain(of_program.unwrap_or_default()) {
        let key = key.to_ascii_lowercase();
        if value.is_empty() || is_about_the_file(&key) || overridden(&key) {
            continue;
        }
        if holds_tag(container, &key, &value) {
            metadata.metadata.insert(key, value);
        } else {
            lost.push(key);
        }
    }
    if !lost.is_empty() {
        let list = lost.join(", ");
        diagnostics
            .notes
            .push(format!("metadata not carried over, because {} has no place for it: {list}", container.name()));
    }
    for (key, value) in asked {
        let lower = key.to_ascii_lowercase();
        let place = format!("metadata.{key}");
        if key.is_empty() || key.contains(['=', '\0']) || value.contains('\0') {
            diagnostics.mistakes.push(Mistake::new(place, value, "is no name and value of a tag"));
        } else if value.is_empty() {
            metadata.metadata.remove(&lower);
        } else if lower == "timecode" {
            // Checked later, against the frame rate.
        } else if holds_tag(container, &lower, value) {
            metadata.metadata.insert(lower, value.clone());
        } else {
            let problem = match container.tags() {
                Some(tags) if !tags.contains(&lower.as_str()) => {
                    format!("{} has no place for it; it holds {}", container.name(), tags.join(", "))
                }
                _ => format!("{} cannot hold this value or name", container.name()),
            };
            diagnostics.mistakes.push(Mistake::new(place, value, problem));
        }
    }
}

/// The beginning of a note about a time code that the output does not have.
pub(super) const TIMECODE_LOST: &str = "the time code ";

/// The highest frame rate that the time code track of MOV and MP4 can count: the field has one byte (QuickTime File
/// Format, "Timecode sample description").
const MOST_COUNTED: i64 = 255;

/// The time code of the first frame: from the job, or from the source, advanced by the frames that were cut.
pub(super) fn timecode(
    job: &OutputRequest<'_>,
    source: &Source,
    container: Container,
    kept: &Kept<'_>,
    metadata: &mut Metadata,
    diagnostics: &mut Diagnostics<'_>,
) {
    let asked =
        job.output.metadata.iter().find(|(key, _)| key.eq_ignore_ascii_case("timecode")).map(|(_, value)| value);
    if let Some(text) = asked {
        if text.is_empty() {
            return;
        }
        let code = kept.numbers.and_then(|(rate, _)| text.parse::<Timecode>().ok().filter(|code| code.exists_at(rate)));
        let counted = kept.numbers.is_none_or(|(rate, _)| counts(container, rate));
        match code.filter(|_| container.holds_timecode() && counted) {
            Some(code) => metadata.timecode = Some(code.to_string()),
            None => {
                let rate = kept.numbers.map_or_else(String::new, |(rate, _)| format!(" at {rate} frames a second"));
                let problem = match container.holds_timecode() {
                    true if !counted => too_fast(container),
                    true => format!("HH:MM:SS:FF{rate}, with ; before the frames to drop numbers at 29.97"),
                    false => format!("{} has no place for a time code", container.name()),
                };
                diagnostics.mistakes.push(Mistake::new("metadata.timecode", text, problem));
            }
        }
        return;
    }
    // The time code of the video track, else that of a time code track, else that of the file.
    let of_stream = |index: usize| entry(&source.streams().get(index)?.metadata, "timecode");
    let of_data = || {
        let tracks = source.streams().iter().filter(|stream| stream.parameters.tag() == *b"tmcd");
        tracks.filter_map(|stream| entry(&stream.metadata, "timecode")).next()
    };
    let found = kept.video.and_then(of_stream).or_else(of_data).or_else(|| entry(&source.input.metadata(), "timecode"));
    let Some(text) = found else { return };
    let lost = |why: &str, diagnostics: &mut Diagnostics<'_>| {
        diagnostics.notes.push(format!("{TIMECODE_LOST}{text} of the first frame is not carried over: {why}"));
    };
    if !container.holds_timecode() {
        return lost(&format!("{} has no place for it", container.name()), diagnostics);
    }
    if let Some(why) = kept.timecode_lost {
        return lost(why, diagnostics);
    }
    let Some((rate, cut)) = kept.numbers else { return lost("no frames are written", diagnostics) };
    match text.parse::<Timecode>().ok().and_then(|code| code.later(cut, rate)) {
        Some(_) if !counts(container, rate) => lost(&too_fast(container), diagnostics),
        None => lost(&format!("it is none at {rate} frames a second"), diagnostics),
        Some(code) => {
            if cut > 0 {
                let what = format!("the time code begins at {code}");
                diagnostics
                    .decisions
                    .push(Decision::new(what, format!("{text}, and {cut} frames are cut before the start")));
            }
            metadata.timecode = Some(code.to_string());
        }
    }
}

/// True if the time code of `container` can count frames at `rate`.
fn counts(container: Container, rate: Rational) -> bool {
    !container.is_iso() || rate <= Rational::new(MOST_COUNTED, 1)
}

fn too_fast(container: Container) -> String {
    format!("a time code in {} counts {MOST_COUNTED} frames a second at the most", container.name())
}
