//! Finds how decoding of audio can begin in mid-stream.
//!
//! Invariant: samples and their numbers are those of a decode from the start. Where that cannot be shown, decoding begins
//! at the start.

use std::sync::Arc;

use trix_av::stream::StreamFacts;
use trix_model::{
    damage::{DamageLog, OnDamage},
    error::Result,
    time::{TimeBase, Timestamp},
};

use super::audio::AudioDecoder;
use crate::source::Source;

/// True if each packet of `codec` is decoded by itself. Other decoders keep a state from the first packet on: AAC, AC-3 and
/// E-AC-3 fill bands with noise from a generator that never restarts, and MPEG layer II passes on rounding errors.
pub(crate) fn stands_alone(codec: &str) -> bool {
    match codec {
        "flac" | "alac" | "wavpack" => true,
        // Their packets hold parts of blocks.
        "pcm_dvd" | "pcm_bluray" => false,
        _ => codec.starts_with("pcm_"),
    }
}

/// The start of an audio stream, from which samples are numbered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    /// The time of the first sample.
    first: Timestamp,
    base: TimeBase,
    sample: TimeBase,
    /// Samples of the first block, and of each later one.
    begins: i64,
    usual: i64,
}

impl Head {
    /// Decodes the first blocks of the stream of `facts`. `None` if the times of later blocks do not follow from them.
    ///
    /// # Errors
    /// As for opening the source.
    pub(crate) fn of(source: &Source, facts: &StreamFacts) -> Result<Option<Self>> {
        const BLOCKS: usize = 4;
        let damage = Arc::new(DamageLog::new(OnDamage::Conceal));
        let mut decoder = AudioDecoder::new(source.label(), facts, damage)?;
        let mut again = source.reopen()?;
        again.keep_only(facts.index);
        let mut blocks = Vec::new();
        while blocks.len() < BLOCKS {
            match again.read() {
                Ok(Some(packet)) if packet.stream() == facts.index => {
                    decoder.push(Some(&packet))?;
                    while let Some(block) = decoder.receive()? {
                        blocks.push((block.pts(), block.samples() as i64, block.sample_rate()));
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return Ok(None),
            }
        }
        let [(Some(first), begins, rate), (_, usual, _), rest @ ..] = blocks.as_slice() else { return Ok(None) };
        let (base, sample) = (facts.time_base, TimeBase::new(1, i64::from((*rate).max(1))));
        let is_even = rest.iter().all(|(_, samples, _)| samples == usual);
        let head = Head { first: Timestamp::new(*first, base), base, sample, begins: *begins, usual: *usual };
        Ok((*usual > 0 && (is_even || base == sample) && *rate == facts.sample_rate).then_some(head))
    }

    /// The time of the first sample.
    pub(crate) fn first(&self) -> Timestamp {
        self.first
    }

    /// The number of the sample at `pts`, in ticks of the stream, if a block begins there. A container with coarse times
    /// gives it by the lengths of the blocks.
    pub(crate) fn number(&self, pts: i64) -> Option<i64> {
        let back = Timestamp::new(self.first.ticks.saturating_neg(), self.base);
        let near = Timestamp::new(pts, self.base).plus(back).rescale(self.sample);
        if self.base == self.sample {
            return Some(near);
        }
        let tick = Timestamp::new(1, self.base).rescale(self.sample) + 1;
        let blocks = near.saturating_sub(self.begins).saturating_add(self.usual / 2).div_euclid(self.usual);
        let place = self.begins.saturating_add(blocks.saturating_mul(self.usual));
        ((place - near).abs() <= tick).then_some(place)
    }
}

/// What lies before the first block of a decode that began in mid-stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passed {
    /// The time of the first sample of the stream.
    pub(crate) first: Timestamp,
    /// The number of samples from there to the block.
    pub(crate) samples: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coarse_times_give_the_number_of_a_block() {
        let base = TimeBase::new(1, 1000);
        let sample = TimeBase::new(1, 48_000);
        let head = Head { first: Timestamp::new(7, base), base, sample, begins: 100, usual: 1152 };
        for block in [0i64, 1, 1000, 150_000] {
            let place = 100 + block * 1152;
            let pts = 7 + (place * 1000 + 24_000) / 48_000;
            assert_eq!(head.number(pts), Some(place), "{block}");
        }
        // Half a block from the next.
        assert_eq!(head.number(7 + (100 + 576) / 48), None);
        let exact = Head { base: sample, first: Timestamp::new(5, sample), ..head };
        assert_eq!(exact.number(12_345), Some(12_340));
    }
}
