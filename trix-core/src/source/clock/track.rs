//! The times of one stream, by a clock that may jump.
//!
//! Invariant: a stream is moved at a packet that was named beforehand, and not before it.

use std::collections::VecDeque;

use trix_av::{
    packet::Packet,
    stream::{StreamFacts, StreamKind},
};
use trix_model::time::{Rational, TimeBase, Timestamp};

/// How a container tells times, as far as joints go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Container {
    /// Whether decoding times are its own, so that they increase in a stream without joints.
    has_decoding_times: bool,
    /// Whether long steps forward are joints, and not frames that are shown for long.
    is_broadcast: bool,
    /// Whether the clock has 33 bits.
    wraps: bool,
}

impl Container {
    /// By FFmpeg's name of the demuxer.
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

/// A step of a clock that its stream does not explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Jump {
    /// From where the stream was expected to go on.
    pub(super) by: Timestamp,
    pub(super) is_forward: bool,
    /// Whether the stream alone proves it; else it may be a frame that is shown for less long than the others.
    pub(super) is_certain: bool,
}

/// Audio does not come before the end of what came before it; what containers round stays below this.
const BACK: Timestamp = Timestamp::new(5, Rational::new(1, 1000));

/// A frame comes before it is expected by more than rounding makes.
const CLEAR: Timestamp = Timestamp::new(-15, Rational::new(1, 1000));

/// Steps forward beyond this are joints in broadcast containers. The `ffmpeg` program draws the line at the same length.
const FORWARD: Timestamp = Timestamp::new(10, Rational::new(1, 1));

/// The times of one stream. Ticks are those of the stream, moved by `shift` already, where nothing else is said.
#[derive(Clone)]
pub(super) struct Track {
    container: Container,
    base: TimeBase,
    /// Whether it is audio; `None` for streams that are neither video nor audio.
    audio: Option<bool>,
    pub(super) group: usize,
    shift: i64,
    /// From which packet of the file on it is moved further.
    next_shift: Option<(u64, i64)>,
    last: Option<Last>,
    /// The last decoding time before a joint, as long as later ones have not passed it.
    floor: Option<i64>,
    /// Frames that a decoder holds back to put them in order.
    reordered: usize,
    /// The latest times of frames behind a joint, in order: where the container has no decoding times, libavformat makes
    /// them of the times from before the joint too.
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

impl Track {
    pub(super) fn new(container: Container, facts: &StreamFacts, group: usize) -> Self {
        let is_media = matches!(facts.kind, StreamKind::Video | StreamKind::Audio) && !facts.is_attached_picture;
        Track {
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

    /// By how much the stream is moved now.
    pub(super) fn shift(&self) -> Timestamp {
        Timestamp::new(self.shift, self.base)
    }

    /// Where the stream ends so far.
    pub(super) fn end(&self) -> Option<Timestamp> {
        self.last.map(|last| Timestamp::new(last.end, self.base))
    }

    /// Where the next packet is expected, in the terms of [`Self::position`].
    pub(super) fn expected(&self) -> Option<Timestamp> {
        let last = self.last?;
        let ticks = if self.by_decoding() { last.dts.saturating_add(last.duration) } else { last.end };
        Some(Timestamp::new(ticks, self.base))
    }

    /// When a packet is presented.
    pub(super) fn time(&self, packet: &Packet) -> Option<Timestamp> {
        let ticks = packet.pts().or(packet.dts())?;
        Some(Timestamp::new(ticks.saturating_add(self.shift), self.base))
    }

    /// Where a packet stands by the times that increase from packet to packet.
    pub(super) fn position(&self, packet: &Packet) -> Option<Timestamp> {
        let ticks = if self.by_decoding() { packet.dts()? } else { packet.pts().or(packet.dts())? };
        Some(Timestamp::new(ticks.saturating_add(self.shift), self.base))
    }

    /// Whether positions increase from packet to packet: not those of reordered frames without decoding times.
    pub(super) fn is_in_order(&self) -> bool {
        self.audio == Some(true) || self.by_decoding() || self.reordered == 0
    }

    fn by_decoding(&self) -> bool {
        self.audio == Some(false) && self.container.has_decoding_times
    }

    /// Packet `place` of the file is this stream's next: it is moved, if it is time.
    pub(super) fn arrive(&mut self, place: u64) {
        if let Some((_, by)) = self.next_shift.filter(|(from, _)| *from <= place) {
            self.shift = self.shift.saturating_add(by);
            self.next_shift = None;
            self.floor = self.last.map(|last| last.dts).max(self.floor);
            self.latest = (self.audio == Some(false) && !self.container.has_decoding_times).then(Vec::new);
            self.last = None;
        }
    }

    /// Undoes wraps of the clock, which are no jumps: those after which it goes on within seconds.
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

    /// Whether `packet` does not follow the last one. With `like`, the jump of another stream: whether it jumps with it,
    /// by about as much.
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
            // One stream may end before the other, so that half of the jump, or more than rounding makes, is proof.
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

    /// Whether a packet that lies back is the first of a new recording, and not one that is only shown early.
    fn is_start(&self, packet: &Packet, last: Last, audio: bool) -> bool {
        if audio {
            return true;
        }
        if self.container.has_decoding_times {
            return packet.dts().is_some_and(|dts| dts.saturating_add(self.shift) < last.dts);
        }
        // No frame before a keyframe in the file is shown after it.
        packet.is_key() && packet.pts().is_some_and(|pts| pts.saturating_add(self.shift) < last.shown)
    }

    /// Takes the jump of the next packet for one wrong time.
    pub(super) fn tolerate(&mut self) {
        self.tolerated = true;
    }

    /// Takes note of a packet.
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

    /// Gives a packet its time.
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
        // Decoding begins before the frames of an earlier recording end where frames are reordered, and libavformat does
        // not always say when.
        if let Some(floor) = self.floor {
            let late = floor.saturating_add(1);
            let fits = packet.pts().is_none_or(|pts| late <= pts);
            self.floor = (packet.dts().is_none_or(|dts| dts <= floor) && fits).then_some(late);
            if self.floor.is_some() {
                packet.set_times(packet.pts(), Some(late), packet.duration());
            }
        }
    }

    /// From packet `place` of the file on, the stream is moved by `span`.
    pub(super) fn move_from(&mut self, place: u64, span: Timestamp) {
        let before = self.next_shift.map_or(0, |(_, by)| by);
        self.next_shift = Some((place, before.saturating_add(span.rescale(self.base))));
    }

    /// Whether packets of this stream, which is the one with `index`, are waiting.
    pub(super) fn is_waiting_in(&self, waiting: &VecDeque<Packet>, index: usize) -> bool {
        waiting.iter().any(|packet| packet.stream() == index)
    }
}
