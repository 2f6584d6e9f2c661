//! Where a film can have new scenes, according to its packets.
//!
//! A frame that begins a scene cannot be predicted from those before it. Most encoders begin a group of frames there; others code a
//! frame that is as large as a keyframe.

use std::ops::RangeInclusive;

use crate::index::FrameIndex;

/// The least distance of places, in frames.
const STEP: u64 = 8;

/// A frame is large if it has at least so many times the bytes of those around it, and this part of the bytes of the keyframe before it.
const TIMES: f64 = 1.5;
const OF_KEYFRAME: f64 = 0.4;

/// Frames before and after one with which its size is compared.
const AROUND: usize = 8;

/// A frame that is presented later than all that are decoded before it. What is presented between it and the one before it refers to
/// both, as a rule.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    /// The first frame that is presented after the anchor before it.
    first: u64,
    number: u64,
    bytes: u64,
    is_entry: bool,
}

/// The frames of a film, as far as their packets tell.
#[derive(Debug)]
pub(super) struct Outline {
    /// Frames at which decoding can start.
    entries: Vec<u64>,
    /// Entries at least [`STEP`] frames apart.
    places: Vec<u64>,
    /// Frames among which a scene may begin, in order: the encoder did not expect the last of them, or the one after it.
    likely: Vec<RangeInclusive<u64>>,
}

impl Outline {
    pub(super) fn of(index: &FrameIndex) -> Self {
        let entries: Vec<u64> = index.starts().collect();
        let mut places: Vec<u64> = Vec::new();
        for entry in &entries {
            if places.last().is_none_or(|last| entry - last >= STEP) {
                places.push(*entry);
            }
        }
        let likely = likely(&entries, &anchors(&index.coded_frames(), &entries));
        Outline { entries, places, likely }
    }

    /// The last frame, up to `frame`, at which decoding can start.
    pub(super) fn entry(&self, frame: u64) -> u64 {
        let passed = self.entries.partition_point(|entry| *entry <= frame);
        passed.checked_sub(1).map_or(0, |last| self.entries[last])
    }

    /// The frames among which a scene is likely to begin, as far as they lie in `from..=to`.
    pub(super) fn likely(&self, from: u64, to: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        let own = self.likely.iter().map(|range| (*range.start(), *range.end()));
        own.filter_map(move |range| within(range, from, to))
    }

    /// Pairs of places between which the frames `from..=to` lie. A scene begins at a frame after the first of a pair, or at the second.
    pub(super) fn spans(&self, from: u64, to: u64) -> Vec<(u64, u64)> {
        let before = self.places.partition_point(|place| *place < from).saturating_sub(1);
        let pairs = self.places[before.min(self.places.len())..].windows(2).map(|pair| (pair[0], pair[1]));
        pairs.take_while(|(begin, _)| *begin < to).collect()
    }
}

/// The frames of a range that lie in `from..=to`; `None` if there are none.
pub(super) fn within((first, last): (u64, u64), from: u64, to: u64) -> Option<(u64, u64)> {
    let range = (first.max(from), last.min(to));
    (range.0 <= range.1).then_some(range)
}

fn anchors(frames: &[(u64, u64)], entries: &[u64]) -> Vec<Anchor> {
    let mut anchors: Vec<Anchor> = Vec::new();
    for (number, bytes) in frames {
        let first = anchors.last().map_or(0, |last| last.number + 1);
        if *number >= first {
            let is_entry = entries.binary_search(number).is_ok();
            anchors.push(Anchor { first, number: *number, bytes: *bytes, is_entry });
        }
    }
    anchors
}

fn likely(entries: &[u64], anchors: &[Anchor]) -> Vec<RangeInclusive<u64>> {
    // At that distance, an encoder begins a group of frames where no scene begins.
    let greatest = entries.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
    let is_likely = |at: usize| {
        let own = anchors[at];
        if own.is_entry {
            let passed = entries.partition_point(|entry| *entry < own.number);
            return passed > 0 && own.number - entries[passed - 1] + 1 < greatest;
        }
        let around = &anchors[at.saturating_sub(AROUND)..(at + AROUND + 1).min(anchors.len())];
        let others = around.iter().filter(|other| !other.is_entry && other.number != own.number);
        let keyframe = anchors[..at].iter().rev().find(|other| other.is_entry).map_or(0, |other| other.bytes);
        let least = (TIMES * median(others.map(|other| other.bytes)) as f64).max(OF_KEYFRAME * keyframe as f64);
        own.bytes as f64 >= least
    };
    let range = |at: usize| anchors[at].first..=anchors[at].number + u64::from(!anchors[at].is_entry);
    (1..anchors.len()).filter(|at| is_likely(*at)).map(range).collect()
}

fn median(numbers: impl Iterator<Item = u64>) -> u64 {
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied().unwrap_or(0)
}
