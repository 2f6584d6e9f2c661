//! The stages of a sound track: decode, then convert and encode.
//!
//! Invariant: a stream is decoded once, and a track that several outputs have is encoded once.

use std::{collections::VecDeque, sync::Arc};

use trix_av::{frame::Frame, packet::Packet};
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{TimeBase, Timestamp},
};

use super::listen::Gauge;
use crate::{
    decode::{audio::AudioDecoder, data_bursts::BurstFinder},
    encode::{
        samples::{SampleBooks, SampleRecord},
        sound::SoundEncoder,
    },
    filter::{sound_converter::SoundConverter, sound_ledger::SoundLedger},
    pipeline::{
        failures,
        pass::{
            queued::{ForMuxer, Queued},
            record::{Shared, lock},
        },
        stage::{Fan, Receiver, Sender, Sent},
    },
    plan::MustLast,
    report::TrackLoudness,
    verify::sound::EncodedSound,
};

/// Decodes a stream for all who need its sound.
pub(super) struct SoundDecodeStage {
    pub(super) decoder: AudioDecoder,
    pub(super) shared: Arc<Shared>,
}

impl SoundDecodeStage {
    pub(super) fn run(mut self, input: Receiver<Queued<Packet>>, mut output: Fan<Queued<Frame>>) -> Result<()> {
        let (mut wanted, mut ended) = (true, false);
        while wanted && !ended {
            let packet = input.receive(Stage::Decode)?.map(|queued| queued.item);
            ended = packet.is_none();
            self.decoder.push(packet.as_ref())?;
            while let Some(frame) = self.decoder.receive()? {
                wanted &= output.send(Queued::sound(frame), Stage::Decode)? == Sent::Yes;
            }
        }
        // Of an empty track, a container keeps nothing that could be read back.
        if self.decoder.samples() == 0 {
            let detail = "the track has no decodable sound; choose others, or none";
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Decode, detail).in_stream(self.decoder.stream()));
        }
        self.shared.note_changes(self.decoder.stream(), self.decoder.changes());
        self.shared.note_timing(self.decoder.stream(), self.decoder.timing());
        Ok(())
    }
}

/// Where the packets of an encoded track go.
pub(super) struct SoundPlace {
    /// Number of the output.
    pub(super) output: usize,
    /// Number of the track in it.
    pub(super) track: usize,
    /// Number of the plan of the track.
    pub(super) number: usize,
    /// `None` once the output needs no more.
    pub(super) next: Option<Sender<ForMuxer>>,
}

/// Converts and encodes a sound track on one thread.
pub(super) struct SoundStage {
    pub(super) converter: SoundConverter,
    pub(super) encoder: SoundEncoder,
    pub(super) places: Vec<SoundPlace>,
    pub(super) books: SampleBooks,
    pub(super) gauge: Gauge,
    /// How long the sound must last, where that is asked for.
    pub(super) must_last: Option<MustLast>,
    pub(super) shared: Arc<Shared>,
    /// Where the sound that went into the encoder ends, in samples, with the silence after it.
    pub(super) fed: i64,
    /// Looks for coded audio in the samples.
    pub(super) bursts: Option<BurstFinder>,
    /// Whether every sample goes out as it comes in.
    pub(super) keeps_bits: bool,
    /// Index of the stream, and the unit of its times.
    pub(super) stream: usize,
    pub(super) time_base: TimeBase,
    /// One sample of what is encoded.
    pub(super) clock: TimeBase,
    /// Packets that may reach beyond the end, which is only known when it is there.
    pub(super) held: VecDeque<Packet>,
}

