//! Searches after the last packet for another recording. Some demuxers ignore one without a message.
//!
//! Invariant: only the header of a file of the same container counts. Indexes, tags and padding do not.

use std::io::{Read, Result, Seek, SeekFrom};

use trix_av::io::ReadSeek;

/// Number of bytes searched after the last packet. The index of a day of Matroska is smaller.
const TAIL: u64 = 16 << 20;

/// Number of bytes needed to recognise a header.
const HEAD: usize = 64;

/// Offset of another recording at or after `from`. `demuxer` (FFmpeg's name) has read the file up to `from`.
pub(crate) fn next_recording(demuxer: &str, mut reader: Box<dyn ReadSeek>, from: u64) -> Result<Option<u64>> {
    let is_head: fn(&[u8]) -> bool = match demuxer {
        "mov,mp4,m4a,3gp,3g2,mj2" => |bytes| {
            let size = bytes.first_chunk().map_or(0, |size| u32::from_be_bytes(*size));
            let brand = bytes.get(8..12).is_some_and(|brand| brand.iter().all(|byte| matches!(byte, b' '..=b'~')));
            bytes.get(4..8) == Some(b"ftyp") && (16..512).contains(&size) && brand
        },
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn found(demuxer: &str, file: &[u8], from: u64) -> Option<u64> {
        next_recording(demuxer, Box::new(Cursor::new(file.to_vec())), from).unwrap()
    }

    #[test]
    fn the_head_of_another_recording_is_found_behind_the_last_packet_alone() {
        let heads: [(&str, &[u8]); 6] = [
            ("mov,mp4,m4a,3gp,3g2,mj2", b"\0\0\0\x14ftypqt  \0\0\0\0qt  "),
            ("flv", b"FLV\x01\x05\0\0\0\x09"),
            ("matroska,webm", b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm"),
            ("asf", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa"),
            ("avi", b"RIFF\0\0\0\0AVI LIST"),
            ("wav", b"RIFF\0\0\0\0WAVEfmt "),
        ];
        for (demuxer, head) in heads {
            let file = [head, &[7; 100], head].concat();
            let second = head.len() as u64 + 100;
            assert_eq!(found(demuxer, &file, 1), Some(second), "{demuxer}");
            assert_eq!(found(demuxer, &file, second), Some(second), "{demuxer}");
            assert_eq!(found(demuxer, &file, second + 1), None, "{demuxer}");
            assert_eq!(found(demuxer, &file[..file.len() - 1], second + 50), None, "{demuxer}");
        }
        assert_eq!(found("mpegts", b"FLV\x01\x05\0\0\0\x09", 0), None);
    }
}
