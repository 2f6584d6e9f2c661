//! Combines the channels of several files into one stream: mono stems, stereo pairs, single channels of files.
//!
//! Invariant: sample `n` of each output channel is sample `n` of its input, counted from the start of the input's file.
//! An input that ends early is padded with silence, which is reported.

use trix_av::{frame::Frame, layout::ChannelLayout};
use trix_model::{
    damage::{DamageReport, OnDamage},
    error::{Error, ErrorKind, Result, Stage},
    time::TimeBase,
};

pub use super::stem_report::{StemFacts, StemReport};
use crate::{
    filter::resampler,
    reading::audio_reader::{AudioReader, Blocks},
    settings::audio_edit::{AudioEdit, StemTarget},
    source::Source,
};

/// The source of channels.
pub struct StemInput {
    /// The file.
    pub source: Source,
    /// Index of the stream in the file; `None`: the first audio stream.
    pub stream: Option<usize>,
    /// Number of the channel in the stream, from zero; `None`: all channels, in their order.
    pub channel: Option<usize>,
}

/// Samples per output block: less than a tenth of a second at 44.1 kHz and above.
const BLOCK: usize = 4096;

/// One input, with the samples that were read ahead.
struct Stem {
    reader: AudioReader,
    /// Samples that are not in a block yet, by channel.
    ahead: Vec<Vec<f64>>,
    ended: bool,
    facts: StemFacts,
}

/// Several inputs as one stream of 64-bit floating point samples.
pub struct Stems {
    stems: Vec<Stem>,
    order: Vec<usize>,
    layout: String,
    sample_rate: u32,
    samples: u64,
}

impl Stems {
    /// Opens the decoders of all `inputs`.
    ///
    /// # Errors
    /// `InvalidSpec` if channels and layout do not match or a channel does not exist; those of [`AudioReader::new`].
    pub fn open(inputs: Vec<StemInput>, target: &StemTarget, on_damage: OnDamage) -> Result<Self> {
        let wrong = |detail: String| Error::new(ErrorKind::InvalidSpec, Stage::Filter, detail);
        let layout = ChannelLayout::from_name(&target.layout)
            .ok_or_else(|| wrong(format!("'{}' is no channel layout", target.layout)))?;
        let mut opened = Vec::new();
        for StemInput { source, stream, channel } in inputs {
            let label = source.label();
            let reader = AudioReader::new(source, stream, on_damage)?;
            let channels = reader.channels();
            if channel.is_some_and(|channel| channel >= channels) || channels == 0 || reader.sample_rate() == 0 {
                let asked = channel.map_or_else(String::new, |channel| format!("; channel {channel} was asked for"));
                let detail = format!("the stream has {channels} channels, counted from 0{asked}");
                return Err(wrong(detail).in_file(&label).in_stream(reader.stream()));
            }
            opened.push((reader, channel, label.display().to_string()));
        }
        let highest = opened.iter().map(|(reader, ..)| reader.sample_rate()).max();
        let Some(sample_rate) = target.sample_rate.or(highest) else { return Err(wrong("no stems".into())) };
        let mut stems = Vec::new();
        for (reader, channel, file) in opened {
            let own = reader.sample_rate();
            let form = channel.map_or_else(|| reader.as_it_is(), |channel| reader.one_channel(channel));
            let ahead = vec![Vec::new(); channel.map_or(reader.channels(), |_| 1)];
            let reader = reader.converted(form.at_rate(sample_rate, resampler::best), AudioEdit::default());
            let resampled_from = (own != sample_rate).then_some(own);
            stems.push(Stem { reader, ahead, ended: false, facts: StemFacts { file, resampled_from, padded: 0 } });
        }
        let count: usize = stems.iter().map(|stem| stem.ahead.len()).sum();
        let order = if target.order.is_empty() { (0..count).collect() } else { target.order.clone() };
        if order.len() != layout.channels as usize {
            let (name, wanted) = (&layout.name, layout.channels);
            return Err(wrong(format!("{name} has {wanted} channels; the inputs make {}", order.len())));
        }
        if let Some(number) = order.iter().find(|number| **number >= count) {
            return Err(wrong(format!("there are {count} input channels, counted from 0; {number} was asked for")));
        }
        Ok(Stems { stems, order, layout: layout.name, sample_rate, samples: 0 })
    }

