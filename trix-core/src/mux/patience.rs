//! How long the muxer keeps packets that wait for earlier ones of other tracks.
//!
//! Invariant: tracks that come in step are interleaved by time, whatever the load of the machine.

use trix_model::time::{Rational, Timestamp};

use crate::plan::OutputPlan;

/// How the packets of a file come to its muxer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Arrival {
    /// From a source, about in the order of their times.
    Source,
    /// From a source, and from files beside it.
    Beside,
    /// From a program, which gives no stream more than this time ahead of another.
    Program(Timestamp),
    /// From a program, and from files beside it.
    Mixed(Timestamp),
}

impl Arrival {
    /// For the file of `output`. `lead` is the time by which a program may give one stream ahead of another; `None` without
    /// a program.
    pub(crate) fn of(output: &OutputPlan, lead: Option<Timestamp>) -> Self {
        let has_external = output.audio.iter().any(|audio| audio.stream.external_audio().is_some());
        match (lead, has_external) {
            (None, false) => Arrival::Source,
            (None, true) => Arrival::Beside,
            (Some(lead), false) => Arrival::Program(lead),
            (Some(lead), true) => Arrival::Mixed(lead),
        }
    }
}

/// The longest time between the first and the last of the packets that wait in the muxer of a file.
pub(crate) struct Patience {
    arrival: Arrival,
    /// What encoders hold back.
    held: Timestamp,
    tracks: Vec<Progress>,
}

/// How far a track has come.
#[derive(Clone, Copy)]
struct Progress {
    /// The decoding time of its last packet.
    last: Timestamp,
    has_ended: bool,
}

/// libavformat's default.
const OF_A_SOURCE: Timestamp = Timestamp::new(10, Rational::new(1, 1));

/// Audio that has left the program and not yet reached the muxer: two seconds in the queue before the encoder, one in the
/// encoder, and one that the muxer may be late.
const ON_ITS_WAY: Timestamp = Timestamp::new(4, Rational::new(1, 1));

impl Patience {
    /// For a file of `tracks` tracks. `video` has the frame rate of each of them that is video, and says whether its
    /// encoder looks ahead.
    pub(crate) fn new(arrival: Arrival, tracks: usize, video: impl Iterator<Item = (Rational, bool)>) -> Self {
        // Frames that the encoder holds back. x265: 250 for lookahead, and reordering.
        let frames = |looks_ahead| if looks_ahead { 300 } else { 16 };
        let video = video.filter(|(rate, _)| rate.is_positive());
        let times = video.map(|(rate, looks_ahead)| Timestamp::new(frames(looks_ahead), rate.inverse()));
        let held = times.fold(Timestamp::new(0, OF_A_SOURCE.base), Timestamp::plus);
        let begun = Progress { last: Timestamp::new(i64::MIN, OF_A_SOURCE.base), has_ended: false };
        Patience { arrival, held, tracks: vec![begun; tracks] }
    }

    /// Notes the decoding time of a packet of `track`. Returns true if that can change the patience.
    pub(crate) fn reach(&mut self, track: usize, time: Timestamp) -> bool {
        if let Some(own) = self.tracks.get_mut(track) {
            own.last = own.last.max(time);
        }
        matches!(self.arrival, Arrival::Program(_)) && self.tracks.iter().any(|own| own.has_ended)
    }

    /// Notes that a track has ended.
    pub(crate) fn end(&mut self, track: usize) {
        self.tracks.get_mut(track).into_iter().for_each(|own| own.has_ended = true);
    }

    /// The time in microseconds. 0: packets wait as long as it takes.
    pub(crate) fn micros(&self) -> i64 {
        let (ended, open): (Vec<Progress>, Vec<Progress>) = self.tracks.iter().partition(|own| own.has_ended);
        let reached = open.iter().map(|own| own.last).min();
        match self.arrival {
            // What is missing will come: the program cannot go far ahead of it.
            Arrival::Program(_) if ended.is_empty() || ended.iter().any(|own| Some(own.last) > reached) => 0,
            // The only track that goes on has passed the others.
            Arrival::Program(_) if open.len() < 2 => 1,
            _ => self.longest().micros(),
        }
    }

