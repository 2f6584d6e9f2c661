//! Sample entries of MP4 (ISO/IEC 14496-12, 8.5.2.2): finds their boxes, and reads what these state.
//!
//! Invariant: what is found lies completely within the entry. A box that is too short states nothing.

use std::ops::Range;

use trix_model::time::Rational;

use crate::boxes::{self, u32_at};

/// The sample entry in an init segment: its four-character code and the data after it.
pub fn in_header(data: &[u8]) -> Option<Range<usize>> {
    let stsd = boxes::at_path(data, &[b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"])?;
    // Version, flags, the number of entries, and the size of the first.
    (stsd.len() >= 12).then_some(stsd.start + 12..stsd.end)
}

/// Finds a box in the sample entry at `entry` of `data`. The entry begins with its size.
pub fn child(data: &[u8], entry: Range<usize>, name: &[u8; 4]) -> Option<Range<usize>> {
    let code = data.get(entry.start..entry.end)?.get(4..8)?;
    let fields = if matches!(code, b"avc1" | b"hvc1" | b"dvh1") { 78 } else { 28 };
    boxes::find(data, entry.start + 8 + fields..entry.end, name)
}

/// Width and height of the clean aperture (ISO/IEC 14496-12, 12.1.4), each a fraction.
pub fn aperture(content: &[u8]) -> Option<(Rational, Rational)> {
    let ratio = |at: usize| Some(Rational::new(u32_at(content, at)?.into(), u32_at(content, at + 4)?.into()));
    let (width, height) = (ratio(0)?, ratio(8)?);
    (width.is_positive() && height.is_positive()).then_some((width, height))
}

/// The largest and the average bit rate in the decoder configuration of an elementary stream descriptor (ISO/IEC
/// 14496-1, 7.2.6.6). An average of zero stands for a variable rate.
pub fn bit_rates(esds: &[u8]) -> Option<(u32, u32)> {
    let at = decoder_config(esds)?;
    Some((u32_at(esds, at + 5)?, u32_at(esds, at + 9)?))
}

/// Offset of the decoder's object type in the content of an esds box (ISO/IEC 14496-1, 7.2.6.5 and 7.2.6.6).
pub fn decoder_config(esds: &[u8]) -> Option<usize> {
    // A descriptor begins with its tag and its length. The length has up to four bytes of seven bits each.
    let enter = |at: usize, tag: u8| {
        let rest = esds.get(at..)?.strip_prefix(&[tag])?;
        let length = rest.iter().take(4).position(|byte| byte & 0x80 == 0)?;
        Some(at + 1 + length + 1)
    };
    let stream = enter(4, 3)?;
    let flags = esds.get(stream + 2)?;
    // An optional reference, an optional address and an optional clock come first.
    let mut at = stream + 3 + if flags & 0x80 != 0 { 2 } else { 0 };
    if flags & 0x40 != 0 {
        at += 1 + usize::from(*esds.get(at)?);
    }
    at += if flags & 0x20 != 0 { 2 } else { 0 };
    enter(at, 4)
}

/// The number of objects of joint object coding (ETSI TS 103 420, 8.3). It follows the substreams in the box of E-AC-3
/// (ETSI TS 102 366, F.6).
pub fn joint_objects(content: &[u8]) -> Option<u8> {
    let substreams = (content.get(1)? & 7) + 1;
    let mut at = 2;
    for _ in 0..substreams {
        // Each substream has 16 bits and a byte, of which 4 bits count its dependent substreams. If it has any, one
        // more byte follows.
        let dependent = content.get(at + 2)? >> 1 & 0xf;
        at += if dependent > 0 { 4 } else { 3 };
    }
    let has_extension = content.get(at)? & 1 == 1;
    has_extension.then(|| content.get(at + 1).copied()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bit_rates_stand_in_the_descriptor_of_the_decoder() {
        let decoder = [&[4, 17, 0x40, 0x15, 0, 0, 0][..], &96_000u32.to_be_bytes(), &72_000u32.to_be_bytes()].concat();
        let plain = [&[0, 0, 0, 0, 3, 0x80, 0x80, 0x80, 25, 0, 1, 0][..], &decoder].concat();
        assert_eq!(bit_rates(&plain), Some((96_000, 72_000)));
        let with_reference = [&[0, 0, 0, 0, 3, 27, 0, 1, 0x80, 9, 9][..], &decoder].concat();
        assert_eq!(bit_rates(&with_reference), Some((96_000, 72_000)));
        for cut in 0..plain.len() {
            assert_eq!(bit_rates(&plain[..cut]), None);
        }
        assert_eq!((decoder_config(&plain), decoder_config(&with_reference)), (Some(14), Some(13)));
        // A length has at most four bytes.
        assert_eq!(decoder_config(&[&plain[..5], &[0x80], &plain[5..]].concat()), None);
    }

    #[test]
    fn joint_objects_stand_behind_the_substreams() {
        // One independent substream without dependent ones, then the flag and the number of objects.
        assert_eq!(joint_objects(&[0x10, 0x00, 0x20, 0x0f, 0x00, 0x01, 16]), Some(16));
        assert_eq!(joint_objects(&[0x10, 0x00, 0x20, 0x0f, 0x02, 0x01, 0x01, 12]), Some(12));
        assert_eq!(joint_objects(&[0x10, 0x00, 0x20, 0x0f, 0x00]), None);
        assert_eq!(joint_objects(&[]), None);
    }
}
