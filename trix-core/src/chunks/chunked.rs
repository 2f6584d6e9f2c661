//! The chunks of a plan, and which of them a store lacks.
//!
//! Invariant: a chunk that is in the store is not encoded again. A chunk that was damaged there is.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use trix_model::error::{Error, ErrorKind, Result, Stage};

use super::{
    allocation::{WantedRate, allocate, allocate_rest, corrected, rounds},
    buffer::Buffer,
    first_pass::{self, FrameBits},
    key::KeyMaker,
    setup::{ChunkTask, Setup, wanted_kbps},
    store::{ChunkKey, Store},
};
use crate::plan::{EncodeId, FrameRange, Plan, Sharing, VideoEncode};

/// The chunks of a plan, and where they are kept.
#[derive(Clone)]
pub(crate) struct Chunked {
    pub(crate) store: Store,
    encodes: Vec<ChunkedEncode>,
    pub(crate) ranges: Vec<FrameRange>,
    /// The entries that were found to be whole.
    whole: Arc<Mutex<BTreeSet<ChunkKey>>>,
}

/// What is made of all chunks, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChunkPhase {
    /// The first of two passes, for the encodes that have two.
    FirstPass,
    /// The chunks.
    Chunks,
}

/// An encode of video in chunks.
#[derive(Clone)]
struct ChunkedEncode {
    id: EncodeId,
    /// The encode whose analysis it follows, or itself.
    lead: EncodeId,
    keys: KeyMaker,
    /// The bit rate that two passes give it.
    wanted: Option<WantedRate>,
    /// The buffer of a decoder, if it has to do with one of a certain size.
    buffer: Option<Buffer>,
    /// How each of the chunks is encoded; `None` as long as that depends on what others become.
    setups: Vec<Option<Setup>>,
    /// How often chunks can still be encoded again to correct the bit rate.
    corrections: u32,
    /// The chunks that overrun the buffer, whatever fullness the encoder was told.
    short: Vec<FrameRange>,
}

/// How often chunks are encoded again to correct the bit rate of a film.
const CORRECTIONS: u32 = 3;

impl Chunked {
    /// The chunks of all encodes of video of `plan`, in `store`.
    ///
    /// # Errors
    /// `Bug` if the plan contradicts itself.
    pub(crate) fn of(plan: &Plan, store: Store) -> Result<Self> {
        let ranges = plan.chunks.as_ref().map(|chunks| chunks.ranges.clone()).unwrap_or_default();
        let own =
            plan.encodes.iter().enumerate().filter_map(|(number, encode)| Some((EncodeId(number), encode.video()?)));
        let encodes = own.map(|(id, own)| ChunkedEncode::new(id, own, KeyMaker::new(plan, id)?, ranges.len()));
        let encodes = encodes.collect::<Result<_>>()?;
        Ok(Chunked { store, encodes, ranges, whole: Arc::default() })
    }

    /// Number of encodes.
    pub(crate) fn encodes(&self) -> usize {
        self.encodes.len()
    }

