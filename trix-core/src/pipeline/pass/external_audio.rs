//! The stage of an external audio track.
//!
//! Invariant: an external track is read once, however many outputs have it.

use std::sync::Arc;

use trix_av::frame::Frame;
use trix_model::error::{Error, ErrorKind, Result, Stage};

use crate::{
    pipeline::{
        channel::{Fan, Sent},
        pass::{queued::Queued, record::Shared},
    },
    reading::audio_reader::AudioReader,
};

/// Reads and decodes a track for all consumers.
pub(super) struct ExternalAudioStage {
    /// Number of the track in the job.
    pub(super) number: usize,
    /// Its index, counted after the streams of the source.
    pub(super) stream: usize,
    pub(super) reader: AudioReader,
    pub(super) shared: Arc<Shared>,
}

impl ExternalAudioStage {
    pub(super) fn run(mut self, mut output: Fan<Queued<Frame>>) -> Result<()> {
        while let Some(frame) = self.reader.next_block()? {
            if output.send(Queued::audio(frame), Stage::Decode)? == Sent::NotWanted {
                break;
            }
        }
        if self.reader.decoded() == 0 {
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Decode, "the track has no decodable audio"));
        }
        self.shared.note_changes(self.stream, self.reader.changes());
        self.shared.note_damage(self.number, self.reader.damage());
        Ok(())
    }
}
