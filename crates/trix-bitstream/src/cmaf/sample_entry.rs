//! The boxes in a sample entry (ISO/IEC 14496-12, 8.5.2.2).
//!
//! Invariant: what is found lies completely within the entry.

use std::ops::Range;

use crate::boxes;

/// Finds a box in the sample entry at `entry` of `data`. The entry begins with its size.
pub fn child(data: &[u8], entry: Range<usize>, name: &[u8; 4]) -> Option<Range<usize>> {
    let code = data.get(entry.start..entry.end)?.get(4..8)?;
    let fields = if matches!(code, b"avc1" | b"hvc1" | b"dvh1") { 78 } else { 28 };
    boxes::find(data, entry.start + 8 + fields..entry.end, name)
}

/// Offset of the decoder's object type in the content of an esds box (ISO/IEC 14496-1, 7.2.6.5 and 7.2.6.6).
pub fn decoder_config(esds: &[u8]) -> Option<usize> {
    let mut at = 4;
    // A descriptor: a tag, then a length in up to four bytes of seven bits each.
    let enter = |at: &mut usize, tag: u8| {
        (*esds.get(*at)? == tag).then_some(())?;
        *at += 1;
        while esds.get(*at)? & 0x80 != 0 {
            *at += 1;
        }
        *at += 1;
        Some(())
    };
    enter(&mut at, 3)?;
    at += 3;
    enter(&mut at, 4)?;
    Some(at)
}

/// The sample entry in an init segment: its four-character code and the data after it.
pub fn in_header(data: &[u8]) -> Option<Range<usize>> {
    let stsd = boxes::at_path(data, &[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"])?;
    // Version, flags, the number of entries, and the size of the first.
    (stsd.len() >= 12).then_some(stsd.start + 12..stsd.end)
}
