//! The playlist of one rendition.
//!
//! Invariant: the sum of the durations in a playlist is the duration of the rendition, rounded once.

use std::fmt::Write;

use trix_model::time::{TimeBase, Timestamp};

use crate::manifest::{
    MediaRendition, Storage, TextRendition,
    names::{self, HEADER, MEDIA_SEGMENT, SINGLE, TEXT_SEGMENT},
};

const MICROS: TimeBase = TimeBase::new(1, 1_000_000);

/// The target duration in seconds of playlists with segments of these `durations`: the longest, rounded to the nearest
/// second, and at least 1 (RFC 8216, 4.3.3.1).
pub fn target_duration(durations: impl Iterator<Item = Timestamp>) -> u64 {
    let seconds = durations.map(|duration| duration.rescale(TimeBase::new(1, 1)));
    u64::try_from(seconds.max().unwrap_or(1).max(1)).unwrap_or(1)
}

/// The playlist of a rendition. `target` is its target duration in seconds.
pub fn playlist(rendition: &MediaRendition, target: u64) -> String {
    media(rendition, target, false)
}

/// The playlist of the keyframes that start the segments of a video rendition.
pub fn keyframes(rendition: &MediaRendition, target: u64) -> String {
    media(rendition, target, true)
}

/// The playlist of a text rendition.
pub fn texts(rendition: &TextRendition, target: u64) -> String {
    let mut text = head(target);
    for (index, duration) in decimals(rendition.durations.iter().copied()).enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "#EXTINF:{duration},\n{}", names::segment(index, TEXT_SEGMENT));
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

fn head(target: u64) -> String {
    // EXT-X-MAP needs version 6, except in playlists of keyframes only. Version 7 adds service names (bis, 8).
    format!("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-PLAYLIST-TYPE:VOD\n")
}

/// Durations in seconds with six decimals, rounded so that they add up.
fn decimals(all: impl Iterator<Item = Timestamp>) -> impl Iterator<Item = String> {
    let mut end: Option<Timestamp> = None;
    all.map(move |duration| {
        let start = end.map_or(0, |end| end.rescale(MICROS));
        let later = |end: Timestamp| Timestamp::new(end.ticks.saturating_add(duration.rescale(end.base)), end.base);
        let sum = end.map_or(duration, later);
        end = Some(sum);
        let micros = sum.rescale(MICROS).saturating_sub(start);
        format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    })
}

fn media(rendition: &MediaRendition, target: u64, keyframes: bool) -> String {
    let mut text = head(target);
    if keyframes {
        text.push_str("#EXT-X-I-FRAMES-ONLY\n");
    } else {
        text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
    }
    // Writing to a string cannot fail.
    let _ = match rendition.storage {
        Storage::Files => writeln!(text, "#EXT-X-MAP:URI=\"{HEADER}\""),
        Storage::Single { header_bytes } => {
            writeln!(text, "#EXT-X-MAP:URI=\"{SINGLE}\",BYTERANGE=\"{header_bytes}@0\"")
        }
    };
    for (index, (duration, segment)) in decimals(rendition.durations()).zip(&rendition.segments).enumerate() {
        let _ = writeln!(text, "#EXTINF:{duration},");
        let bytes = if keyframes { segment.key_bytes } else { segment.bytes };
        let _ = match rendition.storage {
            Storage::Files if keyframes => writeln!(text, "#EXT-X-BYTERANGE:{bytes}@0"),
            Storage::Files => Ok(()),
            Storage::Single { .. } => writeln!(text, "#EXT-X-BYTERANGE:{bytes}@{}", segment.at),
        };
        let _ = match rendition.storage {
            Storage::Files => writeln!(text, "{}", names::segment(index, MEDIA_SEGMENT)),
            Storage::Single { .. } => writeln!(text, "{SINGLE}"),
        };
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}
