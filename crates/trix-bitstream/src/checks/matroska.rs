//! Matroska: the optional CRC-32 at the start of an element with children (RFC 8794, 11.3.1), and the order of
//! elements.
//!
//! Invariant: every byte is read once, in order. Memory stays within about a kilobyte, whatever the sizes and levels in
//! a file say.

use trix_model::{
    damage::DamageKind,
    time::{TimeBase, Timestamp},
};

use super::sign::{Check, Sign};
use crate::ebml::{self, id};

/// TimestampScale: nanoseconds per tick of the segment.
const SCALE: u32 = 0x2a_d7b1;

/// Elements at the top level of a segment (RFC 9559, 5.1).
const LEVEL_1: [(u32, &str); 8] = [
    (id::SEEK_HEAD, "SeekHead"),
    (id::INFO, "Info"),
    (id::TRACKS, "Tracks"),
    (id::CLUSTER, "Cluster"),
    (0x1c53_bb6b, "Cues"),
    (0x1941_a469, "Attachments"),
    (id::CHAPTERS, "Chapters"),
    (0x1254_c367, "Tags"),
];

/// Elements with children below the top level. Any of them may contain a checksum.
const LEVEL_2: [(u32, &str); 7] = [
    (id::SEEK, "Seek"),
    (id::TRACK_ENTRY, "TrackEntry"),
    (0xa0, "BlockGroup"),
    (0xbb, "CuePoint"),
    (0x61a7, "AttachedFile"),
    (0x45b9, "EditionEntry"),
    (0x7373, "Tag"),
];

fn name(element: u32) -> Option<&'static str> {
    match element {
        id::EBML => Some("EBML"),
        id::SEGMENT => Some("Segment"),
        _ => LEVEL_1.iter().chain(&LEVEL_2).find(|(known, _)| *known == element).map(|(_, name)| *name),
    }
}

fn is_level_1(element: u32) -> bool {
    LEVEL_1.iter().any(|(known, _)| *known == element)
}

/// True if `element` differs in exactly one byte from a top-level element of a segment.
fn is_nearly_level_1(element: u32) -> bool {
    let differing = |known: u32| (known ^ element).to_be_bytes().iter().filter(|byte| **byte != 0).count();
    LEVEL_1.iter().any(|(known, _)| differing(*known) == 1)
}

/// The largest number of elements that are open at the same time. The specification nests three of those that have a
/// name here.
const MOST_OPEN: usize = 8;

/// An element whose children are being read.
struct Open {
    element: u32,
    start: u64,
    /// Offset after its last byte. `None` if the size is unknown, as in an unfinished recording.
    end: Option<u64>,
    /// The stated checksum, and the checksum of the bytes so far.
    checksum: Option<(u32, crc32fast::Hasher)>,
    has_children: bool,
}

#[derive(Clone, Copy)]
enum State {
    /// Collects the identifier and size of the next element.
    Header,
    /// Collects the value of an element that the check needs.
    Value { element: u32, left: u64 },
    /// Skips bytes.
    Skip { left: u64 },
    /// Searches for a top-level element of the segment after damage.
    Hunt,
}

pub(super) struct Matroska {
    stack: Vec<Open>,
    state: State,
    /// Bytes of the current header or value.
    scratch: Vec<u8>,
    at: u64,
    /// Nanoseconds per tick.
    scale: u64,
    cluster: Option<u64>,
    /// Start of an unknown element in the segment. It is kept until the next element shows that the unknown one is
    /// complete.
    suspect: Option<u64>,
    /// Offset of the first further recording in the file.
    next: Option<u64>,
}

impl Default for Matroska {
    fn default() -> Self {
        Matroska {
            stack: Vec::new(),
            state: State::Header,
            scratch: Vec::new(),
            at: 0,
            // Default value of the element (RFC 9559, 5.1.2.9).
            scale: 1_000_000,
            cluster: None,
            suspect: None,
            next: None,
        }
    }
}

impl Matroska {
    /// Offset of the first further recording in the file, as far as the file was read.
    pub(super) fn next_recording(&self) -> Option<u64> {
        self.next
    }
}

impl Check for Matroska {
    fn feed(&mut self, mut bytes: &[u8], signs: &mut Vec<Sign>) {
        while !bytes.is_empty() {
            let taken = match self.state {
                State::Header => {
                    self.take(&bytes[..1]);
                    self.scratch.push(bytes[0]);
                    self.header(signs);
                    1
                }
                State::Value { element, left } => {
                    let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.take(&bytes[..count]);
                    self.scratch.extend_from_slice(&bytes[..count]);
                    let left = left - count as u64;
                    self.state = State::Value { element, left };
                    if left == 0 {
                        self.value(element);
                        self.next(signs);
                    }
                    count
                }
                State::Skip { left } => {
                    let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    self.take(&bytes[..count]);
                    let left = left - count as u64;
                    self.state = State::Skip { left };
                    if left == 0 {
                        self.next(signs);
                    }
                    count
                }
                State::Hunt => {
                    self.take(&bytes[..1]);
                    self.scratch.push(bytes[0]);
                    if let Ok(last) = <[u8; 4]>::try_from(self.scratch.as_slice()) {
                        if is_level_1(u32::from_be_bytes(last)) {
                            self.state = State::Header;
                        } else {
                            self.scratch.remove(0);
                        }
                    }
                    1
                }
            };
            bytes = &bytes[taken..];
        }
    }

