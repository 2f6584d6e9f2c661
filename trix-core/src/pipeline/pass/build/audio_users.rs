//! Consumers of decoded audio: encoders, and stages that only measure or draw.

use trix_av::frame::Frame;
use trix_model::control::cancel::Token;

use crate::{
    encode::sound::SoundEncoder,
    pipeline::{
        pass::{queued::Queued, sound::SoundPlace},
        stage::Sender,
    },
    plan::{AudioPlan, SoundTarget},
};

/// An audio track to encode, for one or more outputs.
pub(super) struct Sound {
    pub(super) plan: AudioPlan,
    pub(super) target: SoundTarget,
    pub(super) encoder: SoundEncoder,
    pub(super) places: Vec<SoundPlace>,
}

/// A stage that takes decoded audio besides the encoders.
pub(super) struct Listener {
    pub(super) stream: usize,
    pub(super) next: Sender<Queued<Frame>>,
    pub(super) token: Token,
}
