//! Audio from beside the source, as a stream that it might have had.

use trix_av::stream::StreamFacts;
use trix_model::time::{Rational, Timestamp};

use crate::{plan::audio::SoundTarget, spec::track::TrackSettings};

/// A sound track from beside the source.
#[derive(Clone)]
pub(crate) struct SideTrack {
    /// As if it were a stream of the source, after all others.
    pub(crate) facts: StreamFacts,
    pub(crate) settings: TrackSettings,
    /// The start of its file, in its own time.
    pub(crate) start: Timestamp,
    /// How long its file says that it is, where it is one stream of one file.
    pub(crate) length: Option<Timestamp>,
    /// Whether its packets could be copied: one whole stream of one file.
    pub(crate) is_whole: bool,
}

impl std::fmt::Debug for SideTrack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SideTrack").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl SideTrack {
    /// What of its own time lies at time zero of an output that begins so much `later` than the film: what the track
    /// plays meanwhile, at its own tempo.
    pub(crate) fn origin(&self, later: Timestamp) -> Timestamp {
        let tempo = self.settings.tempo.0;
        let base = Rational::new(later.base.num, later.base.den.saturating_mul(tempo.den));
        self.start.plus(Timestamp::new(later.ticks.saturating_mul(tempo.num), base))
    }

    /// The track as it is, in a form in which nothing is lost, from where the film begins so much `later`.
    pub(crate) fn heard(&self, later: Timestamp) -> SoundTarget {
        SoundTarget { origin: self.origin(later), ..SoundTarget::like(&self.facts) }
    }
}
