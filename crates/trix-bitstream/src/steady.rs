//! Where the frames of a transport stream begin (ISO/IEC 13818-1), and whether its clocks and tables stay as they are at
//! its start.
//!
//! Invariant: a stream is called steady only up to the last byte that was fed, and only if no packet is missing, no table
//! changes and no time goes back, wraps or leaps.

use std::collections::BTreeMap;

/// Bytes of a packet without a prefix or a checksum.
const PACKET: usize = 188;
/// Distances between packets: plain, with the time of arrival in front (M2TS), with a checksum behind.
const DISTANCES: [usize; 3] = [188, 192, 204];
/// Packets that must have their sync byte in place before their distance is believed.
const PROOF: usize = 8;
/// The rate of the clock of times.
const SECOND: u64 = 90_000;
/// Times from here on may wrap: two minutes before the end of the 33 bits.
const WRAPS: u64 = (1 << 33) - 120 * SECOND;
/// The longest step from one packet of a stream to its next. A longer one can be the start of another recording.
const STEP: u64 = 10 * SECOND;

/// What is known after some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// More bytes are needed.
    Open,
    /// The time that was asked for is reached.
    Reached,
    /// The stream is not steady, or is no transport stream.
    Uneven,
}

/// Reads a transport stream from its first byte on.
pub struct Steady {
    /// The distance between packets, once it is known.
    distance: Option<usize>,
    /// The bytes that are not yet read. `at` is the position of the first of them.
    rest: Vec<u8>,
    at: u64,
    /// Bytes between two packets that are still to come.
    between: usize,
    /// The identifiers of packets with programme tables, and their content.
    tables: BTreeMap<u16, Option<Vec<u8>>>,
    /// The streams that are watched.
    streams: BTreeMap<u16, Watched>,
    film: u16,
    until: u64,
    places: Vec<(u64, u64)>,
}

#[derive(Default)]
struct Watched {
    counter: Option<u8>,
    last: Option<u64>,
}

impl Steady {
    /// Looks for the frames of stream `film` up to the decoding time `until`, in ticks of 1/90000 s, and watches the times
    /// of this stream and of the `others`. Streams are named by their identifiers.
    pub fn new(film: u16, others: impl IntoIterator<Item = u16>, until: u64) -> Self {
        let streams = others.into_iter().chain([film]).map(|stream| (stream, Watched::default()));
        Steady {
            distance: None,
            rest: Vec::new(),
            at: 0,
            between: 0,
            tables: BTreeMap::from([(0, None)]),
            streams: streams.collect(),
            film,
            until,
            places: Vec::new(),
        }
    }

    /// The decoding times of the frames so far, and the byte positions of the packets in which they begin.
    pub fn places(self) -> Vec<(u64, u64)> {
        self.places
    }

