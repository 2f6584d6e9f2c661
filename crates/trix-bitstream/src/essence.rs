//! Follows the packets of MXF (SMPTE ST 377-1, 6.3) by their headers, without their content, and counts those of each track.
//!
//! Invariant: each packet begins directly after the one before. A walk that finds anything else ends.

use std::collections::BTreeMap;

use crate::checks::klv;

/// Bytes at the start of a packet that suffice to read its header.
pub const HEAD: usize = klv::LONGEST;

/// First bytes of the key of a packet with frames or audio of the generic container (SMPTE ST 379-2). The last four name the
/// track.
const ELEMENT: [u8; 7] = [0x06, 0x0e, 0x2b, 0x34, 0x01, 0x02, 0x01];
/// The bytes of the key behind the version of the registry.
const GENERIC: [u8; 4] = [0x0d, 0x01, 0x03, 0x01];

/// A packet with frames or audio of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// Number of the track, as the header of the file has it.
    pub track: u32,
    /// Packets of the track before it.
    pub before: u64,
    /// Bytes in these packets.
    pub bytes: u64,
}

/// A walk over the packets of a file.
#[derive(Debug)]
pub struct Walk {
    at: u64,
    /// Packets of each track, and their bytes.
    tracks: BTreeMap<u32, (u64, u64)>,
}

impl Walk {
    /// Starts a walk at the packet at byte `at`.
    pub fn new(at: u64) -> Self {
        Walk { at, tracks: BTreeMap::new() }
    }

    /// The byte position of the next packet.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Takes the header of the next packet: the first [`HEAD`] bytes, or fewer at the end of the file. Returns what the
    /// packet is if it holds frames or audio. `Err` if no packet begins there.
    #[allow(clippy::result_unit_err)]
    pub fn step(&mut self, head: &[u8]) -> Result<Option<Element>, ()> {
        let (length, size) = klv::head(head).flatten().ok_or(())?;
        let after = self.at.checked_add(size as u64).and_then(|content| content.checked_add(length));
        self.at = after.ok_or(())?;
        let is_element = head.starts_with(&ELEMENT) && head[8..].starts_with(&GENERIC);
        if !is_element {
            return Ok(None);
        }
        let track = u32::from_be_bytes([head[12], head[13], head[14], head[15]]);
        // A hostile file could name four billion tracks.
        if !self.tracks.contains_key(&track) && self.tracks.len() >= MOST_TRACKS {
            return Err(());
        }
        let (packets, bytes) = self.tracks.entry(track).or_default();
        let element = Element { track, before: *packets, bytes: *bytes };
        *packets += 1;
        *bytes = bytes.saturating_add(length);
        Ok(Some(element))
    }
}

/// The largest number of tracks. The standard numbers up to 127 of each kind.
const MOST_TRACKS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(track: u32, content: usize) -> Vec<u8> {
        let key = [&ELEMENT[..], &[1], &GENERIC, &track.to_be_bytes()].concat();
        [&key[..], &[0x83], &(content as u32).to_be_bytes()[1..], &vec![7; content]].concat()
    }

    fn walked(bytes: &[u8], from: u64) -> (Vec<(u64, Element)>, bool) {
        let (mut walk, mut found) = (Walk::new(from), Vec::new());
        while let Some(head) = bytes.get(walk.at() as usize..).filter(|head| !head.is_empty()) {
            let at = walk.at();
            match walk.step(&head[..head.len().min(HEAD)]) {
                Ok(element) => found.extend(element.map(|element| (at, element))),
                Err(()) => return (found, false),
            }
        }
        (found, true)
    }

    #[test]
    fn packets_are_counted_by_track() {
        let (frames, audio) = (0x1501_0500, 0x1601_0101);
        let fill =
            [&[0x06, 0x0e, 0x2b, 0x34, 0x01, 0x01, 0x01, 0x02, 3, 1, 2, 0x10, 1, 0, 0, 0][..], &[2, 0, 0]].concat();
        let file =
            [packet(frames, 300), packet(audio, 40), fill, packet(frames, 5), packet(audio, 42), packet(audio, 1)];
        let element = |track, before, bytes| Element { track, before, bytes };
        let (found, is_whole) = walked(&file.concat(), 0);
        let expected = [
            (0, element(frames, 0, 0)),
            (320, element(audio, 0, 0)),
            (399, element(frames, 1, 300)),
            (424, element(audio, 1, 40)),
            (486, element(audio, 2, 82)),
        ];
        assert!(is_whole && found == expected, "{found:?}");
        // A byte between two packets.
        let broken = [&file[0][..], &[0], &file[1]].concat();
        assert_eq!(walked(&broken, 0), (expected[..1].to_vec(), false));
    }

    proptest! {
        #[test]
        fn no_bytes_are_trouble(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            walked(&bytes, 0);
            walked(&[&packet(1, 10)[..], &bytes].concat(), 0);
        }
    }
}
