//! HLS playlists (RFC 8216 and its second edition, draft-pantos-hls-rfc8216bis).
//!
//! Invariant: durations add up to the length of the rendition, although each is rounded. Rates are measured.

use std::{fmt::Write, fs, path::Path};

use trix_av::stream::StreamKind;
use trix_model::{
    error::{Error, Result, Stage},
    time::{TimeBase, Timestamp},
};

use super::{
    codecs,
    names::{MASTER, PLAYLIST},
    text::TextRendition,
    track::{self, MediaRendition, MediaTrack},
};
use crate::{mux::TrackSpec, settings::package::Layout};

/// The playlist of the keyframes that start the segments, in the folder of a video rendition.
const KEYFRAMES: &str = "keyframes.m3u8";

const MICROS: TimeBase = TimeBase::new(1, 1_000_000);

/// The longest segment duration of a package, rounded to the nearest second (RFC 8216, 4.3.3.1).
pub(super) fn target_duration(media: &[Box<MediaTrack>], texts: &[TextRendition]) -> u64 {
    let of_media = media.iter().flat_map(|track| {
        let (segments, timescale) = track.segments();
        let base = TimeBase::new(1, timescale.into());
        let ticks = segments.iter().map(|segment| i64::try_from(segment.duration).unwrap_or(i64::MAX));
        ticks.map(move |ticks| Timestamp::new(ticks, base))
    });
    let of_texts = texts.iter().flat_map(|text| text.durations.iter().copied());
    let seconds = of_media.chain(of_texts).map(|duration| duration.rescale(TimeBase::new(1, 1)));
    u64::try_from(seconds.max().unwrap_or(1).max(1)).unwrap_or(1)
}

/// Writes all playlists.
pub(super) fn write(root: &Path, media: &[MediaRendition], texts: &[TextRendition], target: u64) -> Result<()> {
    let put = |path: &Path, text: String| {
        fs::write(path, text).map_err(|error| Error::io(Stage::Mux, path, "cannot be written", error))
    };
    for rendition in media {
        let folder = root.join(&rendition.record.id);
        put(&folder.join(PLAYLIST), media_playlist(rendition, target, false))?;
        if is_video(rendition) {
            put(&folder.join(KEYFRAMES), media_playlist(rendition, target, true))?;
        }
    }
    for text in texts {
        put(&root.join(&text.record.id).join(PLAYLIST), text_playlist(text, target))?;
    }
    put(&root.join(MASTER), master(media, texts))
}

fn head(target: u64) -> String {
    // EXT-X-MAP needs version 6, except in playlists of keyframes only. Version 7 adds service names (bis, 8).
    format!("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-PLAYLIST-TYPE:VOD\n")
}

/// Durations in seconds with six decimals, rounded so that they add up.
fn durations(all: impl Iterator<Item = Timestamp>) -> impl Iterator<Item = String> {
    let mut end: Option<Timestamp> = None;
    all.map(move |duration| {
        let start = end.map_or(0, |end| end.rescale(MICROS));
        let sum = end.map_or(duration, |end| Timestamp::new(end.ticks + duration.rescale(end.base), end.base));
        end = Some(sum);
        let micros = sum.rescale(MICROS) - start;
        format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    })
}

fn media_playlist(rendition: &MediaRendition, target: u64, keyframes: bool) -> String {
    let mut text = head(target);
    if keyframes {
        text.push_str("#EXT-X-I-FRAMES-ONLY\n");
    } else {
        text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
    }
    // Writing to a string cannot fail.
    let _ = match rendition.layout {
        Layout::Files => writeln!(text, "#EXT-X-MAP:URI=\"{}\"", track::HEADER),
        Layout::Single => {
            writeln!(text, "#EXT-X-MAP:URI=\"{}\",BYTERANGE=\"{}@0\"", track::SINGLE, rendition.header_bytes)
        }
    };
    let base = TimeBase::new(1, rendition.timescale.into());
    let all = rendition.segments.iter().map(|segment| segment.duration);
    let all = all.map(|ticks| Timestamp::new(i64::try_from(ticks).unwrap_or(i64::MAX), base));
    for (index, (duration, segment)) in durations(all).zip(&rendition.segments).enumerate() {
        let _ = writeln!(text, "#EXTINF:{duration},");
        let bytes = if keyframes { segment.key_bytes } else { segment.bytes };
        let _ = match rendition.layout {
            Layout::Files if keyframes => writeln!(text, "#EXT-X-BYTERANGE:{bytes}@0"),
            Layout::Files => Ok(()),
            Layout::Single => writeln!(text, "#EXT-X-BYTERANGE:{bytes}@{}", segment.at),
        };
        let _ = match rendition.layout {
            Layout::Files => writeln!(text, "{}", track::segment_name(index, "m4s")),
            Layout::Single => writeln!(text, "{}", track::SINGLE),
        };
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

fn text_playlist(rendition: &TextRendition, target: u64) -> String {
    let mut text = head(target);
    for (index, duration) in durations(rendition.durations.iter().copied()).enumerate() {
        let _ = writeln!(text, "#EXTINF:{duration},\n{}", track::segment_name(index, "vtt"));
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

fn is_video(rendition: &MediaRendition) -> bool {
    rendition.spec.parameters.kind() == StreamKind::Video
}

/// Text for a quoted string, which allows no quotes and no line ends (RFC 8216, 4.2).
fn quoted(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c == '"' {
                '\''
            } else if c.is_control() {
                ' '
            } else {
                c
            }
        })
        .collect()
}

/// The codec name as a part of a group name. All audio renditions of a group have one codec.
fn family(codecs: &str) -> String {
    codecs.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase()
}

/// Audio renditions with the same codec.
struct Group<'a> {
    id: String,
    codecs: &'a str,
    members: Vec<&'a MediaRendition>,
}

fn groups<'a>(audio: &[&'a MediaRendition]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for rendition in audio {
        match groups.iter_mut().find(|group| group.codecs == rendition.codecs) {
            Some(group) => group.members.push(rendition),
            None => groups.push(Group {
                id: format!("sound-{}", family(&rendition.codecs)),
                codecs: &rendition.codecs,
                members: vec![rendition],
            }),
        }
    }
    groups
}

