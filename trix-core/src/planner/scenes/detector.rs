//! Finds the frames at which a new scene begins, in frames that come one after the other.
//!
//! Invariant: the result depends on the frames alone.
//!
//! A new scene differs from the frame before it far more than neighbours differ around it, and goes on: a flash differs, too, but the
//! frame after it is like that before it.

use std::collections::VecDeque;

use trix_av::frame::Frame;

use super::grid::{Grid, difference, grid};

/// The least difference at a new scene, in steps of 8 bits.
pub(super) const LEAST: f64 = 5.0;

/// How many times as large as those around it the difference is at a new scene.
pub(super) const TIMES: f64 = 3.0;

/// Frames before and after a new scene with which it is compared.
pub(super) const AROUND: usize = 2;

/// Looks for new scenes in frames that come one after the other.
#[derive(Default)]
pub(super) struct Detector {
    /// The last frames, with their numbers and their differences from the frame before.
    last: VecDeque<(u64, Grid, f64)>,
}

impl Detector {
    /// Takes the next frame. Returns the number of a frame that begins a scene, [`AROUND`] frames later.
    pub(super) fn push(&mut self, number: u64, grid: Grid) -> Option<u64> {
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

    use super::{
        super::grid::{COLUMNS, ROWS},
        *,
    };

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
