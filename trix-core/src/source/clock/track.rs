//! The times of one stream, on a clock that may jump.
//!
//! Invariant: a shift takes effect at the packet that was named beforehand, and not before it.

use std::collections::VecDeque;

use trix_av::{
    packet::Packet,
    stream::{StreamFacts, StreamKind},
};
use trix_model::time::{Rational, TimeBase, Timestamp};

/// The timing properties of a container that matter for joints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Container {
    /// True if the container stores decoding times, which increase in a stream without joints.
    has_decoding_times: bool,
    /// True if long steps forward are joints, and not frames with a long duration.
    is_broadcast: bool,
    /// True if the clock has 33 bits and wraps around.
    wraps: bool,
}

impl Container {
    /// Selects by FFmpeg's name of the demuxer.
    pub(super) fn of(demuxer: &str) -> Option<Self> {
        let new = |has_decoding_times, is_broadcast, wraps| Container { has_decoding_times, is_broadcast, wraps };
        match demuxer {
            "mpegts" | "mpeg" => Some(new(true, true, true)),
            "flv" => Some(new(true, true, false)),
            "matroska,webm" | "asf" | "nut" | "ogg" => Some(new(false, false, false)),
            _ => None,
        }
    }
}

/// A step of the clock that its stream does not explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Jump {
    /// Distance from the expected position.
    pub(super) by: Timestamp,
    pub(super) is_forward: bool,
    /// True if this stream alone proves the jump. If false, the packet may be a frame with a shorter duration than the
    /// others.
    pub(super) is_certain: bool,
}

/// Tolerance for audio that starts before the end of the previous packet. Rounding by containers stays below this.
const BACK: Timestamp = Timestamp::new(5, Rational::new(1, 1000));

/// A frame that is early by more than this is earlier than rounding explains.
const CLEAR: Timestamp = Timestamp::new(-15, Rational::new(1, 1000));

/// A longer step forward is a joint in broadcast containers. The `ffmpeg` program uses the same limit.
const FORWARD: Timestamp = Timestamp::new(10, Rational::new(1, 1));

/// The times of one stream. Unless stated otherwise, ticks are in the stream's time base and include `shift`.
#[derive(Clone)]
pub(super) struct StreamClock {
    container: Container,
    base: TimeBase,
    /// True for audio, false for video, `None` for other streams.
    audio: Option<bool>,
    pub(super) group: usize,
    shift: i64,
    /// The packet number in the file from which a further shift applies, and that shift.
    next_shift: Option<(u64, i64)>,
    last: Option<Last>,
    /// The last decoding time before a joint, until later decoding times pass it.
    floor: Option<i64>,
    /// Number of frames that a decoder holds back for reordering.
    reordered: usize,
    /// The latest presentation times after a joint, in ascending order. If the container has no decoding times,
    /// libavformat derives them from times before the joint too, so they are derived again here.
    latest: Option<Vec<i64>>,
    tolerated: bool,
}

#[derive(Clone, Copy)]
struct Last {
    dts: i64,
    duration: i64,
    shown: i64,
    end: i64,
}

impl StreamClock {
    pub(super) fn new(container: Container, facts: &StreamFacts, group: usize) -> Self {
        let is_media = matches!(facts.kind, StreamKind::Video | StreamKind::Audio) && !facts.is_attached_picture;
        StreamClock {
            container,
            base: facts.time_base,
            audio: is_media.then_some(facts.kind == StreamKind::Audio),
            group,
            shift: 0,
            next_shift: None,
            last: None,
            floor: None,
            reordered: facts.parameters.reordering(),
            latest: None,
            tolerated: false,
        }
    }

    pub(super) fn restart(&mut self) {
        (self.shift, self.tolerated) = (0, false);
        (self.next_shift, self.last, self.floor, self.latest) = (None, None, None, None);
    }

    pub(super) fn is_media(&self) -> bool {
        self.audio.is_some()
    }

    /// The current shift of the stream.
    pub(super) fn shift(&self) -> Timestamp {
        Timestamp::new(self.shift, self.base)
    }

    /// The current end of the stream.
    pub(super) fn end(&self) -> Option<Timestamp> {
        self.last.map(|last| Timestamp::new(last.end, self.base))
    }

    /// The expected position of the next packet, comparable with [`Self::position`].
    pub(super) fn expected(&self) -> Option<Timestamp> {
        let last = self.last?;
        let ticks = if self.by_decoding() { last.dts.saturating_add(last.duration) } else { last.end };
        Some(Timestamp::new(ticks, self.base))
    }

    /// The presentation time of a packet.
    pub(super) fn time(&self, packet: &Packet) -> Option<Timestamp> {
        let ticks = packet.pts().or(packet.dts())?;
        Some(Timestamp::new(ticks.saturating_add(self.shift), self.base))
    }

    /// The position of a packet, by the times that increase from packet to packet.
    pub(super) fn position(&self, packet: &Packet) -> Option<Timestamp> {
        let ticks = if self.by_decoding() { packet.dts()? } else { packet.pts().or(packet.dts())? };
        Some(Timestamp::new(ticks.saturating_add(self.shift), self.base))
    }

    /// True if positions increase from packet to packet. They do not for reordered frames without decoding times.
    pub(super) fn is_in_order(&self) -> bool {
        self.audio == Some(true) || self.by_decoding() || self.reordered == 0
    }

    fn by_decoding(&self) -> bool {
        self.audio == Some(false) && self.container.has_decoding_times
    }

    /// Applies the pending shift if it starts at or before packet `place` of the file, the next packet of this stream.
    pub(super) fn arrive(&mut self, place: u64) {
        if let Some((_, by)) = self.next_shift.filter(|(from, _)| *from <= place) {
            self.shift = self.shift.saturating_add(by);
            self.next_shift = None;
            self.floor = self.last.map(|last| last.dts).max(self.floor);
            self.latest = (self.audio == Some(false) && !self.container.has_decoding_times).then(Vec::new);
            self.last = None;
        }
    }

