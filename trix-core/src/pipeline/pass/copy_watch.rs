//! Checks copied packets for changes of codec or format in mid-stream, and whether the container can hold them.
//!
//! Invariant: a change is reported with its time, or refused by name. A copy never holds packets that its track does
//! not describe.

use std::sync::Arc;

use trix_av::{
    packet::Packet,
    stream::{StreamFacts, StreamKind},
};
use trix_bitstream::audio_header::{self, AudioHeader};
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::{Rational, Timestamp},
};

use crate::{
    decode::{audio::AudioChange, opening::refuse_change},
    encode::subtitle::Span,
    pipeline::pass::record::{Shared, lock},
    plan::Sink,
    planner::audio_choice::holds_changes,
    settings::container::Container,
};

/// Checks the packets of one copied track.
pub(super) struct CopyWatch {
    stream: usize,
    codec: String,
    extradata: Vec<u8>,
    is_audio: bool,
    container: Container,
    header: Option<AudioHeader>,
    output: Sink,
    span: Span,
    shared: Arc<Shared>,
}

impl CopyWatch {
    /// Checks the part `span` of a stream that is copied into `output`, a file in `container`.
    pub(super) fn new(
        facts: &StreamFacts,
        container: Container,
        output: Sink,
        span: Span,
        shared: Arc<Shared>,
    ) -> Self {
        CopyWatch {
            stream: facts.index,
            codec: facts.codec.clone(),
            extradata: facts.parameters.extradata().to_vec(),
            is_audio: facts.kind == StreamKind::Audio,
            container,
            header: None,
            output,
            span,
            shared,
        }
    }

    /// Checks a packet at time `place`.
    ///
    /// # Errors
    /// `Unsupported` if the container cannot hold the change.
    pub(super) fn classify(&mut self, packet: &Packet, place: Option<Timestamp>) -> Result<()> {
        let is_after = place.zip(self.span.end).is_some_and(|(place, end)| place >= end);
        if is_after {
            return Ok(());
        }
        let kind = if self.is_audio { "audio" } else { "video" };
        let way_out = format!("a copied track has one codec with one configuration; encode the {kind}");
        if let Some(changed) = packet.change() {
            let place = changed.time.or(place);
            let error = refuse_change(kind, &self.codec, &changed.to, Stage::Demux, place);
            return Err(error.in_stream(self.stream).and(&way_out));
        }
        if packet.new_extradata().is_some_and(|data| data != self.extradata) {
            let detail = format!("the configuration of the {kind} ({}) changes in mid-stream; {way_out}", self.codec);
            return Err(Error::new(ErrorKind::Unsupported, Stage::Demux, detail).in_stream(self.stream).at(place));
        }
        if !self.is_audio || !audio_header::describes_itself(&self.codec) {
            return Ok(());
        }
        let Some(header) = audio_header::read(&self.codec, packet.data()) else { return Ok(()) };
        // A change before the copied part does not count.
        let is_before = place.is_some_and(|place| place < self.span.origin);
        let before = self.header.replace(header).filter(|before| *before != header && !is_before);
        let Some(before) = before else { return Ok(()) };
        if before.codec != header.codec {
            let error = refuse_change(kind, before.codec, header.codec, Stage::Demux, place);
            return Err(error.in_stream(self.stream).and(&way_out));
        }
        let (from, to) = (before.to_string(), header.to_string());
        if !holds_changes(self.container, &self.codec) {
            let name = self.container.name();
            let detail =
                format!("the audio changes from {from} to {to} in mid-stream, which {name} cannot express; encode it");
            return Err(Error::new(ErrorKind::Unsupported, Stage::Demux, detail).in_stream(self.stream).at(place));
        }
        let time = place.unwrap_or(Timestamp::new(0, Rational::new(1, 1)));
        let change = AudioChange { stream: self.stream, time, from, to };
        lock(&self.shared.outputs[self.output].done).audio_changes.push(change);
        Ok(())
    }
}
