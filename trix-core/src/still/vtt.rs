//! The WebVTT file (W3C WebVTT) that tells players where the thumbnail of each moment lies.
//!
//! Invariant: cues follow each other without a gap or an overlap, from zero to the end of the film.

use std::{ffi::OsStr, fmt::Write, os::unix::ffi::OsStrExt};

/// Where a thumbnail lies, and until when it is shown.
pub(super) struct Cue<'a> {
    /// The name of the sheet.
    pub(super) sheet: &'a OsStr,
    /// Samples to the left and rows above it on the sheet, its width and its height.
    pub(super) place: [usize; 4],
    /// Milliseconds from the start of the film.
    pub(super) start: u64,
    /// Milliseconds.
    pub(super) end: u64,
}

/// The file. Sheets are named by `prefix` and their own names, with the place as a media fragment (W3C Media Fragments URI,
/// 4.2.2).
pub(super) fn write<'a>(prefix: &str, cues: impl IntoIterator<Item = Cue<'a>>) -> String {
    let mut text = String::from("WEBVTT\n");
    for Cue { sheet, place: [x, y, width, height], start, end } in cues {
        let (start, end, sheet) = (time(start), time(end), escaped(sheet));
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{start} --> {end}\n{prefix}{sheet}#xywh={x},{y},{width},{height}\n");
    }
    text
}

/// Hours, minutes, seconds and thousandths.
fn time(millis: u64) -> String {
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    format!("{hours:02}:{minutes:02}:{:02}.{:03}", millis / 1000 % 60, millis % 1000)
}

/// A file name as part of an address: everything but unreserved characters (RFC 3986, 2.3) is written as its bytes.
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