    /// Takes the next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8]) -> State {
        self.rest.extend_from_slice(bytes);
        let Some(distance) = self.distance.or_else(|| self.find_distance()) else {
            let is_over = self.rest.len() > 4 * PROOF * PACKET;
            return if is_over { State::Uneven } else { State::Open };
        };
        let rest = std::mem::take(&mut self.rest);
        let mut begin = std::mem::take(&mut self.between);
        while let Some(packet) = rest.get(begin..begin + PACKET) {
            match self.packet(packet, self.at + begin as u64) {
                State::Open => begin += distance,
                other => return other,
            }
        }
        let left = begin.min(rest.len());
        self.between = begin - left;
        self.rest = rest[left..].to_vec();
        self.at += left as u64;
        State::Open
    }

    fn find_distance(&mut self) -> Option<usize> {
        let is_even = |first: usize, distance: usize| {
            (0..PROOF).all(|number| self.rest.get(first + number * distance) == Some(&0x47))
        };
        let candidates = (0..PACKET).flat_map(|first| DISTANCES.map(|distance| (first, distance)));
        let (first, distance) = candidates.into_iter().find(|(first, distance)| is_even(*first, *distance))?;
        self.rest.drain(..first);
        self.at = first as u64;
        self.distance = Some(distance);
        self.distance
    }

    /// Reads one packet, which begins at byte `position`.
    fn packet(&mut self, packet: &[u8], position: u64) -> State {
        if packet[0] != 0x47 {
            return State::Uneven;
        }
        let stream = u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2]);
        let is_table = self.tables.contains_key(&stream);
        let Some(watched) = self.streams.get_mut(&stream).filter(|_| !is_table) else {
            return if is_table && !self.table(stream, packet) { State::Uneven } else { State::Open };
        };
        let (is_broken, is_scrambled) = (packet[1] & 0x80 != 0, packet[3] & 0xc0 != 0);
        let (has_field, has_payload) = (packet[3] & 0x20 != 0, packet[3] & 0x10 != 0);
        let restarts = has_field && packet[4] > 0 && packet[5] & 0x80 != 0;
        if is_broken || is_scrambled || restarts {
            return State::Uneven;
        }
        if !has_payload {
            return State::Open;
        }
        let counter = packet[3] & 0x0f;
        match watched.counter.replace(counter) {
            // A packet may be sent twice (2.4.3.3).
            Some(before) if before == counter => return State::Open,
            Some(before) if (before + 1) & 0x0f != counter => return State::Uneven,
            _ => {}
        }
        let begins = packet[1] & 0x40 != 0;
        let from = if has_field { 5 + usize::from(packet[4]) } else { 4 };
        let Some(time) = packet.get(from..).filter(|_| begins).and_then(decoding_time) else { return State::Open };
        let is_next = watched.last.is_none_or(|last| time > last && time - last < STEP);
        if time >= WRAPS || !is_next {
            return State::Uneven;
        }
        watched.last = Some(time);
        if stream == self.film {
            self.places.push((time, position));
            if time >= self.until {
                return State::Reached;
            }
        }
        State::Open
    }

    /// Compares a packet with a table with the first one of its stream. Returns false if it differs.
    fn table(&mut self, stream: u16, packet: &[u8]) -> bool {
        // Only packets in which a table begins are compared: a table in several packets begins with its length, its
        // version and most of its content.
        if packet[1] & 0x40 == 0 {
            return true;
        }
        let from = if packet[3] & 0x20 != 0 { 5 + usize::from(packet[4]) } else { 4 };
        let Some(content) = packet.get(from..) else { return false };
        match self.tables.get(&stream) {
            Some(Some(known)) => known == content,
            _ => {
                self.tables.insert(stream, Some(content.to_vec()));
                if stream == 0 {
                    self.tables.extend(programmes(content).into_iter().map(|programme| (programme, None)));
                }
                true
            }
        }
    }
}

/// The identifiers of the packets with the tables of the programmes, from the packet with the table of programmes (2.4.4.3).
fn programmes(content: &[u8]) -> Vec<u16> {
    let start = 1 + usize::from(content.first().copied().unwrap_or(0));
    let Some([_, high, low, ..]) = content.get(start..) else { return Vec::new() };
    let length = usize::from(high & 0x0f) << 8 | usize::from(*low);
    // Eight bytes precede the list, and a checksum of four follows it.
    let list = content.get(start + 8..(start + 3 + length).saturating_sub(4).min(content.len())).unwrap_or_default();
    let pairs = list.chunks_exact(4).filter(|pair| pair[..2] != [0, 0]);
    pairs.map(|pair| u16::from(pair[2] & 0x1f) << 8 | u16::from(pair[3])).collect()
}

