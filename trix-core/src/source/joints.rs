//! Streams that go on in others: their packets are read as packets of one stream.
//!
//! Invariant: a stream that nobody knew when the source was opened, and that continues none, is named.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    Source,
    further::{Further, LATER, is_alike, joins},
};
use crate::{
    ffi::{
        input::Input,
        packet::Packet,
        stream::{StreamFacts, StreamKind},
    },
    media::time::Timestamp,
};

/// What reading found out about streams that appear in mid-file, in words.
#[derive(Clone, Default)]
pub(crate) struct Appeared(Arc<Mutex<Vec<String>>>);

impl Appeared {
    /// Everything so far.
    pub(crate) fn told(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tell(&self, what: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }
}

/// A track that ends in mid-file, while its programme goes on with a stream that cannot continue it.
pub(crate) struct Break {
    /// The stream that ends.
    pub(crate) stream: usize,
    /// When the other begins.
    pub(crate) at: Option<Timestamp>,
    /// In words.
    pub(crate) detail: String,
}

/// What is known of a stream that may be continued.
#[derive(Clone)]
struct Known {
    facts: StreamFacts,
    programs: Vec<i32>,
    end: Option<i64>,
}

/// Which streams go on in others, and how far each stream has come.
#[derive(Clone, Default)]
pub(super) struct Joints {
    known: Vec<Known>,
    /// The stream that each stream continues.
    into: BTreeMap<usize, usize>,
    strays: BTreeSet<usize>,
    /// Whether streams that appear may continue others.
    joins: bool,
    appeared: Appeared,
    breaks: Arc<Mutex<Vec<Break>>>,
}

impl Joints {
    /// Those that `found` lists, for the streams of `source`.
    pub(super) fn new(source: &Source, found: &Further) -> Self {
        let programs = |index: usize| {
            let known = found.programs.get(&index).cloned();
            known.unwrap_or_else(|| source.input.programs_of(index))
        };
        let known = source.streams().iter().map(|facts| Known {
            programs: programs(facts.index),
            facts: facts.clone(),
            end: None,
        });
        let into = found.joints.iter().map(|joint| (joint.from, joint.into)).collect();
        Joints { known: known.collect(), into, joins: joins(source), ..Joints::default() }
    }

    /// The same before anything was read.
    pub(super) fn at_start(&self) -> Self {
        let known = self.known.iter().map(|known| Known { end: None, ..known.clone() }).collect();
        let count = self.known.len();
        let into = self.into.iter().filter(|(from, _)| **from < count).map(|(from, into)| (*from, *into)).collect();
        Joints { known, into, joins: self.joins, ..Joints::default() }
    }

    /// What reading finds out from now on.
    pub(super) fn appeared(&self) -> Appeared {
        self.appeared.clone()
    }

    /// Makes `packet` one of the stream that its own continues.
    pub(super) fn route(&mut self, packet: &mut Packet, input: &Input) {
        let index = packet.stream();
        if index >= self.known.len() && !self.into.contains_key(&index) && !self.strays.contains(&index) {
            self.meet(index, packet, input);
        }
        let mut target = index;
        while let Some(into) = self.into.get(&target) {
            target = *into;
        }
        if target != index {
            packet.set_stream(target);
        }
        let Some(known) = self.known.get_mut(target) else { return };
        if let Some(ticks) = packet.pts().or(packet.dts()) {
            let end = ticks.saturating_add(packet.duration().max(0));
            known.end = known.end.max(Some(Timestamp::new(end, known.facts.time_base).micros()));
        }
    }

    /// Decides about a stream that was not there when the source was opened.
    fn meet(&mut self, index: usize, packet: &Packet, input: &Input) {
        let Some(facts) = input.stream(index) else { return };
        let at = packet.pts().or(packet.dts()).map(|ticks| Timestamp::new(ticks, facts.time_base));
        let place = at.map_or_else(|| "mid-file".to_owned(), |at| at.to_string());
        let language = super::further::language(&facts).map_or_else(String::new, |language| format!(", {language}"));
        let name = format!("stream {index} ({}{language})", facts.codec);
        match self.continued(index, &facts, at, input) {
            Some(into) => {
                self.into.insert(index, into);
                self.appeared
                    .tell(format!("{name}, which first appears at {place}, continues stream {into} as one track"));
            }
            None => {
                self.strays.insert(index);
                if let Some(ended) = self.replaced(index, &facts, input) {
                    let detail = format!(
                        "stream {} ({}) ends, and its programme goes on with {name}, of another codec or language: the \
                         track cannot be continued",
                        ended.index, ended.codec
                    );
                    let broken = Break { stream: ended.index, at, detail };
                    self.breaks.lock().unwrap_or_else(PoisonError::into_inner).push(broken);
                }
                let why = "it appears after the source was opened, and continues no stream of its codec and language";
                self.appeared.tell(format!("{name}, which first appears at {place}, is not carried over: {why}"));
            }
        }
    }

    /// The first of the streams in whose place stream `index` appears, if its programme lists none of them any more.
    fn replaced(&self, index: usize, facts: &StreamFacts, input: &Input) -> Option<&StreamFacts> {
        let programs = input.programs_of(index);
        if programs.is_empty() || !matches!(facts.kind, StreamKind::Video | StreamKind::Audio) {
            return None;
        }
        let is_like = |known: &&Known| known.facts.kind == facts.kind && known.programs == programs;
        let goes_on = |known: &Known| {
            let own = known.facts.index;
            let parts = self.into.iter().filter(|(_, into)| **into == own).map(|(from, _)| *from);
            parts.chain([own]).any(|part| !input.programs_of(part).is_empty())
        };
        let before: Vec<&Known> = self.known.iter().filter(is_like).collect();
        let first = before.iter().find(|known| known.end.is_some())?;
        (!before.iter().any(|known| goes_on(known))).then_some(&first.facts)
    }

    /// What broke off since this was asked last.
    pub(super) fn breaks(&self) -> Vec<Break> {
        std::mem::take(&mut self.breaks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Which stream is continued by stream `index`, which appears at `at`.
    fn continued(&self, index: usize, facts: &StreamFacts, at: Option<Timestamp>, input: &Input) -> Option<usize> {
        if !self.joins || !matches!(facts.kind, StreamKind::Video | StreamKind::Audio | StreamKind::Subtitle) {
            return None;
        }
        let programs = input.programs_of(index);
        let at = at.map(Timestamp::micros);
        let ended = |known: &&Known| {
            let own = known.facts.index;
            // The programme does not list it any more, or it has been silent for a while.
            let is_dropped = !programs.is_empty() && input.programs_of(own).is_empty();
            let is_silent = known.end.zip(at).is_some_and(|(end, at)| end.saturating_add(LATER) <= at);
            let is_taken = |(from, into): (&usize, &usize)| {
                *into == own && (programs.is_empty() || input.programs_of(*from) == programs)
            };
            known.end.is_some()
                && known.facts.time_base == facts.time_base
                && is_alike(&known.facts, facts)
                && known.programs == programs
                && (is_dropped || is_silent)
                && !self.into.iter().any(is_taken)
        };
        self.known.iter().find(ended).map(|known| known.facts.index)
    }
}
