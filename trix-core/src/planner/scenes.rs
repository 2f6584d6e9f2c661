//! Finds the frames at which a new scene begins.
//!
//! Invariant: the result depends on the frames alone. A frame that cannot be decoded begins no scene.
//!
//! The measure is the mean difference of the luma of two frames, both reduced to a grid. A new scene differs from the frame before
//! it far more than neighbours differ around it, and goes on: a flash differs, too, but the frame after it is like that before it.

use std::{cmp::Reverse, collections::VecDeque, sync::Arc};

use trix_av::{frame::Frame, stream::StreamFacts};
use trix_model::{
    control::cancel::Cancel,
    damage::OnDamage,
    error::{Error, ErrorKind, Result},
    plan::Cut,
};

use crate::{
    index::{self, FrameIndex},
    reading::reader::FrameReader,
    source::Source,
};

/// Columns and rows of the grid. Samples are taken at so many places a cell, in each direction.
const COLUMNS: usize = 32;
const ROWS: usize = 18;
const PLACES: usize = 4;

/// The least difference at a new scene, in steps of 8 bits.
const LEAST: f64 = 5.0;

/// How many times as large as those around it the difference is at a new scene.
const TIMES: f64 = 3.0;

/// Frames before and after a new scene with which it is compared.
const AROUND: usize = 2;

/// The mean luma of each cell, in steps of 8 bits.
type Grid = Vec<f64>;

/// The luma of a frame, reduced. `None` if its samples cannot be read.
fn grid(frame: &Frame) -> Option<Grid> {
    let all = frame.components()?;
    let luma = all.first()?;
    let wide = luma.depth > 8;
    let sample = |x: usize, y: usize| -> Option<f64> {
        let at = y * luma.stride + x * luma.step;
        let value = match wide {
            true => u16::from_le_bytes([*luma.data.get(at)?, *luma.data.get(at + 1)?]),
            false => u16::from(*luma.data.get(at)?),
        };
        Some(f64::from(value) * 256.0 / f64::from(1u32 << luma.depth))
    };
    let place = |number: usize, count: usize, size: usize| (2 * number + 1) * size / (2 * count);
    let mut cells = vec![0.0; COLUMNS * ROWS];
    for row in 0..ROWS * PLACES {
        let y = place(row, ROWS * PLACES, luma.height);
        for column in 0..COLUMNS * PLACES {
            let x = place(column, COLUMNS * PLACES, luma.width);
            cells[row / PLACES * COLUMNS + column / PLACES] += sample(x, y)?;
        }
    }
    let places = (PLACES * PLACES) as f64;
    Some(cells.into_iter().map(|sum| sum / places).collect())
}

fn difference(one: &Grid, other: &Grid) -> f64 {
    let sum: f64 = one.iter().zip(other).map(|(one, other)| (one - other).abs()).sum();
    sum / (COLUMNS * ROWS) as f64
}

/// Looks for new scenes in frames that come one after the other.
#[derive(Default)]
struct Detector {
    /// The last frames, with their numbers and their differences from the frame before.
    last: VecDeque<(u64, Grid, f64)>,
}

impl Detector {
    /// Takes the next frame. Returns the number of a frame that begins a scene, [`AROUND`] frames later.
    fn push(&mut self, number: u64, grid: Grid) -> Option<u64> {
        let change = self.last.back().map_or(0.0, |(_, before, _)| difference(before, &grid));
        self.last.push_back((number, grid, change));
        if self.last.len() <= 2 * AROUND {
            return None;
        }
        let (first, grid, change) = self.last.get(AROUND)?;
        let around = self.last.iter().enumerate().filter(|(at, _)| *at != AROUND && *at > 0);
        let most = around.map(|(_, (_, _, change))| *change).fold(0.0, f64::max);
        let (_, before, _) = self.last.get(AROUND - 1)?;
        let later = self.last.iter().skip(AROUND + 1).map(|(_, later, _)| difference(before, later));
        let goes_on = later.fold(difference(before, grid), f64::min) >= LEAST.max(*change / 2.0);
        let found = (*change >= LEAST && *change >= TIMES * most && goes_on).then_some(*first);
        self.last.pop_front();
        found
    }
}

