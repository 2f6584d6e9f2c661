//! Finds the new scene that is nearest to a place in a film, and decodes as little as it can for that.
//!
//! Invariant: the result depends on the film alone. A frame that cannot be decoded begins no scene.

use std::{cmp::Reverse, sync::Arc};

use trix_av::stream::StreamFacts;
use trix_model::{
    control::cancel::Cancel,
    damage::OnDamage,
    error::{Error, ErrorKind, Result},
    plan::Cut,
};

use super::{
    detector::{AROUND, Detector, LEAST, TIMES},
    grid::{Grid, difference, grid},
    outline::{Outline, within},
};
use crate::{
    index::{self, Begin, FrameIndex},
    reading::reader::FrameReader,
    source::Source,
};

/// One of so many frames is decoded at most.
const MOST_DECODED: u64 = 2;

/// The least number of pairs of places of which it can be said that one pair differs more than most.
const LEAST_SPANS: usize = 4;

/// A scene is likely between two places that differ so many times as much as most pairs do.
const UNLIKE: f64 = 2.0;

/// A source in which scenes are looked for.
pub(super) struct Scenes<'a> {
    pub(super) source: &'a Source,
    pub(super) film: &'a StreamFacts,
    pub(super) index: &'a Arc<FrameIndex>,
    pub(super) outline: &'a Outline,
    pub(super) cancel: &'a Cancel,
}

