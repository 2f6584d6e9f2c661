//! Maps the clocks of several recordings in one file onto one continuous clock. Where the file's own clock restarts,
//! overlaps or jumps, later times continue from the end of the earlier ones. Such a point is called a joint here.
//!
//! Invariant: packets leave in file order, each once, and only their times change. At a joint, all streams of a
//! programme move by the same span and so stay in sync. The span is the smallest one by which no stream overlaps
//! itself.

mod track;

use std::{collections::VecDeque, fmt};

use serde::{Deserialize, Serialize};
use trix_av::{input::Input, packet::Packet, stream::StreamFacts};
use trix_model::time::{Rational, TimeBase, Timestamp};

use self::track::{Jump, StreamClock};

/// A point where the clock of a source restarts or jumps. All later times were moved, so that they continue without a
/// jump.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Discontinuity {
    /// The time of this point on the continuous clock.
    pub at: Timestamp,
    /// The time on the clock of the file at the end of the earlier part.
    pub from: Timestamp,
    /// The time on the clock of the file at the start of the later part.
    pub to: Timestamp,
    /// The streams whose clock jumped, by index.
    pub streams: Vec<usize>,
}

impl fmt::Display for Discontinuity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Discontinuity { at, from, to, .. } = self;
        write!(f, "at {at} the clock of the file goes from {from} to {to}; later times go on from there")
    }
}

/// The continuous clock of a source.
pub(super) struct Clock {
    tracks: Vec<StreamClock>,
    waiting: VecDeque<Packet>,
    /// Number of packets that have left `waiting`.
    gone: u64,
    ended: bool,
    joints: Vec<Discontinuity>,
}

/// Limits on the packets that are examined after a jump before it is classified: number, bytes and duration.
const PACKETS: usize = 1024;
const BYTES: usize = 16 << 20;
const SPAN: Timestamp = Timestamp::new(5, Rational::new(1, 1));

/// Packets of the first stream to jump that must be seen, so that one wrong timestamp does not count as a joint.
const PROOF: usize = 5;

/// A stream that ended longer ago than this takes no part in a joint.
const ACTIVE: Timestamp = Timestamp::new(10, Rational::new(1, 1));

/// A single stream may go back by less than this many microseconds without a new start of its clock.
const ALONE: i64 = 1_000_000;

/// Maximum number of discontinuities in a report.
const LISTED: usize = 1000;

impl Clock {
    /// Returns a clock for containers that may hold several recordings, one after the other. Returns `None` for
    /// containers whose times come from a table or a count.
    pub(super) fn of(input: &Input, streams: &[StreamFacts]) -> Option<Self> {
        let demuxer = input.demuxer();
        let kind = track::Container::of(&demuxer)?;
        let programs = input.programs();
        let group = |index: usize| programs.iter().position(|program| program.streams.contains(&index)).unwrap_or(0);
        let tracks = streams.iter().map(|facts| StreamClock::new(kind, facts, group(facts.index))).collect();
        Some(Clock { tracks, waiting: VecDeque::new(), gone: 0, ended: false, joints: Vec::new() })
    }

    /// Discards all state, because reading continues at another position.
    pub(super) fn restart(&mut self) {
        self.tracks.iter_mut().for_each(StreamClock::restart);
        self.waiting.clear();
        self.ended = false;
    }

    /// Adds the next packet of the file.
    pub(super) fn push(&mut self, packet: Packet) {
        self.ended = false;
        self.waiting.push_back(packet);
    }

    /// Marks the end of the input. Returns false if no packet is waiting either.
    pub(super) fn finish(&mut self) -> bool {
        self.ended = true;
        !self.waiting.is_empty()
    }

    /// The joints found so far.
    pub(super) fn joints(&self) -> &[Discontinuity] {
        &self.joints
    }

    /// Returns the next packet with its final time, or `None` if more packets must be pushed first.
    pub(super) fn next(&mut self) -> Option<Packet> {
        let packet = self.waiting.front()?;
        let index = packet.stream();
        if index < self.tracks.len() {
            self.tracks[index].arrive(self.gone);
            self.tracks[index].unwrap(packet);
            if let Some(jump) = self.tracks[index].jump(packet, None) {
                match self.judge(index, jump)? {
                    Verdict::Joint(members) => self.join(members),
                    Verdict::Stray => self.tracks[index].tolerate(),
                    Verdict::Gap => {}
                }
            }
        }
        let mut packet = self.waiting.pop_front()?;
        self.gone += 1;
        if let Some(track) = self.tracks.get_mut(index) {
            track.pass(&mut packet);
        }
        Some(packet)
    }