/// A source in which scenes are looked for.
pub(super) struct Scenes<'a> {
    pub(super) source: &'a Source,
    pub(super) film: &'a StreamFacts,
    pub(super) index: &'a Arc<FrameIndex>,
    pub(super) threads: u32,
    pub(super) cancel: &'a Cancel,
}

/// The shortest part of a film that is decoded at a time, in frames.
const SHORTEST: u64 = 24;

impl Scenes<'_> {
    /// The frame in `from..=to` that begins a scene, nearest to frame `wanted`; of two, the later one. `None` if there is none, or if
    /// frames are damaged; the encode says why.
    ///
    /// # Errors
    /// `Io`, and others that have nothing to do with the frames.
    pub(super) fn nearest(&self, from: u64, wanted: u64, to: u64) -> Result<Option<u64>> {
        let away = |frame: u64| frame.abs_diff(wanted);
        let mut windows = windows(from, to, |frame| self.index.lead_in(frame).is_ok_and(|lead| lead == 0));
        // The nearest first: what is farther away than a scene that was found is not decoded.
        let distance = |(first, last): &(u64, u64)| away(wanted.clamp(*first, *last));
        windows.sort_by_key(|window| (distance(window), Reverse(window.0)));
        let mut best: Option<u64> = None;
        for window in windows {
            if best.is_some_and(|best| distance(&window) > away(best)) {
                break;
            }
            let Some(found) = self.looked_at(window)? else { return Ok(None) };
            best = found.into_iter().chain(best).min_by_key(|found| (away(*found), Reverse(*found)));
        }
        Ok(best)
    }

    /// The frames from the first to the last of `window` that begin a scene. `None` if frames cannot be decoded.
    fn looked_at(&self, window: (u64, u64)) -> Result<Option<Vec<u64>>> {
        let is_damage = |error: &Error| matches!(error.kind(), ErrorKind::MalformedInput | ErrorKind::Codec);
        let found = match self.within(window, self.threads) {
            // Several threads also decode frames after the window, which need not be sound.
            Err(error) if is_damage(&error) && self.threads > 1 => self.within(window, 1),
            found => found,
        };
        match found {
            Err(error) if is_damage(&error) => Ok(None),
            found => found,
        }
    }

    fn within(&self, (from, to): (u64, u64), threads: u32) -> Result<Option<Vec<u64>>> {
        let around = AROUND as u64;
        let first = from.saturating_sub(around);
        let begin = index::begin_at(self.source, self.film, self.index, first)?;
        let source = self.source.again(self.cancel)?;
        let begin = (first > 0).then_some(begin);
        let mut reader = FrameReader::beginning(source, OnDamage::Fail, Cut::default(), None, threads, begin)?;
        let (mut detector, mut found) = (Detector::default(), Vec::new());
        while let Some(frame) = reader.next_frame()? {
            if self.cancel.is_cancelled() || frame.number > to.saturating_add(around) {
                break;
            }
            if frame.number >= first {
                let Some(grid) = grid(&frame.frame) else { return Ok(None) };
                let own = detector.push(frame.number, grid);
                found.extend(own.filter(|found| (from..=to).contains(found)));
            }
        }
        Ok(Some(found))
    }
}

/// Divides the frames `from..=to` into parts that can each be decoded without most of the others: a part and the frames around its
/// ends begin where decoding can.
fn windows(from: u64, to: u64, is_entry: impl Fn(u64) -> bool) -> Vec<(u64, u64)> {
    let around = AROUND as u64;
    let mut windows = Vec::new();
    let mut first = from;
    // A part that begins `around` frames after an entry needs nothing before that.
    for entry in (from + SHORTEST..to.saturating_sub(SHORTEST)).filter(|frame| is_entry(*frame)) {
        let next = entry + around;
        if next >= first + SHORTEST {
            windows.push((first, next - 1));
            first = next;
        }
    }
    windows.push((first, to));
    windows
}

