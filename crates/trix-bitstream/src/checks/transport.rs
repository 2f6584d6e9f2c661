//! Transport streams (ISO/IEC 13818-1): detects lost packets by their counters, broken packets by their flag, damaged
//! tables by their checksums, and bytes outside of packets.
//!
//! Invariant: a stream that follows the standard shows no sign of damage. Packets may be sent twice, and counters may
//! jump where an adaptation field announces it.

use std::collections::{BTreeMap, BTreeSet};

use trix_model::{
    damage::DamageKind,
    time::{TimeBase, Timestamp},
};

use super::{
    sign::{Check, Sign, TableChange},
    walk::{Lost, crc},
};

const SYNC: u8 = 0x47;
const PACKET: usize = 188;
/// Padding packets without content (table 2-3).
const NULL: u16 = 0x1fff;
/// Distance between packets in bytes: plain, with a preceding timestamp (BDAV), with parity bytes at the end (DVB-ASI).
const STRIDES: [usize; 3] = [PACKET, 192, 204];
/// Number of consecutive packets that proves where packets start.
const SURE: usize = 5;

/// State of the packets of one identifier.
#[derive(Clone, Copy, Default)]
struct Pid {
    counter: Option<u8>,
    /// True if the last packet was already sent a second time.
    repeated: bool,
    /// Last presentation time.
    pts: Option<i64>,
}

#[derive(Default)]
pub(super) struct Transport {
    /// Bytes of a packet that is not complete yet.
    rest: Vec<u8>,
    at: u64,
    /// Distance between packets in bytes, once known.
    stride: Option<usize>,
    /// Bytes that belong to no packet.
    lost: Lost,
    pids: BTreeMap<u16, Pid>,
    /// Identifiers of tables that have checksums: the programme map tables that the programme association table names.
    tables: Vec<u16>,
    latest: Option<i64>,
    /// Codec of each elementary stream in the latest table.
    codecs: BTreeMap<u16, &'static str>,
    /// Packet identifiers that the table of each programme lists.
    listed: BTreeMap<u16, BTreeSet<u16>>,
    changes: Vec<TableChange>,
}

/// The largest number of changes that are kept until they are asked for.
const MOST_CHANGES: usize = 1000;

impl Transport {
    /// True if `head` is the start of a transport stream.
    pub(super) fn is_in(head: &[u8]) -> bool {
        start(head, None).is_some_and(|(skipped, stride)| skipped < stride)
    }

    /// Returns the codec changes since the last call.
    pub(super) fn changes(&mut self) -> Vec<TableChange> {
        std::mem::take(&mut self.changes)
    }

    /// Keeps the part of `bytes` that belongs to the content before a codec change. `bytes` begin with the packet of
    /// the table that makes the change. Packets that continue what began before the table stay; other packets become
    /// padding.
    pub(super) fn remainder(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let stride = self.stride.unwrap_or(PACKET);
        let mut closed = BTreeSet::from([0]);
        closed.extend(&self.tables);
        let mut end = 0;
        for (number, packet) in bytes.chunks_mut(stride).enumerate() {
            let Some(head) = packet.first_chunk_mut::<4>().filter(|head| head[0] == SYNC) else { break };
            let pid = u16::from(head[1] & 0x1f) << 8 | u16::from(head[2]);
            if head[1] & 0x40 != 0 {
                closed.insert(pid);
            }
            if closed.contains(&pid) {
                *head = [SYNC, (NULL >> 8) as u8, NULL as u8, 0x10];
            } else {
                end = (number + 1) * stride;
            }
        }
        bytes.truncate(end);
        bytes
    }
}

impl Check for Transport {
    fn feed(&mut self, bytes: &[u8], signs: &mut Vec<Sign>) {
        self.rest.extend_from_slice(bytes);
        let mut from = 0;
        loop {
            let rest = &self.rest[from..];
            let Some(stride) = self.stride.filter(|_| !self.lost.is_open()) else {
                let Some((skipped, stride)) = start(rest, self.stride) else {
                    // A packet start can lie across the border of two pieces.
                    let keep = rest.len().min(STRIDES[2] * (SURE + 1));
                    if self.stride.is_some() || rest.len() > keep {
                        from = self.rest.len() - keep;
                    }
                    break;
                };
                from += skipped;
                self.stride = Some(stride);
                signs.extend(self.lost.close(self.at + from as u64, "packet", self.latest.map(at)));
                continue;
            };
            if rest.len() < stride {
                break;
            }
            if rest[0] != SYNC {
                self.lost.begin(self.at + from as u64);
                continue;
            }
            let mut packet = [0; PACKET];
            packet.copy_from_slice(&rest[..PACKET]);
            self.packet(&packet, self.at + from as u64, signs);
            from += stride;
        }
        self.at += from as u64;
        self.rest.drain(..from);
    }

