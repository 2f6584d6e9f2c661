//! Samples of a source's audio for programs: from any place on, block after block.
//!
//! Audio is decoded from its start, wherever the first sample that is wanted lies: many decoders carry something over from
//! packet to packet (noise, dither, overlap), and none of it may show.
//!
//! Invariant: a sample has the value and number that it has in a decode from the start.

use trix_av::frame::Frame;
use trix_model::{
    damage::{DamageReport, OnDamage},
    error::Result,
    time::{TimeBase, Timestamp},
};

use super::sound_reader::SoundReader;
use crate::source::Source;

/// Decoded audio, which shares its samples by reference count.
#[derive(Clone)]
pub struct AudioBlock {
    /// The samples, in the form that the decoder gives.
    pub frame: Frame,
    /// Which sample of the stream is the first of them, from zero.
    pub first: u64,
    /// When that is heard, in the source's time.
    pub time: Timestamp,
}

const _: () = {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<AudioBlock>();
};

/// A place in a stream of audio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SamplePlace {
    /// That of the sample with this number, from zero.
    Number(u64),
    /// That of the first sample which is heard then, in the source's time, or later.
    Time(Timestamp),
}

impl From<u64> for SamplePlace {
    fn from(number: u64) -> Self {
        SamplePlace::Number(number)
    }
}

impl From<Timestamp> for SamplePlace {
    fn from(time: Timestamp) -> Self {
        SamplePlace::Time(time)
    }
}

impl SamplePlace {
    /// How many samples of `block` lie in front of this place.
    fn before(self, block: &AudioBlock) -> usize {
        let all = block.frame.samples();
        match self {
            SamplePlace::Number(number) => usize::try_from(number.saturating_sub(block.first)).unwrap_or(all).min(all),
            SamplePlace::Time(time) => {
                let rate = TimeBase::new(1, i64::from(block.frame.sample_rate().max(1)));
                let heard = |sample: usize| block.time.plus(Timestamp::new(sample as i64, rate));
                let (mut low, mut high) = (0, all);
                while low < high {
                    let middle = low.midpoint(high);
                    if heard(middle) < time { low = middle + 1 } else { high = middle }
                }
                low
            }
        }
    }
}

/// Audio of one stream, block after block. The source is opened once more, when the first is asked for.
pub struct Samples<'a> {
    source: &'a Source,
    stream: Option<usize>,
    from: Option<SamplePlace>,
    to: Option<SamplePlace>,
    on_damage: OnDamage,
    reader: Option<SoundReader>,
    /// Samples that were decoded so far.
    decoded: u64,
    ended: bool,
}

impl Source {
    /// All audio of the first track that is taken; [`Samples::stream`] and its kin say otherwise.
    pub fn samples(&self) -> Samples<'_> {
        Samples {
            source: self,
            stream: None,
            from: None,
            to: None,
            on_damage: OnDamage::Fail,
            reader: None,
            decoded: 0,
            ended: false,
        }
    }
}

impl Samples<'_> {
    /// Those of stream `index` of the file.
    pub fn stream(self, index: usize) -> Self {
        Samples { stream: Some(index), ..self }
    }

    /// From this place on: the number of a sample, or a time.
    pub fn from(self, place: impl Into<SamplePlace>) -> Self {
        Samples { from: Some(place.into()), ..self }
    }

    /// Up to this place, which is not given itself.
    pub fn to(self, place: impl Into<SamplePlace>) -> Self {
        Samples { to: Some(place.into()), ..self }
    }

    /// What is done when the source is damaged; without this, the first damage is an error.
    pub fn on_damage(self, on_damage: OnDamage) -> Self {
        Samples { on_damage, ..self }
    }

    /// What was found to be wrong so far, with each file.
    pub fn damage(&self) -> Vec<DamageReport> {
        self.reader.as_ref().map(SoundReader::damage).unwrap_or_default()
    }

    fn read(&mut self) -> Result<Option<AudioBlock>> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => self.reader.insert(SoundReader::new(self.source.reopen()?, self.stream, self.on_damage)?),
        };
        let base = reader.time_base();
        while let Some(frame) = reader.next_block()? {
            let time = Timestamp::new(frame.pts().unwrap_or(0), base);
            let block = AudioBlock { first: self.decoded, time, frame };
            let samples = block.frame.samples();
            self.decoded += samples as u64;
            let end = self.to.map_or(samples, |to| to.before(&block));
            let start = self.from.map_or(0, |from| from.before(&block)).min(end);
            self.ended = end < samples;
            if start < end {
                let rate = TimeBase::new(1, i64::from(block.frame.sample_rate().max(1)));
                return Ok(Some(AudioBlock {
                    first: block.first + start as u64,
                    time: block.time.plus(Timestamp::new(start as i64, rate)),
                    frame: block.frame.part(start, end - start),
                }));
            }
            if self.ended {
                break;
            }
        }
        Ok(None)
    }
}

impl Iterator for Samples<'_> {
    type Item = Result<AudioBlock>;

    /// # Errors
    /// `InvalidSpec` when the stream is no audio, `Unsupported` when there is none or no decoder for it; those of reading
    /// and decoding; damage, unless it is tolerated.
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let found = self.read().transpose();
        self.ended |= !matches!(found, Some(Ok(_)));
        found
    }
}
