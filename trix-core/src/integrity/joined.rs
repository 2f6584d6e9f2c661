//! Looks behind the last packet for another recording, which some demuxers leave unread without a word.
//!
//! Invariant: only the head of a file of the same container counts; indexes, tags and padding do not.

use std::io::{Read, Result, Seek, SeekFrom};

use crate::ffi::io::ReadSeek;

/// What is searched behind the last packet. The index of a day of Matroska is smaller.
const TAIL: u64 = 16 << 20;

/// Bytes of a head that have to be seen to know it.
const HEAD: usize = 64;

/// The first byte, at or behind `from`, of another recording in the file that `demuxer` (FFmpeg's name) has read up to
/// there.
pub(crate) fn next_recording(demuxer: &str, mut reader: Box<dyn ReadSeek>, from: u64) -> Result<Option<u64>> {
    let is_head: fn(&[u8]) -> bool = match demuxer {
        "mov,mp4,m4a,3gp,3g2,mj2" => return second_movie(&mut reader, from),
        "flv" => |bytes| bytes.starts_with(b"FLV\x01") && bytes.get(5..9) == Some(&[0, 0, 0, 9]),
        "matroska,webm" => |bytes| {
            let names = [&b"matroska"[..], b"webm"];
            bytes.starts_with(&[0x1a, 0x45, 0xdf, 0xa3])
                && names.iter().any(|name| bytes.windows(name.len()).any(|window| window == *name))
        },
        // The identifier of ASF's header object.
        "asf" => |bytes| bytes.starts_with(&[0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, 0xa6, 0xd9, 0x00, 0xaa]),
        "avi" => |bytes| bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"AVI "),
        "wav" | "w64" => |bytes| bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WAVE"),
        // A header partition (SMPTE ST 377-1, 7.1).
        "mxf" => |bytes| {
            bytes.starts_with(&[0x06, 0x0e, 0x2b, 0x34, 0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01, 0x02])
        },
        _ => return Ok(None),
    };
    reader.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    reader.take(TAIL).read_to_end(&mut tail)?;
    let heads = (0..tail.len()).find(|at| is_head(&tail[*at..tail.len().min(at + HEAD)]));
    Ok(heads.map(|at| from + at as u64))
}

/// The second movie box of a file, where it lies behind `from`. Fragments with a header of their own each lie before.
fn second_movie(reader: &mut Box<dyn ReadSeek>, from: u64) -> Result<Option<u64>> {
    let size = reader.seek(SeekFrom::End(0))?;
    let (mut at, mut movies, mut head) = (0u64, 0, None);
    while at.saturating_add(8) <= size {
        reader.seek(SeekFrom::Start(at))?;
        let mut bytes = [0; 16];
        let length = reader.by_ref().take(16).read(&mut bytes)?;
        if length < 8 {
            break;
        }
        let word =
            |place: usize| u32::from_be_bytes([bytes[place], bytes[place + 1], bytes[place + 2], bytes[place + 3]]);
        match &bytes[4..8] {
            b"ftyp" => head = Some(at),
            b"moov" => {
                movies += 1;
                if movies > 1 && at > from {
                    return Ok(Some(head.unwrap_or(at).max(from)));
                }
            }
            _ => {}
        }
        at = match word(0) {
            0 => break,
            1 if length == 16 => at.saturating_add((u64::from(word(8)) << 32 | u64::from(word(12))).max(16)),
            own => at.saturating_add(u64::from(own).max(8)),
        };
    }
    Ok(None)
}