impl Scenes<'_> {
    /// A frame in `from..=to` that begins a scene, near frame `wanted`. `None` if none is found, or if frames are damaged; the encode
    /// says why.
    ///
    /// # Errors
    /// `Io`, and others that have nothing to do with the frames.
    pub(super) fn nearest(&self, from: u64, wanted: u64, to: u64) -> Result<Option<u64>> {
        let mut left = to.saturating_sub(from) / MOST_DECODED;
        let likely = self.outline.likely(from, to).collect();
        if let Some(found) = self.first_of(likely, wanted, &mut left)? {
            return Ok(Some(found));
        }
        let unlike = self.unlike(from, to, &mut left)?;
        self.first_of(unlike, wanted, &mut left)
    }

    /// The first scene that begins in one of the ranges. Those nearest to `wanted` are looked at, as far as their frames are no more
    /// than are `left`.
    fn first_of(&self, mut ranges: Vec<(u64, u64)>, wanted: u64, left: &mut u64) -> Result<Option<u64>> {
        ranges.sort_by_key(|(first, last)| (wanted.clamp(*first, *last).abs_diff(wanted), Reverse(*first)));
        for range in ranges {
            if let Some(found) = self.begins_in(range, left)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The first frame of a range that begins a scene.
    fn begins_in(&self, (first, last): (u64, u64), left: &mut u64) -> Result<Option<u64>> {
        let around = AROUND as u64;
        let is_entry = |frame: u64| self.outline.entry(frame) == frame;
        // What comes before an entry is expensive to decode.
        let before = first.saturating_sub(if is_entry(first.saturating_sub(1)) { 1 } else { around });
        let spend = |frames: u64, left: &mut u64| left.checked_sub(frames).map(|rest| *left = rest).is_some();
        if spend(last + around - self.outline.entry(before), left) {
            let grids = self.grids(before, last + around)?;
            // The frame before the first one is taken to be like it, if that is not decoded.
            let missing = grids.first().filter(|(number, _)| *number + 1 == first);
            let missing = missing.map(|(number, grid)| (number.saturating_sub(1), grid.clone()));
            return Ok(begins(missing.into_iter().chain(grids)).find(|found| (first..=last).contains(found)));
        }
        if first == last && is_entry(first) && spend(around + 2, left) {
            return self.is_new_at(first).map(|is_new| is_new.then_some(first));
        }
        Ok(None)
    }

    /// True if the frame at which decoding can start, and those after it, differ from the last such frame before it far more than from
    /// each other.
    fn is_new_at(&self, entry: u64) -> Result<bool> {
        let before = self.outline.entry(entry.saturating_sub(1));
        let (before, after) = (self.grids(before, before)?, self.grids(entry, entry + AROUND as u64)?);
        let Some((_, before)) = before.first() else { return Ok(false) };
        let least = after.iter().map(|(_, own)| difference(before, own)).fold(f64::INFINITY, f64::min);
        let most = after.windows(2).map(|pair| difference(&pair[0].1, &pair[1].1)).fold(0.0, f64::max);
        Ok(after.len() > AROUND && least >= LEAST && least >= TIMES * most)
    }

    /// Ranges of frames whose ends differ more than those of most ranges of `from..=to` do.
    fn unlike(&self, from: u64, to: u64, left: &mut u64) -> Result<Vec<(u64, u64)>> {
        let spans = self.outline.spans(from, to);
        let Some(rest) = left.checked_sub(spans.len() as u64 + 1).filter(|_| spans.len() >= LEAST_SPANS) else {
            return Ok(Vec::new());
        };
        *left = rest;
        let places = spans.iter().map(|(begin, _)| *begin).chain(spans.last().map(|(_, end)| *end));
        let grids: Vec<_> = places.map(|place| self.grids(place, place)).collect::<Result<_>>()?;
        let differs = |pair: &[Vec<(u64, Grid)>]| match (pair[0].first(), pair[1].first()) {
            (Some((_, one)), Some((_, other))) => difference(one, other),
            _ => 0.0,
        };
        let differences: Vec<f64> = grids.windows(2).map(differs).collect();
        let mut sorted = differences.clone();
        sorted.sort_by(f64::total_cmp);
        let least = LEAST.max(UNLIKE * sorted[sorted.len() / 2]);
        let unlike = spans.into_iter().zip(differences).filter(|(_, own)| *own >= least);
        Ok(unlike.filter_map(|((begin, end), _)| within((begin + 1, end), from, to)).collect())
    }

    /// All frames from `first` to `last` that begin a scene, as far as there are frames around them.
    #[cfg(test)]
    pub(super) fn all_in(&self, first: u64, last: u64) -> Result<Vec<u64>> {
        Ok(begins(self.grids(first, last)?.into_iter()).collect())
    }

    /// The frames `first..=last` with their numbers, reduced. Empty if they cannot be decoded.
    fn grids(&self, first: u64, last: u64) -> Result<Vec<(u64, Grid)>> {
        let is_damage = |error: &Error| matches!(error.kind(), ErrorKind::MalformedInput | ErrorKind::Codec);
        match self.decoded(first, last) {
            Err(error) if is_damage(&error) => Ok(Vec::new()),
            found => found,
        }
    }

    fn decoded(&self, first: u64, last: u64) -> Result<Vec<(u64, Grid)>> {
        let begin = index::begin_at(self.source, self.film, self.index, first)?;
        let source = self.source.again(self.cancel)?;
        // Damage is looked for before a film is encoded in chunks.
        let begin = (first > 0).then(|| begin.map(Begin::in_checked_file));
        // Several threads would decode frames after the last one.
        let mut reader = FrameReader::beginning(source, OnDamage::Fail, Cut::default(), None, 1, begin)?;
        let mut grids = Vec::new();
        while let Some(frame) = reader.next_frame()? {
            if (first..=last).contains(&frame.number) {
                let Some(grid) = grid(&frame.frame) else { return Ok(Vec::new()) };
                grids.push((frame.number, grid));
            }
            if self.cancel.is_cancelled() || frame.number >= last {
                break;
            }
        }
        Ok(grids)
    }
}

/// The frames that begin a scene, among frames that come one after the other.
fn begins(grids: impl Iterator<Item = (u64, Grid)>) -> impl Iterator<Item = u64> {
    let mut detector = Detector::default();
    grids.filter_map(move |(number, grid)| detector.push(number, grid))
}
