//! The plan of a still.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    decision::Decision,
    plan::{
        filter::Cut,
        ids::{StreamId, StreamKeys},
        view::View,
    },
    settings::still::StillSettings,
    time::{TimeBase, Timestamp},
};

/// The plan of a still or a set of stills.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StillPlan {
    /// Its first file.
    #[serde(with = "crate::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// True if files of these names may be replaced.
    pub overwrite: bool,
    /// The settings, with every default.
    pub settings: StillSettings,
    /// What the still is made of.
    pub input: StillInput,
    /// The decoded frames that the still may use.
    pub cut: Cut,
    /// The part of the source that the still belongs to.
    pub span: Span,
    /// The end of the still's audio, in source time, if the job cuts the source.
    pub until: Option<Timestamp>,
    /// The end of the still's time line, in source time, if the job cuts the source. A cut can be longer than the film.
    pub end: Option<Timestamp>,
    /// The time from the start of the source to the start of the part.
    pub later: Timestamp,
    /// Automatic decisions.
    pub decisions: Vec<Decision>,
}

impl StillPlan {
    /// Converts a source time to a time since the start of the part.
    #[doc(hidden)]
    pub fn since_start(&self, time: Timestamp) -> Timestamp {
        self.span.since_origin(time)
    }
}

/// What a still is made of.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum StillInput {
    /// Frames, for a poster or thumbnails.
    Frames(Box<View>),
    /// An audio track, for a waveform.
    Audio {
        /// The stream that is drawn.
        #[serde(flatten)]
        #[schemars(with = "StreamKeys")]
        stream: StreamId,
        /// Time base of its samples.
        time_base: TimeBase,
        /// The part of the still, in the time of the track.
        span: Span,
    },
}

/// A part of a source.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Span {
    /// The source time at time zero of the part.
    pub origin: Timestamp,
    /// The expected duration, if it is known. It can be wrong: stills use it only to space their frames.
    pub expected: Option<Timestamp>,
}

impl Span {
    /// Converts a source time to a time of the part.
    #[doc(hidden)]
    pub fn since_origin(&self, time: Timestamp) -> Timestamp {
        time.plus(Timestamp::new(self.origin.ticks.saturating_neg(), self.origin.base))
    }
}
