//! Reads further than the header where that does not tell enough: tracks that begin late, tracks without a packet, still
//! pictures among the video streams, and audio that goes on in another stream.
//!
//! Invariant: nothing is read where the first look told all. Without [`Reading::reads_on`](crate::spec::source::Reading), no more is
//! read than the limits allow for probing.

use std::collections::{BTreeMap, BTreeSet};

use trix_av::{
    input::{Input, InputBounds},
    packet::Packet,
    stream::{StreamFacts, StreamKind},
};
use trix_model::time::{TimeBase, Timestamp};

use super::Source;

/// What the further look found.
#[derive(Clone, Default)]
pub(super) struct Further {
    /// Streams that are known better than by the first look, or that appear in mid-file, by index.
    pub(super) streams: BTreeMap<usize, StreamFacts>,
    /// Streams without any packet.
    pub(super) empty: BTreeSet<usize>,
    /// Video streams of one packet.
    pub(super) stills: BTreeSet<usize>,
    /// Streams that continue another.
    pub(super) joints: Vec<Joint>,
    /// The programmes that list a stream where it begins, by its index.
    pub(super) programs: BTreeMap<usize, Vec<i32>>,
}

/// A stream that continues another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Joint {
    /// The stream that begins.
    pub(super) from: usize,
    /// The stream that it continues.
    pub(super) into: usize,
    /// When it begins.
    pub(super) at: Timestamp,
}

/// How much later than another a stream begins that may continue it.
pub(super) const LATER: i64 = 1_000_000;
/// How far the end of a stream may reach into the one that continues it.
const OVERLAP: i64 = 500_000;
/// How long a stream must be silent after that.
pub(super) const SILENT: i64 = 10_000_000;

/// Containers whose streams can begin, and appear, anywhere.
fn is_open(demuxer: &str) -> bool {
    matches!(demuxer, "mpegts" | "mpeg" | "flv")
}

fn is_media(facts: &StreamFacts) -> bool {
    matches!(facts.kind, StreamKind::Video | StreamKind::Audio) && !facts.is_attached_picture
}

/// Whether a stream has the size, or the rate and the channels, that decoding it needs.
fn has_shape(facts: &StreamFacts) -> bool {
    match facts.kind {
        StreamKind::Video => facts.width > 0 && facts.height > 0,
        StreamKind::Audio => facts.sample_rate > 0 && facts.channels > 0,
        _ => true,
    }
}

/// The language of a stream, where it says one.
pub(super) fn language(facts: &StreamFacts) -> Option<&str> {
    let entry = facts.metadata.iter().find(|(key, _)| key.eq_ignore_ascii_case("language"));
    entry.map(|(_, language)| language.as_str()).filter(|language| !language.is_empty() && *language != "und")
}

/// Whether one stream can be the other's continuation, as far as its description tells.
pub(super) fn is_alike(one: &StreamFacts, other: &StreamFacts) -> bool {
    // A transport stream does not tell the layers of MPEG audio apart, and one decoder takes all of them.
    let is_layer = |facts: &StreamFacts| matches!(facts.codec.as_str(), "mp1" | "mp2" | "mp3");
    let is_same = one.codec == other.codec || (is_layer(one) && is_layer(other));
    one.kind == other.kind && is_same && language(one) == language(other)
}

/// What is known of a stream while packets are read.
#[derive(Clone, Default)]
struct Seen {
    packets: u64,
    first: Option<Timestamp>,
    end: Option<i64>,
    position: Option<u64>,
    /// The programmes that list it where it begins.
    programs: Vec<i32>,
}

struct Look<'a> {
    source: &'a Source,
    input: Input,
    /// The number in `source` of each stream of `input`: the first look at a file numbers what it finds at the end before
    /// what it did not come to.
    numbers: Vec<usize>,
    /// Packets that each stream needs to have shown before the look ends.
    needed: BTreeMap<usize, u64>,
    /// Kinds of streams of which one has to appear.
    missing: Vec<StreamKind>,
    seen: Vec<Seen>,
    pending: Vec<Joint>,
    latest: i64,
}

impl Further {
    /// Looks further into `source`, where there is a reason.
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
                // A demuxer of these learns the start of a stream from its first packet.
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

    /// Whether some stream begins so late that it may continue another.
    fn may_join(source: &Source, media: &[&StreamFacts]) -> bool {
        let start = |facts: &StreamFacts| facts.start.map(|ticks| Timestamp::new(ticks, facts.time_base).micros());
        let is_later = |one: &StreamFacts, other: &StreamFacts| {
            start(one).zip(start(other)).is_some_and(|(one, other)| one.saturating_sub(other) >= LATER)
        };
        joins(source) && media.iter().any(|one| media.iter().any(|other| is_alike(one, other) && is_later(one, other)))
    }
}

/// Whether streams of this source can continue each other.
pub(super) fn joins(source: &Source) -> bool {
    matches!(source.input.demuxer().as_str(), "mpegts" | "mpeg")
}

impl Look<'_> {
    /// Reads until everything is known; whether that was all of the source.
    fn read(&mut self) -> bool {
        let limit = if self.source.reading.reads_on { u64::MAX } else { self.source.reading.limits.probe_bytes };
        let joins = joins(self.source);
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
                // What cannot be read is the business of those who read for good.
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
        // A stream that goes on beside the other is not continued by it.
        let micros = time.micros();
        self.pending.retain(|joint| joint.into != index || micros < joint.at.micros().saturating_add(OVERLAP));
    }

    /// The number in the source of stream `index` of `input`.
    fn number(&mut self, index: usize) -> usize {
        for own in self.numbers.len()..=index {
            let found = self.input.stream(own).and_then(|own| {
                let is_same = |facts: &&StreamFacts| facts.id == own.id && facts.kind == own.kind;
                // Outside of these, streams may have no identifier of their own, and all of them are in the header.
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

    /// What is known of a stream of the source.
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

    /// Which stream is continued by stream `from`, whose first packet is shown at `at`.
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
        // Whether a stream that began late continues another is seen where it begins.
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
        // The streams of a source are counted without gaps.
        for index in self.source.streams.len()..count {
            if let Some(facts) = self.facts(index) {
                found.streams.entry(index).or_insert(facts);
            }
        }
        found.joints = self.pending;
    }
}

impl Source {
    /// What a stream turns out to be when the source is opened where its packets begin.
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
        // What the first look said of the whole file holds.
        has_shape(&found).then_some(StreamFacts { duration: facts.duration, time_base: facts.time_base, ..found })
    }
}
