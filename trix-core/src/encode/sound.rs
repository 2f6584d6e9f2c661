//! Encodes sound through libavcodec.
//!
//! Invariant: times count samples; the samples that a decoder must skip are declared in the stream's parameters.

use trix_av::{
    AvError,
    audio_encoder::{AudioEncoder, AudioEncoderSettings},
    codec::Output,
    frame::Frame,
    packet::Packet,
    stream::CodecParameters,
};
use trix_model::error::{Error, ErrorKind, Result, Stage};

use crate::plan::AudioPlan;

/// An encoder for one track.
pub struct SoundEncoder {
    encoder: AudioEncoder,
    stream: usize,
    has_delay: bool,
}

impl SoundEncoder {
    /// Opens the encoder that `plan` names.
    ///
    /// # Errors
    /// `Unsupported` when this build has no such encoder or it refuses rate, layout or bit rate.
    pub fn open(plan: &AudioPlan) -> Result<Self> {
        let settings = AudioEncoderSettings {
            // libavcodec's own encoder of Opus is experimental.
            encoder: if plan.codec == "opus" { "libopus" } else { &plan.codec },
            sample_format: plan.sample_format.as_deref().unwrap_or("s16"),
            sample_rate: plan.sample_rate,
            layout: &plan.layout,
            bit_rate: plan.bit_rate,
            raw_bits: plan.bits,
        };
        let encoder = AudioEncoder::open(&settings).map_err(|code| {
            let AudioPlan { codec, sample_rate, layout, .. } = plan;
            let detail = format!("{codec} cannot be encoded at {sample_rate} Hz, {layout}: {code}");
            Error::new(ErrorKind::Unsupported, Stage::Encode, detail).in_stream(plan.stream).caused_by(code)
        })?;
        Ok(SoundEncoder { encoder, stream: plan.stream, has_delay: !plan.lossless })
    }

    /// What a muxer must know.
    ///
    /// # Errors
    /// `Codec` when libavcodec is out of memory.
    pub fn parameters(&self) -> Result<CodecParameters> {
        self.encoder.parameters().map_err(|code| self.failed(code))
    }

    /// Samples that each block but the last must have; 0 for any.
    pub fn block(&self) -> usize {
        self.encoder.frame_samples()
    }

    /// Samples that a decoder yields before the first that went in.
    pub fn priming(&self) -> usize {
        if self.has_delay { self.encoder.priming() } else { 0 }
    }

    /// Whether a decoder yields whole blocks, also where the last holds fewer samples that went in.
    pub fn pads(&self) -> bool {
        self.has_delay
    }

    /// Samples that a decoder yields for `packet`.
    pub fn samples_of(&self, packet: &Packet) -> i64 {
        if self.pads() { self.encoder.packet_samples() as i64 } else { packet.duration() }
    }

    /// Samples of silence that have to follow the last, for its packet to come out. Only the encoders of AC-3 and E-AC-3
    /// keep what they hold back.
    pub fn run_out(&self, plan: &AudioPlan) -> usize {
        if matches!(plan.codec.as_str(), "ac3" | "eac3") { self.priming() } else { 0 }
    }

    /// Puts a block in; `None` announces the end. All packets must have been taken out before.
    ///
    /// # Errors
    /// `Codec` when the encoder fails.
    pub fn push(&mut self, frame: Option<&Frame>) -> Result<()> {
        match self.encoder.send(frame) {
            Ok(()) | Err(AvError::EOF) => Ok(()),
            Err(code) => Err(self.failed(code)),
        }
    }

    /// Takes a packet out; `None` when more has to be put in, or after the end.
    ///
    /// # Errors
    /// `Codec` when the encoder fails.
    pub fn receive(&mut self) -> Result<Option<Packet>> {
        match self.encoder.receive() {
            Ok(Output::Item(packet)) => Ok(Some(packet)),
            Ok(Output::Hungry | Output::End) => Ok(None),
            Err(code) => Err(self.failed(code)),
        }
    }

    fn failed(&self, code: AvError) -> Error {
        Error::new(ErrorKind::Codec, Stage::Encode, format!("the sound encoder failed: {code}"))
            .in_stream(self.stream)
            .caused_by(code)
    }
}
