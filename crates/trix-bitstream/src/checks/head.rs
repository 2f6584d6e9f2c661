//! Recognises the header of a file: some demuxers ignore a second recording behind the first without a message.
//!
//! Invariant: only the header of a file of the same container counts. Indexes, tags and padding do not.

/// Number of bytes needed to recognise a header.
pub const HEAD: usize = 64;

/// Recognises headers of files that `demuxer` (FFmpeg's name) reads: true if a file begins with these bytes. `None` if
/// there is nothing to recognise.
pub fn head_of(demuxer: &str) -> Option<fn(&[u8]) -> bool> {
    Some(match demuxer {
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
        _ => return None,
    })
}

/// The first place in `bytes` at which a header begins that `is_head` recognises.
pub fn find(bytes: &[u8], is_head: fn(&[u8]) -> bool) -> Option<usize> {
    (0..bytes.len()).find(|at| is_head(&bytes[*at..bytes.len().min(at + HEAD)]))
}