    fn leads(&self) -> bool {
        true
    }

    fn end(&mut self, signs: &mut Vec<Sign>) {
        signs.extend(self.lost.end("packet", self.latest.map(at)));
    }
}

/// Converts a presentation time.
fn at(pts: i64) -> Timestamp {
    Timestamp::new(pts, TimeBase::new(1, 90_000))
}

/// Offset of the first packet in `bytes`, and the distance between packets.
fn start(bytes: &[u8], stride: Option<usize>) -> Option<(usize, usize)> {
    let strides = STRIDES.iter().filter(|known| stride.is_none_or(|stride| stride == **known));
    let is_start = |at: usize, stride: usize| (0..SURE).all(|turn| bytes.get(at + turn * stride) == Some(&SYNC));
    // The earliest offset wins. For equal offsets, the shortest distance wins.
    strides.filter_map(|&stride| Some(((0..bytes.len()).find(|&at| is_start(at, stride))?, stride))).min()
}

impl Transport {
    fn sign(&self, kind: DamageKind, pts: Option<i64>, detail: String) -> Sign {
        Sign { kind, time: pts.map(at), detail }
    }

    /// Checks a packet (clause 2.4.3).
    fn packet(&mut self, packet: &[u8; PACKET], at: u64, signs: &mut Vec<Sign>) {
        let number = u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2]);
        if packet[1] & 0x80 != 0 {
            // No bit of this packet is reliable, including the identifier.
            let detail = format!("a packet at byte {at} is flagged as broken on its way (it says PID {number})");
            return signs.push(self.sign(DamageKind::Transport, self.latest, detail));
        }
        if number == NULL {
            return;
        }
        let (has_adaptation, has_payload) = (packet[3] & 0x20 != 0, packet[3] & 0x10 != 0);
        let counter = packet[3] & 0x0f;
        let adaptation = if has_adaptation { 1 + usize::from(packet[4]) } else { 0 };
        let is_announced = adaptation > 1 && packet[5] & 0x80 != 0;
        let pid = self.pids.entry(number).or_default();
        let before = *pid;
        // Counters count only packets with a payload.
        if has_payload {
            pid.repeated = before.counter == Some(counter) && !before.repeated && !is_announced;
            pid.counter = Some(counter);
            let follows = before.counter.is_none_or(|last| (last + 1) & 0x0f == counter);
            if !follows && !pid.repeated && !is_announced {
                let last = before.counter.unwrap_or(0);
                let detail =
                    format!("packets of PID {number} are missing at byte {at}: counter {counter} after {last}");
                signs.push(self.sign(DamageKind::Continuity, before.pts, detail));
            }
        }
        let Some(payload) = packet.get(4 + adaptation..).filter(|_| has_payload) else { return };
        let begins = packet[1] & 0x40 != 0;
        if !begins {
            return;
        }
        if let Some(pts) = pts(payload) {
            self.pids.entry(number).or_default().pts = Some(pts);
            self.latest = Some(pts);
        } else if number == 0 || self.tables.contains(&number) {
            self.table(number, payload, at, signs);
        }
    }

    /// Checks a section that fits into one packet (2.4.4). The demuxer handles longer ones.
    fn table(&mut self, number: u16, payload: &[u8], at: u64, signs: &mut Vec<Sign>) {
        let Some(section) = payload.first().and_then(|pointer| payload.get(1 + usize::from(*pointer)..)) else {
            return;
        };
        let Some(&[table, high, low]) = section.first_chunk() else { return };
        let length = 3 + (usize::from(high & 0x0f) << 8 | usize::from(low));
        // A section without this bit has no checksum.
        let Some(section) = section.get(..length).filter(|_| high & 0x80 != 0 && length >= 12) else { return };
        // The remainder is zero if the checksum at the end is correct (annex A).
        if crc(u32::MAX, section.iter().copied()) != 0 {
            let detail = format!("the checksum of a table of PID {number} at byte {at} is wrong");
            return signs.push(self.sign(DamageKind::Checksum, self.latest, detail));
        }
        if number == 0 && table == 0 {
            self.tables.clear();
            for entry in section[8..length - 4].chunks_exact(4) {
                let program = u16::from_be_bytes([entry[0], entry[1]]);
                let pid = u16::from_be_bytes([entry[2], entry[3]]) & 0x1fff;
                // Programme 0 names the network information table.
                if program != 0 {
                    self.tables.push(pid);
                }
            }
        } else if table == 2 {
            self.programme(&section[..length - 4], at);
        }
    }

    /// Reads a programme map section (2.4.4.8) at byte `byte`, and records streams whose codec differs from the
    /// previous section. Ignores tables that do not apply yet.
    fn programme(&mut self, section: &[u8], byte: u64) {
        let applies = section.get(5).is_some_and(|flags| flags & 1 != 0);
        let length =
            |at: usize| section.get(at..at + 2).map(|two| usize::from(two[0] & 0x0f) << 8 | usize::from(two[1]));
        let Some(mut at) = length(10).filter(|_| applies).map(|information| 12 + information) else { return };
        let mut listed = BTreeSet::new();
        while let Some((head, more)) = section.get(at..at + 5).zip(length(at + 3)) {
            let pid = u16::from_be_bytes([head[1], head[2]]) & 0x1fff;
            let Some(descriptors) = section.get(at + 5..at + 5 + more) else { return };
            listed.insert(pid);
            let to = codec(head[0], descriptors);
            let from = self.codecs.insert(pid, to).unwrap_or(to);
            if from != to && self.changes.len() < MOST_CHANGES {
                self.changes.push(TableChange { at: byte, pid, to });
            }
            at += 5 + more;
        }
        // If a stream left the programme and comes back, its counter starts again.
        let before = self.listed.entry(u16::from_be_bytes([section[3], section[4]])).or_default();
        for gone in before.difference(&listed) {
            self.pids.remove(gone);
        }
        *before = listed;
    }
}