    fn end(&mut self, signs: &mut Vec<Sign>) {
        // Another check covers a segment that states its end. In a live recording only the elements state theirs.
        let is_live = self.stack.iter().any(|open| open.element == id::SEGMENT && open.end.is_none());
        let is_inside = self.stack.iter().any(|open| open.end.is_some_and(|end| end > self.at))
            || matches!(self.state, State::Value { .. } | State::Skip { .. })
            || !self.scratch.is_empty() && matches!(self.state, State::Header);
        if is_live && is_inside {
            let detail = "the source is cut short: it ends inside of an element".to_owned();
            signs.push(Sign { kind: DamageKind::Truncated, time: self.time(), detail });
        }
    }
}

impl Matroska {
    /// Advances over bytes and adds them to every open checksum.
    fn take(&mut self, bytes: &[u8]) {
        self.at += bytes.len() as u64;
        for (_, hasher) in self.stack.iter_mut().filter_map(|open| open.checksum.as_mut()) {
            hasher.update(bytes);
        }
    }

    fn time(&self) -> Option<Timestamp> {
        let nanos = self.cluster?.checked_mul(self.scale)?;
        Some(Timestamp::new(i64::try_from(nanos).ok()?, TimeBase::new(1, 1_000_000_000)))
    }

    /// If the header in `scratch` is complete, enters or skips its element.
    fn header(&mut self, signs: &mut Vec<Sign>) {
        let Some(first) = self.scratch.first() else { return };
        let id_length = first.leading_zeros() as usize + 1;
        if id_length > 4 {
            return self.lost(signs);
        }
        let Some(size_first) = self.scratch.get(id_length) else { return };
        let size_length = size_first.leading_zeros() as usize + 1;
        if size_length > 8 {
            return self.lost(signs);
        }
        let Some((element, size, _)) = ebml::head_of(&self.scratch) else { return };
        let start = self.at - self.scratch.len() as u64;
        // An element of a higher level ends an element of unknown size.
        while self.stack.last().is_some_and(|open| {
            open.end.is_none()
                && (element == id::EBML || element == id::SEGMENT || open.element == id::CLUSTER && is_level_1(element))
        }) {
            self.stack.pop();
        }
        let Some(size) = size else {
            if element != id::SEGMENT && element != id::CLUSTER || self.stack.len() >= MOST_OPEN {
                return self.lost(signs);
            }
            return self.enter(element, start, None);
        };
        let end = self.at.saturating_add(size);
        let is_too_long = self.stack.last().and_then(|open| open.end).is_some_and(|limit| end > limit);
        if is_too_long || self.stack.len() >= MOST_OPEN && name(element).is_some() {
            return self.lost(signs);
        }
        let parent = self.stack.last().map(|open| open.element);
        match parent {
            // Only these elements may stand outside of a segment.
            None if element != id::EBML && element != id::SEGMENT && element != id::VOID => return self.lost(signs),
            Some(id::SEGMENT) if is_level_1(element) => self.suspect = None,
            Some(id::SEGMENT) if element != id::VOID && element != id::CRC_32 => {
                if self.suspect.is_some() || is_nearly_level_1(element) {
                    return self.lost(signs);
                }
                self.suspect = Some(start);
            }
            _ => {}
        }
        let is_first = self.stack.last().is_some_and(|open| !open.has_children);
        if let Some(open) = self.stack.last_mut() {
            open.has_children = true;
        }
        if element == id::EBML && start > 0 {
            self.next.get_or_insert(start);
        }
        let has_meaning = match element {
            id::CRC_32 => is_first && size == 4,
            SCALE | id::TIMESTAMP => (1..=8).contains(&size),
            _ => false,
        };
        if name(element).is_some() {
            self.enter(element, start, Some(end));
            return self.next(signs);
        }
        self.scratch.clear();
        self.state = if has_meaning { State::Value { element, left: size } } else { State::Skip { left: size } };
        if size == 0 {
            self.next(signs);
        }
    }

    fn enter(&mut self, element: u32, start: u64, end: Option<u64>) {
        if element == id::CLUSTER {
            self.cluster = None;
        }
        if let Some(open) = self.stack.last_mut() {
            open.has_children = true;
        }
        self.stack.push(Open { element, start, end, checksum: None, has_children: false });
        self.scratch.clear();
        self.state = State::Header;
    }

