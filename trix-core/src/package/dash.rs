//! The DASH manifest (ISO/IEC 23009-1; profiles "isoff-live", or "isoff-on-demand" for single files, and "cmaf").
//!
//! Invariant: the timeline of a representation matches its segments exactly, in ticks.

use std::{fmt::Write, fs, path::Path};

use trix_av::stream::StreamKind;
use trix_model::{
    error::{Error, Result, Stage},
    time::{Rational, TimeBase, Timestamp},
};

use super::{
    codecs, header,
    names::MANIFEST,
    text::{self, TextRendition},
    track::{self, MediaRendition},
};
use crate::{mux::TrackSpec, settings::package::Layout};

/// Writes the manifest.
pub(super) fn write(root: &Path, media: &[MediaRendition], texts: &[TextRendition]) -> Result<()> {
    let path = root.join(MANIFEST);
    fs::write(&path, manifest(media, texts)).map_err(|error| Error::io(Stage::Mux, &path, "cannot be written", error))
}

/// Escapes text for an attribute or element.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// A duration in XML Schema format, in milliseconds, rounded up so that nothing is cut off.
fn span(time: Timestamp) -> String {
    let micros = time.micros().max(0);
    let millis = (micros + 999) / 1000;
    format!("PT{}.{:03}S", millis / 1000, millis % 1000)
}

fn layout(media: &[MediaRendition]) -> Layout {
    media.first().map_or(Layout::Files, |rendition| rendition.layout)
}

fn manifest(media: &[MediaRendition], texts: &[TextRendition]) -> String {
    let end = |rendition: &MediaRendition| rendition.record.start.plus(rendition.record.duration);
    let zero = Timestamp::new(0, TimeBase::new(1, 1));
    let whole = media.iter().map(end).max().unwrap_or(zero);
    let longest = media.iter().flat_map(|rendition| {
        let base = TimeBase::new(1, rendition.timescale.into());
        let ticks = rendition.segments.iter().map(|segment| i64::try_from(segment.duration).unwrap_or(i64::MAX));
        ticks.map(move |ticks| Timestamp::new(ticks, base))
    });
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" xmlns:scte214=\"urn:scte:dash:scte214-extensions\" \
         profiles=\"urn:mpeg:dash:profile:{}:2011,urn:mpeg:dash:profile:cmaf:2019\" type=\"static\" \
         mediaPresentationDuration=\"{}\" minBufferTime=\"{}\">\n  <Period id=\"0\" start=\"PT0S\">\n",
        match layout(media) {
            Layout::Files => "isoff-live",
            Layout::Single => "isoff-on-demand",
        },
        span(whole),
        span(longest.max().unwrap_or(zero))
    );
    let mut sets: Vec<(String, Vec<&MediaRendition>)> = Vec::new();
    for rendition in media {
        let key = set_of(rendition);
        match sets.iter_mut().find(|(other, _)| *other == key) {
            Some((_, members)) => members.push(rendition),
            None => sets.push((key, vec![rendition])),
        }
    }
    for (index, (_, members)) in sets.iter().enumerate() {
        adaptation_set(&mut text, index, members);
    }
    for (index, rendition) in texts.iter().enumerate() {
        text_set(&mut text, sets.len() + index, rendition);
    }
    text.push_str("  </Period>\n</MPD>\n");
    text
}

/// The key of an adaptation set: properties that its members share, so that a player can switch between them
/// seamlessly.
fn set_of(rendition: &MediaRendition) -> String {
    let spec = &rendition.spec;
    match spec.parameters.kind() {
        StreamKind::Video => {
            let (primaries, transfer, matrix) = spec.parameters.code_points();
            let code = rendition.codecs.split('.').next().unwrap_or_default();
            format!("{code} {primaries} {transfer} {matrix}")
        }
        _ => {
            let (_, channels) = spec.parameters.audio();
            format!("{} {channels} {:?} {:?}", rendition.codecs, rendition.language, roles(spec))
        }
    }
}

