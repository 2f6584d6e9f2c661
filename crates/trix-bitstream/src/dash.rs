//! The DASH manifest (ISO/IEC 23009-1; profiles "isoff-live", or "isoff-on-demand" for single files, and "cmaf").
//!
//! Invariant: the timeline of a representation matches its segments exactly, in ticks.

use std::fmt::Write;

use trix_model::{
    color::{Matrix, Primaries, Transfer},
    time::{Rational, TimeBase, Timestamp},
};

use crate::{
    cmaf::codecs,
    manifest::{
        Content, Description, Manifest, MediaRendition, Role, Storage, TextRendition, Video,
        names::{HEADER, SEGMENT_TEMPLATE, SINGLE, WHOLE_TEXT},
    },
};

/// Escapes text for an attribute or element. Characters that XML cannot hold (XML 1.0, 2.2) become spaces.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// A duration in XML Schema format, in milliseconds, rounded up so that nothing is cut off.
fn span(time: Timestamp) -> String {
    let micros = time.micros().max(0);
    let millis = micros.saturating_add(999) / 1000;
    format!("PT{}.{:03}S", millis / 1000, millis % 1000)
}

/// The manifest of the renditions of `manifest`.
pub fn manifest(manifest: &Manifest) -> String {
    let Manifest { media, texts } = manifest;
    let zero = Timestamp::new(0, TimeBase::new(1, 1));
    let whole = media.iter().map(MediaRendition::end).max().unwrap_or(zero);
    let longest = media.iter().flat_map(MediaRendition::durations);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" xmlns:scte214=\"urn:scte:dash:scte214-extensions\" \
         profiles=\"urn:mpeg:dash:profile:{}:2011,urn:mpeg:dash:profile:cmaf:2019\" type=\"static\" \
         mediaPresentationDuration=\"{}\" minBufferTime=\"{}\">\n  <Period id=\"0\" start=\"PT0S\">\n",
        match media.first().map(|first| first.storage) {
            Some(Storage::Single { .. }) => "isoff-on-demand",
            Some(Storage::Files) | None => "isoff-live",
        },
        span(whole),
        span(longest.max().unwrap_or(zero))
    );
    let mut sets: Vec<(Switchable<'_>, Vec<&MediaRendition>)> = Vec::new();
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

/// Properties that the members of an adaptation set share, so that a player can switch between them seamlessly.
#[derive(PartialEq)]
enum Switchable<'a> {
    Video { code: &'a str, color: (Primaries, Transfer, Matrix) },
    Audio { codecs: &'a str, channels: u32, language: Option<&'a str>, roles: Vec<(&'static str, &'static str)> },
}

fn set_of(rendition: &MediaRendition) -> Switchable<'_> {
    match &rendition.content {
        Content::Video(video) => Switchable::Video {
            code: rendition.codecs.split('.').next().unwrap_or_default(),
            color: (video.primaries, video.transfer, video.matrix),
        },
        Content::Audio(audio) => Switchable::Audio {
            codecs: &rendition.codecs,
            channels: audio.channels,
            language: rendition.description.language.as_deref(),
            roles: roles(&rendition.description, Kind::Audio),
        },
    }
}

/// What a role is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Video,
    Audio,
    Text,
}

/// Roles and accessibility descriptors (ISO/IEC 23009-1, 5.8.5.5; urn:tva:metadata:cs:AudioPurposeCS:2007).
fn roles(description: &Description, kind: Kind) -> Vec<(&'static str, &'static str)> {
    let has = |role| description.has(role);
    let is_text = kind == Kind::Text;
    let mut roles = Vec::new();
    if is_text {
        let repeats = has(Role::HearingImpaired) || has(Role::Captions);
        roles.push(("Role", if repeats { "caption" } else { "subtitle" }));
        if has(Role::Forced) {
            roles.push(("Role", "forced-subtitle"));
        }
    }
    if has(Role::Comment) {
        roles.push(("Role", "commentary"));
    }
    if has(Role::Dub) {
        roles.push(("Role", "dub"));
    }
    if !is_text && has(Role::VisualImpaired) {
        roles.push(("Accessibility", "1"));
        roles.push(("Role", "alternate"));
    }
    if roles.is_empty() {
        // The track that players start with is "main"; others are "alternate".
        roles.push(("Role", if has(Role::Default) || kind == Kind::Video { "main" } else { "alternate" }));
    }
    roles
}

