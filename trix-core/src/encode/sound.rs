//! Encodes sound through libavcodec: AAC, FLAC, PCM.
//!
//! Invariant: times count samples; the samples that a decoder must skip are declared in the stream's parameters.

use crate::{
    error::{Error, ErrorKind, Result, Stage},
    ffi::{
        AvError,
        codec::{AudioEncoder, AudioEncoderSettings, Output},
        stream::CodecParameters,
    },
    media::{frame::Frame, packet::Packet},
    spec::plan::AudioPlan,
};

/// An encoder for one track.
pub struct SoundEncoder {
    encoder: AudioEncoder,
    stream: usize,
}

impl SoundEncoder {
    /// Opens the encoder that `plan` names.
    ///
    /// # Errors
    /// `Unsupported` when this build has no such encoder or it refuses rate, layout or bit rate.
    pub fn open(plan: &AudioPlan, raw_bits: u32) -> Result<Self> {
        let sample_format = plan.sample_format.as_deref().unwrap_or("s16");
        let settings = AudioEncoderSettings {
            encoder: &plan.codec,
            sample_format,
            sample_rate: plan.sample_rate,
            layout: &plan.layout,
            bit_rate: plan.bit_rate.filter(|_| plan.codec == "aac"),
            raw_bits: (sample_format == "s32").then_some(if plan.codec == "flac" {
                raw_bits.min(24)
            } else {
                raw_bits
            }),
        };
        let encoder = AudioEncoder::open(&settings).map_err(|code| {
            let AudioPlan { codec, sample_rate, layout, .. } = plan;
            let detail = format!("{codec} cannot be encoded at {sample_rate} Hz, {layout}: {code}");
            Error::new(ErrorKind::Unsupported, Stage::Encode, detail).in_stream(plan.stream).caused_by(code)
        })?;
        Ok(SoundEncoder { encoder, stream: plan.stream })
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