/// The codec of an elementary stream, from its type (table 2-34 and ATSC A/53) and its descriptors: those of DVB (ETSI
/// EN 300 468) and registered formats.
fn codec(kind: u8, descriptors: &[u8]) -> &'static str {
    match kind {
        0x01 => return "MPEG-1 video",
        0x02 => return "MPEG-2 video",
        0x03 | 0x04 => return "MPEG audio",
        0x0f => return "AAC",
        0x10 => return "MPEG-4 video",
        0x11 => return "AAC in LATM",
        0x1b => return "H.264",
        0x24 => return "HEVC",
        0x33 => return "H.266",
        0x80 => return "PCM of Blu-ray or a private codec",
        0x81 => return "AC-3",
        0x83 => return "TrueHD",
        0x84 | 0x87 => return "E-AC-3",
        0x82 | 0x85 | 0x86 | 0x8a => return "DTS",
        0x06 | 0xea | 0xc1 => {}
        _ => return "another codec",
    }
    let mut rest = descriptors;
    while let Some((&[tag, length], more)) = rest.split_first_chunk() {
        let Some((content, after)) = more.split_at_checked(usize::from(length)) else { break };
        match (tag, content.first_chunk::<4>()) {
            (0x6a, _) | (0x05, Some(b"AC-3")) => return "AC-3",
            (0x7a, _) | (0x05, Some(b"EAC3")) => return "E-AC-3",
            (0x7b, _) | (0x05, Some(b"DTS1" | b"DTS2" | b"DTS3")) => return "DTS",
            (0x7c, _) => return "AAC",
            (0x05, Some(b"BSSD")) => return "PCM of SMPTE 302M",
            (0x05, Some(b"Opus")) => return "Opus",
            (0x05, Some(b"HEVC")) => return "HEVC",
            (0x05, Some(b"VC-1")) => return "VC-1",
            (0x56, _) => return "teletext",
            (0x59, _) => return "DVB subtitles",
            _ => {}
        }
        rest = after;
    }
    "a private codec"
}

