//! The playlist of all renditions.
//!
//! Invariant: every rendition stands in it once, and every combination that it names can be played.

use std::fmt::Write;

use trix_model::time::{TimeBase, Timestamp};

use crate::{
    cmaf::{codecs, rates},
    manifest::{
        Audio, Content, Description, Manifest, MediaRendition, Role, Video,
        names::{KEYFRAMES, PLAYLIST},
    },
};

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
    members: Vec<(&'a MediaRendition, &'a Audio)>,
}

fn groups<'a>(audio: &[(&'a MediaRendition, &'a Audio)]) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (rendition, audio) in audio {
        match groups.iter_mut().find(|group| group.codecs == rendition.codecs) {
            Some(group) => group.members.push((rendition, audio)),
            None => groups.push(Group {
                id: format!("audio-{}", family(&rendition.codecs)),
                codecs: &rendition.codecs,
                members: vec![(rendition, audio)],
            }),
        }
    }
    groups
}

/// A kind of renditions that a player selects one of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Audio,
    Text,
}

/// The EXT-X-MEDIA attributes of each of `members`, apart from the group.
fn described(members: &[&Description], kind: Kind) -> Vec<String> {
    let is_text = kind == Kind::Text;
    let default = members.iter().position(|member| member.has(Role::Default)).unwrap_or(0);
    let mut names: Vec<String> = Vec::new();
    let mut selectable: Vec<(Option<&str>, Vec<&str>)> = Vec::new();
    let mut list = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let (id, language) = (&member.id, member.language.as_deref());
        let mut name = quoted(member.title.as_deref().or(language).unwrap_or(id));
        // Names in a group must be unique (RFC 8216, 4.3.4.1.1). A title may itself look like a name with an identifier.
        while names.contains(&name) {
            name = format!("{name} ({id})");
        }
        names.push(name.clone());
        let traits = characteristics(member, kind);
        let choice = (language, traits.clone());
        // Text is enabled by default only if its source says so.
        let is_default = index == default && (!is_text || member.has(Role::Default));
        let is_forced = is_text && member.has(Role::Forced);
        // Among renditions with the same properties, a player may select the first one automatically, and the default
        // in any case.
        let auto = is_default || (!selectable.contains(&choice) && !member.has(Role::Comment));
        if auto {
            selectable.push(choice);
        }
        let yes = |value: bool| if value { "YES" } else { "NO" };
        let mut text = format!("NAME=\"{name}\"");
        if let Some(language) = language {
            let _ = write!(text, ",LANGUAGE=\"{}\"", quoted(language));
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
fn characteristics(member: &Description, kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Audio if member.has(Role::VisualImpaired) => vec!["public.accessibility.describes-video"],
        Kind::Text if member.has(Role::HearingImpaired) => {
            vec!["public.accessibility.transcribes-spoken-dialog", "public.accessibility.describes-music-and-sound"]
        }
        _ => Vec::new(),
    }
}

/// The playlist of the renditions of `manifest`.
pub fn playlist(manifest: &Manifest) -> String {
    let texts: Vec<&Description> = manifest.texts.iter().map(|one| &one.description).collect();
    let mut text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    let (mut frames, mut audio) = (Vec::new(), Vec::new());
    for rendition in &manifest.media {
        match &rendition.content {
            Content::Video(video) => frames.push((rendition, video)),
            Content::Audio(of_audio) => audio.push((rendition, of_audio)),
        }
    }
    let groups = groups(&audio);
    for group in &groups {
        let members: Vec<&Description> = group.members.iter().map(|(rendition, _)| &rendition.description).collect();
        for (said, (rendition, audio)) in described(&members, Kind::Audio).iter().zip(&group.members) {
            let (id, channels) = (&rendition.description.id, audio.channels);
            let _ = writeln!(
                text,
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{}\",{said},CHANNELS=\"{channels}\",URI=\"{id}/{PLAYLIST}\"",
                group.id
            );
        }
    }
    for (said, member) in described(&texts, Kind::Text).iter().zip(&texts) {
        let id = &member.id;
        let _ = writeln!(text, "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",{said},URI=\"{id}/{PLAYLIST}\"");
    }
    let has_captions = frames.iter().any(|(rendition, _)| rendition.has_captions);
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
    let of_text = densest(texts.into_iter());
    let stream = |rendition: &MediaRendition, video: Option<&Video>, group: Option<&Group<'_>>| {
        let record = &rendition.description;
        let others = group.map(|group| densest(group.members.iter().map(|(one, _)| &one.description)));
        // An audio variant plays without other audio.
        let others = others.filter(|_| video.is_some()).unwrap_or_default();
        let sum = |own: u64, audio: u64, text: u64| own.saturating_add(audio).saturating_add(text);
        let mut line = format!(
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={}",
            sum(record.peak_bit_rate, others.0, of_text.0),
            sum(record.average_bit_rate, others.1, of_text.1)
        );
        let mut names = vec![rendition.codecs.as_str()];
        names.extend(group.filter(|_| video.is_some()).map(|group| group.codecs));
        let _ = write!(line, ",CODECS=\"{}\"", names.join(","));
        if let Some(video) = video {
            line.push_str(&frame_attributes(video));
        }
        if let Some(group) = group {
            let _ = write!(line, ",AUDIO=\"{}\"", group.id);
        }
        format!("{line}{common}\n{}/{PLAYLIST}\n", record.id)
    };
    if frames.is_empty() {
        groups.iter().filter_map(|group| Some((group.members.first()?.0, group))).for_each(|(first, group)| {
            text.push_str(&stream(first, None, Some(group)));
        });
    } else if groups.is_empty() {
        frames.iter().for_each(|(rendition, video)| text.push_str(&stream(rendition, Some(video), None)));
    } else {
        for group in &groups {
            frames.iter().for_each(|(rendition, video)| text.push_str(&stream(rendition, Some(video), Some(group))));
        }
    }
    for (rendition, video) in frames {
        text.push_str(&keyframe_stream(rendition, video));
    }
    text
}