/// Roles and accessibility descriptors (ISO/IEC 23009-1, 5.8.5.5; urn:tva:metadata:cs:AudioPurposeCS:2007).
fn roles(spec: &TrackSpec) -> Vec<(&'static str, &'static str)> {
    let has = |role: &str| spec.disposition.iter().any(|name| name == role);
    let is_text = spec.parameters.kind() == StreamKind::Subtitle;
    let mut roles = Vec::new();
    if is_text {
        roles.push(("Role", if has("hearing_impaired") || has("captions") { "caption" } else { "subtitle" }));
        if has("forced") {
            roles.push(("Role", "forced-subtitle"));
        }
    }
    if has("comment") {
        roles.push(("Role", "commentary"));
    }
    if has("dub") {
        roles.push(("Role", "dub"));
    }
    if !is_text && has("visual_impaired") {
        roles.push(("Accessibility", "1"));
        roles.push(("Role", "alternate"));
    }
    if roles.is_empty() {
        // The track that players start with is "main"; others are "alternate".
        roles.push((
            "Role",
            if has("default") || spec.parameters.kind() == StreamKind::Video { "main" } else { "alternate" },
        ));
    }
    roles
}

fn write_roles(text: &mut String, spec: &TrackSpec) {
    for (element, value) in roles(spec) {
        let scheme = match element {
            "Accessibility" => "urn:tva:metadata:cs:AudioPurposeCS:2007",
            _ => "urn:mpeg:dash:role:2011",
        };
        let _ = writeln!(text, "      <{element} schemeIdUri=\"{scheme}\" value=\"{value}\"/>");
    }
}

fn label(spec: &TrackSpec) -> String {
    let title = spec.metadata.iter().find(|(key, value)| key == "title" && !value.trim().is_empty());
    title.map_or_else(String::new, |(_, title)| format!("      <Label>{}</Label>\n", escaped(title)))
}

fn adaptation_set(text: &mut String, index: usize, members: &[&MediaRendition]) {
    let spec = &members[0].spec;
    let is_video = spec.parameters.kind() == StreamKind::Video;
    let kind = if is_video { "video" } else { "audio" };
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "    <AdaptationSet id=\"{}\" contentType=\"{kind}\" mimeType=\"{kind}/mp4\" {}",
        index + 1,
        match members[0].layout {
            Layout::Files => "segmentAlignment=\"true\" startWithSAP=\"1\"",
            Layout::Single => "subsegmentAlignment=\"true\" subsegmentStartsWithSAP=\"1\"",
        }
    );
    if let Some(language) = &members[0].language {
        let _ = write!(text, " lang=\"{}\"", escaped(language));
    }
    if is_video {
        let sizes = members.iter().map(|one| one.spec.parameters.coded_size());
        let (width, height) = sizes.fold((0, 0), |most, size| (most.0.max(size.0), most.1.max(size.1)));
        let (shown, rows) = header::shown_size(spec);
        let shape = Rational::new(shown.into(), rows.into());
        let _ = write!(text, " maxWidth=\"{width}\" maxHeight=\"{height}\" par=\"{}:{}\"", shape.num, shape.den);
    }
    text.push_str(">\n");
    text.push_str(&label(spec));
    if is_video {
        let (primaries, transfer, matrix) = spec.parameters.code_points();
        // Supplemental properties, so that players that do not know them still play the content.
        for (name, value) in [
            ("ColourPrimaries", primaries.0),
            ("TransferCharacteristics", transfer.0),
            ("MatrixCoefficients", matrix.0),
        ] {
            if value != 2 {
                let _ = writeln!(
                    text,
                    "      <SupplementalProperty schemeIdUri=\"urn:mpeg:mpegB:cicp:{name}\" value=\"{value}\"/>"
                );
            }
        }
    }
    write_roles(text, spec);
    members.iter().for_each(|rendition| representation(text, rendition));
    text.push_str("    </AdaptationSet>\n");
}

