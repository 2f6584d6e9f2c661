//! What the steps of an audio conversion share: the format of the track, its edit, and how filter graphs are built.

use trix_av::{AvError, frame::Frame, graph::Graph, layout::ChannelLayout};
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::TimeBase,
};

use super::{
    audio::{any_layout, failed},
    continuity::Shape,
};
use crate::{
    plan::{AudioTarget, Remix},
    settings::audio_edit::AudioEdit,
};

/// One audio track of an output.
pub(super) struct AudioTrack {
    pub(super) target: AudioTarget,
    pub(super) edit: AudioEdit,
    /// The stream of the source.
    pub(super) stream: usize,
    /// Format of the first block.
    pub(super) first_shape: Option<Shape>,
}

impl AudioTrack {
    /// Builds the graph `chain` for blocks like `frame`, with times in samples.
    pub(super) fn graph(&self, frame: &Frame, chain: &str) -> Result<Graph> {
        self.graph_in(frame, TimeBase::new(1, i64::from(frame.sample_rate().max(1))), chain)
    }

    /// Builds the graph `chain` for blocks like `frame`, with times in `time_base`.
    pub(super) fn graph_in(&self, frame: &Frame, time_base: TimeBase, chain: &str) -> Result<Graph> {
        // Most filters require a channel layout, even if they ignore it.
        let by_number = matches!(self.target.remix, Some(Remix::Pick { .. } | Remix::Matrix { .. }));
        let is_any = self.is_nameless() || by_number || frame.channels() <= 2;
        let any = any_layout(frame.channels()).filter(|_| is_any);
        let is_first = self.first_shape.as_ref().is_none_or(|first| first.layout == frame.layout());
        let assumed = self.target.assumed_layout.as_deref().filter(|_| is_first).or(any.as_deref());
        Graph::for_audio(frame, time_base, assumed, chain).map_err(|(code, said)| {
            Error::new(ErrorKind::Unsupported, Stage::Filter, format!("audio cannot be converted: {code} ({said})"))
                .in_stream(self.stream)
                .caused_by(code)
        })
    }

    /// True if the output has a number of channels but no layout.
    pub(super) fn is_nameless(&self) -> bool {
        ChannelLayout::from_name(&self.target.layout).is_none()
    }

    /// The error of a graph.
    pub(super) fn failed(&self, code: AvError) -> Error {
        failed(self.stream, code)
    }
}
