//! Streams that continue other streams: their packets are read as packets of one track.
//!
//! Invariant: a stream that was unknown when the source was opened, and that continues no other, is reported. Packets
//! of one track leave in the order of their streams, regardless of when the demuxer delivers them.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use trix_av::{
    input::Input,
    packet::Packet,
    stream::{StreamFacts, StreamKind},
};
use trix_model::time::{TimeBase, Timestamp};

use super::{
    continuation::{Further, LATER, is_alike, joins, language},
    handover::{LastRead, SecondLook},
    parts::Here,
};

/// Messages about streams that appear in mid-file, as reading finds them.
#[derive(Clone, Default)]
pub(crate) struct Appeared(Arc<Mutex<Vec<String>>>);

impl Appeared {
    /// All messages so far.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, what: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }
}

/// A track that ends in mid-file while its programme carries on with a stream that cannot continue it.
pub(crate) struct Break {
    /// The stream that ends.
    pub(crate) stream: usize,
    /// The start of the other stream.
    pub(crate) at: Option<Timestamp>,
    /// The message.
    pub(crate) detail: String,
}

/// The state of a stream that another may continue.
#[derive(Clone)]
struct Known {
    facts: StreamFacts,
    programs: Vec<i32>,
    end: Option<i64>,
    /// The end of its last packet, in ticks. `lasts` is the duration of a packet.
    next: Option<i64>,
    lasts: i64,
}

impl Known {
    /// Adds the missing times to an audio packet. For a stream found in mid-file, libavformat does not know the
    /// duration of packets, and gives times only to the first packet of each PES packet.
    fn complete(&self, packet: &mut Packet) {
        let lasts = if packet.duration() > 0 { packet.duration() } else { self.lasts };
        let pts = packet.pts().or(packet.dts()).or(self.next);
        packet.set_times(pts, packet.dts().or(pts), lasts);
    }
}

/// The streams that continue others, and the reading position of each stream.
#[derive(Default)]
pub(super) struct Joints {
    known: Vec<Known>,
    /// The stream that each stream continues.
    into: BTreeMap<usize, usize>,
    strays: BTreeSet<usize>,
    /// The stream of the file that delivered the last packet of each track.
    fed_by: BTreeMap<usize, usize>,
    /// The last packet of each stream of the file.
    last: BTreeMap<usize, LastRead>,
    /// The times of packets that were read ahead at the end of their stream. The demuxer delivers these packets again
    /// later.
    ahead: BTreeMap<usize, VecDeque<Option<i64>>>,
    /// Packets ready for output.
    ready: VecDeque<Packet>,
    /// True if new streams may continue others.
    joins: bool,
    appeared: Appeared,
    breaks: Arc<Mutex<Vec<Break>>>,
}

impl Joints {
    /// Creates the state for the `streams` of `input` with the continuations in `found`.
    pub(super) fn new(input: &Input, streams: &[StreamFacts], found: &Further) -> Self {
        let programs = |index: usize| {
            let known = found.programs.get(&index).cloned();
            known.unwrap_or_else(|| input.programs_of(index))
        };
        let known = streams.iter().map(|facts| Known {
            programs: programs(facts.index),
            facts: facts.clone(),
            end: None,
            next: None,
            lasts: 0,
        });
        let into = found.joints.iter().map(|joint| (joint.from, joint.into)).collect();
        Joints { known: known.collect(), into, joins: joins(&input.demuxer()), ..Joints::default() }
    }

    /// Returns the same state as before the first read.
    pub(super) fn at_start(&self) -> Self {
        let known = self.known.iter().map(|known| Known { end: None, next: None, ..known.clone() }).collect();
        let count = self.known.len();
        let into = self.into.iter().filter(|(from, _)| **from < count).map(|(from, into)| (*from, *into)).collect();
        Joints { known, into, joins: self.joins, ..Joints::default() }
    }

    /// True if streams of the file continue others.
    pub(super) fn are_joined(&self) -> bool {
        !self.into.is_empty()
    }