fn write_roles(text: &mut String, description: &Description, kind: Kind) {
    for (element, value) in roles(description, kind) {
        let scheme = match element {
            "Accessibility" => "urn:tva:metadata:cs:AudioPurposeCS:2007",
            _ => "urn:mpeg:dash:role:2011",
        };
        let _ = writeln!(text, "      <{element} schemeIdUri=\"{scheme}\" value=\"{value}\"/>");
    }
}

fn label(description: &Description) -> String {
    let title = description.title.as_deref();
    title.map_or_else(String::new, |title| format!("      <Label>{}</Label>\n", escaped(title)))
}

fn language(description: &Description) -> String {
    let language = description.language.as_deref();
    language.map_or_else(String::new, |language| format!(" lang=\"{}\"", escaped(language)))
}

fn adaptation_set(text: &mut String, index: usize, members: &[&MediaRendition]) {
    let Some(first) = members.first() else { return };
    let (kind, name, video) = match &first.content {
        Content::Video(video) => (Kind::Video, "video", Some(video)),
        Content::Audio(_) => (Kind::Audio, "audio", None),
    };
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "    <AdaptationSet id=\"{}\" contentType=\"{name}\" mimeType=\"{name}/mp4\" {}{}",
        index + 1,
        match first.storage {
            Storage::Files => "segmentAlignment=\"true\" startWithSAP=\"1\"",
            Storage::Single { .. } => "subsegmentAlignment=\"true\" subsegmentStartsWithSAP=\"1\"",
        },
        language(&first.description)
    );
    if let Some(video) = video {
        let sizes = members.iter().filter_map(|one| match &one.content {
            Content::Video(video) => Some((video.width, video.height)),
            Content::Audio(_) => None,
        });
        let (width, height) = sizes.fold((0, 0), |most, size| (most.0.max(size.0), most.1.max(size.1)));
        let (shown, rows) = video.shown_size();
        let shape = Rational::new(shown.into(), rows.into());
        let _ = write!(text, " maxWidth=\"{width}\" maxHeight=\"{height}\" par=\"{}:{}\"", shape.num, shape.den);
    }
    text.push_str(">\n");
    text.push_str(&label(&first.description));
    if let Some(video) = video {
        // Supplemental properties, so that players that do not know them still play the content.
        for (name, value) in [
            ("ColourPrimaries", video.primaries.0),
            ("TransferCharacteristics", video.transfer.0),
            ("MatrixCoefficients", video.matrix.0),
        ] {
            if value != 2 {
                let _ = writeln!(
                    text,
                    "      <SupplementalProperty schemeIdUri=\"urn:mpeg:mpegB:cicp:{name}\" value=\"{value}\"/>"
                );
            }
        }
    }
    write_roles(text, &first.description, kind);
    members.iter().for_each(|rendition| representation(text, rendition));
    text.push_str("    </AdaptationSet>\n");
}

/// The value of ISO/IEC 23091-3 for the usual layout with this number of channels: up to 5.1, then 6.1 and 7.1.
fn channel_configuration(channels: u32) -> u32 {
    match channels {
        7 => 11,
        8 => 12,
        fewer => fewer,
    }
}