/// The presentation time in a PES header (2.4.3.6), in ticks of 90 kHz.
fn pts(payload: &[u8]) -> Option<i64> {
    let head: &[u8; 14] = payload.first_chunk()?;
    // Video, audio and private streams.
    let is_media = matches!(head[3], 0xbd | 0xc0..=0xef | 0xfd);
    if head[..3] != [0, 0, 1] || !is_media || head[7] & 0x80 == 0 {
        return None;
    }
    let bits = |byte: u8, shift: u32| i64::from(byte) << shift;
    let (high, middle, low) = (head[9] >> 1 & 7, [head[10], head[11] >> 1], [head[12], head[13] >> 1]);
    Some(bits(high, 30) | bits(middle[0], 22) | bits(middle[1], 15) | bits(low[0], 7) | bits(low[1], 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `count` packets of one identifier, each with a presentation time, `stride` bytes apart.
    fn stream(count: usize, stride: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in 0..count {
            let mut packet = vec![0x55; stride];
            let pts = number as u64 * 3600;
            packet[..4].copy_from_slice(&[SYNC, 0x41, 0x00, 0x10 | (number % 16) as u8]);
            packet[4..13].copy_from_slice(&[0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5]);
            packet[13] = 0x21 | ((pts >> 29) as u8 & 0x0e);
            packet[14] = (pts >> 22) as u8;
            packet[15] = (pts >> 14) as u8 | 1;
            packet[16] = (pts >> 7) as u8;
            packet[17] = (pts << 1) as u8 | 1;
            bytes.extend(packet);
        }
        bytes
    }

    fn signs(bytes: &[u8], piece: usize) -> Vec<Sign> {
        let (mut check, mut signs) = (Transport::default(), Vec::new());
        for piece in bytes.chunks(piece.max(1)) {
            check.feed(piece, &mut signs);
            assert!(check.rest.len() < 3000 + piece.len());
        }
        check.end(&mut signs);
        signs
    }

    fn kinds(bytes: &[u8]) -> Vec<DamageKind> {
        signs(bytes, 1000).into_iter().map(|sign| sign.kind).collect()
    }

    #[test]
    fn a_whole_stream_shows_no_sign_in_any_framing() {
        for stride in STRIDES {
            for piece in [1, 100, 188, 4096] {
                assert_eq!(signs(&stream(40, stride), piece), [], "{stride}, {piece}");
            }
            assert_eq!(signs(&[&[7; 50], &stream(40, stride)[..]].concat(), 333), [], "a start in mid-packet");
        }
    }

    #[test]
    fn missing_packets_are_counted_where_they_are_missing() {
        let mut bytes = stream(40, PACKET);
        bytes.drain(20 * PACKET..22 * PACKET);
        let found = signs(&bytes, 777);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].kind, DamageKind::Continuity);
        assert_eq!(found[0].time, Some(Timestamp::new(19 * 3600, TimeBase::new(1, 90_000))));
        assert!(found[0].detail.contains("byte 3760") && found[0].detail.contains("PID 256"), "{found:?}");
    }

    #[test]
    fn a_packet_may_be_sent_twice_and_no_more() {
        let packets = stream(40, PACKET);
        let again = &packets[9 * PACKET..10 * PACKET];
        let twice = [&packets[..10 * PACKET], again, &packets[10 * PACKET..]].concat();
        assert_eq!(kinds(&twice), []);
        let thrice = [&packets[..10 * PACKET], again, again, &packets[10 * PACKET..]].concat();
        assert_eq!(kinds(&thrice), [DamageKind::Continuity]);
    }

    #[test]
    fn an_announced_jump_of_the_counter_is_none() {
        let mut bytes = stream(40, PACKET);
        bytes.drain(20 * PACKET..22 * PACKET);
        let jump = &mut bytes[20 * PACKET..21 * PACKET];
        jump[3] |= 0x20;
        (jump[4], jump[5]) = (1, 0x80);
        assert_eq!(kinds(&bytes), []);
    }

    #[test]
    fn the_error_indicator_counts_by_itself() {
        let mut bytes = stream(40, PACKET);
        bytes[7 * PACKET + 1] |= 0x80;
        // The flagged packet also counts as missing.
        assert_eq!(kinds(&bytes), [DamageKind::Transport, DamageKind::Continuity]);
    }

    #[test]
    fn bytes_between_packets_are_reported() {
        let packets = stream(40, PACKET);
        let bytes = [&packets[..10 * PACKET], &[0; 77], &packets[10 * PACKET..]].concat();
        assert_eq!(kinds(&bytes), [DamageKind::Container]);
        assert!(signs(&bytes, 500)[0].detail.contains("bytes 1880 to 1957"));
    }

    #[test]
    fn the_checksum_of_a_table_is_checked() {
        let mut section = vec![0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xf0, 0];
        section.extend(crc(u32::MAX, section.iter().copied()).to_be_bytes());
        assert_eq!(crc(u32::MAX, section.iter().copied()), 0);
        let mut packet = vec![0xff; PACKET];
        packet[..5].copy_from_slice(&[SYNC, 0x40, 0, 0x10, 0]);
        packet[5..5 + section.len()].copy_from_slice(&section);
        let mut bytes = [packet.clone(), stream(20, PACKET)].concat();
        assert_eq!(kinds(&bytes), []);
        bytes[5 + 10] ^= 1;
        assert_eq!(kinds(&bytes), [DamageKind::Checksum]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_grow(
            bytes in prop::collection::vec(any::<u8>(), 0..3000), piece in 1usize..500, stride in 0usize..3,
        ) {
            signs(&bytes, piece);
            let mut bytes = bytes;
            for at in (0..bytes.len()).step_by(STRIDES[stride]) {
                bytes[at] = SYNC;
            }
            signs(&bytes, piece);
        }
    }
}
