//! Consumers of decoded audio: encoders, and stages that only measure or draw.

use trix_av::frame::Frame;
use trix_model::control::cancel::Token;

use crate::{
    encode::audio::AudioTrackEncoder,
    pipeline::{
        pass::{audio::AudioPlace, queued::Queued},
        stage::Sender,
    },
    plan::{AudioPlan, AudioTarget},
};

/// An audio track to encode, for one or more outputs.
pub(super) struct AudioEncode {
    pub(super) plan: AudioPlan,
    pub(super) target: AudioTarget,
    pub(super) encoder: AudioTrackEncoder,
    pub(super) places: Vec<AudioPlace>,
}

/// A stage that takes decoded audio besides the encoders.
pub(super) struct Listener {
    pub(super) stream: usize,
    pub(super) next: Sender<Queued<Frame>>,
    pub(super) token: Token,
}
