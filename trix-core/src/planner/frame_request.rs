//! Describes the frames that an encoder or a still needs.

use std::fmt;

use trix_model::format::FrameFormat;

use crate::{
    planner::lazy_probe::LazyProbe,
    settings::{
        container::Container,
        picture::{PictureSettings, Resampler},
        video::{Encoder, Size},
    },
};

/// The consumer of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// An encoder.
    Encoder(Encoder),
    /// A still, which shows frames as a screen does.
    Still,
    /// A program that reads frames as they are, in a size and format of its choice.
    Program,
}

impl Target {
    pub(super) fn is(self, encoder: Encoder) -> bool {
        self == Target::Encoder(encoder)
    }

    /// True if a side may have part of a chroma sample: chroma sizes are rounded up, as pixel formats do.
    pub(super) fn rounds_chroma(self) -> bool {
        self.is(Encoder::Ffv1) || self == Target::Program
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
            Target::Program => f.write_str("a frame"),
        }
    }
}

/// The frames that an encoder or a still needs.
pub(super) struct FrameRequest<'a> {
    pub(super) target: Target,
    pub(super) picture: &'a PictureSettings,
    pub(super) probe: &'a LazyProbe,
    /// The container that they are stored in.
    pub(super) container: Option<Container>,
    pub(super) size: Option<Size>,
    pub(super) resampler: Resampler,
    /// True if the job sets chroma or size itself, so that nothing may be cropped to fit.
    pub(super) chroma_is_fixed: bool,
    pub(super) is_lossless: bool,
    /// The format of the source.
    pub(super) samples: FrameFormat,
    /// The format that is needed.
    pub(super) format: FrameFormat,
}