fn representation(text: &mut String, rendition: &MediaRendition) {
    let MediaRendition { description, codecs, timescale, .. } = rendition;
    let Description { id, peak_bit_rate, .. } = description;
    let _ = write!(text, "      <Representation id=\"{id}\" codecs=\"{codecs}\" bandwidth=\"{peak_bit_rate}\"");
    match &rendition.content {
        Content::Video(video) => of_video(text, video),
        Content::Audio(audio) => {
            let _ = writeln!(text, " audioSamplingRate=\"{}\">", audio.sample_rate);
            let layout = channel_configuration(audio.channels);
            let scheme = "urn:mpeg:mpegB:cicp:ChannelConfiguration";
            let _ = writeln!(text, "        <AudioChannelConfiguration schemeIdUri=\"{scheme}\" value=\"{layout}\"/>");
        }
    }
    match rendition.storage {
        Storage::Files => {
            let _ = writeln!(
                text,
                "        <SegmentTemplate timescale=\"{timescale}\" initialization=\"{id}/{HEADER}\" \
                 media=\"{id}/{SEGMENT_TEMPLATE}\" startNumber=\"1\">"
            );
            timeline(text, rendition);
            text.push_str("        </SegmentTemplate>\n");
        }
        Storage::Single { header_bytes: header } => {
            let _ = writeln!(text, "        <BaseURL>{id}/{SINGLE}</BaseURL>");
            let media = rendition.segments.first().map_or(header, |segment| segment.at);
            let last = media.saturating_sub(1);
            let _ = writeln!(text, "        <SegmentBase timescale=\"{timescale}\" indexRange=\"{header}-{last}\">");
            let _ = writeln!(text, "          <Initialization range=\"0-{}\"/>", header.saturating_sub(1));
            text.push_str("        </SegmentBase>\n");
        }
    }
    text.push_str("      </Representation>\n");
}

/// The attributes of video, and the end of the tag.
fn of_video(text: &mut String, video: &Video) {
    let _ = write!(text, " width=\"{}\" height=\"{}\"", video.width, video.height);
    let square = Rational::new(1, 1);
    let aspect = if video.sample_aspect.is_positive() { video.sample_aspect } else { square };
    let _ = write!(text, " sar=\"{}:{}\"", aspect.num, aspect.den);
    match video.rate.filter(|rate| rate.is_positive()) {
        Some(rate) if rate.den == 1 => {
            let _ = write!(text, " frameRate=\"{}\"", rate.num);
        }
        Some(rate) => {
            let _ = write!(text, " frameRate=\"{rate}\"");
        }
        None => {}
    }
    if let Some((name, brand)) = video.dolby_vision.as_ref().and_then(codecs::dolby_vision) {
        let names = format!("scte214:supplementalCodecs=\"{name}\" scte214:supplementalProfiles=\"{brand}\"");
        let _ = write!(text, " {names}");
    }
    text.push_str(">\n");
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
    let description = &rendition.description;
    let (id, rate) = (&description.id, description.average_bit_rate.max(1));
    let _ = writeln!(
        to,
        "    <AdaptationSet id=\"{}\" contentType=\"text\" mimeType=\"text/vtt\"{}>",
        index + 1,
        language(description)
    );
    to.push_str(&label(description));
    write_roles(to, description, Kind::Text);
    let _ = writeln!(to, "      <Representation id=\"{id}\" bandwidth=\"{rate}\">");
    let _ = writeln!(to, "        <BaseURL>{id}/{WHOLE_TEXT}</BaseURL>");
    to.push_str("      </Representation>\n    </AdaptationSet>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_channels_become_the_values_of_their_usual_layouts() {
        assert_eq!([1, 2, 6, 7, 8].map(channel_configuration), [1, 2, 6, 11, 12]);
    }

    #[test]
    fn text_is_escaped_and_stays_within_xml() {
        assert_eq!(escaped("a \"b\" & <c>"), "a &quot;b&quot; &amp; &lt;c&gt;");
        assert_eq!(escaped("\u{1}\u{7f}\u{fffe}\u{ffff}\u{fffd}ä"), "    \u{fffd}ä");
    }

    #[test]
    fn spans_are_never_shorter_than_their_time() {
        let span_of = |ticks, den| span(Timestamp::new(ticks, TimeBase::new(1, den)));
        assert_eq!(span_of(0, 1), "PT0.000S");
        assert_eq!(span_of(3, 2), "PT1.500S");
        assert_eq!(span_of(1, 3), "PT0.334S");
        assert_eq!(span_of(-1, 3), "PT0.000S");
    }
}
