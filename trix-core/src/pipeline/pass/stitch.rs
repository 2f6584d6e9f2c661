//! Joins the chunks of an encode: their packets take the place of those of an encoder.
//!
//! Invariant: the packets, their times and the account are those of one stream. A chunk that is missing or is not what was
//! written is an error that names its frames.

use std::sync::Arc;

use trix_av::packet::Packet;
use trix_bitstream::nal::NalCodec;
use trix_model::{
    damage::DamageLog,
    error::{Error, ErrorKind, Result, Stage},
    plan::FrameRange,
    time::TimeBase,
};

use super::{
    record::{StepRecord, lock},
    video::Outlet,
};
use crate::{
    chunks::{
        ChunkKey, ChunkReader, Store, in_chunk, missing,
        record::{FrameTime, StepAccount},
    },
    decode::timing::FrameTimes,
    encode::video::Encoded,
    plan::StepId,
};

/// What the chunks tell about the source.
pub(super) struct SourceAccount {
    /// Receives notes. There is no damage: it ends a job with chunks.
    pub(super) log: Arc<DamageLog>,
    /// Index of the stream of the frames.
    pub(super) stream: usize,
    pub(super) times: FrameTimes,
}

/// Sends the packets of all chunks of an encode to every place.
pub(super) struct StitchStage {
    pub(super) store: Store,
    pub(super) chunks: Vec<(FrameRange, ChunkKey)>,
    /// The parameter sets that the tracks state, and x265's message about its settings.
    pub(super) parameter_sets: Vec<u8>,
    /// The codec, if it has parameter sets.
    pub(super) codec: Option<NalCodec>,
    pub(super) outlet: Outlet,
    /// Time base of the frames.
    pub(super) time_base: TimeBase,
    /// The filter steps of the encode, the first one first, and whether this stage accounts for each.
    pub(super) steps: Vec<(StepId, bool)>,
    /// What is reported about the source; `None` if another encode of the same frames reports it.
    pub(super) about: Option<SourceAccount>,
}

impl StitchStage {
    pub(super) fn run(mut self) -> Result<()> {
        let (mut first, mut delay, mut warnings) = (0, None, Vec::new());
        let mut cpu_seconds = Some(0.0);
        let mut looks = vec![None; self.steps.len()];
        let mut next = self.open(0)?;
        for number in 0..self.chunks.len() {
            let Some(mut chunk) = next.take() else { break };
            // The last frame of a chunk is shown until the first one of the next.
            next = self.open(number + 1)?;
            let record = chunk.record().clone();
            // A chunk has no frame if a lower frame rate leaves all of them out.
            let own = record.packets.first().map(|packet| -packet.position.min(0));
            if own.is_some_and(|own| own > *delay.get_or_insert(own)) {
                return Err(self.wrong(number, "its frames are reordered over a longer distance than those before"));
            }
            while let Some((packet, bytes)) = chunk.next().map_err(|error| self.in_chunk(number, error))? {
                let (pts, dts) = (first + packet.frame, if first == 0 { packet.position } else { first });
                let (key, samples) = (packet.key, packet.samples);
                self.outlet.emit(Encoded { packet: Packet::joined(&[bytes]), pts, dts, key, samples })?;
            }
            first += record.frames.len() as i64;
            cpu_seconds = cpu_seconds.zip(self.store.cpu_seconds(&self.chunks[number].1)).map(|(sum, own)| sum + own);
            self.account(&record.steps, &mut looks);
            warnings.extend(record.warnings);
            if let Some(about) = &mut self.about {
                record.notes.into_iter().for_each(|note| about.log.note(note));
                record.times.iter().for_each(|time| about.times.push(Some(*time)));
            }
        }
        if let Some(about) = &self.about {
            self.outlet.shared.note_timing(about.stream, about.times.report());
        }
        warnings.dedup();
        self.outlet.end(&warnings, cpu_seconds)
    }

    /// Opens chunk `number`, and counts its frames as encoded. `None` after the last one.
    fn open(&mut self, number: usize) -> Result<Option<ChunkReader>> {
        let Some((range, key)) = self.chunks.get(number) else { return Ok(None) };
        let chunk = self.store.read(key).map_err(|error| self.in_chunk(number, error))?;
        let chunk = chunk.ok_or_else(|| missing(*range))?;
        let record = chunk.record();
        if record.range != *range {
            return Err(self.wrong(number, "it holds other frames"));
        }
        if !self.are_sets(&record.parameter_sets) {
            return Err(self.wrong(number, "its parameter sets are not those of the stream"));
        }
        for FrameTime(ticks, duration) in &record.frames {
            self.outlet.enter(*ticks, *duration, self.time_base);
        }
        Ok(Some(chunk))
    }

    /// True if these parameter sets are those of the stream. x265 derives the level from the bit rate, of which chunks have another one.
    fn are_sets(&self, own: &[u8]) -> bool {
        let Some(codec) = self.codec else { return own == self.parameter_sets };
        let content = |sets: &[u8]| -> Vec<Vec<u8>> {
            codec.parameter_sets(sets).into_iter().map(|set| codec.without_level(set)).collect()
        };
        content(own) == content(&self.parameter_sets)
    }

    fn in_chunk(&self, number: usize, error: Error) -> Error {
        in_chunk(error, self.chunks[number].0)
    }

    fn wrong(&self, number: usize, what: &str) -> Error {
        let detail = format!("the chunk of frames {}: {what}", self.chunks[number].0);
        Error::new(ErrorKind::MalformedInput, Stage::Encode, detail)
    }

    /// Adds the accounts of a chunk to those of the filter steps. `looks` tells what the last frames before it were.
    fn account(&self, accounts: &[StepAccount], looks: &mut [Option<[String; 2]>]) {
        for (((step, is_own), account), look) in self.steps.iter().zip(accounts).zip(looks) {
            let before = std::mem::replace(look, account.ends.clone());
            if !is_own {
                continue;
            }
            let record: &mut StepRecord = &mut lock(&self.outlet.shared.steps[step.0]);
            record.decoded += account.decoded;
            record.counts = record.counts.summed(&account.counts);
            record.extras = record.extras.and(account.extras);
            let begins = account.begins.clone().zip(before).and_then(|(begins, before)| begins.change(&before));
            record.changes.extend(begins.into_iter().chain(account.changes.iter().cloned()));
        }
    }
}
