//! Zeros after a recording: a recorder allocated disk space in advance and did not fill it.
//!
//! Invariant: only zeros that extend to the end of the file are dropped, and only after a complete MPEG-TS packet, a
//! complete Matroska element or a complete FLV tag. All bytes of the recording itself are read, zero or not.

use std::io::{Read, Result, SeekFrom};

use trix_av::io::ReadSeek;
use trix_bitstream::ebml::{head_of, id};

/// Fewer zeros than this are not preallocated space: file systems and recorders allocate it in blocks.
const LEAST: u64 = 4096;
/// Number of bytes examined at a time.
const PIECE: u64 = 256 * 1024;
/// Maximum number of elements to skip in an unfinished Matroska file: a day of audio and video blocks.
const ELEMENTS: u64 = 20_000_000;

/// The end of the content of a recording with zeros after it. Returns `None` if there are no such zeros, or if the file
/// is not a known kind of recording. Rewinds `reader`.
pub(super) fn content_end(reader: &mut dyn ReadSeek) -> Result<Option<u64>> {
    let size = reader.seek(SeekFrom::End(0))?;
    reader.rewind()?;
    let mut head = Vec::new();
    reader.take(16 * 1024).read_to_end(&mut head)?;
    let is_matroska = head.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]);
    let is_flv = head.starts_with(b"FLV\x01");
    let packets = packets(&head);
    if !is_matroska && !is_flv && packets.is_none() {
        reader.rewind()?;
        return Ok(None);
    }
    let last = zeros_from(reader, size)?;
    let end = if size - last < LEAST {
        None
    } else if let Some((offset, stride)) = packets {
        Some(offset + (last.saturating_sub(offset)).div_ceil(stride) * stride)
    } else if is_flv {
        flv_end(reader, last)?
    } else {
        matroska_end(reader, last)?
    };
    reader.rewind()?;
    Ok(end.filter(|end| *end < size))
}

/// The position of the zeros that extend to the end of the file.
fn zeros_from(reader: &mut dyn ReadSeek, size: u64) -> Result<u64> {
    let mut end = size;
    while end > 0 {
        let start = end.saturating_sub(PIECE);
        let mut piece = vec![0; (end - start) as usize];
        reader.seek(SeekFrom::Start(start))?;
        reader.read_exact(&mut piece)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte != 0) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// The position of the first transport stream packet in `head`, and the distance between packets. (ISO/IEC 13818-1,
/// 2.4.3.2; plain packets, with a timestamp before each, or with parity after each.)
fn packets(head: &[u8]) -> Option<(u64, u64)> {
    let is_start = |at: usize, stride: usize| (0..5).all(|turn| head.get(at + turn * stride) == Some(&0x47));
    let found = [188, 192, 204].into_iter().find_map(|stride| {
        let at = (0..stride).find(|at| is_start(*at, stride))?;
        // The four-byte timestamp belongs to the packet after it.
        Some((if stride == 192 { at.saturating_sub(4) } else { at }, stride))
    });
    found.map(|(at, stride)| (at as u64, stride as u64))
}

/// The end of the last element of a file whose bytes are zero from `zeros` on.
fn matroska_end(reader: &mut dyn ReadSeek, zeros: u64) -> Result<Option<u64>> {
    let mut at = 0;
    for _ in 0..ELEMENTS {
        if at >= zeros {
            return Ok(Some(at));
        }
        let mut head = [0; 12];
        reader.seek(SeekFrom::Start(at))?;
        if reader.read_exact(&mut head).is_err() {
            return Ok(None);
        }
        let Some((element, size, width)) = head_of(&head) else { return Ok(None) };
        let content = at + width as u64;
        at = match (element, size) {
            // Segments and clusters of unknown size are entered. A segment is entered in any case, because its size may
            // be that of the preallocated space.
            (id::SEGMENT, _) | (id::CLUSTER, None) => content,
            // The last bytes of an element may be zeros of its own, so its size decides where it ends.
            (_, Some(size)) => content.saturating_add(size),
            (_, None) => return Ok(None),
        };
    }
    Ok(None)
}

/// The end of the last tag of a file whose bytes are zero from `zeros` on. The size of each tag follows the tag
/// (Adobe's specification of FLV 10.1, E.3). That size may end in zeros.
fn flv_end(reader: &mut dyn ReadSeek, zeros: u64) -> Result<Option<u64>> {
    /// Size of a tag header in bytes.
    const HEAD: u32 = 11;
    for end in zeros..zeros + 4 {
        let mut stated = [0; 4];
        reader.seek(SeekFrom::Start(end.saturating_sub(4)))?;
        if reader.read_exact(&mut stated).is_err() {
            return Ok(None);
        }
        let size = u32::from_be_bytes(stated);
        let Some(start) = end.checked_sub(4 + u64::from(size)).filter(|_| size >= HEAD) else { continue };
        let mut head = [0; 4];
        reader.seek(SeekFrom::Start(start))?;
        reader.read_exact(&mut head)?;
        let [kind, high, middle, low] = head;
        if matches!(kind, 8 | 9 | 18) && u32::from_be_bytes([0, high, middle, low]) == size - HEAD {
            return Ok(Some(end));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn end(file: &[u8]) -> Option<u64> {
        content_end(&mut Cursor::new(file)).unwrap()
    }

    #[test]
    fn packets_end_where_a_packet_ends() {
        let mut packet = [0; 188];
        (packet[0], packet[40]) = (0x47, 1);
        let stream = packet.repeat(20);
        assert_eq!(end(&stream), None);
        assert_eq!(end(&[&stream[..], &[0; 5000]].concat()), Some(stream.len() as u64));
        assert_eq!(end(&[&stream[..], &[0; 100]].concat()), None, "too few to be room taken in advance");
        assert_eq!(end(&[&stream[..], &[0; 5000], &[1]].concat()), None, "something follows");
    }

    #[test]
    fn an_element_may_end_in_zeros_of_its_own() {
        let live = [
            &[0x1au8, 0x45, 0xdf, 0xa3, 0x81, 9, 0x18, 0x53, 0x80, 0x67, 0xff, 0x1f, 0x43, 0xb6, 0x75, 0xff][..],
            &[0xa3, 0x84, 7, 0, 0, 0],
        ]
        .concat();
        assert_eq!(end(&[&live[..], &[0; 5000]].concat()), Some(live.len() as u64));
    }

    #[test]
    fn a_tag_of_flv_ends_behind_its_size() {
        let tag = |size: usize| {
            let head = [&[9, 0, (size >> 8) as u8, size as u8][..], &[0; 7], &vec![0; size]].concat();
            [head, (size as u32 + 11).to_be_bytes().to_vec()].concat()
        };
        for size in [10, 256 - 11, 1024 - 11] {
            let file = [b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec(), tag(3), tag(size)].concat();
            assert_eq!(end(&file), None);
            assert_eq!(end(&[&file[..], &[0; 5000]].concat()), Some(file.len() as u64), "{size}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_trouble(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for head in [&[0x1a, 0x45, 0xdf, 0xa3][..], &[0x47; 1000][..], b"FLV\x01"] {
                let file = [head, &bytes, &[0; 5000]].concat();
                if let Some(end) = end(&file) {
                    prop_assert!(file[end as usize..].iter().all(|byte| *byte == 0));
                }
            }
        }
    }
}
