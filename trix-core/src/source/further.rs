//! Reads past the header where the header is not sufficient: tracks that start late, tracks without packets, still
//! images among the video streams, and audio that continues in another stream.
//!
//! Invariant: nothing is read if the first probe found everything. Without
//! [`Reading::reads_on`](crate::settings::source::Reading), the amount read stays within the limits for probing.

use std::collections::BTreeMap;

use trix_av::{
    input::{Input, InputBounds},
    packet::Packet,
    stream::{StreamFacts, StreamKind},
};
use trix_model::{
    error::Result,
    time::{TimeBase, Timestamp},
};

use super::{
    continuation::{Further, Joint, LATER, SILENT, is_alike, joins},
    handover::SecondLook,
    opened::Source,
};

/// Maximum overlap, in microseconds, of a stream with the one that continues it.
const OVERLAP: i64 = 500_000;

/// True for containers in which a stream can start, and first appear, at any point.
fn is_open(demuxer: &str) -> bool {
    matches!(demuxer, "mpegts" | "mpeg" | "flv")
}

fn is_media(facts: &StreamFacts) -> bool {
    matches!(facts.kind, StreamKind::Video | StreamKind::Audio) && !facts.is_attached_picture
}

/// True if a stream has the size, or the sample rate and channels, that a decoder needs.
fn has_shape(facts: &StreamFacts) -> bool {
    match facts.kind {
        StreamKind::Video => facts.width > 0 && facts.height > 0,
        StreamKind::Audio => facts.sample_rate > 0 && facts.channels > 0,
        _ => true,
    }
}

/// What packets have shown of a stream so far.
#[derive(Clone, Default)]
struct Seen {
    packets: u64,
    first: Option<Timestamp>,
    end: Option<i64>,
    position: Option<u64>,
    /// The programmes that list the stream at its start.
    programs: Vec<i32>,
}

struct Look<'a> {
    source: &'a Source,
    input: Input,
    /// The number in `source` of each stream of `input`. The numbers can differ: the first probe numbers the streams
    /// found at the end of the file before those that it did not reach.
    numbers: Vec<usize>,
    /// Number of packets that each stream must still show before the probe ends.
    needed: BTreeMap<usize, u64>,
    /// Kinds of streams of which one must appear.
    missing: Vec<StreamKind>,
    seen: Vec<Seen>,
    pending: Vec<Joint>,
    latest: i64,
}

impl Further {
    /// Probes `source` further if there is a reason.
    pub(super) fn look(source: &Source) -> Self {
        let mut found = Further::default();
        let demuxer = source.input.demuxer();
        let media: Vec<&StreamFacts> = source.streams.iter().filter(|facts| is_media(facts)).collect();
        let indexed = |facts: &StreamFacts| facts.indexed_packets as u64;
        // The index of such a file lists every packet of every track.
        let has_index = (demuxer.starts_with("mov,") && !source.is_fragmented())
            || (demuxer == "avi" && media.iter().any(|facts| indexed(facts) > 0));
        let films = media.iter().filter(|facts| facts.kind == StreamKind::Video).count();
        if has_index {
            found.empty.extend(media.iter().filter(|facts| indexed(facts) == 0).map(|facts| facts.index));
            let stills = media.iter().filter(|facts| facts.kind == StreamKind::Video && indexed(facts) == 1);
            found.stills.extend(stills.map(|facts| facts.index));
        }
        let mut needed = BTreeMap::new();
        for facts in media.iter().filter(|facts| !found.empty.contains(&facts.index)) {
            let is_one_of_several = facts.kind == StreamKind::Video && films > 1;
            let known = match (has_index, is_one_of_several) {
                (true, _) => u64::MAX,
                (false, true) => indexed(facts),
                // The demuxers of these containers learn the start of a stream from its first packet.
                (false, false) if is_open(&demuxer) => indexed(facts).max(facts.start.is_some().into()),
                (false, false) if media.len() > 1 => indexed(facts),
                (false, false) => u64::MAX,
            };
            let wanted = if is_one_of_several { 2 } else { 1 };
            if known < wanted || (!has_shape(facts) && is_open(&demuxer)) {
                needed.insert(facts.index, wanted);
            }
        }
        let lacks = |kind: StreamKind| is_open(&demuxer) && !media.iter().any(|facts| facts.kind == kind);
        let missing: Vec<StreamKind> =
            [StreamKind::Video, StreamKind::Audio].into_iter().filter(|kind| lacks(*kind)).collect();
        if needed.is_empty() && missing.is_empty() && !Self::may_join(source, &media) {
            return found;
        }
        let Ok(input) = source.bare() else { return found };
        let seen = vec![Seen::default(); source.streams.len()];
        let numbers = Vec::new();
        let mut look = Look { source, input, numbers, needed, missing, seen, pending: Vec::new(), latest: i64::MIN };
        let is_whole = look.read();
        look.finish(is_whole, &mut found);
        found
    }