    /// Undoes a wrap of the clock. A wrap is not a jump: after it, the clock continues within seconds.
    pub(super) fn unwrap(&mut self, packet: &Packet) {
        const WRAP: i64 = 1 << 33;
        let (Some(last), Some(dts), true) = (self.last, packet.dts().or(packet.pts()), self.container.wraps) else {
            return;
        };
        let step = dts.saturating_add(self.shift).saturating_sub(last.dts);
        let turns = step.saturating_add(WRAP / 2).div_euclid(WRAP);
        let rest = Timestamp::new(step.saturating_sub(turns.saturating_mul(WRAP)), self.base);
        if turns != 0 && rest < FORWARD && rest > Timestamp::new(-1, Rational::new(1, 1)) {
            self.shift = self.shift.saturating_sub(turns.saturating_mul(WRAP));
        }
    }

    /// Returns the jump if `packet` does not follow the last one. `like` is the jump of another stream: if it is given,
    /// returns a jump only if this stream jumps in the same direction by about as much.
    pub(super) fn jump(&self, packet: &Packet, like: Option<Jump>) -> Option<Jump> {
        let (last, audio) = (self.last?, self.audio?);
        if packet.is_discarded() || self.tolerated {
            return None;
        }
        let position = self.position(packet)?;
        let expected = self.expected()?;
        let by = position.plus(Timestamp::new(expected.ticks.saturating_neg(), expected.base));
        let zero = Timestamp::new(0, self.base);
        if let Some(like) = like {
            // Streams may end at different times, so half of the jump, or more than rounding explains, is sufficient
            // proof.
            let half = Timestamp::new(like.by.ticks / 2, like.by.base);
            let half = if like.is_forward { half } else { half.max(CLEAR) };
            let exact = self.is_in_order() || self.is_start(packet, last, audio);
            let with = if like.is_forward { by > half } else { by < half && exact };
            return with.then_some(Jump { by, ..like });
        }
        let certain = by < zero && self.is_start(packet, last, audio);
        let back = match audio {
            true => by < Timestamp::new(BACK.ticks.saturating_neg(), BACK.base),
            false => certain || (self.by_decoding() && by < CLEAR),
        };
        let forward = self.container.is_broadcast && by > FORWARD;
        (back || forward).then_some(Jump { by, is_forward: forward, is_certain: certain })
    }

    /// True if a packet with an earlier time starts a new recording. False if reordering alone can explain the earlier
    /// time.
    fn is_start(&self, packet: &Packet, last: Last, audio: bool) -> bool {
        if audio {
            return true;
        }
        if self.container.has_decoding_times {
            return packet.dts().is_some_and(|dts| dts.saturating_add(self.shift) < last.dts);
        }
        // A frame that precedes a keyframe in the file is not presented after it.
        packet.is_key() && packet.pts().is_some_and(|pts| pts.saturating_add(self.shift) < last.shown)
    }

    /// Treats the jump of the next packet as a single wrong timestamp.
    pub(super) fn tolerate(&mut self) {
        self.tolerated = true;
    }

    /// Updates the last times with those of a packet.
    pub(super) fn note(&mut self, packet: &Packet) {
        let Some(pts) = packet.pts().or(packet.dts()) else { return };
        if packet.is_discarded() || std::mem::take(&mut self.tolerated) {
            return;
        }
        let moved = |ticks: i64| ticks.saturating_add(self.shift);
        let (pts, duration) = (moved(pts), packet.duration().max(0));
        let dts = packet.dts().map(moved);
        let last = self.last.unwrap_or(Last { dts: dts.unwrap_or(pts), duration, shown: pts, end: pts });
        self.last = Some(Last {
            dts: last.dts.max(dts.unwrap_or(last.dts)),
            duration,
            shown: last.shown.max(pts),
            end: last.end.max(pts.saturating_add(duration)),
        });
    }

    /// Sets the final times of a packet.
    pub(super) fn pass(&mut self, packet: &mut Packet) {
        self.note(packet);
        if self.shift != 0 {
            let moved = |ticks: i64| ticks.saturating_add(self.shift);
            packet.set_times(packet.pts().map(moved), packet.dts().map(moved), packet.duration());
        }
        if let (Some(latest), Some(pts)) = (&mut self.latest, packet.pts()) {
            latest.insert(latest.partition_point(|other| *other <= pts), pts);
            let dts = (latest.len() > self.reordered).then(|| latest.remove(0));
            packet.set_times(Some(pts), dts, packet.duration());
        }
        // With reordered frames, decoding starts before the frames of an earlier recording end. libavformat does not
        // always give the decoding time.
        if let Some(floor) = self.floor {
            let late = floor.saturating_add(1);
            let fits = packet.pts().is_none_or(|pts| late <= pts);
            self.floor = (packet.dts().is_none_or(|dts| dts <= floor) && fits).then_some(late);
            if self.floor.is_some() {
                packet.set_times(packet.pts(), Some(late), packet.duration());
            }
        }
    }

    /// Moves the stream by `span` from packet `place` of the file on.
    pub(super) fn move_from(&mut self, place: u64, span: Timestamp) {
        let before = self.next_shift.map_or(0, |(_, by)| by);
        self.next_shift = Some((place, before.saturating_add(span.rescale(self.base))));
    }

    /// True if packets of this stream, which has the number `index`, are waiting.
    pub(super) fn is_waiting_in(&self, waiting: &VecDeque<Packet>, index: usize) -> bool {
        waiting.iter().any(|packet| packet.stream() == index)
    }
}