fn representation(text: &mut String, rendition: &MediaRendition) {
    let MediaRendition { record, spec, codecs, timescale, .. } = rendition;
    let _ = write!(
        text,
        "      <Representation id=\"{}\" codecs=\"{codecs}\" bandwidth=\"{}\"",
        record.id, record.peak_bit_rate
    );
    if spec.parameters.kind() == StreamKind::Video {
        let (width, height, aspect) = spec.parameters.coded_size();
        let _ = write!(text, " width=\"{width}\" height=\"{height}\"");
        let square = Rational::new(1, 1);
        let aspect = if aspect.is_positive() { aspect } else { square };
        let _ = write!(text, " sar=\"{}:{}\"", aspect.num, aspect.den);
        match spec.rate.filter(|rate| rate.is_positive()) {
            Some(rate) if rate.den == 1 => {
                let _ = write!(text, " frameRate=\"{}\"", rate.num);
            }
            Some(rate) => {
                let _ = write!(text, " frameRate=\"{rate}\"");
            }
            None => {}
        }
        if let Some((name, brand)) = spec.display.dolby_vision.as_ref().and_then(codecs::dolby_vision) {
            let names = format!("scte214:supplementalCodecs=\"{name}\" scte214:supplementalProfiles=\"{brand}\"");
            let _ = write!(text, " {names}");
        }
        text.push_str(">\n");
    } else {
        let (rate, channels) = spec.parameters.audio();
        let _ = writeln!(text, " audioSamplingRate=\"{rate}\">");
        // ISO/IEC 23091-3: the usual layout for this number of channels.
        let layout = if channels == 8 { 12 } else { channels };
        let scheme = "urn:mpeg:mpegB:cicp:ChannelConfiguration";
        let _ = writeln!(text, "        <AudioChannelConfiguration schemeIdUri=\"{scheme}\" value=\"{layout}\"/>");
    }
    let id = &record.id;
    match rendition.layout {
        Layout::Files => {
            let _ = writeln!(
                text,
                "        <SegmentTemplate timescale=\"{timescale}\" initialization=\"{id}/{}\" \
                 media=\"{id}/$Number%05d$.m4s\" startNumber=\"1\">",
                track::HEADER
            );
            timeline(text, rendition);
            text.push_str("        </SegmentTemplate>\n");
        }
        Layout::Single => {
            let _ = writeln!(text, "        <BaseURL>{id}/{}</BaseURL>", track::SINGLE);
            let header = rendition.header_bytes;
            let media = rendition.segments.first().map_or(header, |segment| segment.at);
            let _ =
                writeln!(text, "        <SegmentBase timescale=\"{timescale}\" indexRange=\"{header}-{}\">", media - 1);
            let _ = writeln!(text, "          <Initialization range=\"0-{}\"/>", header.saturating_sub(1));
            text.push_str("        </SegmentBase>\n");
        }
    }
    text.push_str("      </Representation>\n");
}

/// Start and duration of each segment. One line covers consecutive segments of equal duration.
fn timeline(text: &mut String, rendition: &MediaRendition) {
    text.push_str("          <SegmentTimeline>\n");
    for (index, run) in rendition.segments.chunk_by(|one, other| one.duration == other.duration).enumerate() {
        let (start, duration, more) = (run[0].start, run[0].duration, run.len() - 1);
        // Segments follow each other without gaps, so only the first states its start.
        let from = if index == 0 { format!("t=\"{start}\" ") } else { String::new() };
        let repeat = if more > 0 { format!(" r=\"{more}\"") } else { String::new() };
        let _ = writeln!(text, "            <S {from}d=\"{duration}\"{repeat}/>");
    }
    text.push_str("          </SegmentTimeline>\n");
}

fn text_set(to: &mut String, index: usize, rendition: &TextRendition) {
    let _ = write!(to, "    <AdaptationSet id=\"{}\" contentType=\"text\" mimeType=\"text/vtt\"", index + 1);
    if let Some(language) = &rendition.language {
        let _ = write!(to, " lang=\"{}\"", escaped(language));
    }
    to.push_str(">\n");
    to.push_str(&label(&rendition.spec));
    write_roles(to, &rendition.spec);
    let id = &rendition.record.id;
    let rate = rendition.record.average_bit_rate.max(1);
    let _ = writeln!(to, "      <Representation id=\"{id}\" bandwidth=\"{rate}\">");
    let _ = writeln!(to, "        <BaseURL>{id}/{}</BaseURL>", text::WHOLE);
    to.push_str("      </Representation>\n    </AdaptationSet>\n");
}