    /// Sample rate in Hz.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// FFmpeg's name of the layout.
    pub fn layout(&self) -> &str {
        &self.layout
    }

    /// Number of channels in the layout.
    pub fn channels(&self) -> usize {
        self.order.len()
    }

    /// The duration of a tick of the block times, in seconds: one sample.
    pub fn time_base(&self) -> TimeBase {
        TimeBase::new(1, i64::from(self.sample_rate))
    }
}

impl AudioReader {
    /// Reads the combined audio of `stems`.
    pub fn of_stems(stems: Stems) -> Self {
        let (time_base, sample_rate, channels) = (stems.time_base(), stems.sample_rate(), stems.channels());
        let layout = stems.layout().to_owned();
        Self::of_blocks(Box::new(stems), time_base, sample_rate, channels, layout)
    }
}

impl Blocks for Stems {
    /// The next block, with its time in samples, or `None` after the end of the longest input.
    ///
    /// # Errors
    /// Those of [`AudioReader::next_block`]; `MalformedInput` if an input has no decodable audio.
    fn next_block(&mut self) -> Result<Option<Frame>> {
        for stem in &mut self.stems {
            stem.read(BLOCK)?;
        }
        let samples = self.stems.iter().map(Stem::available).max().unwrap_or(0).min(BLOCK);
        if samples == 0 {
            return Ok(None);
        }
        let channels: Vec<Vec<f64>> = self.stems.iter_mut().flat_map(|stem| stem.take(samples)).collect();
        let planes: Vec<Vec<f64>> = self.order.iter().map(|number| channels[*number].clone()).collect();
        let pts = i64::try_from(self.samples).unwrap_or(i64::MAX);
        self.samples += samples as u64;
        let frame = Frame::of_audio(&planes, &self.layout, self.sample_rate, pts);
        frame.map(Some).ok_or_else(|| Error::bug(Stage::Filter, "stems do not make a block of audio"))
    }

    /// The report on the inputs so far.
    fn report(&self) -> StemReport {
        StemReport {
            sample_rate: self.sample_rate,
            samples: self.samples,
            stems: self.stems.iter().map(|stem| stem.facts.clone()).collect(),
        }
    }

    /// The damage found in each input so far.
    fn damage(&self) -> Vec<DamageReport> {
        self.stems.iter().flat_map(|stem| stem.reader.damage()).collect()
    }
}

impl Stem {
    /// Number of samples available in every channel.
    fn available(&self) -> usize {
        self.ahead.first().map_or(0, Vec::len)
    }

    /// Reads until `samples` are available, or the input ends.
    fn read(&mut self, samples: usize) -> Result<()> {
        while !self.ended && self.available() < samples {
            match self.reader.next_block()? {
                Some(frame) => {
                    self.ahead.iter_mut().enumerate().for_each(|(channel, to)| frame.read_channel(channel, to));
                }
                None if self.reader.decoded() == 0 => {
                    let detail = format!("{} has no decodable audio", self.facts.file);
                    return Err(
                        Error::new(ErrorKind::MalformedInput, Stage::Decode, detail).in_stream(self.reader.stream())
                    );
                }
                None => self.ended = true,
            }
        }
        Ok(())
    }

    /// Takes `samples` of each channel. Missing samples become silence.
    fn take(&mut self, samples: usize) -> Vec<Vec<f64>> {
        let there = self.available().min(samples);
        self.facts.padded += (samples - there) as u64;
        let take = |ahead: &mut Vec<f64>| {
            let mut taken: Vec<f64> = ahead.drain(..there).collect();
            taken.resize(samples, 0.0);
            taken
        };
        self.ahead.iter_mut().map(take).collect()
    }
}