/// Finds frames that are so unlike those before them that an encoder predicts nothing from these.
#[derive(Default)]
pub(crate) struct Break {
    /// The last two frames.
    last: VecDeque<Grid>,
}

impl Break {
    /// How many frames before one it has to see.
    pub(crate) const BEFORE: u64 = AROUND as u64;

    /// Takes the next frame. True if it is such a frame.
    pub(crate) fn push(&mut self, frame: &Frame) -> bool {
        let Some(grid) = grid(frame) else { return false };
        let is_new = match (self.last.front(), self.last.back()) {
            (Some(first), Some(last)) if self.last.len() == AROUND => {
                let change = difference(last, &grid);
                change >= LEAST && change >= TIMES * difference(first, last)
            }
            _ => false,
        };
        self.last.push_back(grid);
        if self.last.len() > AROUND {
            self.last.pop_front();
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use trix_av::pixel::PixelFormat;

    use super::*;

    /// Grids of one value for each frame.
    fn found(levels: &[f64]) -> Vec<u64> {
        let mut detector = Detector::default();
        let grids = levels.iter().map(|level| vec![*level; COLUMNS * ROWS]).enumerate();
        grids.filter_map(|(number, grid)| detector.push(number as u64, grid)).collect()
    }

    #[test]
    fn a_scene_begins_where_frames_differ_once_and_go_on() {
        assert_eq!(found(&[10.0, 11.0, 12.0, 60.0, 61.0, 62.0, 61.0]), [3]);
        // Neither a flash, nor a fade, nor a small step.
        assert_eq!(found(&[10.0, 10.0, 10.0, 90.0, 10.0, 10.0, 10.0, 10.0]), [0; 0]);
        assert_eq!(found(&[10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0]), [0; 0]);
        assert_eq!(found(&[10.0, 10.0, 10.0, 13.0, 13.0, 13.0, 13.0, 13.0]), [0; 0]);
    }

    #[test]
    fn windows_partition_the_frames_and_begin_after_entries() {
        for (from, to, every) in [(125, 375, 50), (125, 375, 1), (125, 375, 1000), (0, 10, 5), (7, 7, 1)] {
            let found = windows(from, to, |frame| frame % every == 0);
            assert_eq!((found[0].0, found[found.len() - 1].1), (from, to));
            assert!(found.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "{found:?}");
            assert!(found.iter().skip(1).all(|(first, _)| (first - AROUND as u64).is_multiple_of(every)), "{found:?}");
        }
        assert_eq!(windows(125, 375, |frame| frame % 100 == 0), [(125, 201), (202, 301), (302, 375)]);
    }

    #[test]
    fn a_frame_unlike_those_before_it_is_a_break() {
        let grey = PixelFormat::from_name("gray").expect("a format");
        let breaks = |levels: &[u8]| -> Vec<usize> {
            let mut own = Break::default();
            let frames =
                levels.iter().map(|level| Frame::from_packed(grey, 64, 36, &[*level; 64 * 36]).expect("a frame"));
            frames.enumerate().filter(|(_, frame)| own.push(frame)).map(|(number, _)| number).collect()
        };
        assert_eq!(breaks(&[10, 11, 60, 61, 62]), [2]);
        // Neither motion that goes on, nor a small step, nor a frame with fewer before it.
        assert_eq!(breaks(&[10, 30, 50, 70]), [0; 0]);
        assert_eq!(breaks(&[10, 10, 13, 13]), [0; 0]);
        assert_eq!(breaks(&[10, 60, 60]), [0; 0]);
    }
}