fn has(spec: &TrackSpec, role: &str) -> bool {
    spec.disposition.iter().any(|name| name == role)
}

/// The EXT-X-MEDIA attributes of each of `members`, apart from the group.
fn described(members: &[(&TrackSpec, Option<&str>, &str)]) -> Vec<String> {
    let default = members.iter().position(|(spec, ..)| has(spec, "default")).unwrap_or(0);
    let mut names: Vec<String> = Vec::new();
    let mut selectable: Vec<(Option<&str>, Vec<&str>)> = Vec::new();
    let mut list = Vec::new();
    for (index, (spec, language, id)) in members.iter().enumerate() {
        let is_text = spec.parameters.kind() == StreamKind::Subtitle;
        let title = spec.metadata.iter().find(|(key, value)| key == "title" && !value.trim().is_empty());
        let name = quoted(title.map_or(language.unwrap_or(id), |(_, title)| title.as_str()));
        // Names in a group must be unique (RFC 8216, 4.3.4.1.1).
        let name = if names.contains(&name) { format!("{name} ({id})") } else { name };
        names.push(name.clone());
        let traits = characteristics(spec);
        let choice = (*language, traits.clone());
        // Text is enabled by default only if its source says so.
        let is_default = index == default && (!is_text || has(spec, "default"));
        let is_forced = is_text && has(spec, "forced");
        // Among renditions with the same properties, a player may select the first one automatically, and the default
        // in any case.
        let auto = is_default || (!selectable.contains(&choice) && !has(spec, "comment"));
        if auto {
            selectable.push(choice);
        }
        let yes = |value: bool| if value { "YES" } else { "NO" };
        let mut text = format!("NAME=\"{name}\"");
        if let Some(language) = language {
            let _ = write!(text, ",LANGUAGE=\"{language}\"");
        }
        let _ = write!(text, ",DEFAULT={},AUTOSELECT={}", yes(is_default), yes(auto));
        if is_text {
            let _ = write!(text, ",FORCED={}", yes(is_forced));
        }
        if !traits.is_empty() {
            let _ = write!(text, ",CHARACTERISTICS=\"{}\"", traits.join(","));
        }
        list.push(text);
    }
    list
}

/// Apple's accessibility characteristics (rfc8216bis, 4.4.6.1).
fn characteristics(spec: &TrackSpec) -> Vec<&'static str> {
    match spec.parameters.kind() {
        StreamKind::Audio if has(spec, "visual_impaired") => vec!["public.accessibility.describes-video"],
        StreamKind::Subtitle if has(spec, "hearing_impaired") => {
            vec!["public.accessibility.transcribes-spoken-dialog", "public.accessibility.describes-music-and-sound"]
        }
        _ => Vec::new(),
    }
}