    /// The longest time by which frames may lie before the audio of their times. `None` if a program, or the pace of files
    /// beside the source, keeps them together.
    pub(crate) fn most_apart(&self) -> Option<Timestamp> {
        (self.arrival == Arrival::Source).then(|| self.longest())
    }

    /// The time of the frames that encoders hold back.
    pub(crate) fn held(&self) -> Timestamp {
        self.held
    }

    /// The longest time that a packet of frames waits, for a program that gives short blocks without gaps.
    pub(crate) fn longest(&self) -> Timestamp {
        match self.arrival {
            Arrival::Source | Arrival::Beside => OF_A_SOURCE.plus(self.held),
            // Of two tracks, neither waits for one that has ended.
            Arrival::Program(lead) if self.tracks.len() < 3 => lead.plus(ON_ITS_WAY),
            Arrival::Program(lead) => lead.plus(ON_ITS_WAY).plus(self.held),
            Arrival::Mixed(lead) => lead.plus(ON_ITS_WAY).max(OF_A_SOURCE).plus(self.held),
        }
    }

    /// As [`Patience::longest`], for audio, which also waits for frames that their encoder holds back.
    pub(crate) fn longest_of_audio(&self) -> Timestamp {
        match self.arrival {
            Arrival::Program(lead) => lead.plus(ON_ITS_WAY).plus(self.held),
            _ => self.longest(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: i64) -> Timestamp {
        Timestamp::new(seconds, Rational::new(1, 1))
    }

    fn patience(arrival: Arrival, tracks: usize, looks_ahead: bool) -> Patience {
        let video = [(Rational::new(25, 1), looks_ahead), (Rational::new(0, 1), true)];
        Patience::new(arrival, tracks, video.into_iter())
    }

    #[test]
    fn packets_of_a_source_wait_for_what_encoders_hold_back() {
        for (arrival, looks_ahead, micros) in [
            (Arrival::Source, true, 22_000_000),
            (Arrival::Source, false, 10_640_000),
            (Arrival::Mixed(seconds(5)), true, 22_000_000),
            (Arrival::Mixed(seconds(60)), true, 76_000_000),
        ] {
            let mut patience = patience(arrival, 2, looks_ahead);
            assert_eq!(patience.micros(), micros, "{arrival:?}");
            patience.end(1);
            assert!(!patience.reach(0, seconds(1)));
            assert_eq!(patience.micros(), micros, "{arrival:?}");
        }
    }

    #[test]
    fn packets_of_a_program_wait_as_long_as_it_takes_unless_nothing_is_missing() {
        let mut two = patience(Arrival::Program(seconds(5)), 2, true);
        assert_eq!((two.micros(), two.longest()), (0, seconds(9)));
        // 12 seconds of frames are in the encoder.
        assert_eq!(two.longest_of_audio(), seconds(21));
        assert!(!two.reach(1, seconds(4)));
        two.end(1);
        // The frames that belong before the end of the audio are still to come.
        assert_eq!(two.micros(), 0);
        assert!(two.reach(0, seconds(3)));
        assert_eq!(two.micros(), 0);
        assert!(two.reach(0, seconds(4)));
        assert_eq!(two.micros(), 1);
        two.end(0);
        assert_eq!(two.micros(), 0);

        let mut three = patience(Arrival::Program(seconds(5)), 3, false);
        three.reach(2, seconds(1));
        three.end(2);
        three.reach(0, seconds(2));
        assert_eq!(three.micros(), 0);
        three.reach(1, seconds(2));
        assert_eq!(three.micros(), 9_640_000);
        // A track without a packet holds back nothing, once it has ended.
        let mut empty = patience(Arrival::Program(seconds(5)), 2, false);
        empty.end(1);
        empty.reach(0, seconds(0));
        assert_eq!(empty.micros(), 1);
    }
}
