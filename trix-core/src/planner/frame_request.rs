//! How frames are wanted: by which encoder, or for a still, and in which format.

use std::fmt;

use trix_model::format::PictureFormat;

use crate::{
    planner::lazy_probe::LazyProbe,
    spec::{
        container::Container,
        picture::{PictureSettings, Resampler},
        video::{Encoder, Size},
    },
};

/// What frames are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// An encoder.
    Encoder(Encoder),
    /// A still, which shows frames as a screen does.
    Still,
}

impl Target {
    pub(super) fn is(self, encoder: Encoder) -> bool {
        self == Target::Encoder(encoder)
    }

    pub(super) fn is_mezzanine(self) -> bool {
        matches!(self, Target::Encoder(encoder) if encoder.is_mezzanine())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Encoder(encoder) => encoder.fmt(f),
            Target::Still => f.write_str("a still"),
        }
    }
}

/// How frames are wanted.
pub(super) struct FrameRequest<'a> {
    pub(super) target: Target,
    pub(super) picture: &'a PictureSettings,
    pub(super) probe: &'a LazyProbe,
    /// Where they are stored.
    pub(super) container: Option<Container>,
    pub(super) size: Option<Size>,
    pub(super) resampler: Resampler,
    /// True if the job sets chroma or size itself, so that nothing may be cropped to fit.
    pub(super) chroma_is_fixed: bool,
    pub(super) is_lossless: bool,
    /// What the source stores.
    pub(super) samples: PictureFormat,
    /// What is wanted.
    pub(super) format: PictureFormat,
}