    /// From now on, adds messages to those of `other`.
    pub(super) fn report_to(&mut self, other: &Joints) {
        self.appeared = other.appeared.clone();
        self.breaks = Arc::clone(&other.breaks);
    }

    /// Collects the messages of further reading.
    pub(super) fn appeared(&self) -> Appeared {
        self.appeared.clone()
    }

    /// Discards the read state, because reading continues at another position.
    pub(super) fn restart(&mut self) {
        self.known.iter_mut().for_each(|known| (known.end, known.next) = (None, None));
        self.fed_by.clear();
        self.last.clear();
        self.ahead.clear();
        self.ready.clear();
    }

    /// The next packet, assigned to the track that its stream continues.
    pub(super) fn next(&mut self) -> Option<Packet> {
        self.ready.pop_front()
    }

    /// Adds the next packet of the file.
    pub(super) fn push(&mut self, packet: Packet, here: Here<'_>, look: SecondLook<'_>) {
        let index = packet.stream();
        if self.is_ahead(index, &packet) {
            return;
        }
        if index >= self.known.len() && !self.into.contains_key(&index) && !self.strays.contains(&index) {
            self.meet(index, &packet, here, look);
        }
        let mut track = index;
        while let Some(into) = self.into.get(&track) {
            track = *into;
        }
        if self.joins {
            self.hand_over(track, index, &packet, here, look);
            if let Some(ticks) = packet.dts().or(packet.pts()) {
                // Of several frames in one packet of the container, only the first has a position.
                let known = self.last.get(&index).and_then(|last| last.position);
                self.last.insert(index, LastRead { ticks, position: packet.position().or(known) });
            }
        }
        self.give(track, packet);
    }

    /// Assigns `packet` to `track` and queues it.
    fn give(&mut self, track: usize, mut packet: Packet) {
        let is_joined = packet.stream() != track;
        packet.set_stream(track);
        if let Some(known) = self.known.get_mut(track) {
            if is_joined && known.facts.kind == StreamKind::Audio {
                known.complete(&mut packet);
            }
            if let Some(ticks) = packet.pts().or(packet.dts()) {
                let end = ticks.saturating_add(packet.duration().max(0));
                known.lasts = packet.duration().max(0);
                known.next = Some(end);
                known.end = known.end.max(Some(Timestamp::new(end, known.facts.time_base).micros()));
            }
        }
        self.ready.push_back(packet);
    }

    /// True if this packet of stream `index` was read ahead.
    fn is_ahead(&mut self, index: usize, packet: &Packet) -> bool {
        let Some(ahead) = self.ahead.get_mut(&index) else { return false };
        let is_next = ahead.front().is_some_and(|ticks| *ticks == packet.dts().or(packet.pts()));
        is_next && ahead.pop_front().is_some()
    }

    /// If `packet` of stream `index` is the first after those of another stream of `track`, reads ahead the packets of
    /// that other stream that the demuxer still holds.
    fn hand_over(&mut self, track: usize, index: usize, packet: &Packet, here: Here<'_>, look: SecondLook<'_>) {
        let Some(before) = self.fed_by.insert(track, index).filter(|before| *before != index) else { return };
        let known = here.stream(before).zip(self.last.get(&before).copied());
        let Some(((facts, last), until)) = known.zip(packet.position()) else { return };
        for held in look.held_back(&facts, last, until) {
            self.ahead.entry(before).or_default().push_back(held.dts().or(held.pts()));
            self.give(track, held);
        }
    }

