//! Follows the packets of MXF (SMPTE ST 377-1, 6.3): a key, a length, and a value of that length.
//!
//! Invariant: each packet follows directly after the one before. Only zeros may follow the last packet.

use super::{
    sign::Sign,
    walk::{Lost, Steps},
};

/// First bytes of every key (SMPTE ST 336, 4.2).
const MARK: [u8; 4] = [0x06, 0x0e, 0x2b, 0x34];
/// Size of a key in bytes.
const KEY: usize = 16;
/// Size of the longest header in bytes: a key, and a length of eight bytes.
pub(crate) const LONGEST: usize = KEY + 9;
/// First bytes of the key of the first partition. A run-in of less than 64 KiB may precede it.
const PARTITION: [u8; 13] = [0x06, 0x0e, 0x2b, 0x34, 0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01];

#[derive(Default)]
pub(super) struct Klv {
    /// Bytes still to skip in the value of the current packet.
    skip: u64,
    begun: bool,
    lost: Lost,
    /// True if a byte outside of any packet is not zero.
    has_content: bool,
}

/// Reads the packet header at the start of `bytes`: the length of the value, and the size of the header itself. The
/// outer `None` means that more bytes are needed. The inner `None` means that no packet begins here.
pub(crate) fn head(bytes: &[u8]) -> Option<Option<(u64, usize)>> {
    if !bytes.starts_with(&MARK[..bytes.len().min(MARK.len())]) {
        return Some(None);
    }
    // Either a length in one byte, or the number of length bytes that follow (ITU-T X.690, 8.1.3).
    let first = *bytes.get(KEY)?;
    if first & 0x80 == 0 {
        return Some(Some((first.into(), KEY + 1)));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=8).contains(&count) {
        return Some(None);
    }
    let digits = bytes.get(KEY + 1..KEY + 1 + count)?;
    Some(Some((digits.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)), KEY + 1 + count)))
}

impl Steps for Klv {
    fn step(&mut self, rest: &[u8], here: u64, signs: &mut Vec<Sign>) -> Option<usize> {
        if self.skip > 0 {
            let count = self.skip.min(rest.len() as u64);
            self.skip -= count;
            return Some(count as usize);
        }
        if !self.begun {
            let first = rest.windows(PARTITION.len()).position(|window| window == PARTITION);
            self.begun = first.is_some();
            let unseen = rest.len().saturating_sub(PARTITION.len() - 1);
            return first.or((unseen > 0).then_some(unseen));
        }
        if let Some((length, before)) = head(rest)? {
            signs.extend(self.lost.close(here, "packet", None));
            (self.skip, self.has_content) = (length, false);
            return Some(before);
        }
        self.lost.begin(here);
        let next = rest[1..].windows(MARK.len()).position(|window| window == MARK);
        let count = next.map_or(rest.len().saturating_sub(MARK.len() - 1).max(1), |next| next + 1);
        self.has_content |= rest[..count].iter().any(|byte| *byte != 0);
        Some(count)
    }

    fn end(&mut self, _: &[u8], _: u64, signs: &mut Vec<Sign>) {
        // A truncated file is found by the size that it declares, not here.
        signs.extend(self.lost.end("packet", None).filter(|_| self.has_content));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::{sign::Check, walk::Walk};
    use proptest::prelude::*;

    fn packet(kind: u8, content: &[u8]) -> Vec<u8> {
        let key = [&PARTITION[..], &[kind, 0, 0]].concat();
        let length = (content.len() as u32).to_be_bytes();
        [&key[..], &[0x84], &length, content].concat()
    }

    fn file() -> Vec<Vec<u8>> {
        let short = [&PARTITION[..], &[9, 0, 0, 3, 1, 2, 3]].concat();
        let others = (0..8).map(|number| packet(number, &[number; 150]));
        [vec![b"run-in".to_vec()], others.collect(), vec![short]].concat()
    }

    fn reports(bytes: &[u8], piece: usize) -> Vec<String> {
        let (mut packets, mut signs) = (Walk::<Klv>::default(), Vec::new());
        bytes.chunks(piece).for_each(|piece| packets.feed(piece, &mut signs));
        packets.end(&mut signs);
        signs.into_iter().map(|sign| sign.detail).collect()
    }

    #[test]
    fn whole_files_show_nothing_and_lost_bytes_are_reported_with_their_place() {
        let whole = file();
        for piece in [1, 5, 171, 100_000] {
            let none: [String; 0] = [];
            assert_eq!(reports(&whole.concat(), piece), none);
            assert_eq!(reports(&[&whole.concat()[..], &[0; 500]].concat(), piece), none);
            let mut broken = whole.clone();
            broken[4][..30].fill(0);
            let first = whole[..4].concat().len();
            let found = reports(&broken.concat(), piece);
            let place = format!("bytes {first} to {} belong to no packet", first + whole[4].len());
            assert!(found.len() == 1 && found[0].contains(&place), "{found:?}");
            let found = reports(&[&whole.concat()[..], &[0; 500], &[1]].concat(), piece);
            assert!(found.len() == 1 && found[0].contains("nothing belongs to a packet"), "{found:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_trouble(bytes in prop::collection::vec(any::<u8>(), 0..400), piece in 1usize..50) {
            reports(&[&file().concat()[..], &bytes, &file()[1..].concat()].concat(), piece);
            reports(&[&MARK[..], &bytes].concat(), piece);
        }
    }
}
