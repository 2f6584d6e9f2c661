//! The place of demuxer and decoders in a job whose frames and audio a program gives.
//!
//! Invariant: what is sent here goes to the same stages, through the same channels, as what a decoder sends.

use std::collections::BTreeMap;

use trix_av::frame::Frame;
use trix_model::error::{Result, Stage};

use super::queued::Queued;
use crate::{
    decode::video::DecodedFrame,
    demux::Walked,
    pipeline::stage::{Fan, Sent},
};

/// The consumers of frames and audio, as a program sees them. They end when this is dropped.
pub(crate) struct Feed {
    /// `None` if no product needs frames.
    pub(super) frames: Option<Fan<DecodedFrame>>,
    /// By index of the stream.
    pub(super) audio_tracks: BTreeMap<usize, Fan<Queued<Frame>>>,
    /// Receives what was given.
    pub(super) record: Box<dyn FnOnce(Walked) + Send>,
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

    /// Ends all streams. `walked` says where each ends.
    pub(crate) fn finish(self, walked: Walked) {
        (self.record)(walked);
    }
}
