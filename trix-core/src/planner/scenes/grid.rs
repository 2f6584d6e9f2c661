//! Reduces the luma of a frame to a grid, and compares grids.

use trix_av::frame::Frame;

/// Columns and rows of the grid. Samples are taken at so many places a cell, in each direction.
pub(super) const COLUMNS: usize = 32;
pub(super) const ROWS: usize = 18;
const PLACES: usize = 4;

/// The mean luma of each cell, in steps of 8 bits.
pub(super) type Grid = Vec<f64>;

/// The luma of a frame, reduced. `None` if its samples cannot be read.
pub(super) fn grid(frame: &Frame) -> Option<Grid> {
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

/// The mean difference of the cells, in steps of 8 bits.
pub(super) fn difference(one: &Grid, other: &Grid) -> f64 {
    let sum: f64 = one.iter().zip(other).map(|(one, other)| (one - other).abs()).sum();
    sum / (COLUMNS * ROWS) as f64
}
