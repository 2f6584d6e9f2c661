//! Follows the tags of FLV (Adobe's specification of FLV 10.1, annex E). Each tag states its length.
//!
//! Invariant: a tag is recognised by its type, its stream and the size after it. If tags follow each other directly, a
//! wrong size after a tag is no damage, because writers differ about it.

use trix_model::time::{TimeBase, Timestamp};

use super::{
    sign::Sign,
    walk::{Lost, Steps, cut_short},
};

/// Size of a tag header in bytes.
const HEAD: usize = 11;
/// Size in bytes of the size field after a tag.
const SIZE: usize = 4;
/// Bytes before the first tag: the file header, and a size field for no tag.
const START: usize = 9 + SIZE;

#[derive(Default)]
pub(super) struct Tags {
    /// Bytes still to skip in the current tag and the size field after it.
    skip: usize,
    /// True once the file header was skipped.
    begun: bool,
    lost: Lost,
    /// Time of the last tag.
    latest: Option<Timestamp>,
    /// Offset of the first further recording in the file.
    next: Option<u64>,
}

impl Tags {
    /// Offset of the first further recording in the file, as far as the file was read.
    pub(super) fn next_recording(&self) -> Option<u64> {
        self.next
    }
}

/// The content length and the time in milliseconds of the tag at the start of `bytes`.
fn head(bytes: &[u8]) -> Option<(usize, i64)> {
    let &[kind, a, b, c, high, middle, low, highest, stream @ ..]: &[u8; HEAD] = bytes.first_chunk()?;
    let time = i32::from_be_bytes([highest, high, middle, low]);
    // Bit 5, above the type, marks encrypted content.
    let is_known = matches!(kind & 0xdf, 8 | 9 | 18);
    (is_known && stream == [0; 3]).then(|| (u32::from_be_bytes([0, a, b, c]) as usize, i64::from(time)))
}

impl Steps for Tags {
    fn step(&mut self, rest: &[u8], here: u64, signs: &mut Vec<Sign>) -> Option<usize> {
        if !self.begun {
            self.begun = rest.len() >= START;
            return self.begun.then_some(START);
        }
        if self.skip > 0 {
            let count = self.skip.min(rest.len());
            self.skip -= count;
            return Some(count);
        }
        if rest.len() < HEAD {
            return None;
        }
        if !self.lost.is_open() {
            if let Some((size, time)) = head(rest) {
                self.latest = Some(Timestamp::new(time, TimeBase::new(1, 1000)));
                self.skip = size + SIZE;
                return Some(HEAD);
            }
            // Another recording follows in the same file.
            if rest.starts_with(b"FLV\x01") {
                self.next.get_or_insert(here);
                self.begun = false;
                return Some(0);
            }
            self.lost.begin(here);
        }
        // After lost bytes, accept a tag only if the correct size follows it.
        for at in 0..=rest.len() - HEAD {
            let Some((size, _)) = head(&rest[at..]) else { continue };
            let behind = at + HEAD + size;
            match rest.get(behind..behind + SIZE) {
                Some(size_behind) if size_behind == ((HEAD + size) as u32).to_be_bytes() => {
                    signs.extend(self.lost.close(here + at as u64, "tag", self.latest));
                    return Some(at);
                }
                Some(_) => {}
                // The tag must be completely in memory.
                None => return Some(at).filter(|at| *at > 0),
            }
        }
        Some(rest.len() - HEAD + 1)
    }

    fn end(&mut self, rest: &[u8], here: u64, signs: &mut Vec<Sign>) {
        signs.extend(self.lost.end("tag", self.latest));
        // The size field after the last tag may be missing.
        if self.skip > SIZE {
            let missing = self.skip - SIZE;
            signs
                .push(cut_short(format!("the last tag is cut short: {missing} of its bytes are missing"), self.latest));
        } else if self.begun && self.skip == 0 && !self.lost.is_open() && !rest.is_empty() {
            signs.push(cut_short(format!("the last tag, at byte {here}, is cut short"), self.latest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{sign::Check, walk::Walk};
    use proptest::prelude::*;

    fn tag(kind: u8, time: u32, content: &[u8]) -> Vec<u8> {
        let [highest, time @ ..] = time.to_be_bytes();
        let [_, size @ ..] = (content.len() as u32).to_be_bytes();
        let size_behind = (content.len() as u32 + 11).to_be_bytes();
        [&[kind][..], &size, &time, &[highest, 0, 0, 0], content, &size_behind].concat()
    }

    fn file() -> Vec<Vec<u8>> {
        let start = b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec();
        let tags = (0..20).map(|number| tag([9, 8][number % 2], 40 * number as u32, &[number as u8 + 30; 100]));
        [vec![start], tags.collect()].concat()
    }

    /// Signs of damage in `bytes`, fed in pieces of `piece` bytes.
    fn signs(bytes: &[u8], piece: usize) -> Vec<Sign> {
        let (mut tags, mut signs) = (Walk::<Tags>::default(), Vec::new());
        bytes.chunks(piece).for_each(|piece| tags.feed(piece, &mut signs));
        tags.end(&mut signs);
        signs
    }

    #[test]
    fn whole_files_show_nothing_and_lost_bytes_are_reported_with_their_place() {
        let whole = file();
        for piece in [1, 7, 100, 100_000] {
            assert_eq!(signs(&whole.concat(), piece), []);
            // Without the size field after the last tag.
            let bytes = whole.concat();
            assert_eq!(signs(&bytes[..bytes.len() - 4], piece), []);
            let [sign] = &signs(&bytes[..bytes.len() - 5], piece)[..] else { panic!("one sign") };
            assert!(sign.detail.contains("cut short: 1 of"), "{}", sign.detail);
            // Zeros between two tags, and inside a tag.
            let first = whole[..5].concat();
            let between = [&first[..], &[0; 300], &whole[5..].concat()].concat();
            let [sign] = &signs(&between, piece)[..] else { panic!("one sign") };
            let place = format!("bytes {} to {} belong to no tag", first.len(), first.len() + 300);
            assert!(sign.detail.contains(&place), "{}", sign.detail);
            assert_eq!(sign.time, Some(Timestamp::new(120, TimeBase::new(1, 1000))));
            let within = [&first[..first.len() - 50], &[0; 300], &first[first.len() - 50..], &whole[5..].concat()];
            assert_eq!(signs(&within.concat(), piece).len(), 1);
            let behind = [&whole.concat()[..], &[1; 300]].concat();
            let [sign] = &signs(&behind, piece)[..] else { panic!("one sign") };
            assert!(sign.detail.contains("nothing belongs to a tag"), "{}", sign.detail);
            // A second recording with its own header follows.
            let twice = [whole.concat(), whole.concat()].concat();
            assert_eq!(signs(&twice, piece), []);
            let [sign] = &signs(&twice[..twice.len() - 110], piece)[..] else { panic!("one sign") };
            assert!(sign.detail.contains("the last tag, at byte"), "{}", sign.detail);
        }
    }

    #[test]
    fn sizes_behind_tags_may_be_wrong() {
        let mut whole = file();
        for tag in &mut whole[1..] {
            let at = tag.len() - 4;
            tag[at..].copy_from_slice(&100u32.to_be_bytes());
        }
        assert_eq!(signs(&whole.concat(), 64), []);
    }

    proptest! {
        #[test]
        fn no_bytes_are_trouble(bytes in prop::collection::vec(any::<u8>(), 0..400), piece in 1usize..50) {
            signs(&[&file().concat()[..], &bytes, &file()[3..].concat()].concat(), piece);
            signs(&bytes, piece);
        }
    }
}