/// The decoding time at the start of a PES packet, or its presentation time if it has no other (2.4.3.6).
fn decoding_time(packet: &[u8]) -> Option<u64> {
    let [0, 0, 1, kind, _, _, flags, more, _, times @ ..] = packet else { return None };
    let is_media = matches!(kind, 0xbd | 0xc0..=0xef | 0xfd) && flags & 0xc0 == 0x80;
    let field = match more >> 6 {
        2 => times.get(..5)?,
        3 => times.get(5..10)?,
        _ => return None,
    };
    let bits = |byte: u8, mask: u8, shift: u32| u64::from(byte & mask) >> 1 << shift;
    let time = bits(field[0], 0x0e, 30)
        | u64::from(field[1]) << 22
        | bits(field[2], 0xfe, 15)
        | u64::from(field[3]) << 7
        | bits(field[4], 0xfe, 0);
    is_media.then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILM: u16 = 0x100;

    fn packet(stream: u16, begins: bool, counter: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x47, (stream >> 8) as u8 | u8::from(begins) << 6, stream as u8, 0x10 | counter & 0x0f];
        packet.extend_from_slice(payload);
        packet.resize(PACKET, 0xff);
        packet
    }

    fn frame(stream: u16, counter: u8, time: u64) -> Vec<u8> {
        let (top, middle, low) = ((time >> 30) as u8 & 7, time >> 15 & 0x7fff, time & 0x7fff);
        let stamp = |mark: u8| {
            let word = |bits: u64| ((bits << 1 | 1) as u16).to_be_bytes();
            [&[mark << 4 | top << 1 | 1][..], &word(middle), &word(low)].concat()
        };
        let later = [0x31, 0, 1, 0, 1];
        packet(stream, true, counter, &[&[0, 0, 1, 0xe0, 0, 0, 0x80, 0xc0, 10][..], &later, &stamp(1)].concat())
    }

    /// A table of programmes, a table of the programme 0x1000, then frames of a second each.
    fn stream(times: &[u64]) -> Vec<Vec<u8>> {
        let list = [0, 0x00, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xf0, 0x00, 1, 2, 3, 4];
        let mut packets = vec![packet(0, true, 0, &list), packet(0x1000, true, 0, &[0, 2, 0xb0, 1])];
        packets.extend(times.iter().enumerate().map(|(number, time)| frame(FILM, number as u8, *time)));
        packets
    }

    fn state(packets: &[Vec<u8>], until: u64) -> (State, Vec<(u64, u64)>) {
        let mut steady = Steady::new(FILM, [0x101], until);
        let mut last = State::Open;
        // In pieces that are no multiple of a packet.
        for piece in packets.concat().chunks(1000) {
            last = steady.feed(piece);
            if last != State::Open {
                break;
            }
        }
        (last, steady.places())
    }

    fn seconds(count: u64) -> Vec<u64> {
        (0..count).map(|number| 133_500 + number * SECOND).collect()
    }

    #[test]
    fn frames_are_found_by_their_decoding_times() {
        let (found, places) = state(&stream(&seconds(40)), 133_500 + 20 * SECOND);
        assert_eq!((found, places.len()), (State::Reached, 21));
        assert_eq!(places[3], (133_500 + 3 * SECOND, 5 * 188));
        // With a prefix of four bytes.
        let long: Vec<Vec<u8>> =
            stream(&seconds(40)).into_iter().map(|packet| [&[1, 2, 3, 4][..], &packet].concat()).collect();
        let (found, places) = state(&long, 133_500 + 20 * SECOND);
        assert_eq!((found, places[3]), (State::Reached, (133_500 + 3 * SECOND, 5 * 192 + 4)));
    }

    #[test]
    fn whatever_changes_is_not_steady() {
        let end = 1 << 32;
        assert_eq!(state(&stream(&seconds(40)), end).0, State::Open);
        for times in [[5, 4], [5, 5], [5, 16], [(1 << 33) / SECOND - 3, 2]] {
            let mut all = seconds(5);
            all.extend(times.map(|time| 133_500 + time * SECOND));
            all.extend((20..30).map(|time| 133_500 + time * SECOND));
            assert_eq!(state(&stream(&all), end).0, State::Uneven, "{times:?}");
        }
        let mut lost = stream(&seconds(40));
        lost.remove(20);
        assert_eq!(state(&lost, end).0, State::Uneven);
        let mut twice = stream(&seconds(40));
        twice.insert(20, twice[19].clone());
        assert_eq!(state(&twice, end).0, State::Open);
        let mut table = stream(&seconds(40));
        table.insert(20, packet(0x1000, true, 1, &[0, 2, 0xb0, 1]));
        assert_eq!(state(&table, end).0, State::Open);
        table.insert(21, packet(0x1000, true, 2, &[0, 2, 0xb0, 2]));
        assert_eq!(state(&table, end).0, State::Uneven);
        let mut restarts = stream(&seconds(40));
        restarts.insert(20, [&[0x47, 0x01, 0x00, 0x20, 183, 0x80][..], &[0; 182]].concat());
        assert_eq!(state(&restarts, end).0, State::Uneven);
        assert_eq!(state(&[vec![7; 188 * 40]], end).0, State::Uneven);
    }
}
