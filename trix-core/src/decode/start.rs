//! Finds the first point at which an H.264 or HEVC stream that starts in mid-GOP can be decoded.
//!
//! Invariant: a packet is held back only until the first point at which the standard lets a decoder start, and every
//! frame lost in this way is counted. A stream without such a point goes to the decoder unchanged.

use std::collections::VecDeque;

use trix_av::{packet::Packet, stream::StreamFacts};
use trix_bitstream::nal::{self, Framing, NalCodec, Random};
use trix_model::damage::DamageKind;

/// Maximum number of packets to hold back, and their bytes: more than ten seconds of any GOP that broadcasters or
/// default encoder settings produce.
const MOST_HELD: usize = 1000;
const MOST_BYTES: usize = 32 << 20;

/// Number of packets after the first frame in which commands about reference frames may still name frames from before
/// the start. No codec keeps more than 16, and each field can have its own packet.
const SETTLING: u32 = 32;

/// Number of packets within which a decoder that started at a recovery point must yield a frame.
const MOST_RECOVERING: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No packet was seen.
    New,
    /// No frame could be decoded so far.
    Waiting,
    /// The decoder runs, but yields no frame until it has recovered.
    Recovering,
    /// The decoder has recovered. This many more packets may name reference frames from before the start.
    Settling(u32),
    /// Any complaint of the decoder is damage.
    Running,
}

/// The decision about a packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The packet goes to the decoder.
    Send,
    /// The packet is held back.
    Hold,
    /// The held packets go to the decoder after all, and then this one.
    Release,
}

/// Finds the start.
pub(crate) struct Start {
    codec: NalCodec,
    framing: Framing,
    state: State,
    held: VecDeque<Packet>,
    held_bytes: usize,
    /// Times of the packets that the decoder received before its first frame.
    sent: Vec<i64>,
    left_out: u64,
    /// True if decoding starts in mid-stream on request. The source then contains the frames that are skipped.
    is_sought: bool,
}

impl Start {
    /// Returns `None` if the codec of the stream is neither H.264 nor HEVC.
    pub(crate) fn new(facts: &StreamFacts) -> Option<Self> {
        let codec = NalCodec::from_name(&facts.codec)?;
        Some(Start {
            codec,
            framing: codec.framing(facts.parameters.extradata()),
            state: State::New,
            held: VecDeque::new(),
            held_bytes: 0,
            sent: Vec::new(),
            left_out: 0,
            is_sought: false,
        })
    }

    /// Prepares for a decode that starts on request in mid-stream, at a packet that allows it.
    pub(crate) fn sought(self) -> Self {
        Start { is_sought: true, ..self }
    }

    /// True once any complaint of the decoder is damage.
    pub(crate) fn is_running(&self) -> bool {
        self.state == State::Running
    }

    /// Decides about `packet`, the next packet of the stream.
    pub(crate) fn judge(&mut self, packet: &Packet) -> Turn {
        if let State::Settling(left) = self.state {
            self.state = if left > 0 { State::Settling(left - 1) } else { State::Running };
        }
        if !matches!(self.state, State::New | State::Waiting) {
            if self.state == State::Recovering {
                self.sent.extend(packet.pts());
                if self.sent.len() > MOST_RECOVERING {
                    self.state = State::Running;
                }
            }
            return Turn::Send;
        }
        let units = nal::units(packet.data(), self.framing);
        let random = units.iter().map(|unit| self.codec.random_access(unit)).max().unwrap_or_default();
        let begins = self.state == State::New;
        // A stream that sends parameter sets intends decoders to start here. If they cannot, that is an error.
        let is_meant = packet.is_key() || begins && units.iter().any(|unit| self.codec.is_sequence_set(unit));
        self.state = match random {
            Random::Full => State::Running,
            Random::Recovering => State::Recovering,
            Random::None if is_meant => State::Running,
            Random::None => State::Waiting,
        };
        match self.state {
            State::Waiting if self.held.len() >= MOST_HELD || self.held_bytes >= MOST_BYTES => {
                self.state = State::Running;
                Turn::Release
            }
            State::Waiting => {
                self.held_bytes += packet.data().len();
                self.held.push_back(packet.clone());
                Turn::Hold
            }
            _ => {
                if self.state == State::Recovering {
                    self.sent.extend(packet.pts());
                }
                self.left_out = self.frames_held();
                self.held.clear();
                Turn::Send
            }
        }
    }

    /// In most streams, only the first of two fields of a frame has a time.
    fn frames_held(&self) -> u64 {
        let timed = self.held.iter().filter(|packet| packet.pts().is_some()).count();
        if timed > 0 { timed as u64 } else { self.held.len() as u64 }
    }

    /// Returns the held packets, which must go to the decoder because the stream ended or has no start.
    pub(crate) fn release(&mut self) -> VecDeque<Packet> {
        // A decoder that is recovering may yield its first frame after the last packet.
        if self.state == State::Waiting {
            self.state = State::Running;
        }
        self.held_bytes = 0;
        std::mem::take(&mut self.held)
    }

    /// Records a frame that the decoder yielded, with the time `pts`. For the first frame, returns the number of frames
    /// lost before it, if any.
    pub(crate) fn shown(&mut self, pts: Option<i64>) -> Option<u64> {
        if self.state == State::Recovering {
            let before = self.sent.iter().filter(|sent| !self.is_sought && pts.is_some_and(|pts| **sent < pts)).count();
            self.left_out += before as u64;
            self.sent = Vec::new();
            self.state = State::Settling(SETTLING);
        }
        Some(std::mem::take(&mut self.left_out)).filter(|count| *count > 0)
    }

    /// Number of frames of a stream that ended before the decoder had recovered.
    pub(crate) fn unfinished(&self) -> Option<u64> {
        let count = self.left_out + self.sent.len() as u64;
        (self.state == State::Recovering && count > 0).then_some(count)
    }

    /// True if a complaint of the decoder results only from the start of the stream in mid-GOP.
    pub(crate) fn explains(&self, complaint: &str) -> bool {
        let is_about_references = DamageKind::of_message(complaint, DamageKind::Frame) == DamageKind::MissingReference
            || complaint.contains("number of reference frames");
        let is_about_marking = complaint.contains("unref short") || complaint.contains("number of reference frames");
        match self.state {
            State::Recovering => is_about_references,
            // With several threads, complaints about frames before the first one arrive later.
            State::Settling(_) => is_about_marking || (self.is_sought && is_about_references),
            State::New | State::Waiting | State::Running => false,
        }
    }
}
