//! The chunks of one encode, and how each of them is encoded.
//!
//! Invariant: the key of a chunk holds all that its bytes depend on, also how the lead whose analysis it follows is set up.

use trix_model::error::{Error, ErrorKind, Result, Stage};

use super::{
    allocation::{WantedRate, allocate, allocate_rest, corrected, rounds},
    buffer::Buffer,
    errors::{in_chunk, missing},
    first_pass::{self, FrameBits},
    key::KeyMaker,
    setup::{ChunkTask, Setup, wanted_kbps},
    store::{ChunkKey, ChunkReader, Store},
};
use crate::plan::{EncodeId, FrameRange, Sharing, VideoEncode};

/// An encode of video in chunks.
#[derive(Clone)]
pub(super) struct ChunkedEncode {
    pub(super) id: EncodeId,
    /// The encode whose analysis it follows, or itself.
    pub(super) lead: EncodeId,
    keys: KeyMaker,
    /// The bit rate that two passes give it.
    pub(super) wanted: Option<WantedRate>,
    /// The buffer of a decoder, if it has to do with one of a certain size.
    pub(super) buffer: Option<Buffer>,
    /// How each of the chunks is encoded; `None` as long as that depends on what others become.
    pub(super) setups: Vec<Option<Setup>>,
    /// How those of the lead are encoded, if it follows one.
    pub(super) lead_setups: Vec<Option<Setup>>,
    /// How often chunks can still be encoded again to correct the bit rate.
    corrections: u32,
    /// The chunks that overrun the buffer, whatever fullness the encoder was told.
    pub(super) short: Vec<FrameRange>,
}

/// How often chunks are encoded again to correct the bit rate of a film.
const CORRECTIONS: u32 = 3;

impl ChunkedEncode {
    pub(super) fn new(id: EncodeId, own: &VideoEncode, keys: KeyMaker, chunks: usize) -> Result<Self> {
        let video = &own.video;
        let lead = own.sharing.as_ref().and_then(Sharing::lead).unwrap_or(id);
        let buffer = Buffer::of(video);
        if video.passes < 2 {
            let setups = vec![Some(Setup::default()); chunks];
            let (wanted, lead_setups, corrections, short) = (None, Vec::new(), 0, Vec::new());
            return Ok(ChunkedEncode { id, lead, keys, wanted, buffer, setups, lead_setups, corrections, short });
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
            lead_setups: Vec::new(),
            corrections: CORRECTIONS,
            short: Vec::new(),
        })
    }

    /// The bits of the first pass of all chunks.
    fn bits(&self, ranges: &[FrameRange], store: &Store) -> Result<Vec<Vec<FrameBits>>> {
        let bits = |(number, range): (usize, &FrameRange)| {
            let key = self.key(number, *range, Setup::first_pass());
            first_pass::bits(&key, store).map_err(|error| in_chunk(error, *range))
        };
        ranges.iter().enumerate().map(bits).collect()
    }

    /// The bit rates of the chunks that come first.
    pub(super) fn allocate(&mut self, ranges: &[FrameRange], store: &Store) -> Result<()> {
        let Some(wanted) = self.wanted else { return Ok(()) };
        let bits = self.bits(ranges, store)?;
        self.set_up_next(&bits, &allocate(&bits, wanted));
        Ok(())
    }

    /// The bit rates of the chunks of the next round, by what those before have taken of the bits.
    pub(super) fn allocate_rest(&mut self, ranges: &[FrameRange], store: &Store) -> Result<()> {
        let Some(wanted) = self.wanted else { return Ok(()) };
        let bits = self.bits(ranges, store)?;
        let first = self.taken(ranges, store)?;
        self.set_up_next(&bits, &allocate_rest(&bits, &first, wanted));
        Ok(())
    }

    /// The bits of the chunks that are set up.
    fn taken(&self, ranges: &[FrameRange], store: &Store) -> Result<Vec<Option<f64>>> {
        let taken = |(number, (range, setup)): (usize, (&FrameRange, &Option<Setup>))| {
            let Some(setup) = setup else { return Ok(None) };
            let chunk = store.read(&self.key(number, *range, *setup)).map_err(|error| in_chunk(error, *range))?;
            let chunk = chunk.ok_or_else(|| missing(*range))?;
            Ok(Some(chunk.record().packets.iter().map(|packet| packet.bytes as f64 * 8.0).sum()))
        };
        ranges.iter().zip(&self.setups).enumerate().map(taken).collect()
    }

    /// Sets some chunks up for another bit rate, if the film does not have the one that is wanted. Returns true if it did.
    pub(super) fn correct(&mut self, ranges: &[FrameRange], store: &Store) -> Result<bool> {
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
    pub(super) fn settle_buffer(&mut self, ranges: &[FrameRange], store: &Store) -> Result<bool> {
        // A single chunk has the bytes of a film in one piece.
        let Some(mut buffer) = self.buffer.filter(|_| ranges.len() > 1) else { return Ok(false) };
        self.short.clear();
        for (number, range) in ranges.iter().enumerate() {
            // Each search begins here, so that a job which was killed finds the same setups.
            let Some(chunk) = self.told(number, *range, None, store)? else {
                let is_new = self.lead_setup(number).is_some();
                return if is_new { Ok(true) } else { Err(missing(*range)) };
            };
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
                // What comes after it depends on it.
                let Some(chunk) = self.told(number, *range, Some(told), store)? else { return Ok(true) };
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

    /// Tells the encoder of chunk `number` how full the buffer is. `None`: such a chunk has not been made, or is damaged.
    fn told(
        &mut self,
        number: usize,
        range: FrameRange,
        fullness: Option<u32>,
        store: &Store,
    ) -> Result<Option<ChunkReader>> {
        let Some(setup) = self.setups.get_mut(number).and_then(Option::as_mut) else { return Err(missing(range)) };
        setup.fullness = fullness;
        let setup = *setup;
        match store.read(&self.key(number, range, setup)) {
            // It is made again.
            Err(error) if error.kind() == ErrorKind::MalformedInput => Ok(None),
            found => found.map_err(|error| in_chunk(error, range)),
        }
    }

    pub(super) fn task(&self, number: usize, range: FrameRange, setup: Setup) -> ChunkTask {
        let first_pass = self.wanted.map(|_| self.key(number, range, Setup::first_pass()));
        ChunkTask { id: self.id, setup, key: self.key(number, range, setup), first_pass }
    }

    /// The key of chunk `number` with a setup.
    pub(super) fn key(&self, number: usize, range: FrameRange, setup: Setup) -> ChunkKey {
        self.keys.key(range, setup, self.lead_setup(number))
    }

    /// How the lead encodes chunk `number`, if not as every chunk.
    fn lead_setup(&self, number: usize) -> Option<Setup> {
        self.lead_setups.get(number).copied().flatten().filter(|setup| *setup != Setup::default())
    }
}
