//! Follows the pages of Ogg (RFC 3533). Each page has a checksum and a number.
//!
//! Invariant: page numbers of a stream are checked from its first page on. A stream that begins again restarts its
//! numbers.

use std::collections::BTreeMap;

use trix_model::damage::DamageKind;

use super::{
    sign::Sign,
    walk::{Lost, Steps, crc, cut_short},
};

const MARK: &[u8] = b"OggS";
/// Size of a page header in bytes, without the segment table.
const HEAD: usize = 27;
/// Position of the checksum in the page.
const SUM: std::ops::Range<usize> = 22..26;

/// The largest number of streams whose pages are counted at the same time.
const MOST_STREAMS: usize = 4096;

#[derive(Default)]
pub(super) struct Pages {
    lost: Lost,
    /// Number of the last page of each stream that has not ended.
    numbers: BTreeMap<u32, u32>,
}

/// The checksum of a page, computed with zeros in place of its own checksum.
fn checksum(page: &[u8]) -> u32 {
    crc(0, page.iter().enumerate().map(|(at, byte)| if SUM.contains(&at) { 0 } else { *byte }))
}

/// Reads a four-byte number in little-endian order.
fn number(page: &[u8], at: usize) -> u32 {
    page[at..at + 4].iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// Length of the page at the start of `bytes`. `None` if more bytes are needed. Zero if no page begins here.
fn length(bytes: &[u8]) -> Option<usize> {
    if !bytes.starts_with(&MARK[..bytes.len().min(4)]) || bytes.get(4).is_some_and(|version| *version != 0) {
        return Some(0);
    }
    let segments = usize::from(*bytes.get(HEAD - 1)?);
    let sizes = bytes.get(HEAD..HEAD + segments)?;
    let length = HEAD + segments + sizes.iter().map(|size| usize::from(*size)).sum::<usize>();
    (bytes.len() >= length).then_some(length)
}

impl Steps for Pages {
    fn step(&mut self, rest: &[u8], here: u64, signs: &mut Vec<Sign>) -> Option<usize> {
        let length = length(rest)?;
        let page = rest.get(..length).filter(|page| length > 0 && checksum(page) == number(page, SUM.start));
        let Some(page) = page else {
            self.lost.begin(here);
            let next = rest[1..].windows(MARK.len()).position(|window| window == MARK);
            return Some(next.map_or(rest.len().saturating_sub(MARK.len() - 1).max(1), |next| next + 1));
        };
        signs.extend(self.lost.close(here, "page", None));
        let (stream, own) = (number(page, 14), number(page, 18));
        let begins = page[5] & 2 != 0;
        let before = self.numbers.insert(stream, own).filter(|_| !begins);
        if let Some(before) = before.filter(|before| before.wrapping_add(1) != own) {
            let detail = format!("pages of stream {stream} are missing at byte {here}: number {own} after {before}");
            signs.push(Sign { kind: DamageKind::Continuity, time: None, detail });
        }
        let ends = page[5] & 4 != 0;
        if ends {
            self.numbers.remove(&stream);
        }
        // The pages of a stream that is left out are counted again from its next page on.
        if self.numbers.len() > MOST_STREAMS {
            self.numbers.pop_first();
        }
        Some(length)
    }

    fn end(&mut self, rest: &[u8], here: u64, signs: &mut Vec<Sign>) {
        signs.extend(self.lost.end("page", None));
        if !self.lost.is_open() && !rest.is_empty() {
            signs.push(cut_short(format!("the last page, at byte {here}, is cut short"), None));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{sign::Check, walk::Walk};
    use proptest::prelude::*;

    fn page(number: u32, flags: u8) -> Vec<u8> {
        page_of(7, number, flags)
    }

    fn page_of(stream: u32, number: u32, flags: u8) -> Vec<u8> {
        let head =
            [&b"OggS\0"[..], &[flags], &[0; 8], &stream.to_le_bytes(), &number.to_le_bytes(), &[0; 4], &[2, 255, 9]];
        let mut page = [&head.concat()[..], &[number as u8; 264]].concat();
        let sum = checksum(&page);
        page[SUM].copy_from_slice(&sum.to_le_bytes());
        page
    }

    fn file() -> Vec<Vec<u8>> {
        (0..10).map(|number| page(number, if number == 0 { 2 } else { 0 })).collect()
    }

    fn reports(bytes: &[u8], piece: usize) -> Vec<String> {
        let (mut pages, mut signs) = (Walk::<Pages>::default(), Vec::new());
        bytes.chunks(piece).for_each(|piece| pages.feed(piece, &mut signs));
        pages.end(&mut signs);
        signs.into_iter().map(|sign| sign.detail).collect()
    }

    #[test]
    fn the_number_of_streams_does_not_make_it_grow() {
        let (mut pages, mut signs) = (Pages::default(), Vec::new());
        for stream in 0..10_000 {
            let page = page_of(stream, 0, 2);
            assert_eq!(pages.step(&page, 0, &mut signs), Some(page.len()));
            assert!(pages.numbers.len() <= MOST_STREAMS, "{stream}");
        }
        let mut pages = Pages::default();
        for stream in 0..10 {
            pages.step(&page_of(stream, 0, 2), 0, &mut signs);
            pages.step(&page_of(stream, 1, 4), 0, &mut signs);
        }
        assert_eq!((pages.numbers.len(), signs), (0, Vec::new()));
    }

    #[test]
    fn whole_files_show_nothing_and_lost_pages_are_reported_with_their_place() {
        let whole = file();
        let length = whole[0].len();
        for piece in [1, 13, 293, 100_000] {
            assert!(reports(&whole.concat(), piece).is_empty());
            // Two concatenated files are one valid file (RFC 3533, 4).
            assert!(reports(&[whole.concat(), whole.concat()].concat(), piece).is_empty());
            let missing = [whole[..4].concat(), whole[5..].concat()].concat();
            let place = format!("missing at byte {}: number 5 after 3", 4 * length);
            assert!(reports(&missing, piece)[0].contains(&place), "{:?}", reports(&missing, piece));
            let mut flipped = whole.concat();
            flipped[4 * length + 100] ^= 4;
            let found = reports(&flipped, piece);
            let place = format!("bytes {} to {} belong to no page", 4 * length, 5 * length);
            assert!(found.len() == 2 && found[0].contains(&place), "{found:?}");
            let cut = reports(&whole.concat()[..10 * length - 1], piece);
            assert!(cut.len() == 1 && cut[0].contains("cut short"), "{cut:?}");
            let behind = reports(&[&whole.concat()[..], &[0; 50]].concat(), piece);
            assert!(behind.len() == 1 && behind[0].contains("nothing belongs to a page"), "{behind:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_trouble(bytes in prop::collection::vec(any::<u8>(), 0..400), piece in 1usize..50) {
            reports(&[&file().concat()[..], &bytes, &file().concat()].concat(), piece);
            reports(&[MARK, &bytes].concat(), piece);
        }
    }
}
