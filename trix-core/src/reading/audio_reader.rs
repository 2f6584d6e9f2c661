//! Reads a single audio track, either a stream of a file or several streams combined: demuxing, decoding and converting
//! on one thread.
//!
//! Invariant: the samples are identical to those that an encode of the same stream, target and edit receives.

use std::sync::Arc;

use trix_av::{frame::Frame, stream::StreamFacts};
use trix_model::{
    damage::{DamageLog, DamageReport, OnDamage},
    error::{Error, ErrorKind, Result, Stage},
    time::{TimeBase, Timestamp},
};

use crate::{
    decode::{
        audio::{AudioChange, AudioDecoder},
        timing::Drift,
    },
    demux::Demuxer,
    filter::{audio::target_like, audio_converter::AudioConverter},
    plan::{AudioTarget, Remix},
    reading::stem_report::StemReport,
    settings::audio_edit::AudioEdit,
    source::Source,
};

/// The audio of one stream of a source, or of several streams combined, block by block.
pub struct AudioReader {
    feed: Feed,
    converter: Option<AudioConverter>,
    stream: usize,
    time_base: TimeBase,
    sample_rate: u32,
    channels: usize,
    layout: String,
    /// The assumed layout of channels without a layout.
    assumed: Option<String>,
    start: Timestamp,
    /// What the container and its codec say of the stream; `None` if several inputs are combined.
    facts: Option<StreamFacts>,
    /// True if the converter receives no more blocks.
    closed: bool,
}

/// The origin of decoded blocks.
enum Feed {
    Stream(Box<Decoding>),
    Stems(Box<dyn Blocks>),
}

/// Audio that several inputs make, block by block.
pub(super) trait Blocks: Send {
    /// The next block, with its time in samples, or `None` after the end of the longest input.
    ///
    /// # Errors
    /// Those of the inputs.
    fn next_block(&mut self) -> Result<Option<Frame>>;

    /// The report on the inputs so far.
    fn report(&self) -> StemReport;

    /// The damage found in each input so far.
    fn damage(&self) -> Vec<DamageReport>;
}

/// A stream with its demuxer and decoder.
struct Decoding {
    demuxer: Demuxer,
    decoder: AudioDecoder,
    damage: Arc<DamageLog>,
    /// True if the last packet was sent to the decoder.
    drained: bool,
}

impl AudioReader {
    /// Reads stream `stream` of `source`, by its index in the file. `None` means the first selected audio track.
    ///
    /// # Errors
    /// `InvalidSpec` if that stream is not audio, `Unsupported` if there is no audio or no decoder for it.
    pub fn new(source: Source, stream: Option<usize>, on_damage: OnDamage) -> Result<Self> {
        let label = source.label();
        let audio_tracks: Vec<String> = source.audio().map(|facts| facts.index.to_string()).collect();
        let first = source.decodable_audio().next().map(|(_, facts)| facts.index);
        let is_meant = |index: usize| stream.or(first).is_none_or(|meant| meant == index);
        let Some(facts) = source.audio().find(|facts| is_meant(facts.index)).cloned() else {
            return Err(match (stream, audio_tracks.is_empty()) {
                (Some(index), false) => Error::new(
                    ErrorKind::InvalidSpec,
                    Stage::Decode,
                    format!("stream {index} is no audio stream; these are: {}", audio_tracks.join(", ")),
                ),
                _ => Error::new(ErrorKind::Unsupported, Stage::Decode, "the source has no audio"),
            }
            .in_file(&label));
        };
        let damage = Arc::new(DamageLog::new(on_damage));
        let decoder = AudioDecoder::new(label, &facts, Arc::clone(&damage))?;
        let like = target_like(&facts);
        let start = Timestamp::new(source.start().unwrap_or(0), TimeBase::new(1, 1_000_000));
        let demuxer = Demuxer::new(source, Arc::clone(&damage));
        Ok(AudioReader {
            feed: Feed::Stream(Box::new(Decoding { demuxer, decoder, damage, drained: false })),
            converter: None,
            stream: facts.index,
            time_base: facts.time_base,
            sample_rate: facts.sample_rate,
            channels: facts.channels as usize,
            layout: like.layout,
            assumed: like.assumed_layout,
            start,
            facts: Some(facts),
            closed: false,
        })
    }

    /// Reads `blocks`, which start at time zero.
    pub(super) fn of_blocks(
        blocks: Box<dyn Blocks>,
        time_base: TimeBase,
        sample_rate: u32,
        channels: usize,
        layout: String,
    ) -> Self {
        AudioReader {
            converter: None,
            stream: 0,
            time_base,
            sample_rate,
            channels,
            layout,
            assumed: None,
            start: Timestamp::new(0, time_base),
            facts: None,
            closed: false,
            feed: Feed::Stems(blocks),
        }
    }