    /// True if a stream starts so late that it may continue another.
    fn may_join(source: &Source, media: &[&StreamFacts]) -> bool {
        let start = |facts: &StreamFacts| facts.start.map(|ticks| Timestamp::new(ticks, facts.time_base).micros());
        let is_later = |one: &StreamFacts, other: &StreamFacts| {
            start(one).zip(start(other)).is_some_and(|(one, other)| one.saturating_sub(other) >= LATER)
        };
        joins(&source.input.demuxer())
            && media.iter().any(|one| media.iter().any(|other| is_alike(one, other) && is_later(one, other)))
    }
}

impl Look<'_> {
    /// Reads until everything is known. Returns true if it reached the end of the source.
    fn read(&mut self) -> bool {
        let limit = if self.source.reading.reads_on { u64::MAX } else { self.source.reading.limits.probe_bytes };
        let joins = joins(&self.source.input.demuxer());
        let (mut bytes, mut failures) = (0u64, 0);
        while bytes < limit && !self.source.is_cancelled() {
            match self.input.read() {
                Ok(Some(packet)) => {
                    failures = 0;
                    bytes += packet.data().len() as u64;
                    self.take(&packet, joins);
                    if self.is_settled(joins) {
                        return false;
                    }
                }
                Ok(None) => return true,
                // Read errors are reported by the later full read.
                Err(code) => {
                    failures += 1;
                    if failures > 16 || code.io().is_some() {
                        return false;
                    }
                }
            }
        }
        false
    }

    fn take(&mut self, packet: &Packet, joins: bool) {
        let index = self.number(packet.stream());
        let is_first = self.seen[index].packets == 0;
        self.seen[index].packets += 1;
        if self.needed.get(&index).is_some_and(|needed| self.seen[index].packets >= *needed) {
            self.needed.remove(&index);
        }
        let Some(base) = self.base(index) else { return };
        let time = packet.pts().or(packet.dts()).map(|ticks| Timestamp::new(ticks, base));
        if is_first {
            self.seen[index].first = time;
            self.seen[index].position = packet.position();
            self.seen[index].programs = self.input.programs_of(packet.stream());
            if let Some(facts) = self.input.stream(packet.stream()).filter(|_| !self.missing.is_empty()) {
                self.missing.retain(|kind| *kind != facts.kind);
            }
            if let Some(time) = time.filter(|_| joins) {
                self.pending.extend(self.continued(index, time));
            }
        }
        let Some(time) = time else { return };
        let end = Timestamp::new(time.ticks.saturating_add(packet.duration().max(0)), base).micros();
        self.seen[index].end = self.seen[index].end.max(Some(end));
        self.latest = self.latest.max(time.micros());
        // A stream that runs in parallel with the other is not continued by it.
        let micros = time.micros();
        self.pending.retain(|joint| joint.into != index || micros < joint.at.micros().saturating_add(OVERLAP));
    }

    /// Maps stream `index` of `input` to its number in the source.
    fn number(&mut self, index: usize) -> usize {
        for own in self.numbers.len()..=index {
            let found = self.input.stream(own).and_then(|own| {
                let is_same = |facts: &&StreamFacts| facts.id == own.id && facts.kind == own.kind;
                // In other containers, streams may have no identifier, and the header lists all streams.
                if is_open(&self.source.input.demuxer()) {
                    self.source.streams.iter().find(is_same).map(|facts| facts.index)
                } else {
                    Some(own.index)
                }
            });
            let number = found.unwrap_or(self.seen.len());
            if number >= self.seen.len() {
                self.seen.resize(number + 1, Seen::default());
            }
            self.numbers.push(number);
        }
        self.numbers[index]
    }

    /// The properties of a stream of the source.
    fn facts(&self, index: usize) -> Option<StreamFacts> {
        let known = self.source.streams.get(index).cloned();
        known.or_else(|| {
            let own = self.numbers.iter().position(|number| *number == index)?;
            self.input.stream(own).map(|facts| StreamFacts { index, ..facts })
        })
    }

    fn base(&self, index: usize) -> Option<TimeBase> {
        self.facts(index).map(|facts| facts.time_base)
    }

    /// Finds the stream that stream `from` continues. The first packet of `from` is presented at `at`.
    fn continued(&self, from: usize, at: Timestamp) -> Option<Joint> {
        let own = self.facts(from).filter(is_media)?;
        let programs = &self.seen[from].programs;
        let micros = at.micros();
        let ended = |facts: &&StreamFacts| {
            let Some(seen) = self.seen.get(facts.index) else { return false };
            let (Some(first), Some(end)) = (seen.first, seen.end) else { return false };
            facts.index != from
                && is_alike(facts, &own)
                && first.micros().saturating_add(LATER) <= micros
                && end <= micros.saturating_add(OVERLAP)
                && seen.programs == *programs
                && !self.pending.iter().any(|joint| joint.into == facts.index)
        };
        let ended: Vec<StreamFacts> =
            (0..self.seen.len()).filter_map(|index| self.facts(index)).filter(|facts| ended(&facts)).collect();
        let ends = |facts: &StreamFacts| self.seen[facts.index].end.unwrap_or(i64::MIN);
        let latest = ended.iter().map(ends).max()?;
        // Streams that end together are continued in their order.
        let into = ended.iter().find(|facts| ends(facts).saturating_add(OVERLAP) >= latest)?.index;
        Some(Joint { from, into, at })
    }

    fn is_settled(&self, joins: bool) -> bool {
        let waits = self.pending.iter().any(|joint| self.latest < joint.at.micros().saturating_add(SILENT));
        // Whether a late stream continues another can be decided only at its start.
        let begun = |facts: &StreamFacts| self.seen.get(facts.index).is_some_and(|seen| seen.packets > 0);
        let all_begun = || !joins || self.source.streams.iter().filter(|facts| is_media(facts)).all(begun);
        self.needed.is_empty() && self.missing.is_empty() && !waits && all_begun()
    }

    fn finish(mut self, is_whole: bool, found: &mut Further) {
        for own in 0..self.input.stream_count() {
            self.number(own);
        }
        let count = self.seen.len();
        let programs = self.seen.iter().enumerate().filter(|(_, seen)| seen.packets > 0);
        found.programs = programs.map(|(index, seen)| (index, seen.programs.clone())).collect();
        for index in 0..count {
            let known = self.source.streams.get(index);
            let Some(facts) = self.facts(index).filter(is_media) else { continue };
            let seen = &self.seen[index];
            if is_whole && seen.packets == 0 && self.needed.contains_key(&index) {
                found.empty.insert(index);
            }
            if is_whole && seen.packets == 1 && facts.kind == StreamKind::Video {
                found.stills.insert(index);
            }
            let is_known = known.is_some_and(has_shape);
            if let Some(first) = seen.first.filter(|_| !is_known) {
                let better = self.source.shape_at(&facts, first.ticks, seen.position).unwrap_or(facts);
                found.streams.insert(index, StreamFacts { index, start: Some(first.ticks), ..better });
            }
        }
        // A source numbers its streams without gaps.
        for index in self.source.streams.len()..count {
            if let Some(facts) = self.facts(index) {
                found.streams.entry(index).or_insert(facts);
            }
        }
        found.joints = self.pending;
    }
}

impl Source {
    /// Opens the same source again and reads only its header.
    fn bare(&self) -> Result<Input> {
        SecondLook { origin: &self.origin, reading: &self.reading }.bare(None)
    }

    /// The properties of a stream, probed at the position of its first packets.
    fn shape_at(&self, facts: &StreamFacts, ticks: i64, position: Option<u64>) -> Option<StreamFacts> {
        let mut near = self.bare().ok()?;
        match position.filter(|_| is_open(&self.input.demuxer())) {
            Some(position) => near.seek_byte(position).ok()?,
            None => near.seek(facts.index, ticks).ok()?,
        }
        let limits = self.reading.limits;
        let bounds = InputBounds { probe_bytes: limits.probe_bytes, streams: limits.streams, pixels: limits.pixels };
        near.find_streams(bounds).ok()?;
        let found = near.streams().into_iter().find(|found| found.id == facts.id && found.kind == facts.kind)?;
        // The duration and time base of the first probe describe the whole file and stay.
        has_shape(&found).then_some(StreamFacts { duration: facts.duration, time_base: facts.time_base, ..found })
    }
}