impl SoundStage {
    /// Works to the end.
    pub(super) fn run(mut self, input: Receiver<Queued<Frame>>) -> Result<()> {
        let mut wanted = true;
        while wanted && let Some(Queued { item: frame, .. }) = input.receive(Stage::Filter)? {
            self.look_for_data(&frame)?;
            let time = frame.pts().map(|ticks| Timestamp::new(ticks, self.time_base));
            wanted = self.converter.push(Some(&frame)).map_err(|error| error.at(time))?;
            self.encode()?;
        }
        self.converter.push(None)?;
        self.encode()?;
        let time = Timestamp::new(self.fed, self.clock);
        self.put(None).map_err(|error| failures::at(error, Some(time)))?;
        let end = self.end();
        for mut packet in std::mem::take(&mut self.held) {
            self.trim(&mut packet, end);
            self.send(packet)?;
        }
        if let Some(must_last) = self.must_last {
            must_last.check(self.converter.reach().unwrap_or(0))?;
        }
        let books = self.books.close();
        let encoded = u64::try_from(books.samples).unwrap_or(0);
        let ledger = SoundLedger { encoded, ..self.converter.ledger() };
        let samples = SampleRecord { samples: end, ..books };
        let loudness = self.gauge.finish();
        for place in &self.places {
            let sound = EncodedSound { track: place.track, number: place.number, samples: samples.clone() };
            let mut done = lock(&self.shared.outputs[place.output].done);
            done.sounds.push(sound);
            done.sound_ledgers.push(SoundLedger { track: place.number, ..ledger.clone() });
            done.sound_changes.extend_from_slice(self.converter.changes());
            let loudness = loudness.clone().map(|loudness| TrackLoudness { track: place.number, loudness });
            done.loudness.extend(loudness);
        }
        Ok(())
    }

    /// Coded audio that PCM carries as data would be noise behind an encoder, unless it stays as it is to the bit.
    fn look_for_data(&mut self, frame: &Frame) -> Result<()> {
        let Some(finder) = &mut self.bursts else { return Ok(()) };
        let Some(found) = finder.push(frame, self.time_base) else { return Ok(()) };
        self.bursts = None;
        if !self.keeps_bits {
            let detail = format!("the audio is {found}, which is noise once it is encoded; copy it or leave it out");
            let error = Error::new(ErrorKind::Unsupported, Stage::Filter, detail);
            return Err(error.in_stream(self.stream).at(found.time));
        }
        for place in &self.places {
            let note = format!("stream {}: {found} is kept as it is, to the bit", self.stream);
            lock(&self.shared.outputs[place.output].done).warnings.push(note);
        }
        Ok(())
    }

    fn encode(&mut self) -> Result<()> {
        while let Some(frame) = self.converter.receive()? {
            self.fed = frame.pts().unwrap_or(self.fed).saturating_add(frame.samples() as i64);
            self.books.enter(&frame);
            let time = frame.pts().map(|ticks| Timestamp::new(ticks, self.clock));
            self.gauge.push(&frame).map_err(|error| error.at(time))?;
            self.put(Some(&frame)).map_err(|error| failures::at(error, time))?;
        }
        Ok(())
    }

    /// Puts a block into the encoder, or the end, and takes out what is ready.
    fn put(&mut self, frame: Option<&Frame>) -> Result<()> {
        self.encoder.push(frame)?;
        self.emit()
    }

    /// Where the sound certainly does not end before.
    fn end(&self) -> i64 {
        (self.fed - self.converter.tail() as i64).max(0)
    }

    fn emit(&mut self) -> Result<()> {
        while let Some(packet) = self.encoder.receive()? {
            self.held.push_back(packet);
        }
        let end = self.end();
        let is_within = |packet: &Packet| packet.pts().is_none_or(|pts| pts + self.encoder.samples_of(packet) <= end);
        let count = self.held.iter().take_while(|packet| is_within(packet)).count();
        let within: Vec<Packet> = self.held.drain(..count).collect();
        within.into_iter().try_for_each(|packet| self.send(packet))?;
        Ok(())
    }

    fn send(&mut self, packet: Packet) -> Result<()> {
        for place in &mut self.places {
            let Some(next) = &place.next else { continue };
            let packet = ForMuxer { track: place.track, packet: Ok(packet.clone()) };
            if next.send(packet, Stage::Encode)? == Sent::NotWanted {
                place.next = None;
            }
        }
        Ok(())
    }

    /// Takes from the last packet what lies behind the end: an encoder fills it up with silence.
    fn trim(&self, packet: &mut Packet, end: i64) {
        let Some(pts) = packet.pts() else { return };
        let over = pts + self.encoder.samples_of(packet) - end;
        if over > 0 {
            packet.set_times(Some(pts), packet.dts(), (end - pts).max(0));
            if self.encoder.pads() {
                packet.set_padding(u32::try_from(over).unwrap_or(u32::MAX));
            }
        }
    }
}
