//! The audio samples of a source for programs: from any point on, block by block.
//!
//! Audio is always decoded from its start, wherever the first requested sample lies. Many decoders carry state from
//! packet to packet (noise, dither, overlap), and the result must not depend on it.
//!
//! Invariant: a sample has the same value and number as in a decode from the start.

use trix_model::{
    damage::{DamageReport, OnDamage},
    error::Result,
    format::SampleType,
    time::{TimeBase, Timestamp},
};

pub use super::audio_block::{AudioBlock, Sample};
use super::audio_reader::AudioReader;
use crate::{plan::AudioTarget, settings::audio_edit::AudioEdit, source::Source};

/// A position in an audio stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SamplePlace {
    /// The sample with this number, from zero.
    Number(u64),
    /// The first sample presented at this time or later, in the source's time.
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
    /// The number of samples of `block` before this position.
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

/// What audio is converted to; `None` keeps what the source has.
#[derive(Clone, Default)]
pub(crate) struct WantedAudio {
    pub(crate) sample_rate: Option<u32>,
    pub(crate) layout: Option<String>,
    pub(crate) sample: Option<SampleType>,
}

/// Plans the conversion of the audio of a reader to what is wanted.
pub(crate) type PlanAudio = fn(&AudioReader, &WantedAudio) -> Result<AudioTarget>;

/// The audio of one stream, block by block. The source is opened once more when the first block is requested.
pub struct Samples<'a> {
    source: &'a Source,
    stream: Option<usize>,
    from: Option<SamplePlace>,
    to: Option<SamplePlace>,
    on_damage: OnDamage,
    wanted: WantedAudio,
    /// `None` leaves audio as it is.
    conversion: Option<PlanAudio>,
    reader: Option<AudioReader>,
    /// The time base of blocks, and the time from which they count, if that is not zero.
    clock: (TimeBase, Option<Timestamp>),
    /// Number of samples decoded so far.
    decoded: u64,
    ended: bool,
}

impl Source {
    /// All audio of the first selected track. [`Samples::stream`] and the other methods change the selection.
    pub fn samples(&self) -> Samples<'_> {
        Samples {
            source: self,
            stream: None,
            from: None,
            to: None,
            on_damage: OnDamage::Fail,
            wanted: WantedAudio::default(),
            conversion: None,
            reader: None,
            clock: (TimeBase::ZERO, None),
            decoded: 0,
            ended: false,
        }
    }
}

impl Samples<'_> {
    /// Selects stream `index` of the file.
    pub fn stream(self, index: usize) -> Self {
        Samples { stream: Some(index), ..self }
    }

    /// Starts at this position: a sample number or a time.
    pub fn from(self, place: impl Into<SamplePlace>) -> Self {
        Samples { from: Some(place.into()), ..self }
    }

    /// Ends before this position.
    pub fn to(self, place: impl Into<SamplePlace>) -> Self {
        Samples { to: Some(place.into()), ..self }
    }

    /// Sets how damage is handled. By default, the first damage is an error.
    pub fn on_damage(self, on_damage: OnDamage) -> Self {
        Samples { on_damage, ..self }
    }

    /// Changes what audio is converted to. `plan` plans the conversion when the first block is requested.
    pub(crate) fn shaped(mut self, change: impl FnOnce(&mut WantedAudio), plan: PlanAudio) -> Self {
        change(&mut self.wanted);
        self.conversion = Some(plan);
        self
    }

    /// The damage found so far, by file.
    pub fn damage(&self) -> Vec<DamageReport> {
        self.reader.as_ref().map(AudioReader::damage).unwrap_or_default()
    }

    fn read(&mut self) -> Result<Option<AudioBlock>> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => {
                let mut reader = AudioReader::new(self.source.reopen()?, self.stream, self.on_damage)?;
                self.clock = (reader.time_base(), None);
                if let Some(plan) = self.conversion {
                    let target = plan(&reader, &self.wanted).map_err(|error| error.in_file(&self.source.label()))?;
                    // A converter counts samples from the origin.
                    self.clock = (TimeBase::new(1, i64::from(target.sample_rate)), Some(target.origin));
                    reader = reader.converted(target, AudioEdit::default());
                }
                self.reader.insert(reader)
            }
        };
        let (base, origin) = self.clock;
        while let Some(frame) = reader.next_block()? {
            let own = Timestamp::new(frame.pts().unwrap_or(0), base);
            let time = origin.map_or(own, |origin| origin.plus(own));
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
    /// `InvalidSpec` if the stream is not audio, `Unsupported` if there is no audio or no decoder for it; those of
    /// reading and decoding; damage, unless it is tolerated.
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let found = self.read().transpose();
        self.ended |= !matches!(found, Some(Ok(_)));
        found
    }
}
