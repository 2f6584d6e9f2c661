//! The stages of an audio track: decode, then convert and encode.
//!
//! Invariant: a stream is decoded once. A track that several outputs share is encoded once.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
};

use trix_av::{frame::Frame, packet::Packet};
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{TimeBase, Timestamp},
};

use super::listen::Gauge;
use crate::{
    decode::{
        audio::AudioDecoder,
        audio_start::{Head, Passed},
        data_bursts::BurstFinder,
    },
    encode::{
        audio::AudioTrackEncoder,
        samples::{SampleRecord, SampleRecorder},
    },
    filter::{audio_converter::AudioConverter, audio_ledger::AudioLedger},
    pipeline::{
        channel::{Fan, Receiver, Sender, Sent},
        failures,
        pass::{
            pace::Follower,
            queued::{ForMuxer, Queued},
            record::{Shared, lock},
        },
    },
    plan::{MustLast, Sink},
    report::TrackLoudness,
    verify::audio::EncodedAudio,
};

/// Decodes an audio stream for all consumers.
pub(super) struct AudioDecodeStage {
    pub(super) decoder: AudioDecoder,
    /// The start of the stream, if decoding begins in mid-stream.
    pub(super) head: Arc<OnceLock<Head>>,
    pub(super) shared: Arc<Shared>,
}

impl AudioDecodeStage {
    pub(super) fn run(mut self, input: Receiver<Queued<Packet>>, mut output: Fan<Queued<Frame>>) -> Result<()> {
        let (mut wanted, mut ended) = (true, false);
        let mut head = self.head.get().copied();
        while wanted && !ended {
            let packet = input.receive(Stage::Decode)?.map(|queued| queued.item);
            ended = packet.is_none();
            self.decoder.push(packet.as_ref())?;
            while let Some(frame) = self.decoder.receive()? {
                let passed = head.take().map(|head| self.passed(head, &frame)).transpose()?;
                wanted &= output.send(Queued::audio(frame).after(passed), Stage::Decode)? == Sent::Yes;
            }
        }
        // A container keeps nothing readable of an empty track.
        if self.decoder.samples() == 0 {
            let detail = "the track has no decodable audio; choose others, or none";
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Decode, detail).in_stream(self.decoder.stream()));
        }
        self.shared.note_changes(self.decoder.stream(), self.decoder.changes());
        self.shared.note_timing(self.decoder.stream(), self.decoder.timing());
        Ok(())
    }

    /// What lies before `frame`, the first block.
    fn passed(&self, head: Head, frame: &Frame) -> Result<Passed> {
        let samples = frame.pts().and_then(|pts| head.number(pts));
        let missing =
            || Error::bug(Stage::Decode, "the audio in mid-file has no place").in_stream(self.decoder.stream());
        Ok(Passed { first: head.first(), samples: samples.ok_or_else(missing)? })
    }
}

/// The destination of the packets of an encoded track.
pub(super) struct AudioPlace {
    pub(super) output: Sink,
    /// Number of the track in the output.
    pub(super) track: usize,
    /// Number of the track's plan.
    pub(super) number: usize,
    /// `None` once the output needs no more.
    pub(super) next: Option<Sender<ForMuxer>>,
    /// The frames that the audio waits for, if it comes from a file beside the source.
    pub(super) pace: Option<Follower>,
}

/// Converts and encodes an audio track on one thread.
pub(super) struct AudioStage {
    pub(super) converter: AudioConverter,
    pub(super) encoder: AudioTrackEncoder,
    pub(super) places: Vec<AudioPlace>,
    pub(super) record: SampleRecorder,
    pub(super) gauge: Gauge,
    /// The required length of the audio, if the job sets one.
    pub(super) must_last: Option<MustLast>,
    pub(super) shared: Arc<Shared>,
    /// The end of the audio that the encoder received, in samples, with the silence after it.
    pub(super) fed: i64,
    /// Looks for coded audio in the samples.
    pub(super) bursts: Option<BurstFinder>,
    /// True if every sample is written unchanged.
    pub(super) keeps_bits: bool,
    /// Index of the stream, and the time base of its frames.
    pub(super) stream: usize,
    pub(super) time_base: TimeBase,
    /// The duration of one encoded sample.
    pub(super) clock: TimeBase,
    /// Packets that may extend beyond the end, which is known only after the last block.
    pub(super) held: VecDeque<Packet>,
}

impl AudioStage {
    /// Runs until the end of the input.
    pub(super) fn run(mut self, input: Receiver<Queued<Frame>>) -> Result<()> {
        let mut wanted = true;
        while wanted && let Some(Queued { item: frame, passed, .. }) = input.receive(Stage::Filter)? {
            if let Some(passed) = passed {
                self.converter.pass_over(passed, &frame);
            }
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
        for place in &self.places {
            place.next.iter().try_for_each(|next| next.send(ForMuxer::end(place.track), Stage::Encode).map(drop))?;
        }
        if let Some(must_last) = self.must_last {
            must_last.check(self.converter.reach().unwrap_or(0))?;
        }
        let record = self.record.close();
        let encoded = u64::try_from(record.samples).unwrap_or(0);
        let ledger = AudioLedger { encoded, ..self.converter.ledger() };
        let samples = SampleRecord { samples: end, ..record };
        let loudness = self.gauge.finish();
        for place in &self.places {
            let audio = EncodedAudio { track: place.track, number: place.number, samples: samples.clone() };
            let mut done = lock(&self.shared.outputs[place.output].done);
            done.audio_tracks.push(audio);
            done.audio_ledgers.push(AudioLedger { track: place.number, ..ledger.clone() });
            done.audio_changes.extend_from_slice(self.converter.changes());
            let loudness = loudness.clone().map(|loudness| TrackLoudness { track: place.number, loudness });
            done.loudness.extend(loudness);
        }
        Ok(())
    }

    /// PCM can carry coded audio as data. Encoded, that is noise, so it is refused unless every bit is kept.
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
            self.record.enter(&frame);
            let time = frame.pts().map(|ticks| Timestamp::new(ticks, self.clock));
            self.gauge.push(&frame).map_err(|error| error.at(time))?;
            self.put(Some(&frame)).map_err(|error| failures::at(error, time))?;
        }
        Ok(())
    }

    /// Passes a block, or the end, to the encoder, and sends the packets that are ready.
    fn put(&mut self, frame: Option<&Frame>) -> Result<()> {
        self.encoder.push(frame)?;
        self.emit()
    }

    /// The earliest possible end of the audio.
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
            if let Some((pace, pts)) = place.pace.as_ref().zip(packet.pts()) {
                pace.wait(Timestamp::new(pts, self.clock), || next.must_stop());
            }
            if next.send(ForMuxer::packet(place.track, packet.clone()), Stage::Encode)? == Sent::NotWanted {
                (place.next, place.pace) = (None, None);
            }
        }
        Ok(())
    }

    /// Trims the part of the last packet after the end, which an encoder fills with silence.
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
