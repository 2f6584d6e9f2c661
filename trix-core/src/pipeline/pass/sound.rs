//! The stage of a sound track.

use std::{collections::VecDeque, sync::Arc};

use super::{EncodedSound, ForMuxer, Queued, Shared, lock};
use crate::{
    decode::{audio::AudioDecoder, timing::TimingReport},
    encode::{
        samples::{SampleBooks, SampleRecord},
        sound::SoundEncoder,
    },
    error::{Error, ErrorKind, Result, Stage},
    filter::sound::SoundConverter,
    media::packet::Packet,
    pipeline::stage::{Receiver, Sender},
};

/// Decodes, converts and encodes a sound track on one thread.
pub(super) struct SoundStage {
    pub(super) decoder: AudioDecoder,
    pub(super) converter: SoundConverter,
    pub(super) encoder: SoundEncoder,
    pub(super) track: usize,
    pub(super) number: usize,
    pub(super) output: Sender<ForMuxer>,
    pub(super) books: SampleBooks,
    pub(super) shared: Arc<Shared>,
    /// Where the sound that went into the encoder ends, in samples, with the silence after it.
    pub(super) fed: i64,
    /// Packets that may reach beyond the end, which is only known when it is there.
    pub(super) held: VecDeque<Packet>,
}

impl SoundStage {
    /// Works to the end. Returns what was remarkable about the times.
    pub(super) fn run(mut self, input: Receiver<Queued>) -> Result<TimingReport> {
        let mut wanted = true;
        while wanted {
            let packet = input.receive(Stage::Decode)?.map(|queued| queued.packet);
            let last = packet.is_none();
            self.decoder.push(packet.as_ref())?;
            while let Some(frame) = self.decoder.receive()? {
                wanted &= self.converter.push(Some(&frame))?;
                self.encode()?;
            }
            wanted &= !last;
        }
        // Of an empty track, a container keeps nothing that could be read back.
        if self.decoder.samples() == 0 {
            let detail = "the track has no decodable sound; choose others, or none";
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Decode, detail).in_stream(self.decoder.stream()));
        }
        self.converter.push(None)?;
        self.encode()?;
        self.encoder.push(None)?;
        self.emit()?;
        let end = self.end();
        for mut packet in std::mem::take(&mut self.held) {
            self.trim(&mut packet, end);
            self.output.send(ForMuxer { track: self.track, packet }, Stage::Encode)?;
        }
        let samples = SampleRecord { samples: end, ..self.books.close() };
        let sound = EncodedSound { track: self.track, number: self.number, samples };
        lock(&self.shared.sounds).push(sound);
        Ok(self.decoder.timing())
    }

    fn encode(&mut self) -> Result<()> {
        while let Some(frame) = self.converter.receive()? {
            self.fed = frame.pts().unwrap_or(self.fed).saturating_add(frame.samples() as i64);
            self.books.enter(&frame);
            self.encoder.push(Some(&frame))?;
            self.emit()?;
        }
        Ok(())
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
        while self.held.front().is_some_and(is_within)
            && let Some(packet) = self.held.pop_front()
        {
            self.output.send(ForMuxer { track: self.track, packet }, Stage::Encode)?;
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