fn master(media: &[MediaRendition], texts: &[TextRendition]) -> String {
    let mut text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    let (frames, audio): (Vec<_>, Vec<_>) = media.iter().partition(|rendition| is_video(rendition));
    let groups = groups(&audio);
    for group in &groups {
        let members = group.members.iter();
        let members: Vec<_> = members.map(|one| (&one.spec, one.language.as_deref(), one.record.id.as_str())).collect();
        for (said, rendition) in described(&members).iter().zip(&group.members) {
            let (_, channels) = rendition.spec.parameters.audio();
            let id = &rendition.record.id;
            let _ = writeln!(
                text,
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{}\",{said},CHANNELS=\"{channels}\",URI=\"{id}/{PLAYLIST}\"",
                group.id
            );
        }
    }
    let members: Vec<_> =
        texts.iter().map(|one| (&one.spec, one.language.as_deref(), one.record.id.as_str())).collect();
    for (said, rendition) in described(&members).iter().zip(texts) {
        let id = &rendition.record.id;
        let _ = writeln!(text, "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",{said},URI=\"{id}/{PLAYLIST}\"");
    }
    let has_captions = frames.iter().any(|rendition| rendition.record.track.extras.captions > 0);
    if has_captions {
        text.push_str(
            "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"captions\",NAME=\"CC1\",AUTOSELECT=YES,INSTREAM-ID=\"CC1\"\n",
        );
    }
    let mut common = String::new();
    if !texts.is_empty() {
        common.push_str(",SUBTITLES=\"text\"");
    }
    if !frames.is_empty() {
        common.push_str(if has_captions { ",CLOSED-CAPTIONS=\"captions\"" } else { ",CLOSED-CAPTIONS=NONE" });
    }
    // The bit rate of the largest playable combination: with the largest audio and text (RFC 8216, 4.3.4.2).
    let densest = |list: &mut dyn Iterator<Item = &super::rendition::RenditionRecord>| {
        let rates = list.map(|record| (record.peak_bit_rate, record.average_bit_rate));
        rates.fold((0, 0), |(peak, average), rate| (peak.max(rate.0), average.max(rate.1)))
    };
    let of_text = densest(&mut texts.iter().map(|text| &text.record));
    let stream = |rendition: &MediaRendition, group: Option<&Group<'_>>| {
        let record = &rendition.record;
        let others = group.map(|group| densest(&mut group.members.iter().map(|one| &one.record))).unwrap_or_default();
        // An audio variant plays without other audio.
        let others = if is_video(rendition) { others } else { (0, 0) };
        let mut line = format!(
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={}",
            record.peak_bit_rate + others.0 + of_text.0,
            record.average_bit_rate + others.1 + of_text.1
        );
        let mut names = vec![rendition.codecs.as_str()];
        names.extend(group.filter(|_| is_video(rendition)).map(|group| group.codecs));
        let _ = write!(line, ",CODECS=\"{}\"", names.join(","));
        if is_video(rendition) {
            line.push_str(&frame_attributes(&rendition.spec));
        }
        if let Some(group) = group {
            let _ = write!(line, ",AUDIO=\"{}\"", group.id);
        }
        format!("{line}{common}\n{}/{PLAYLIST}\n", record.id)
    };
    if frames.is_empty() {
        groups.iter().filter_map(|group| Some((group.members.first()?, group))).for_each(|(first, group)| {
            text.push_str(&stream(first, Some(group)));
        });
    } else if groups.is_empty() {
        frames.iter().for_each(|rendition| text.push_str(&stream(rendition, None)));
    } else {
        for group in &groups {
            frames.iter().for_each(|rendition| text.push_str(&stream(rendition, Some(group))));
        }
    }
    for rendition in frames {
        text.push_str(&keyframe_stream(rendition));
    }
    text
}

/// RESOLUTION, FRAME-RATE, VIDEO-RANGE and SUPPLEMENTAL-CODECS.
fn frame_attributes(spec: &TrackSpec) -> String {
    let mut text = resolution(spec);
    if let Some(rate) = spec.rate.filter(|rate| rate.is_positive()) {
        let thousandths = Timestamp::new(1, rate).rescale(TimeBase::new(1, 1000));
        let _ = write!(text, ",FRAME-RATE={}.{:03}", thousandths / 1000, thousandths % 1000);
    }
    let config = spec.display.dolby_vision.as_ref();
    let (_, transfer, _) = spec.parameters.code_points();
    let _ = write!(text, ",VIDEO-RANGE={}", codecs::video_range(transfer, config));
    if let Some((name, brand)) = config.and_then(codecs::dolby_vision) {
        let _ = write!(text, ",SUPPLEMENTAL-CODECS=\"{name}/{brand}\"");
    }
    text
}

fn resolution(spec: &TrackSpec) -> String {
    let (width, height) = super::header::shown_size(spec);
    let (width, height) = if spec.display.orientation.is_sideways() { (height, width) } else { (width, height) };
    format!(",RESOLUTION={width}x{height}")
}

fn keyframe_stream(rendition: &MediaRendition) -> String {
    let weights = rendition.segments.iter().map(|segment| (segment.key_bytes, segment.duration)).collect::<Vec<_>>();
    // Each keyframe is measured alone, because a player fetches them one by one during trick play.
    let peak = weights.iter().map(|weight| super::rates::average(&[*weight], rendition.timescale)).max().unwrap_or(0);
    let (_, transfer, _) = rendition.spec.parameters.code_points();
    format!(
        "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={},CODECS=\"{}\"{},VIDEO-RANGE={},\
         URI=\"{}/{KEYFRAMES}\"\n",
        super::rates::average(&weights, rendition.timescale),
        rendition.codecs,
        resolution(&rendition.spec),
        codecs::video_range(transfer, rendition.spec.display.dolby_vision.as_ref()),
        rendition.record.id
    )
}
