//! The WebVTT file (W3C WebVTT) that states the position of the thumbnail for each time.
//!
//! Invariant: cues follow each other without gaps or overlaps, from zero to the end of the film.

use std::fmt::Write;

use crate::webvtt;

/// Position and time of a thumbnail.
pub struct Cue<'a> {
    /// File name of the sheet, in any encoding.
    pub sheet: &'a [u8],
    /// Position on the sheet (samples from the left, rows from the top), width and height.
    pub place: [usize; 4],
    /// Start in milliseconds from the start of the film.
    pub start: u64,
    /// End in milliseconds.
    pub end: u64,
}

/// Writes the file. The name of a sheet is `prefix` and its file name, with the position as a media fragment (W3C Media
/// Fragments URI, 4.2.2).
pub fn write<'a>(prefix: &str, cues: impl IntoIterator<Item = Cue<'a>>) -> String {
    let millis = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
    let cues = cues.into_iter().filter_map(|Cue { sheet, place: [x, y, width, height], start, end }| {
        let address = format!("{prefix}{}#xywh={x},{y},{width},{height}", escaped(sheet));
        webvtt::Cue::new(millis(start), millis(end), &address)
    });
    let mut text = webvtt::whole(&cues.collect::<Vec<_>>());
    // No empty line follows the last thumbnail.
    text.pop();
    text
}

/// A file name as part of an address. All bytes except unreserved characters (RFC 3986, 2.3) are percent-encoded.
fn escaped(name: &[u8]) -> String {
    let mut text = String::new();
    for &byte in name {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(byte.into()),
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_addresses() {
        assert_eq!(escaped("a b#1-ü.jpg".as_bytes()), "a%20b%231-%C3%BC.jpg");
        assert_eq!(escaped(b"caf\xe9 100%.jpg"), "caf%E9%20100%25.jpg");
        let cue = Cue { sheet: b"s.jpg", place: [160, 90, 160, 90], start: 0, end: 10 };
        let text = write("/t/", [cue]);
        assert_eq!(text, "WEBVTT\n\n00:00:00.000 --> 00:00:00.010\n/t/s.jpg#xywh=160,90,160,90\n");
    }
}
