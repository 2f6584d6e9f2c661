//! Gives decoded frames their numbers and times.
//!
//! Invariant: numbers start at zero and increase by one. Times strictly increase.

use std::collections::BTreeMap;

use trix_av::{frame::Frame, packet::Packet, stream::StreamFacts};
use trix_model::{extras::Extras, time::Timestamp};

use super::{
    frame_rate::frame_rate,
    timing::{FrameTimes, TimingReport},
};

/// A decoded frame with its position in the source.
#[derive(Clone)]
pub struct DecodedFrame {
    /// The samples.
    pub frame: Frame,
    /// The number of the frame in the decoder's output, from zero.
    pub number: u64,
    /// Presentation time in ticks of the source's stream.
    pub pts: i64,
    /// Duration in the same ticks, if the container states one for each packet. It matters only for the last frame:
    /// every other frame is shown until the next.
    pub duration: Option<i64>,
    /// The side data of the frame.
    pub extras: Extras,
}

/// The numbers and times of the frames of a stream so far.
pub(super) struct Placement {
    /// Ticks of a frame by the frame rate.
    frame_ticks: i64,
    next_number: u64,
    last_pts: Option<i64>,
    times: FrameTimes,
    /// Durations of the frames inside the decoder, by presentation time. `None` if the container does not state
    /// durations.
    pub(super) durations: Option<BTreeMap<i64, i64>>,
    /// Number of frames whose duration matched the container's, minus the number of those that did not.
    agreeing: i64,
    last_duration: Option<i64>,
    /// The decoding time of the first packet, if the container stores only decoding times. The first frame is presented
    /// at that time.
    first_decoded: Option<i64>,
    /// Maximum delay, in ticks, that a reordering decoder adds to the time of the first frame.
    most_late: i64,
    late: i64,
    repaired: u64,
}

/// Maximum number of durations that are kept: more than there are packets in a decoder and before its first frame.
pub(super) const DURATIONS: usize = 4096;

impl Placement {
    pub(super) fn new(facts: &StreamFacts) -> Self {
        let frame_ticks = Timestamp::new(1, frame_rate(facts).inverse()).rescale(facts.time_base).max(1);
        Placement {
            frame_ticks,
            next_number: 0,
            last_pts: None,
            times: FrameTimes::new(facts.time_base, frame_ticks),
            durations: facts.states_durations.then(BTreeMap::new),
            agreeing: 0,
            last_duration: None,
            first_decoded: None,
            most_late: frame_ticks.saturating_mul(facts.parameters.reordering() as i64),
            late: 0,
            repaired: 0,
        }
    }

    /// Counts a frame before the start of decoding.
    pub(super) fn pass(&mut self, pts: i64, duration: i64) {
        if let Some(durations) = self.durations.as_mut().filter(|_| duration > 0) {
            durations.insert(pts, duration);
        }
        self.account(Some(pts));
    }

    /// Notes the decoding time of the first packet, which has no presentation time.
    pub(super) fn begin_decoding(&mut self, dts: Option<i64>) {
        self.first_decoded = dts;
    }

    /// Notes the duration that the container states for the frame of a packet.
    pub(super) fn arrive(&mut self, packet: &Packet) {
        if let (Some(durations), Some(pts)) = (&mut self.durations, packet.pts())
            && packet.duration() > 0
            && !packet.is_discarded()
        {
            durations.insert(pts, packet.duration());
            // Packets that yield no frame leave their durations behind.
            if durations.len() > DURATIONS {
                durations.pop_first();
            }
        }
    }

    /// Number of frames so far.
    pub(super) fn count(&self) -> u64 {
        self.next_number
    }

    /// Number of frames so far whose time was missing or did not increase.
    pub(super) fn repaired(&self) -> u64 {
        self.repaired
    }

    /// Gaps and repeats in the times so far.
    pub(super) fn timing(&self) -> TimingReport {
        self.times.report()
    }

    /// Sets the number of a frame, and its time by three rules. The time is that of the packet in the container. If the
    /// container stores none (AVI, raw streams), the decoder derives it from the decoding times. A time that is
    /// missing, or not later than the previous one, becomes one frame after the previous time. Nothing else changes:
    /// the start time, gaps and uneven distances stay as in the source.
    pub(super) fn place(&mut self, frame: Frame) -> DecodedFrame {
        if let (0, Some(first), Some(pts)) = (self.next_number, self.first_decoded, frame.pts()) {
            self.late = pts.saturating_sub(first).clamp(0, self.most_late);
        }
        let number = self.next_number;
        let pts = self.account(frame.pts().map(|pts| pts.saturating_sub(self.late)));
        let duration = self.last_duration.filter(|_| self.agreeing >= 0);
        DecodedFrame { frame, number, pts, duration, extras: Extras::default() }
    }

    /// Counts the next frame, whose original time is `own`, and returns its final time.
    pub(super) fn account(&mut self, own: Option<i64>) -> i64 {
        self.times.push(own);
        let step = self.times.usual().unwrap_or(self.frame_ticks);
        let after_last = self.last_pts.map_or(0, |last| last.saturating_add(step));
        let pts = match own {
            Some(pts) if self.last_pts.is_none_or(|last| pts > last) => pts,
            _ => {
                self.repaired += 1;
                after_last
            }
        };
        // Some containers give every frame a duration of one tick. Their duration of the last frame is then worthless
        // too.
        if let (Some(last), Some(duration)) = (self.last_pts, self.last_duration) {
            let step = pts.saturating_sub(last);
            self.agreeing +=
                if step.saturating_sub(duration).saturating_abs().saturating_mul(4) <= step { 1 } else { -1 };
        }
        self.last_pts = Some(pts);
        self.last_duration = self.durations.as_mut().and_then(|durations| {
            let own = durations.remove(&pts);
            // Entries with earlier times belong to packets that yielded no frame.
            *durations = durations.split_off(&pts);
            own
        });
        self.next_number += 1;
        pts
    }
}
