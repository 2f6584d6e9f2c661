//! Walks over the boxes of an MP4 or MOV file (ISO/IEC 14496-12, 4.2).
//!
//! Invariant: each box lies within its parent, and the number of boxes in one level is limited.

use std::io::{Read, Result, Seek, SeekFrom};

use trix_bitstream::boxes::{u32_at, u64_at};

/// Maximum number of boxes to examine in one level. Real files have tens, and a fragmented file has its header before
/// its fragments.
pub(super) const SIBLINGS: usize = 4096;

/// A box: its type and its place in the file.
#[derive(Clone, Copy)]
pub(super) struct BoxRange {
    pub(super) kind: [u8; 4],
    /// The byte position of the box; `start` is that of its content.
    pub(super) head: u64,
    pub(super) start: u64,
    pub(super) end: u64,
}

impl BoxRange {
    /// The file in `reader`, as if it were a box without a head.
    pub(super) fn file(reader: &mut (impl Seek + ?Sized)) -> Result<BoxRange> {
        let end = reader.seek(SeekFrom::End(0))?;
        Ok(BoxRange { kind: *b"file", head: 0, start: 0, end })
    }

    /// The rest of the content behind its first `count` bytes.
    pub(super) fn after(self, count: u64) -> BoxRange {
        BoxRange { start: self.start.saturating_add(count), ..self }
    }
}

/// The boxes inside `parent`.
pub(super) fn inside(reader: &mut (impl Read + Seek + ?Sized), parent: BoxRange) -> Vec<BoxRange> {
    walk(reader, parent, None)
}

/// The boxes inside `parent`, up to the first one of the kind `last`.
pub(super) fn walk(
    reader: &mut (impl Read + Seek + ?Sized),
    parent: BoxRange,
    last: Option<&[u8; 4]>,
) -> Vec<BoxRange> {
    let mut places = Vec::new();
    let mut at = parent.start;
    while at.saturating_add(8) <= parent.end && places.len() < SIBLINGS {
        let Some(head) = bytes(reader, at, 16.min(parent.end - at)) else { break };
        let (Some(size), Some(kind)) = (u32_at(&head, 0), head.get(4..8).and_then(|kind| kind.try_into().ok())) else {
            break;
        };
        let (length, size) = match size {
            // Size 0 means "to the end of the file". Size 1 means that a 64-bit size follows the type.
            0 => (8, parent.end - at),
            1 => match u64_at(&head, 8) {
                Some(size) => (16, size),
                None => break,
            },
            size => (8, u64::from(size)),
        };
        let end = at.saturating_add(size);
        // A box longer than its parent is truncated. Its children may still be complete.
        if size < length {
            break;
        }
        places.push(BoxRange { kind, head: at, start: at + length, end: end.min(parent.end) });
        if Some(&kind) == last {
            break;
        }
        at = end;
    }
    places
}

/// The box with the header of the file. What follows it is not read.
pub(super) fn moov(reader: &mut (impl Read + Seek + ?Sized)) -> Option<BoxRange> {
    let file = BoxRange::file(reader).ok()?;
    walk(reader, file, Some(b"moov")).pop().filter(|place| &place.kind == b"moov")
}

/// Up to `count` bytes from byte `at` on. Fewer at the end of the file.
pub(super) fn bytes(reader: &mut (impl Read + Seek + ?Sized), at: u64, count: u64) -> Option<Vec<u8>> {
    reader.seek(SeekFrom::Start(at)).ok()?;
    let mut bytes = Vec::new();
    reader.take(count).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The content of a box, or its first `most` bytes.
pub(super) fn content(reader: &mut (impl Read + Seek + ?Sized), place: BoxRange, most: u64) -> Option<Vec<u8>> {
    bytes(reader, place.start, place.end.checked_sub(place.start)?.min(most))
}

/// Ticks per second of a movie or media header (8.2.2, 8.4.2), and its duration if it is known. All ones mean that it is
/// not. `None` for a clock that stands still.
pub(super) fn times(header: &[u8]) -> Option<(u32, Option<u64>)> {
    let (scale, duration) = match *header.first()? {
        1 => (u32_at(header, 20)?, u64_at(header, 24).filter(|ticks| *ticks != u64::MAX)),
        _ => (u32_at(header, 12)?, u32_at(header, 16).filter(|ticks| *ticks != u32::MAX).map(u64::from)),
    };
    (scale > 0).then_some((scale, duration.filter(|ticks| (1..i64::MAX as u64).contains(ticks))))
}