    /// Classifies the jump of the first waiting packet, which belongs to stream `index`. Returns `None` if more packets
    /// are needed.
    fn judge(&self, index: usize, jump: Jump) -> Option<Verdict> {
        let own = &self.tracks[index];
        let ended_at = own.end()?;
        let mut members = vec![self.look(index, jump, true)?];
        let first = &members[0];
        let waiting: usize = self.waiting.iter().map(|packet| packet.data().len()).sum();
        let enough = self.ended || self.waiting.len() >= PACKETS || waiting >= BYTES || first.seen >= SPAN;
        if first.packets < PROOF && !enough {
            return None;
        }
        if first.returns {
            return Some(Verdict::Stray);
        }
        let mut goes_on = false;
        for other in 0..self.tracks.len() {
            let track = &self.tracks[other];
            let active = track.end().is_some_and(|end| end.plus(ACTIVE) >= ended_at);
            if other == index || track.group != own.group || !track.is_media() || !active {
                continue;
            }
            match self.look(other, jump, false) {
                Some(member) => members.push(member),
                None if !enough => return None,
                // The stream has no packets after the joint, or its clock continues without a jump.
                None => goes_on |= self.waiting.iter().any(|packet| packet.stream() == other),
            }
        }
        // If only one of several streams jumps, the jump is a gap or an overlap of that stream, unless the stream
        // cannot continue.
        let small = jump.by.micros().saturating_abs() < ALONE;
        let alone = members.len() == 1 && !jump.is_forward && !jump.is_certain;
        let is_gap = alone || (goes_on && (jump.is_forward || small));
        Some(if is_gap { Verdict::Gap } else { Verdict::Joint(members) })
    }

    /// Finds where stream `index` jumps among the waiting packets, and collects what is known of it after that point.
    fn look(&self, index: usize, jump: Jump, is_first: bool) -> Option<Member> {
        let mut track = self.tracks[index].clone();
        let mut found: Option<Member> = None;
        for (at, packet) in self.waiting.iter().enumerate().filter(|(_, packet)| packet.stream() == index) {
            if let Some(member) = &mut found {
                member.take(&track, packet);
                continue;
            }
            let place = self.gone + at as u64;
            track.arrive(place);
            track.unwrap(packet);
            if is_first || track.jump(packet, Some(jump)).is_some() {
                let mut member = Member::new(index, place, &track)?;
                member.take(&track, packet);
                found = Some(member);
            } else {
                track.note(packet);
            }
        }
        found
    }

    /// Moves the times after a joint so that no stream starts before its own earlier end.
    fn join(&mut self, members: Vec<Member>) {
        let span = members.iter().map(|member| member.end.plus(negative(member.start))).max();
        let (Some(span), Some(first)) = (span, members.first().cloned()) else { return };
        let group = self.tracks[first.index].group;
        if self.joints.len() < LISTED {
            let shift = self.tracks[first.index].shift();
            self.joints.push(Discontinuity {
                at: first.start.plus(span),
                from: first.end.plus(negative(shift)),
                to: first.start.plus(negative(shift)),
                streams: members.iter().map(|member| member.index).collect(),
            });
        }
        for (index, track) in self.tracks.iter_mut().enumerate().filter(|(_, track)| track.group == group) {
            match members.iter().find(|member| member.index == index) {
                Some(member) => track.move_from(member.place, span),
                None if track.is_media() && track.is_waiting_in(&self.waiting, index) => {}
                None => track.move_from(first.place, span),
            }
        }
        self.tracks[first.index].arrive(self.gone);
    }
}

/// The classification of a jump of one stream's clock.
enum Verdict {
    /// The end of one recording and the start of the next, for these streams. The first entry is the stream that jumped
    /// first.
    Joint(Vec<Member>),
    /// A wrong timestamp of one packet.
    Stray,
    /// A gap in this stream while other streams continue.
    Gap,
}

fn negative(time: Timestamp) -> Timestamp {
    Timestamp::new(time.ticks.saturating_neg(), time.base)
}

/// A stream that jumps at a joint.
#[derive(Clone)]
struct Member {
    index: usize,
    /// The number of the first packet after the joint, counted over the whole file.
    place: u64,
    /// The end of the stream before the joint.
    end: Timestamp,
    /// The start of the stream after the joint, on the clock from before the joint.
    start: Timestamp,
    base: TimeBase,
    /// Number of packets seen after the joint.
    packets: usize,
    seen: Timestamp,
    /// The expected time of the next packet if there had been no jump.
    expected: Timestamp,
    /// True if later times continue as if there had been no jump.
    returns: bool,
}

impl Member {
    fn new(index: usize, place: u64, track: &StreamClock) -> Option<Self> {
        let end = track.end()?;
        let zero = Timestamp::new(0, end.base);
        let expected = track.expected()?;
        Some(Member {
            index,
            place,
            end,
            start: zero,
            base: end.base,
            packets: 0,
            seen: zero,
            expected,
            returns: false,
        })
    }

    fn take(&mut self, track: &StreamClock, packet: &Packet) {
        let Some(presented) = track.time(packet) else { return };
        let step = track.position(packet).map(|position| position.plus(negative(self.expected)));
        // With reordered frames, the first frame in the file is not the first one presented.
        const REORDERED: usize = 17;
        if self.packets == 0 || (self.packets < REORDERED && presented < self.start) {
            self.start = presented;
        }
        if self.packets > 0
            && self.packets < REORDERED
            && track.is_in_order()
            && let Some(step) = step
        {
            let jumped = self.end.plus(negative(self.start)).micros().unsigned_abs();
            self.returns |= step.micros().unsigned_abs().saturating_mul(2) < jumped;
        }
        self.packets += 1;
        self.seen = presented.plus(negative(self.start)).max(self.seen);
        self.expected = self.expected.plus(Timestamp::new(packet.duration(), self.base));
    }
}
