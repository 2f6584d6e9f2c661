//! The parts of a file that one demuxer cannot read as a whole. `part_reading.rs` reads them.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::c_int,
    sync::Arc,
};

use trix_av::{
    input::Input,
    stream::{StreamFacts, StreamKind},
};

use super::split::Split;

/// The reading position among the parts of a file.
#[derive(Default)]
pub(super) struct Parts {
    /// Finds the end of the first part.
    pub(super) split: Option<Arc<Split>>,
    pub(super) begun: bool,
    /// The current part, unless that is the first part as it was opened.
    pub(super) current: Option<Part>,
    pub(super) count: usize,
    /// The identifier and kind of each stream, by number.
    pub(super) streams: Vec<(i32, StreamKind)>,
    /// The number of each stream of the first part. `codecs` holds the current codec of each stream.
    pub(super) numbers: Vec<Option<usize>>,
    pub(super) codecs: BTreeMap<usize, c_int>,
    /// The current configuration of each stream, if it differs from the initial one.
    pub(super) configurations: BTreeMap<usize, Vec<u8>>,
    /// The end of the last packet so far, as a byte position.
    pub(super) reached: u64,
}

/// A part of a file, with its own demuxer.
pub(super) struct Part {
    pub(super) input: Input,
    pub(super) split: Option<Arc<Split>>,
    /// The byte position in the file at which the part starts.
    pub(super) start: u64,
    /// The number of each of its streams, or `None` for streams that are left out.
    pub(super) numbers: Vec<Option<usize>>,
    /// Streams with a new configuration, until their first packet.
    pub(super) reconfigured: BTreeSet<usize>,
}

/// The streams of the current part, by their numbers in the source.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    input: &'a Input,
    numbers: &'a [Option<usize>],
}

impl Here<'_> {
    fn own(self, number: usize) -> Option<usize> {
        self.numbers.iter().position(|own| *own == Some(number))
    }

    /// The current properties of stream `number`.
    pub(super) fn stream(self, number: usize) -> Option<StreamFacts> {
        let facts = self.input.stream(self.own(number)?)?;
        Some(StreamFacts { index: number, ..facts })
    }

    /// The numbers of the programmes that list stream `number` at this point of the file.
    pub(super) fn programs_of(self, number: usize) -> Vec<i32> {
        self.own(number).map_or_else(Vec::new, |own| self.input.programs_of(own))
    }
}

impl Parts {
    /// The state before the first read. `split` finds the end of the first part.
    pub(super) fn new(split: Option<Arc<Split>>) -> Self {
        Parts { split, ..Parts::default() }
    }

    /// True if the file is known to have more than one part.
    pub(super) fn are_several(&self) -> bool {
        self.current.is_some() || self.split.as_ref().is_some_and(|split| split.border().is_some())
    }

    /// Discards the current part, because reading continues at another position.
    pub(super) fn restart(&mut self) {
        self.current = None;
        self.count = 0;
        self.reached = 0;
        self.codecs.clear();
        self.configurations.clear();
    }

    /// The streams of the current part. `first` is the demuxer of the first part.
    pub(super) fn here<'a>(&'a self, first: &'a Input) -> Here<'a> {
        match &self.current {
            Some(part) => Here { input: &part.input, numbers: &part.numbers },
            None => Here { input: first, numbers: &self.numbers },
        }
    }

    /// The number of a stream of a part in the source. A new stream gets the next number.
    pub(super) fn number(&mut self, facts: &StreamFacts) -> usize {
        let known = self.streams.iter().position(|known| *known == (facts.id, facts.kind));
        known.unwrap_or_else(|| {
            self.streams.push((facts.id, facts.kind));
            self.streams.len() - 1
        })
    }
}
