//! Where a stream of H.264 or HEVC that begins in mid-group can be decoded from.
//!
//! Invariant: a packet is held back only until the first point at which the standard lets a decoder start, and every
//! frame that is lost so is counted. A stream that has no such point goes to the decoder as it is.

use std::collections::VecDeque;

use trix_av::{packet::Packet, stream::StreamFacts};
use trix_bitstream::nal::{self, Framing, NalCodec, Random};
use trix_model::damage::DamageKind;

/// Packets that are held back, and their bytes: more than ten seconds of any group that a broadcaster or an encoder
/// makes by default.
const MOST_HELD: usize = 1000;
const MOST_BYTES: usize = 32 << 20;

/// Packets after the first frame in which commands about reference frames may still name some from before the start:
/// no codec keeps more than 16, and each field can have a packet.
const SETTLING: u32 = 32;

/// Packets in which a decoder that started at a recovery point has to yield a frame.
const MOST_RECOVERING: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was seen.
    New,
    /// No frame so far could be decoded.
    Waiting,
    /// The decoder runs, and yields no frame until it has recovered.
    Recovering,
    /// It has recovered; so many more packets may name reference frames from before.
    Settling(u32),
    /// Whatever the decoder complains of is damage.
    Running,
}

/// What becomes of a packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It goes to the decoder.
    Send,
    /// It stays here.
    Hold,
    /// Those that stayed here go to the decoder after all, and then this one.
    Release,
}

/// Finds the start.
pub(crate) struct Start {
    codec: NalCodec,
    framing: Framing,
    state: State,
    held: VecDeque<Packet>,
    held_bytes: usize,
    /// Times of the packets that the decoder got before its first frame.
    sent: Vec<i64>,
    left_out: u64,
    /// Whether decoding begins in mid-stream because somebody wants it to: what it leaves out is elsewhere.
    is_sought: bool,
}

impl Start {
    /// For the stream that `facts` describe, where its codec is one of those.
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

    /// The same for a decode that begins in mid-stream, at a packet with which it can.
    pub(crate) fn sought(self) -> Self {
        Start { is_sought: true, ..self }
    }

    /// What becomes of `packet`, the next of the stream.
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
        // Whoever sends parameter sets means decoders to start here: that they cannot is a fault.
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

    /// Of two fields of a frame only the first has a time of its own, in most streams.
    fn frames_held(&self) -> u64 {
        let timed = self.held.iter().filter(|packet| packet.pts().is_some()).count();
        if timed > 0 { timed as u64 } else { self.held.len() as u64 }
    }

    /// What is held back and has to go to the decoder, because the stream ended or has no start.
    pub(crate) fn release(&mut self) -> VecDeque<Packet> {
        // A decoder that is recovering may yield its first frame after the last packet.
        if self.state == State::Waiting {
            self.state = State::Running;
        }
        self.held_bytes = 0;
        std::mem::take(&mut self.held)
    }

    /// Takes note of a frame, shown at `pts`, that the decoder yielded. With the first, how many frames were left out
    /// before it, if any.
    pub(crate) fn shown(&mut self, pts: Option<i64>) -> Option<u64> {
        if self.state == State::Recovering {
            let before = self.sent.iter().filter(|sent| !self.is_sought && pts.is_some_and(|pts| **sent < pts)).count();
            self.left_out += before as u64;
            self.sent = Vec::new();
            self.state = State::Settling(SETTLING);
        }
        Some(std::mem::take(&mut self.left_out)).filter(|count| *count > 0)
    }

    /// Frames of a stream that ended before the decoder had recovered.
    pub(crate) fn unfinished(&self) -> Option<u64> {
        let count = self.left_out + self.sent.len() as u64;
        (self.state == State::Recovering && count > 0).then_some(count)
    }

    /// Whether a complaint of the decoder follows from where the stream begins, and from nothing else.
    pub(crate) fn explains(&self, complaint: &str) -> bool {
        let is_about_references = DamageKind::of_message(complaint, DamageKind::Frame) == DamageKind::MissingReference
            || complaint.contains("number of reference frames");
        let is_about_marking = complaint.contains("unref short") || complaint.contains("number of reference frames");
        match self.state {
            State::Recovering => is_about_references,
            // With several threads, what is said of frames before the first one comes later.
            State::Settling(_) => is_about_marking || (self.is_sought && is_about_references),
            State::New | State::Waiting | State::Running => false,
        }
    }
}