    /// The frames of chunk `number`.
    ///
    /// # Errors
    /// `InvalidSpec` if there is no such chunk.
    pub(super) fn range(&self, number: usize) -> Result<FrameRange> {
        let missing = || {
            let detail = format!("the plan has no chunk {number}; it has {}", self.ranges.len());
            Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail)
        };
        self.ranges.get(number).copied().ok_or_else(missing)
    }

    /// The keys of the chunks of encode `id`, in the order of the ranges.
    ///
    /// # Errors
    /// `Bug` if there is no such encode, or if not all of its chunks are known.
    pub(crate) fn keys(&self, id: EncodeId) -> Result<Vec<ChunkKey>> {
        let own = self.encodes.iter().find(|own| own.id == id);
        let key =
            |own: &ChunkedEncode, number| Some(own.keys.key(*self.ranges.get(number)?, (*own.setups.get(number)?)?));
        let keys = own.and_then(|own| (0..self.ranges.len()).map(|number| key(own, number)).collect());
        keys.ok_or_else(|| Error::bug(Stage::Plan, format!("encode {id} has no chunks")))
    }

    /// What has to be there of chunk `number` after a phase.
    pub(super) fn tasks(&self, number: usize, phase: ChunkPhase) -> Vec<ChunkTask> {
        let Some(range) = self.ranges.get(number) else { return Vec::new() };
        let setup = |own: &ChunkedEncode| match phase {
            ChunkPhase::FirstPass => own.wanted.map(|_| Setup::first_pass()),
            ChunkPhase::Chunks => own.setups.get(number).copied().flatten(),
        };
        self.encodes.iter().filter_map(|own| Some(own.task(*range, setup(own)?))).collect()
    }

    /// The task of encode `id` for the frames of chunk `number`.
    pub(super) fn task(&self, number: usize, id: EncodeId, setup: Setup) -> Option<ChunkTask> {
        let range = self.ranges.get(number)?;
        self.encodes.iter().find(|own| own.id == id).map(|own| own.task(*range, setup))
    }

    /// What is missing of chunk `number` after a phase. A chunk that is not what was written counts as missing: the one that is made
    /// takes its place.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn missing(&self, number: usize, phase: ChunkPhase) -> Result<Vec<ChunkTask>> {
        let mut missing = Vec::new();
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        let tasks = self.tasks(number, phase);
        for task in &tasks {
            if whole.contains(&task.key) {
                continue;
            }
            let has = match phase {
                ChunkPhase::FirstPass => Ok(first_pass::is_kept(&task.key, &self.store)),
                ChunkPhase::Chunks => self.store.has(&task.key),
            };
            match has {
                Ok(true) => _ = whole.insert(task.key.clone()),
                Ok(false) => missing.push(task.id),
                Err(error) if error.kind() == ErrorKind::MalformedInput => missing.push(task.id),
                Err(error) => return Err(error),
            }
        }
        // Encodes that share an analysis are made together.
        let lead = |id: EncodeId| self.encodes.iter().find(|own| own.id == id).map(|own| own.lead);
        let leads: BTreeSet<_> = missing.into_iter().map(lead).collect();
        Ok(tasks.into_iter().filter(|task| leads.contains(&lead(task.id))).collect())
    }

    /// True if encodes have two passes.
    pub(crate) fn has_first_pass(&self) -> bool {
        self.encodes.iter().any(|own| own.wanted.is_some())
    }

    /// Divides the bits of encodes with two passes among their chunks. Those that show how exactly the encoder keeps to its bit rate
    /// come first.
    ///
    /// # Errors
    /// `MalformedInput` if the first pass of a chunk is missing, or not what was written.
    pub(crate) fn allocate(&mut self) -> Result<()> {
        for own in self.encodes.iter_mut().filter(|own| own.wanted.is_some()) {
            own.allocate(&self.ranges, &self.store)?;
        }
        Ok(())
    }

    /// Divides the bits that are left of encodes with two passes, when the chunks of a round are there. Returns true if chunks have to be
    /// encoded now that had to wait.
    ///
    /// # Errors
    /// `MalformedInput` if a chunk is missing, or not what was written; `Io`.
    pub(crate) fn allocate_rest(&mut self) -> Result<bool> {
        let mut is_new = false;
        for own in self.encodes.iter_mut().filter(|own| own.setups.contains(&None)) {
            own.allocate_rest(&self.ranges, &self.store)?;
            is_new = true;
        }
        Ok(is_new)
    }

    /// Corrects the bit rate of encodes with two passes, when all of their chunks are there. Returns true if some have to be encoded again.
    ///
    /// # Errors
    /// As [`Chunked::allocate_rest`].
    pub(crate) fn correct_rates(&mut self) -> Result<bool> {
        let mut is_new = false;
        for own in &mut self.encodes {
            is_new |= own.correct(&self.ranges, &self.store)?;
        }
        Ok(is_new)
    }

    /// Finds chunks for which the buffer of a decoder is too empty. Returns true if some have to be encoded for the buffer as it is.
    ///
    /// # Errors
    /// As [`Chunked::allocate_rest`].
    pub(crate) fn settle_buffers(&mut self) -> Result<bool> {
        let mut is_lacking = false;
        for own in &mut self.encodes {
            is_lacking |= own.settle_buffer(&self.ranges, &self.store)?;
        }
        Ok(is_lacking)
    }

    /// True if some chunks depend on what others became.
    pub(crate) fn is_settled_by_rounds(&self) -> bool {
        self.encodes.iter().any(|own| own.wanted.is_some() || own.buffer.is_some())
    }

    /// The chunks of which the buffer of a decoder comes short, although they were encoded for it.
    pub(crate) fn short_of_buffer(&self) -> impl Iterator<Item = (EncodeId, FrameRange)> {
        self.encodes.iter().flat_map(|own| own.short.iter().map(|range| (own.id, *range)))
    }
}

