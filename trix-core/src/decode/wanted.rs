//! The frames that a decode is for: none before the first one that was asked for.
//!
//! Invariant: a frame that is left out counts as if it had been decoded.

use std::collections::BTreeSet;

use trix_model::{damage::DamageKind, time::Timestamp};

use crate::index::Coded;

/// The state of a decode that starts in mid-stream, up to its first frame.
pub(super) struct Lead {
    /// The first packet to decode, until it arrives.
    pub(super) packet: Option<Coded>,
    /// The time of the first complete frame. Earlier frames are dropped.
    pub(super) first: i64,
    /// The first packet that could not be decoded. It counts only if the first complete frame is missing.
    pub(super) failed: Option<(DamageKind, Option<Timestamp>, String)>,
}

/// Frames that nobody wants: the decoder leaves them out if no other frame refers to them.
#[derive(Default)]
pub(super) struct Skips {
    /// The time from which frames are wanted.
    pub(super) until: Option<i64>,
    /// Times of the packets whose frames may be left out, and did not come yet.
    sent: BTreeSet<i64>,
    pub(super) has_begun: bool,
}

impl Skips {
    /// Decides if the frame of a packet with the time `pts` may be left out. Frames before `first` are not counted.
    pub(super) fn takes(&mut self, pts: Option<i64>, first: Option<i64>) -> bool {
        let Some(pts) = pts.filter(|pts| self.until.is_some_and(|until| *pts < until)) else { return false };
        if first.is_none_or(|first| pts >= first) {
            self.sent.insert(pts);
        }
        self.has_begun = true;
        true
    }

    /// The time of the next frame that was left out before the frame at `pts`.
    pub(super) fn next_before(&mut self, pts: Option<i64>) -> Option<i64> {
        let (pts, first) = (pts?, *self.sent.first()?);
        if first <= pts {
            self.sent.pop_first();
        }
        (first < pts).then_some(first)
    }
}