    fn value(&mut self, element: u32) {
        let number = self.scratch.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        match (element, self.stack.last_mut()) {
            (SCALE, _) if number > 0 => self.scale = number,
            (id::TIMESTAMP, Some(open)) if open.element == id::CLUSTER => self.cluster = Some(number),
            (id::CRC_32, Some(open)) if open.end.is_some() => {
                // The checksum is stored in little-endian order.
                let stated = (number as u32).swap_bytes();
                open.checksum = Some((stated, crc32fast::Hasher::new()));
            }
            _ => {}
        }
    }

    /// Closes all elements that end here, and starts the next element.
    fn next(&mut self, signs: &mut Vec<Sign>) {
        while self.stack.last().is_some_and(|open| open.end == Some(self.at)) {
            let Some(Open { element, start, checksum: Some((stated, hasher)), .. }) = self.stack.pop() else {
                continue;
            };
            let found = hasher.finalize();
            if stated != found {
                let detail = format!(
                    "the checksum of a {} in bytes {start} to {} is wrong: {stated:08x} is stated, {found:08x} found",
                    name(element).unwrap_or("Matroska element"),
                    self.at
                );
                let time = if self.stack.len() > 1 || element == id::CLUSTER { self.time() } else { None };
                signs.push(Sign { kind: DamageKind::Checksum, time, detail });
            }
        }
        self.scratch.clear();
        self.state = State::Header;
    }

