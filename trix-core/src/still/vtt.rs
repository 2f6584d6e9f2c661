//! The WebVTT file (W3C WebVTT) that states the position of the thumbnail for each time.
//!
//! Invariant: cues follow each other without gaps or overlaps, from zero to the end of the film.

use std::{ffi::OsStr, fmt::Write, os::unix::ffi::OsStrExt};

/// Position and time of a thumbnail.
pub(super) struct Cue<'a> {
    /// File name of the sheet.
    pub(super) sheet: &'a OsStr,
    /// Position on the sheet (samples from the left, rows from the top), width and height.
    pub(super) place: [usize; 4],
    /// Start in milliseconds from the start of the film.
    pub(super) start: u64,
    /// End in milliseconds.
    pub(super) end: u64,
}

/// Writes the file. The name of a sheet is `prefix` and its file name, with the position as a media fragment (W3C Media
/// Fragments URI, 4.2.2).
pub(super) fn write<'a>(prefix: &str, cues: impl IntoIterator<Item = Cue<'a>>) -> String {
    let mut text = String::from("WEBVTT\n");
    for Cue { sheet, place: [x, y, width, height], start, end } in cues {
        let (start, end, sheet) = (time(start), time(end), escaped(sheet));
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{start} --> {end}\n{prefix}{sheet}#xywh={x},{y},{width},{height}\n");
    }
    text
}

/// Formats hours, minutes, seconds and milliseconds.
fn time(millis: u64) -> String {
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:03}", millis / 1000 % 60, millis % 1000)
}

/// A file name as part of an address. All bytes except unreserved characters (RFC 3986, 2.3) are percent-encoded.
fn escaped(name: &OsStr) -> String {
    let mut text = String::new();
    for &byte in name.as_bytes() {
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
    fn times_have_hours_and_names_are_addresses() {
        assert_eq!(time(0), "00:00:00.000");
        assert_eq!(time(3_723_045), "01:02:03.045");
        assert_eq!(time(360_000_000), "100:00:00.000");
        assert_eq!(escaped("a b#1-ü.jpg".as_ref()), "a%20b%231-%C3%BC.jpg");
        assert_eq!(escaped(OsStr::from_bytes(b"caf\xe9 100%.jpg")), "caf%E9%20100%25.jpg");
        let cue = Cue { sheet: "s.jpg".as_ref(), place: [160, 90, 160, 90], start: 0, end: 10 };
        let text = write("/t/", [cue]);
        assert_eq!(text, "WEBVTT\n\n00:00:00.000 --> 00:00:00.010\n/t/s.jpg#xywh=160,90,160,90\n");
    }
}