    /// Decides how to handle a stream that did not exist when the source was opened.
    fn meet(&mut self, index: usize, packet: &Packet, here: Here<'_>, look: SecondLook<'_>) {
        let Some(facts) = here.stream(index) else { return };
        let at = packet.pts().or(packet.dts()).map(|ticks| Timestamp::new(ticks, facts.time_base));
        let place = at.map_or_else(|| "mid-file".to_owned(), |at| at.to_string());
        let language = language(&facts).map_or_else(String::new, |language| format!(", {language}"));
        let name = format!("stream {index} ({}{language})", facts.codec);
        match self.continued(&facts, packet, here, look) {
            Some(into) => {
                self.into.insert(index, into);
                self.appeared
                    .add(format!("{name}, which first appears at {place}, continues stream {into} as one track"));
            }
            None => {
                self.strays.insert(index);
                if let Some(ended) = self.replaced(index, &facts, here) {
                    let detail = format!(
                        "stream {} ({}) ends, and its programme goes on with {name}, of another codec or language: the \
                         track cannot be continued",
                        ended.index, ended.codec
                    );
                    let broken = Break { stream: ended.index, at, detail };
                    self.breaks.lock().unwrap_or_else(PoisonError::into_inner).push(broken);
                }
                let why = "it appears after the source was opened, and continues no stream of its codec and language";
                self.appeared.add(format!("{name}, which first appears at {place}, is not carried over: {why}"));
            }
        }
    }

    /// Returns the first stream that stream `index` replaces, if its programme lists none of the earlier streams any
    /// more.
    fn replaced(&self, index: usize, facts: &StreamFacts, here: Here<'_>) -> Option<&StreamFacts> {
        let programs = here.programs_of(index);
        if programs.is_empty() || !matches!(facts.kind, StreamKind::Video | StreamKind::Audio) {
            return None;
        }
        let is_like = |known: &&Known| known.facts.kind == facts.kind && known.programs == programs;
        let goes_on = |known: &Known| {
            let own = known.facts.index;
            let parts = self.into.iter().filter(|(_, into)| **into == own).map(|(from, _)| *from);
            parts.chain([own]).any(|part| !here.programs_of(part).is_empty())
        };
        let before: Vec<&Known> = self.known.iter().filter(is_like).collect();
        let first = before.iter().find(|known| known.end.is_some())?;
        (!before.iter().any(|known| goes_on(known))).then_some(&first.facts)
    }

    /// Records that stream `index` ends in mid-file.
    pub(super) fn break_off(&self, index: usize, detail: String) {
        let end = self.known.get(index).and_then(|known| known.end);
        let at = end.map(|micros| Timestamp::new(micros, TimeBase::new(1, 1_000_000)));
        let broken = Break { stream: index, at, detail };
        self.breaks.lock().unwrap_or_else(PoisonError::into_inner).push(broken);
    }

    /// Takes the breaks since the last call.
    pub(super) fn breaks(&self) -> Vec<Break> {
        std::mem::take(&mut self.breaks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Finds the stream that the stream of `facts` continues. `packet` is the first packet of the latter.
    fn continued(&self, facts: &StreamFacts, packet: &Packet, here: Here<'_>, look: SecondLook<'_>) -> Option<usize> {
        if !self.joins || !matches!(facts.kind, StreamKind::Video | StreamKind::Audio | StreamKind::Subtitle) {
            return None;
        }
        let programs = here.programs_of(facts.index);
        let at = packet.pts().or(packet.dts()).map(|ticks| Timestamp::new(ticks, facts.time_base).micros());
        let ended = |known: &&Known| {
            let own = known.facts.index;
            let is_taken = |(from, into): (&usize, &usize)| {
                *into == own && (programs.is_empty() || here.programs_of(*from) == programs)
            };
            // The programme no longer lists the earlier stream, or the stream is silent.
            let is_dropped = || !programs.is_empty() && here.programs_of(own).is_empty();
            let is_silent = || known.end.zip(at).is_some_and(|(end, at)| end.saturating_add(LATER) <= at);
            let is_over = || packet.position().is_some_and(|position| look.is_over(&known.facts, facts, position));
            known.end.is_some()
                && known.facts.time_base == facts.time_base
                && is_alike(&known.facts, facts)
                && known.programs == programs
                && !self.into.iter().any(is_taken)
                && (is_dropped() || is_silent() || is_over())
        };
        self.known.iter().find(ended).map(|known| known.facts.index)
    }
}
