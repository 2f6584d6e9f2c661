//! Finds the frames at which a new scene begins.
//!
//! Invariant: the result depends on the frames alone. A frame that cannot be decoded begins no scene.
//!
//! The measure is the mean difference of the luma of two frames, both reduced to a grid. A new scene differs from the frame before
//! it far more than neighbours differ around it, and goes on: a flash differs, too, but the frame after it is like that before it.

use std::{collections::VecDeque, sync::Arc};

use trix_av::{frame::Frame, stream::StreamFacts};
use trix_model::{control::cancel::Cancel, damage::OnDamage, plan::Cut};

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

impl Scenes<'_> {
    /// The frame in `from..=to` that begins a scene, nearest to frame `wanted`. `None` if there is none, or if frames cannot be
    /// decoded; the encode says why.
    pub(super) fn nearest(&self, from: u64, wanted: u64, to: u64) -> Option<u64> {
        let first = from.saturating_sub(AROUND as u64);
        let begin = index::begin_at(self.source, self.film, self.index, first).ok()?;
        let source = self.source.again(self.cancel).ok()?;
        let begin = (first > 0).then_some(begin);
        let mut reader =
            FrameReader::beginning(source, OnDamage::Fail, Cut::default(), None, self.threads, begin).ok()?;
        let (mut detector, mut best): (Detector, Option<u64>) = Default::default();
        while let Some(frame) = reader.next_frame().ok()? {
            let number = frame.number;
            if self.cancel.is_cancelled() || number > to.saturating_add(AROUND as u64) {
                break;
            }
            if number < first {
                continue;
            }
            let found = detector.push(number, grid(&frame.frame)?).filter(|found| (from..=to).contains(found));
            if let Some(found) = found
                && best.is_none_or(|best| found.abs_diff(wanted) <= best.abs_diff(wanted))
            {
                best = Some(found);
            }
            // What comes is farther away.
            if best.is_some_and(|best| number > wanted + best.abs_diff(wanted) + AROUND as u64) {
                break;
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
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
}
