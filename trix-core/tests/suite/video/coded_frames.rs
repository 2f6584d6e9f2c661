//! Coded frames of a file, and the messages in them, read without Trix.

use std::path::Path;

use trix_fixtures::program;

use crate::support::ffprobe;

/// A coded frame: its display time and its NAL units.
pub struct Coded {
    pub pts: i64,
    pub units: Vec<Vec<u8>>,
}

/// NAL units between start codes, without trailing zero bytes.
pub fn units(stream: &[u8]) -> Vec<Vec<u8>> {
    let starts: Vec<usize> =
        (0..stream.len().saturating_sub(2)).filter(|&at| stream[at..at + 3] == [0, 0, 1]).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let unit = |(start, end): (&usize, usize)| {
        let unit = &stream[start + 3..end];
        let length = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        unit[..length].to_vec()
    };
    starts.iter().zip(ends).map(unit).collect()
}

/// Returns the coded frames of a file in display order.
pub fn coded(file: &Path, hevc: bool) -> Vec<Coded> {
    let format = if hevc { "hevc" } else { "h264" };
    let line = format!("-i {} -map 0:v:0 -c copy -bsf:v {format}_mp4toannexb -f {format} -", file.display());
    let mut frames: Vec<Coded> = Vec::new();
    let mut before: Vec<Vec<u8>> = Vec::new();
    for unit in units(&program::ffmpeg(&line).stdout) {
        let (slice, first, suffix) = match hevc {
            true => {
                let kind = unit[0] >> 1 & 0x3f;
                (kind < 32, unit.get(2).is_some_and(|byte| byte & 0x80 != 0), kind == 40 || kind == 62)
            }
            // first_mb_in_slice is zero if the first bit is set.
            false => ((1..=5).contains(&(unit[0] & 0x1f)), unit.get(1).is_some_and(|byte| byte & 0x80 != 0), false),
        };
        if slice && first {
            before.push(unit);
            frames.push(Coded { pts: 0, units: std::mem::take(&mut before) });
        } else if slice || suffix {
            frames.last_mut().expect("a frame").units.push(unit);
        } else {
            before.push(unit);
        }
    }
    let json = ffprobe(file, "-select_streams v:0 -show_packets");
    let packets = json["packets"].as_array().expect("packets");
    assert_eq!(packets.len(), frames.len(), "{}: packets and coded frames", file.display());
    for (frame, packet) in frames.iter_mut().zip(packets) {
        frame.pts = packet["pts"].as_i64().expect("a time");
    }
    frames.sort_by_key(|frame| frame.pts);
    frames
}

/// Returns the ITU-T T.35 payloads of a frame that begin with `head`.
fn registered(frame: &Coded, hevc: bool, head: &[u8]) -> Vec<Vec<u8>> {
    let found = messages(frame, hevc).into_iter();
    found.filter(|(kind, payload)| *kind == 4 && payload.starts_with(head)).map(|(_, payload)| payload).collect()
}

/// Returns types and payloads of all SEI messages of a frame.
pub fn messages(frame: &Coded, hevc: bool) -> Vec<(usize, Vec<u8>)> {
    let mut found = Vec::new();
    for unit in &frame.units {
        let body = match hevc {
            true if unit[0] >> 1 & 0x3f == 39 => &unit[2..],
            false if unit[0] & 0x1f == 6 => &unit[1..],
            _ => continue,
        };
        let mut bytes = Vec::new();
        for (at, &byte) in body.iter().enumerate() {
            if !(byte == 3 && at >= 2 && body[at - 2..at] == [0, 0]) {
                bytes.push(byte);
            }
        }
        let mut rest = bytes.into_iter().peekable();
        while rest.len() > 2 {
            let mut number = || {
                let mut sum = 0;
                loop {
                    let byte = rest.next().expect("a message");
                    sum += usize::from(byte);
                    if byte != 255 {
                        return sum;
                    }
                }
            };
            let (kind, size) = (number(), number());
            let payload: Vec<u8> = rest.by_ref().take(size).collect();
            found.push((kind, payload));
        }
    }
    found
}

/// United States, Samsung, SMPTE ST 2094-40.
const HDR10_PLUS: [u8; 6] = [0xb5, 0, 0x3c, 0, 1, 4];
/// United States, ATSC, captions.
pub const CAPTIONS: [u8; 8] = [0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3];

/// Returns the HDR10+ messages of each frame.
pub fn hdr10_plus(file: &Path) -> Vec<Vec<Vec<u8>>> {
    coded(file, true).iter().map(|frame| registered(frame, true, &HDR10_PLUS)).collect()
}

/// Returns the Dolby Vision units of each frame, without NAL headers.
pub fn rpus(file: &Path) -> Vec<Vec<Vec<u8>>> {
    let of = |frame: &Coded| {
        frame.units.iter().filter(|unit| unit[0] >> 1 & 0x3f == 62).map(|unit| unit[2..].to_vec()).collect()
    };
    coded(file, true).iter().map(of).collect()
}

/// Returns the caption triplets of each frame.
pub fn captions(file: &Path, hevc: bool) -> Vec<Vec<u8>> {
    let triplets = |message: Vec<u8>| {
        let count = usize::from(message[8] & 0x1f);
        assert_eq!((message[8] & 0x40, message[9], message.len()), (0x40, 0xff, 11 + 3 * count), "{message:?}");
        message[10..10 + 3 * count].to_vec()
    };
    let of = |frame: &Coded| registered(frame, hevc, &CAPTIONS).into_iter().flat_map(triplets).collect();
    coded(file, hevc).iter().map(of).collect()
}
