//! Follows the packets of MXF (SMPTE ST 377-1, 6.3): a key, a length, and as many bytes.
//!
//! Invariant: what stands behind one packet is the next one; only zeros may follow the last.

use super::{Check, Sign};
use crate::decode::damage::DamageKind;

/// How every key begins (SMPTE ST 336, 4.2).
const MARK: [u8; 4] = [0x06, 0x0e, 0x2b, 0x34];
/// Bytes of a key.
const KEY: usize = 16;
/// How the key of the first partition begins, behind a run-in of less than 64 KiB.
const PARTITION: [u8; 13] = [0x06, 0x0e, 0x2b, 0x34, 0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01];

#[derive(Default)]
pub(super) struct Klv {
    /// Bytes that are not looked at yet.
    rest: Vec<u8>,
    /// The byte of the file at which they begin.
    at: u64,
    /// Bytes of the value of the packet whose key was seen.
    skip: u64,
    begun: bool,
    /// Where bytes began that belong to no packet, and whether one of them is not zero.
    lost: Option<(u64, bool)>,
}

/// The length of the value of the packet that `bytes` begin with, and of what stands before it. The outer `None`: more
/// bytes are needed; the inner: no packet begins there.
fn head(bytes: &[u8]) -> Option<Option<(u64, usize)>> {
    if !bytes.starts_with(&MARK[..bytes.len().min(MARK.len())]) {
        return Some(None);
    }
    // A length of one byte, or the number of bytes that follow with it (ITU-T X.690, 8.1.3).
    let first = *bytes.get(KEY)?;
    if first & 0x80 == 0 {
        return Some(Some((first.into(), KEY + 1)));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=8).contains(&count) {
        return Some(None);
    }
    let told = bytes.get(KEY + 1..KEY + 1 + count)?;
    Some(Some((told.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)), KEY + 1 + count)))
}

impl Klv {
    /// Looks at the bytes from `from` on; returns how many of them are done with.
    fn step(&mut self, from: usize, signs: &mut Vec<Sign>) -> Option<usize> {
        let rest = &self.rest[from..];
        if self.skip > 0 {
            let count = self.skip.min(rest.len() as u64);
            self.skip -= count;
            return (count > 0).then_some(count as usize);
        }
        if !self.begun {
            let first = rest.windows(PARTITION.len()).position(|window| window == PARTITION);
            self.begun = first.is_some();
            let unseen = rest.len().saturating_sub(PARTITION.len() - 1);
            return first.or((unseen > 0).then_some(unseen));
        }
        if rest.is_empty() {
            return None;
        }
        let here = self.at + from as u64;
        match head(rest)? {
            Some((length, before)) => {
                if let Some((lost, _)) = self.lost.take() {
                    signs.push(sign(format!("bytes {lost} to {here} belong to no packet")));
                }
                self.skip = length;
                Some(before)
            }
            None => {
                let next = rest[1..].windows(MARK.len()).position(|window| window == MARK);
                let count = next.map_or(rest.len().saturating_sub(MARK.len() - 1).max(1), |next| next + 1);
                let is_something = rest[..count].iter().any(|byte| *byte != 0);
                let (lost, before) = self.lost.unwrap_or((here, false));
                self.lost = Some((lost, before || is_something));
                Some(count)
            }
        }
    }
}

fn sign(detail: String) -> Sign {
    Sign { kind: DamageKind::Container, time: None, detail: format!("the container is damaged: {detail}") }
}

impl Check for Klv {
    fn feed(&mut self, bytes: &[u8], signs: &mut Vec<Sign>) {
        self.rest.extend_from_slice(bytes);
        let mut from = 0;
        while let Some(count) = self.step(from, signs) {
            from += count;
        }
        self.at += from as u64;
        self.rest.drain(..from);
    }

    fn end(&mut self, signs: &mut Vec<Sign>) {
        // A file that is cut short is told by what it declares.
        if let Some((lost, true)) = self.lost {
            signs.push(sign(format!("from byte {lost} on nothing belongs to a packet")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    fn told(bytes: &[u8], piece: usize) -> Vec<String> {
        let (mut packets, mut signs) = (Klv::default(), Vec::new());
        bytes.chunks(piece).for_each(|piece| packets.feed(piece, &mut signs));
        packets.end(&mut signs);
        signs.into_iter().map(|sign| sign.detail).collect()
    }

    #[test]
    fn whole_files_show_nothing_and_lost_bytes_are_told_with_their_place() {
        let whole = file();
        for piece in [1, 5, 171, 100_000] {
            let none: [String; 0] = [];
            assert_eq!(told(&whole.concat(), piece), none);
            assert_eq!(told(&[&whole.concat()[..], &[0; 500]].concat(), piece), none);
            let mut broken = whole.clone();
            broken[4][..30].fill(0);
            let first = whole[..4].concat().len();
            let found = told(&broken.concat(), piece);
            let place = format!("bytes {first} to {} belong to no packet", first + whole[4].len());
            assert!(found.len() == 1 && found[0].contains(&place), "{found:?}");
            let found = told(&[&whole.concat()[..], &[0; 500], &[1]].concat(), piece);
            assert!(found.len() == 1 && found[0].contains("nothing belongs to a packet"), "{found:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_trouble(bytes in prop::collection::vec(any::<u8>(), 0..400), piece in 1usize..50) {
            told(&[&file().concat()[..], &bytes, &file()[1..].concat()].concat(), piece);
            told(&[&MARK[..], &bytes].concat(), piece);
        }
    }
}
