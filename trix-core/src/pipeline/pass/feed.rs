//! The input of a job whose frames and audio come from a program. It replaces demuxer and decoders.
//!
//! Invariant: frames and audio go to the same stages, through the same channels, as those from a decoder.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

use crossbeam_channel as crossbeam;
use trix_av::frame::Frame;
use trix_model::{
    error::{Result, Stage},
    time::Timestamp,
};

use super::queued::Queued;
use crate::{
    decode::video::DecodedFrame,
    demux::Walked,
    pipeline::channel::{Fan, Sent},
    plan::Plan,
};

/// A program that supplies frames and audio.
#[derive(Clone, Copy)]
pub(crate) struct Program<'a> {
    /// Receives the [`Feed`] once all stages run.
    pub(crate) to_program: &'a crossbeam::Sender<Feed>,
    /// Maximum lead of one stream over another.
    pub(crate) lead: Timestamp,
}

/// The consumers of frames and audio, as a program sees them. They end when this is dropped.
pub(crate) struct Feed {
    /// The plan that runs.
    pub(crate) plan: Arc<Plan>,
    /// `None` if no product needs frames.
    pub(super) frames: Option<Fan<DecodedFrame>>,
    /// The audio tracks, by index of the stream.
    pub(super) audio_tracks: BTreeMap<usize, Fan<Queued<Frame>>>,
    /// Receives the record of the supplied streams at the end.
    pub(super) record: Box<dyn FnOnce(Walked) + Send>,
    /// The job waits until this is dropped, even after all streams have ended.
    pub(super) _open: crossbeam::Sender<Infallible>,
}

impl Feed {
    /// True if a product needs frames.
    pub(crate) fn takes_frames(&self) -> bool {
        self.frames.is_some()
    }

    /// True if a product needs the audio of `stream`.
    pub(crate) fn takes_audio(&self, stream: usize) -> bool {
        self.audio_tracks.contains_key(&stream)
    }

    /// Ends the frames.
    pub(crate) fn end_frames(&mut self) {
        self.frames = None;
    }

    /// Ends the audio of `stream`.
    pub(crate) fn end_audio(&mut self, stream: usize) {
        self.audio_tracks.remove(&stream);
    }

    /// Sends a frame to all consumers, and waits for room.
    ///
    /// # Errors
    /// `Cancelled` if the job stops.
    pub(crate) fn frame(&mut self, frame: DecodedFrame) -> Result<Sent> {
        self.frames.as_mut().map_or(Ok(Sent::NotWanted), |output| output.send(frame, Stage::Encode))
    }

    /// Sends audio of `stream` to all consumers, and waits for room.
    ///
    /// # Errors
    /// `Cancelled` if the job stops.
    pub(crate) fn audio(&mut self, stream: usize, block: Frame) -> Result<Sent> {
        let output = self.audio_tracks.get_mut(&stream);
        output.map_or(Ok(Sent::NotWanted), |output| output.send(Queued::audio(block), Stage::Encode))
    }

    /// Ends all streams. `walked` states where each stream ends.
    pub(crate) fn finish(self, walked: Walked) {
        (self.record)(walked);
    }
}

/// For each file or package with several streams of a program: those streams.
pub(crate) fn together(plan: &Plan) -> Vec<Vec<usize>> {
    let of = |sink| {
        let content = plan.sink(sink);
        let audio: Vec<usize> = content.audio.iter().filter_map(|audio| audio.stream.source()).collect();
        content.video.map(|video| video.stream).into_iter().chain(audio)
    };
    let streams = plan.products().into_iter().map(|product| {
        let sinks = plan.sinks().into_iter().filter(|sink| sink.product() == product);
        let mut streams: Vec<usize> = sinks.flat_map(of).collect();
        streams.sort_unstable();
        streams.dedup();
        streams
    });
    streams.filter(|streams| streams.len() > 1).collect()
}
