//! Decodes audio.
//!
//! Invariant: as for video, each complaint of the decoder is damage, with its time.

use std::{collections::VecDeque, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};
use trix_av::{
    AvError,
    codec::{Decoder, Output},
    frame::Frame,
    packet::{CodecChange, Packet},
    stream::{CodecParameters, StreamFacts},
};
use trix_model::{
    damage::{DamageKind, DamageLog},
    error::{Result, Stage},
    time::{TimeBase, Timestamp},
};

use super::{
    complaints, opening,
    timing::{AudioTimes, TimingReport},
};

/// Decodes one audio stream.
pub(crate) struct AudioDecoder {
    decoder: Decoder,
    label: PathBuf,
    stream: usize,
    time_base: TimeBase,
    damage: Arc<DamageLog>,
    last_packet: Option<Timestamp>,
    times: AudioTimes,
    samples: u64,
    ended: bool,
    /// The parameters with which the decoder was opened.
    parameters: CodecParameters,
    /// Blocks left from a previous decoder.
    rest: VecDeque<Frame>,
    changes: Vec<AudioChange>,
}

impl AudioDecoder {
    /// Opens a decoder for the stream that `facts` describe.
    ///
    /// # Errors
    /// `Unsupported` if there is no decoder, `MalformedInput` if it rejects the stream's parameters.
    pub(crate) fn new(label: PathBuf, facts: &StreamFacts, damage: Arc<DamageLog>) -> Result<Self> {
        Ok(AudioDecoder {
            decoder: opening::open(&label, facts, 1, u64::from(i32::MAX as u32))?,
            label,
            stream: facts.index,
            time_base: facts.time_base,
            damage,
            last_packet: None,
            times: AudioTimes::new(facts.time_base),
            samples: 0,
            ended: false,
            parameters: facts.parameters.clone(),
            rest: VecDeque::new(),
            changes: Vec::new(),
        })
    }

    /// Sends a packet to the decoder; `None` marks the end. All audio must have been received before.
    ///
    /// # Errors
    /// `MalformedInput` for damage, if damage is not tolerated.
    pub fn push(&mut self, packet: Option<&Packet>) -> Result<()> {
        if let Some(ticks) = packet.and_then(|packet| packet.pts().or(packet.dts())) {
            self.last_packet = Some(Timestamp::new(ticks, self.time_base));
        }
        if let Some(packet) = packet {
            self.follow(packet)?;
        }
        match self.decoder.send(packet) {
            Ok(()) | Err(AvError::EOF) => Ok(()),
            Err(code) => self.undecodable(code),
        }
    }

    /// Receives a block of audio. Returns `None` if more packets are needed, or after the end.
    ///
    /// # Errors
    /// Those of [`Self::push`].
    pub fn receive(&mut self) -> Result<Option<Frame>> {
        match self.rest.pop_front() {
            Some(frame) => Ok(Some(frame)),
            None => self.receive_more(),
        }
    }

    /// The changes of the codec or its configuration so far.
    pub(crate) fn changes(&self) -> &[AudioChange] {
        &self.changes
    }

    /// Switches to a new decoder if the codec or its configuration changes.
    fn follow(&mut self, packet: &Packet) -> Result<()> {
        let parameters = match (packet.change(), packet.new_extradata()) {
            (Some(CodecChange { parameters: Some(parameters), .. }), _) => parameters.clone(),
            (Some(CodecChange { to, time, parameters: None }), _) => {
                let from = self.parameters.codec_name();
                let error = opening::refuse_change("audio", &from, to, Stage::Decode, time.or(self.last_packet));
                return Err(error.in_file(&self.label).in_stream(self.stream));
            }
            (None, Some(data)) if data != self.parameters.extradata() => self.parameters.clone().with_extradata(data),
            _ => return Ok(()),
        };
        let _ = self.decoder.send(None);
        while let Some(frame) = self.receive_more()? {
            self.rest.push_back(frame);
        }
        self.ended = false;
        let (from, to) = (self.parameters.codec_name(), parameters.codec_name());
        let decoder = opening::open_parameters(&parameters, self.time_base, 1, u64::from(i32::MAX as u32), false);
        self.decoder = decoder.map_err(|error| {
            let error = error.in_file(&self.label).in_stream(self.stream).at(self.last_packet);
            error.and(&format!("the audio changes from {from} to {to} in mid-stream"))
        })?;
        if from != to {
            let time = self.last_packet.unwrap_or(Timestamp::new(0, self.time_base));
            let said = |codec: String| format!("audio of codec {codec}");
            self.changes.push(AudioChange { stream: self.stream, time, from: said(from), to: said(to) });
        }
        self.parameters = parameters;
        Ok(())
    }

    fn receive_more(&mut self) -> Result<Option<Frame>> {
        while !self.ended {
            match self.decoder.receive() {
                Ok(Output::Item(frame)) => {
                    self.check_complaints()?;
                    let mut frame = frame.with_channels_in_order();
                    self.samples += frame.samples() as u64;
                    // A block without a time follows the one before it.
                    if let Some(pts) = self.times.push(frame.pts(), frame.samples(), frame.sample_rate()) {
                        frame.set_pts(pts);
                    }
                    return Ok(Some(frame));
                }
                Ok(Output::Hungry) => {
                    self.check_complaints()?;
                    return Ok(None);
                }
                Ok(Output::End) => {
                    self.ended = true;
                    self.check_complaints()?;
                }
                Err(code) => self.undecodable(code)?,
            }
        }
        Ok(None)
    }

    /// Index of the stream in its source.
    pub fn stream(&self) -> usize {
        self.stream
    }

    /// Gaps and overlaps in the times so far.
    pub fn timing(&self) -> TimingReport {
        self.times.report()
    }

    /// Samples per channel so far.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    fn check_complaints(&self) -> Result<()> {
        match complaints::reported(&self.decoder, |_| false) {
            Some((kind, detail)) => self.add(kind, detail),
            None => Ok(()),
        }
    }

    fn undecodable(&self, code: AvError) -> Result<()> {
        let (kind, detail) = complaints::undecodable(&self.decoder, code)
            .map_err(|error| error.in_file(&self.label).in_stream(self.stream).at(self.last_packet))?;
        self.add(kind, detail)
    }

    fn add(&self, kind: DamageKind, detail: String) -> Result<()> {
        self.damage
            .add(kind, Stage::Decode, Some(self.stream), self.last_packet, detail)
            .map_err(|error| error.in_file(&self.label))
    }
}

/// A place at which the audio changes its form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AudioChange {
    /// Index of the stream in the source.
    pub stream: usize,
    /// When, in the source's time.
    pub time: Timestamp,
    /// What it was: codec, rate, channels, samples.
    pub from: String,
    /// What it is from here on.
    pub to: String,
}

#[cfg(test)]
mod tests;