    /// Converts the audio to `target`, with the changes of `edit`.
    pub fn converted(mut self, target: AudioTarget, edit: AudioEdit) -> Self {
        self.converter = Some(AudioConverter::new(target, self.stream, self.time_base).edited(edit));
        self
    }

    /// What the container and its codec say of the stream; `None` if several inputs are combined.
    pub(crate) fn facts(&self) -> Option<&StreamFacts> {
        self.facts.as_ref()
    }

    /// A target that keeps the sample rate and channels, and starts at the start of the file. Its format is 64-bit
    /// floating point, which is lossless.
    pub fn as_it_is(&self) -> AudioTarget {
        AudioTarget {
            sample_format: "dblp".to_owned(),
            bits: None,
            dithered: false,
            sample_rate: self.sample_rate,
            resampler: None,
            layout: self.layout.clone(),
            assumed_layout: self.assumed.clone(),
            remix: None,
            block: 0,
            origin: self.start,
            end: None,
            lead: 0,
            tail: 0,
        }
    }

    /// A target that keeps only one channel, by its number from zero.
    pub(crate) fn one_channel(&self, channel: usize) -> AudioTarget {
        let row = (0..self.channels).map(|other| f64::from(u8::from(other == channel))).collect();
        // Mono needs no selection.
        let remix = (self.channels > 1).then(|| Remix::Matrix { rows: vec![row] });
        AudioTarget { layout: "mono".to_owned(), remix, ..self.as_it_is() }
    }

    /// The next block, or `None` after the last.
    ///
    /// # Errors
    /// Those of the stages: damage, limits, reading, conversion.
    pub fn next_block(&mut self) -> Result<Option<Frame>> {
        loop {
            if let Some(converter) = &mut self.converter
                && let Some(frame) = converter.receive()?
            {
                return Ok(Some(frame));
            }
            if self.closed {
                return Ok(None);
            }
            let decoded = match &mut self.feed {
                Feed::Stream(decoding) => decoding.next_block(self.stream)?,
                Feed::Stems(stems) => stems.next_block()?,
            };
            self.closed = decoded.is_none();
            match &mut self.converter {
                None => return Ok(decoded),
                // Audio after the end of a cut is not decoded.
                Some(converter) => self.closed |= !converter.push(decoded.as_ref())?,
            }
        }
    }

    /// Index of the stream in its file; 0 for stems.
    pub fn stream(&self) -> usize {
        self.stream
    }

    /// Sample rate before conversion, according to the file.
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// Number of channels before conversion, according to the file.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The duration of a tick of the block times, in seconds.
    pub fn time_base(&self) -> TimeBase {
        self.time_base
    }

    /// FFmpeg's name of the layout before conversion. If the file states none: mono or stereo for one or two channels,
    /// otherwise a number of channels.
    pub fn layout(&self) -> &str {
        &self.layout
    }

    /// The start of the file: the time of its first content.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// Samples per channel decoded so far.
    pub fn decoded(&self) -> u64 {
        match &self.feed {
            Feed::Stream(decoding) => decoding.decoder.samples(),
            Feed::Stems(stems) => stems.report().samples,
        }
    }

    /// The end of the audio read so far, as a position in the output in samples, before silence is added or the end is
    /// cut.
    pub fn reach(&self) -> Option<i64> {
        self.converter.as_ref().and_then(AudioConverter::reach)
    }

    /// The drift between times and samples so far.
    pub(crate) fn drift(&self) -> Option<Drift> {
        match &self.feed {
            Feed::Stream(decoding) => decoding.decoder.timing().drift,
            Feed::Stems(_) => None,
        }
    }

    /// The codec changes so far.
    pub(crate) fn changes(&self) -> &[AudioChange] {
        match &self.feed {
            Feed::Stream(decoding) => decoding.decoder.changes(),
            Feed::Stems(_) => &[],
        }
    }

    /// The report on the stems so far, if this reads stems.
    pub fn stems(&self) -> Option<StemReport> {
        match &self.feed {
            Feed::Stream(_) => None,
            Feed::Stems(stems) => Some(stems.report()),
        }
    }

    /// The damage found so far, by file.
    pub fn damage(&self) -> Vec<DamageReport> {
        match &self.feed {
            Feed::Stream(decoding) => vec![decoding.damage.report()],
            Feed::Stems(stems) => stems.damage(),
        }
    }
}

impl Decoding {
    fn next_block(&mut self, stream: usize) -> Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.decoder.receive()? {
                return Ok(Some(frame));
            }
            if self.drained {
                return Ok(None);
            }
            let packet = loop {
                match self.demuxer.next_packet()? {
                    Some(packet) if packet.stream() != stream => {}
                    other => break other,
                }
            };
            self.drained = packet.is_none();
            self.decoder.push(packet.as_ref())?;
        }
    }
}
