//! Searches after the last packet for another recording. Some demuxers ignore one without a message.
//!
//! Invariant: only the header of a file of the same container counts. Indexes, tags and padding do not.

use std::io::{Read, Result, Seek, SeekFrom};

use trix_av::io::ReadSeek;
use trix_bitstream::checks::head;

/// Number of bytes searched after the last packet. The index of a day of Matroska is smaller.
const TAIL: u64 = 16 << 20;

/// Offset of another recording at or after `from`. `demuxer` (FFmpeg's name) has read the file up to `from`.
pub(crate) fn next_recording(demuxer: &str, mut reader: Box<dyn ReadSeek>, from: u64) -> Result<Option<u64>> {
    let Some(is_head) = head::head_of(demuxer) else { return Ok(None) };
    reader.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    reader.take(TAIL).read_to_end(&mut tail)?;
    Ok(head::find(&tail, is_head).map(|at| from + at as u64))
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