impl ChunkedEncode {
    fn new(id: EncodeId, own: &VideoEncode, keys: KeyMaker, chunks: usize) -> Result<Self> {
        let video = &own.video;
        let lead = own.sharing.as_ref().and_then(Sharing::lead).unwrap_or(id);
        let buffer = Buffer::of(video);
        if video.passes < 2 {
            let setups = vec![Some(Setup::default()); chunks];
            let (wanted, corrections, short) = (None, 0, Vec::new());
            return Ok(ChunkedEncode { id, lead, keys, wanted, buffer, setups, corrections, short });
        }
        let missing = || Error::bug(Stage::Plan, format!("encode {id} has two passes and no bit rate"));
        let wanted = WantedRate {
            kbps: wanted_kbps(video).ok_or_else(missing)?,
            most: buffer.map(|buffer| buffer.kbps()),
            frames_per_second: video.rate.num as f64 / (video.rate.den as f64).max(1.0),
        };
        Ok(ChunkedEncode {
            id,
            lead,
            keys,
            wanted: Some(wanted),
            buffer,
            setups: vec![None; chunks],
            corrections: CORRECTIONS,
            short: Vec::new(),
        })
    }

    /// The bits of the first pass of all chunks.
    fn bits(&self, ranges: &[FrameRange], store: &Store) -> Result<Vec<Vec<FrameBits>>> {
        let bits = |range: &FrameRange| {
            let key = self.keys.key(*range, Setup::first_pass());
            first_pass::bits(&key, store).map_err(|error| in_chunk(error, *range))
        };
        ranges.iter().map(bits).collect()
    }

    /// The bit rates of the chunks that come first.
    fn allocate(&mut self, ranges: &[FrameRange], store: &Store) -> Result<()> {
        let Some(wanted) = self.wanted else { return Ok(()) };
        let bits = self.bits(ranges, store)?;
        self.set_up_next(&bits, &allocate(&bits, wanted));
        Ok(())
    }

    /// The bit rates of the chunks of the next round, by what those before have taken of the bits.
    fn allocate_rest(&mut self, ranges: &[FrameRange], store: &Store) -> Result<()> {
        let Some(wanted) = self.wanted else { return Ok(()) };
        let bits = self.bits(ranges, store)?;
        let first = self.taken(ranges, store)?;
        self.set_up_next(&bits, &allocate_rest(&bits, &first, wanted));
        Ok(())
    }

    /// The bits of the chunks that are set up.
    fn taken(&self, ranges: &[FrameRange], store: &Store) -> Result<Vec<Option<f64>>> {
        let taken = |(range, setup): (&FrameRange, &Option<Setup>)| {
            let Some(setup) = setup else { return Ok(None) };
            let chunk = store.read(&self.keys.key(*range, *setup)).map_err(|error| in_chunk(error, *range))?;
            let chunk = chunk.ok_or_else(|| missing(*range))?;
            Ok(Some(chunk.record().packets.iter().map(|packet| packet.bytes as f64 * 8.0).sum()))
        };
        ranges.iter().zip(&self.setups).map(taken).collect()
    }