    /// Handles an invalid element, or one that is larger than its parent: continues after the parent.
    fn lost(&mut self, signs: &mut Vec<Sign>) {
        let reaches = |open: &Open, at: u64| open.end.is_some_and(|end| end >= at);
        // A checksum that covers this place reports the damage. It cannot do so if its element has already ended.
        if !self.stack.iter().any(|open| open.checksum.is_some() && reaches(open, self.at)) {
            let at = self.suspect.unwrap_or(self.at - self.scratch.len() as u64);
            let detail = format!("the container is damaged: no element of Matroska stands at byte {at}");
            signs.push(Sign { kind: DamageKind::Container, time: self.time(), detail });
        }
        self.suspect = None;
        let mut from = 1;
        // Below the segment level, the next element starts where the parent ends.
        while let Some(open) = self.stack.last().filter(|open| open.element != id::SEGMENT) {
            if let Some(end) = open.end.filter(|_| reaches(open, self.at)) {
                self.scratch.clear();
                self.state = State::Skip { left: end - self.at };
                if end == self.at {
                    self.next(signs);
                }
                return;
            }
            from = 0;
            self.stack.pop();
        }
        // The next element may have begun inside the bytes that were read as a header.
        let known = self
            .scratch
            .windows(4)
            .enumerate()
            .skip(from)
            .find(|(_, id)| <[u8; 4]>::try_from(*id).is_ok_and(|id| is_level_1(u32::from_be_bytes(id))));
        if let Some((at, _)) = known {
            self.scratch.drain(..at);
            self.state = State::Header;
            return self.header(signs);
        }
        let keep = self.scratch.len().saturating_sub(3);
        self.scratch.drain(..keep);
        self.state = State::Hunt;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn element(id: &[u8], content: &[u8]) -> Vec<u8> {
        let size = (content.len() as u32 | 0x1000_0000).to_be_bytes();
        [id, &size, content].concat()
    }

    fn with_checksum(id: &[u8], content: &[u8]) -> Vec<u8> {
        let checksum = crc32fast::hash(content).to_le_bytes();
        element(id, &[&[0xbf, 0x84], &checksum[..], content].concat())
    }

    const CLUSTER: [u8; 4] = id::CLUSTER.to_be_bytes();

    fn cluster(time: u8) -> Vec<u8> {
        let block = element(&[0xa3], &[0x81, 0, 0, 0x80, 1, 2, 3, 4]);
        let group = with_checksum(&[0xa0], &element(&[0xa1], &[0x81, 0, 0, 0, 9, 8, 7]));
        with_checksum(&CLUSTER, &[&[0xe7, 0x81, time], &block[..], &group[..]].concat())
    }

    fn file(is_live: bool) -> Vec<u8> {
        let info = with_checksum(&[0x15, 0x49, 0xa9, 0x66], &[0x2a, 0xd7, 0xb1, 0x83, 0x0f, 0x42, 0x40]);
        let void = element(&[0xec], &[0; 40]);
        let content = [info, void, cluster(0), cluster(40), cluster(80)].concat();
        let header = element(&id::EBML.to_be_bytes(), &[0x42, 0x82, 0x84, b'w', b'e', b'b', b'm']);
        let segment = if is_live {
            [&id::SEGMENT.to_be_bytes()[..], &[0xff], &content].concat()
        } else {
            element(&id::SEGMENT.to_be_bytes(), &content)
        };
        [header, segment].concat()
    }

    /// Feeds the file in pieces of `piece` bytes.
    fn signs(bytes: &[u8], piece: usize) -> Vec<Sign> {
        let (mut check, mut signs) = (Matroska::default(), Vec::new());
        for piece in bytes.chunks(piece.max(1)) {
            check.feed(piece, &mut signs);
            assert!(check.stack.len() < 16 && check.scratch.len() < 16);
        }
        check.end(&mut signs);
        signs
    }

    #[test]
    fn a_whole_file_shows_no_sign_however_it_is_cut_up() {
        for is_live in [false, true] {
            for piece in [1, 2, 3, 7, 64, 4096] {
                assert_eq!(signs(&file(is_live), piece), [], "live {is_live}, {piece}");
            }
        }
    }

    #[test]
    fn a_changed_byte_is_found_in_its_cluster_and_nowhere_else() {
        let whole = file(false);
        let second = whole.windows(4).enumerate().filter(|(_, id)| *id == CLUSTER).nth(1).unwrap().0;
        let length = cluster(40).len();
        // After the header, size and checksum of the cluster.
        for at in second + 14..second + length {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            let found = signs(&bytes, 5);
            assert!(found.iter().any(|sign| sign.kind == DamageKind::Checksum), "byte {at}: {found:?}");
            assert!(found.iter().all(|sign| sign.detail.contains("byte")), "byte {at}: {found:?}");
            let place = format!("in bytes {second} to {}", second + length);
            assert!(found.iter().any(|sign| sign.detail.contains(&place)), "byte {at}: {found:?}");
        }
    }

    #[test]
    fn every_changed_bit_of_identifiers_and_sizes_is_found() {
        let whole = file(false);
        let starts: Vec<usize> =
            whole.windows(4).enumerate().filter(|(_, id)| *id == CLUSTER).map(|(at, _)| at).collect();
        for start in starts {
            for at in start..start + 8 {
                for bit in 0..8 {
                    let mut bytes = whole.clone();
                    bytes[at] ^= 1 << bit;
                    assert_ne!(signs(&bytes, 4096), [], "bit {bit} of byte {at}, {} in its cluster", at - start);
                }
            }
        }
    }

    #[test]
    fn a_live_recording_that_ends_inside_of_a_cluster_is_cut_short() {
        let whole = file(true);
        let found = signs(&whole[..whole.len() - 3], 100);
        assert_eq!(found.iter().map(|sign| sign.kind).collect::<Vec<_>>(), [DamageKind::Truncated]);
    }

    #[test]
    fn elements_inside_of_each_other_without_end_are_damage() {
        let mut groups = element(&[0xa1], &[0x81, 0, 0, 0, 9, 8, 7]);
        for _ in 0..1000 {
            groups = element(&[0xa0], &groups);
        }
        let mut segments = element(&CLUSTER, &[0xe7, 0x81, 0]);
        for _ in 0..1000 {
            segments = element(&id::SEGMENT.to_be_bytes(), &segments);
        }
        for nested in [[file(true), element(&CLUSTER, &groups)].concat(), [file(false), segments].concat()] {
            for piece in [1, 4096] {
                let found = signs(&nested, piece);
                assert!(found.iter().any(|sign| sign.kind == DamageKind::Container), "{piece}: {found:?}");
            }
        }
        // The next segment ends one of unknown size.
        let segment = [&id::SEGMENT.to_be_bytes()[..], &[0xff]].concat();
        assert_eq!(signs(&[file(false), segment.repeat(1000), cluster(0)].concat(), 1), []);
    }

    #[test]
    fn the_time_of_a_sign_is_that_of_its_cluster() {
        let mut whole = file(false);
        let last = whole.len() - 1;
        whole[last] ^= 1;
        let times: Vec<_> = signs(&whole, 11).into_iter().map(|sign| sign.time.map(Timestamp::micros)).collect();
        // One sign from the group, one from its cluster.
        assert_eq!(times, [Some(80_000), Some(80_000)]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_grow(bytes in prop::collection::vec(any::<u8>(), 0..600), piece in 1usize..50) {
            signs(&bytes, piece);
            signs(&[&file(true)[..], &bytes].concat(), piece);
        }

        #[test]
        fn no_change_of_a_file_makes_it_panic_or_grow(
            changes in prop::collection::vec((0usize..400, any::<u8>()), 1..20), cut in 0usize..400, piece in 1usize..50,
        ) {
            let mut bytes = file(false);
            for (at, value) in changes {
                let length = bytes.len();
                bytes[at % length] = value;
            }
            bytes.truncate(bytes.len().saturating_sub(cut % 50));
            signs(&bytes, piece);
        }
    }
}