/// The largest peak and the largest average bit rate of a list: a playable combination has one of them (RFC 8216,
/// 4.3.4.2).
fn densest<'a>(list: impl Iterator<Item = &'a Description>) -> (u64, u64) {
    let rates = list.map(|one| (one.peak_bit_rate, one.average_bit_rate));
    rates.fold((0, 0), |(peak, average), rate| (peak.max(rate.0), average.max(rate.1)))
}

/// RESOLUTION, FRAME-RATE, VIDEO-RANGE and SUPPLEMENTAL-CODECS.
fn frame_attributes(video: &Video) -> String {
    let mut text = resolution(video);
    if let Some(rate) = video.rate.filter(|rate| rate.is_positive()) {
        let thousandths = Timestamp::new(1, rate).rescale(TimeBase::new(1, 1000));
        let _ = write!(text, ",FRAME-RATE={}.{:03}", thousandths / 1000, thousandths % 1000);
    }
    let config = video.dolby_vision.as_ref();
    let _ = write!(text, ",VIDEO-RANGE={}", codecs::video_range(video.transfer, config));
    if let Some((name, brand)) = config.and_then(codecs::dolby_vision) {
        let _ = write!(text, ",SUPPLEMENTAL-CODECS=\"{name}/{brand}\"");
    }
    text
}

fn resolution(video: &Video) -> String {
    let (width, height) = video.shown_size();
    let (width, height) = if video.orientation.is_sideways() { (height, width) } else { (width, height) };
    format!(",RESOLUTION={width}x{height}")
}

fn keyframe_stream(rendition: &MediaRendition, video: &Video) -> String {
    let weights = rendition.segments.iter().map(|segment| (segment.key_bytes, segment.duration)).collect::<Vec<_>>();
    // Each keyframe is measured alone, because a player fetches them one by one during trick play.
    let peak = weights.iter().map(|weight| rates::average(&[*weight], rendition.timescale)).max().unwrap_or(0);
    format!(
        "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={},CODECS=\"{}\"{},VIDEO-RANGE={},\
         URI=\"{}/{KEYFRAMES}\"\n",
        rates::average(&weights, rendition.timescale),
        rendition.codecs,
        resolution(video),
        codecs::video_range(video.transfer, video.dolby_vision.as_ref()),
        rendition.description.id
    )
}
