//! Encodes audio through libavcodec.
//!
//! Invariant: times count samples. The samples that a decoder must skip are declared in the stream's parameters.

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
pub struct AudioTrackEncoder {
    encoder: AudioEncoder,
    stream: usize,
    has_delay: bool,
}

impl AudioTrackEncoder {
    /// Opens the encoder of `plan`.
    ///
    /// # Errors
    /// `Unsupported` if this build has no such encoder, or if the encoder rejects the sample rate, layout or bit rate.
    pub fn open(plan: &AudioPlan) -> Result<Self> {
        let settings = AudioEncoderSettings {
            // libavcodec's own Opus encoder is experimental.
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
            Error::new(ErrorKind::Unsupported, Stage::Encode, detail).in_stream(plan.stream.index()).caused_by(code)
        })?;
        Ok(AudioTrackEncoder { encoder, stream: plan.stream.index(), has_delay: !plan.lossless })
    }

    /// The stream parameters for the muxer.
    ///
    /// # Errors
    /// `Codec` if libavcodec is out of memory.
    pub fn parameters(&self) -> Result<CodecParameters> {
        self.encoder.parameters().map_err(|code| self.failed(code))
    }

    /// Required number of samples in each block except the last; 0 for any number.
    pub fn block(&self) -> usize {
        self.encoder.frame_samples()
    }

    /// Number of priming samples: samples that a decoder yields before the first input sample.
    pub fn priming(&self) -> usize {
        if self.has_delay { self.encoder.priming() } else { 0 }
    }

    /// True if a decoder yields complete blocks, even if the last block holds fewer input samples.
    pub fn pads(&self) -> bool {
        self.has_delay
    }

    /// Number of samples that a decoder yields for `packet`.
    pub fn samples_of(&self, packet: &Packet) -> i64 {
        if self.pads() { self.encoder.packet_samples() as i64 } else { packet.duration() }
    }

    /// Number of silent samples required after the last sample to flush its packet. Only the encoders of AC-3 and
    /// E-AC-3 do not flush their delay themselves.
    pub fn run_out(&self, plan: &AudioPlan) -> usize {
        if matches!(plan.codec.as_str(), "ac3" | "eac3") { self.priming() } else { 0 }
    }

    /// Sends a block to the encoder; `None` marks the end. All packets must have been received before.
    ///
    /// # Errors
    /// `Codec` if the encoder fails.
    pub fn push(&mut self, frame: Option<&Frame>) -> Result<()> {
        match self.encoder.send(frame) {
            Ok(()) | Err(AvError::EOF) => Ok(()),
            Err(code) => Err(self.failed(code)),
        }
    }

    /// Receives a packet. Returns `None` if more blocks are needed, or after the end.
    ///
    /// # Errors
    /// `Codec` if the encoder fails.
    pub fn receive(&mut self) -> Result<Option<Packet>> {
        match self.encoder.receive() {
            Ok(Output::Item(packet)) => Ok(Some(packet)),
            Ok(Output::Hungry | Output::End) => Ok(None),
            Err(code) => Err(self.failed(code)),
        }
    }

    fn failed(&self, code: AvError) -> Error {
        Error::new(ErrorKind::Codec, Stage::Encode, format!("the audio encoder failed: {code}"))
            .in_stream(self.stream)
            .caused_by(code)
    }
}
