//! The encodes that are open, and stages that take decoded audio to measure or draw.

use trix_av::frame::Frame;
use trix_model::control::cancel::Token;

use crate::{
    encode::{
        audio::AudioTrackEncoder,
        video::{Headers, VideoEncoder},
    },
    pipeline::{
        channel::Sender,
        pass::{audio::AudioPlace, queued::Queued, video::VideoPlace},
    },
    plan::{AudioTarget, EncodeId, StreamId},
};

/// An open encoder of video, and the outputs that take its packets.
pub(super) struct Video {
    pub(super) id: EncodeId,
    pub(super) encoder: Box<dyn VideoEncoder>,
    pub(super) headers: Headers,
    pub(super) places: Vec<VideoPlace>,
}

/// An open encoder of an audio track, and the outputs that take its packets.
pub(super) struct AudioEncoding {
    pub(super) id: EncodeId,
    pub(super) target: AudioTarget,
    pub(super) encoder: AudioTrackEncoder,
    pub(super) places: Vec<AudioPlace>,
}

/// A stage that takes decoded audio besides the encoders.
pub(super) struct Listener {
    pub(super) stream: StreamId,
    pub(super) next: Sender<Queued<Frame>>,
    pub(super) token: Token,
}
