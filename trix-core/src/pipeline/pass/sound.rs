//! The stage of a sound track.

use super::ForMuxer;
use crate::{
    decode::{audio::AudioDecoder, timing::TimingReport},
    encode::sound::SoundEncoder,
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
    pub(super) output: Sender<ForMuxer>,
    /// Where the sound that went into the encoder ends, in samples.
    pub(super) end: i64,
}

impl SoundStage {
    /// Works to the end. Returns what was remarkable about the times.
    pub(super) fn run(mut self, input: Receiver<Packet>) -> Result<TimingReport> {
        let mut wanted = true;
        while wanted {
            let packet = input.receive(Stage::Decode)?;
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
        Ok(self.decoder.timing())
    }

    fn encode(&mut self) -> Result<()> {
        while let Some(frame) = self.converter.receive()? {
            self.end = frame.pts().unwrap_or(self.end).saturating_add(frame.samples() as i64);
            self.encoder.push(Some(&frame))?;
            self.emit()?;
        }
        Ok(())
    }

    fn emit(&mut self) -> Result<()> {
        while let Some(mut packet) = self.encoder.receive()? {
            // Some encoders give a short last block the length of a full one.
            if let Some(pts) = packet.pts().filter(|pts| *pts < self.end) {
                let duration = packet.duration().min(self.end.saturating_sub(pts));
                packet.set_times(Some(pts), packet.dts(), duration);
            }
            self.output.send(ForMuxer { track: self.track, packet }, Stage::Encode)?;
        }
        Ok(())
    }
}