    /// Sets some chunks up for another bit rate, if the film does not have the one that is wanted. Returns true if it did.
    fn correct(&mut self, ranges: &[FrameRange], store: &Store) -> Result<bool> {
        let Some(wanted) = self.wanted.filter(|_| self.corrections > 0) else { return Ok(false) };
        let (bits, taken) = (self.bits(ranges, store)?, self.taken(ranges, store)?);
        let taken: Vec<f64> = taken.into_iter().flatten().collect();
        let rates: Vec<u32> = self.setups.iter().flatten().filter_map(|setup| setup.kbps()).collect();
        self.corrections -= 1;
        let Some(rates) = corrected(&bits, &rates, &taken, wanted) else {
            self.corrections = 0;
            return Ok(false);
        };
        self.setups = rates.into_iter().map(|kbps| Some(Setup::second_pass(kbps))).collect();
        Ok(true)
    }

    /// Sets the chunks of the next round up, with these bit rates.
    fn set_up_next(&mut self, bits: &[Vec<FrameBits>], rates: &[u32]) {
        let rounds = rounds(bits);
        let next = self.setups.iter().zip(&rounds).filter(|(setup, _)| setup.is_none()).map(|(_, round)| *round).min();
        for ((setup, kbps), round) in self.setups.iter_mut().zip(rates).zip(rounds) {
            if next == Some(round) {
                *setup = Some(Setup::second_pass(*kbps));
            }
        }
    }

    /// Sets chunks up for the buffer of a decoder as it is when they begin. Returns true if one has to be encoded for it.
    fn settle_buffer(&mut self, ranges: &[FrameRange], store: &Store) -> Result<bool> {
        // A single chunk has the bytes of a film in one piece.
        let Some(mut buffer) = self.buffer.filter(|_| ranges.len() > 1) else { return Ok(false) };
        self.short.clear();
        for (number, (range, setup)) in ranges.iter().zip(self.setups.iter_mut().flatten()).enumerate() {
            let read = |setup| match store.read(&self.keys.key(*range, setup)) {
                // It is made again.
                Err(error) if error.kind() == ErrorKind::MalformedInput => Ok(None),
                found => found.map_err(|error| in_chunk(error, *range)),
            };
            // Each search begins here, so that a job which was killed finds the same setups.
            setup.fullness = None;
            let Some(chunk) = read(*setup)? else { return Err(missing(*range)) };
            if number == 0 {
                buffer.spend(chunk.record().info);
            }
            let before = buffer;
            let (mut lacking, mut told) = (buffer.take(chunk.record()), before.at_start);
            let mut slack = if before.fullness(0.0) < told { 0.0 } else { lacking };
            while lacking > 0.0 {
                let next = before.fullness(slack);
                if next == told {
                    break;
                }
                told = next;
                setup.fullness = Some(told);
                // What comes after it depends on it.
                let Some(chunk) = read(*setup)? else { return Ok(true) };
                buffer = before;
                lacking = buffer.take(chunk.record());
                // An encoder that is told of a buffer that is nearly empty can still take a little too much.
                slack = (slack + lacking) * 1.5;
            }
            if lacking > 0.0 {
                self.short.push(*range);
            }
        }
        Ok(false)
    }

    fn task(&self, range: FrameRange, setup: Setup) -> ChunkTask {
        let first_pass = self.wanted.map(|_| self.keys.key(range, Setup::first_pass()));
        ChunkTask { id: self.id, setup, key: self.keys.key(range, setup), first_pass }
    }
}

/// The error that names the frames of a chunk.
pub(crate) fn in_chunk(error: Error, range: FrameRange) -> Error {
    error.and(&format!("in the chunk of frames {range}"))
}

/// The error of a chunk that is not in the store.
pub(crate) fn missing(range: FrameRange) -> Error {
    let detail = format!("the chunk of frames {range}: it is missing");
    Error::new(ErrorKind::MalformedInput, Stage::Encode, detail)
}
