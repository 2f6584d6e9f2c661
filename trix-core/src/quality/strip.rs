//! Compares planes strip by strip, so that threads can share the work of one pair of frames.

use std::ops::Range;

use trix_model::frame_facts::Plane;

use super::{planes::same_rows, psnr, ssim};

/// Some rows of a plane and of its reference. One thread compares a strip at a time.
pub(super) struct Strip<'a> {
    reference: Plane<'a>,
    distorted: Plane<'a>,
    rows: Range<usize>,
}

/// The result of a strip, which is added to the tally of its plane.
pub(super) struct StripResult {
    pub(super) equal: bool,
    pub(super) sse: u64,
    /// The sums of similarities of the rows of windows that end in the strip. A plane without windows has its own.
    pub(super) similarities: Vec<f64>,
}

impl<'a> Strip<'a> {
    /// Rows of a strip, a multiple of the blocks of [`ssim`]. A strip of a 1080p plane takes a fraction of a
    /// millisecond. The blocks above it, which belong to its first windows, add 3 %.
    const ROWS: usize = 128;

    pub(super) fn count(height: usize) -> usize {
        height.div_ceil(Self::ROWS)
    }

    pub(super) fn all(reference: Plane<'a>, distorted: Plane<'a>) -> impl Iterator<Item = Self> {
        let height = reference.height;
        (0..Self::count(height)).map(move |index| {
            let from = index * Self::ROWS;
            Strip { reference, distorted, rows: from..height.min(from + Self::ROWS) }
        })
    }

    pub(super) fn compare(&self, psnr: bool, ssim: bool) -> StripResult {
        let Strip { reference, distorted, rows } = self;
        let (r, d) = (part(reference, rows), part(distorted, rows));
        let equal = same_rows(&r, &d);
        let has_windows = ssim::has_windows(reference.width, reference.height);
        let mut sse = if psnr && !equal && !(ssim && has_windows) { psnr::sse(r, d) } else { 0 };
        let similarities = match ssim {
            false => Vec::new(),
            true if has_windows => {
                let blocks = rows.start / ssim::BLOCK..rows.end / ssim::BLOCK;
                let above = rows.start.saturating_sub(ssim::BLOCK)..rows.start;
                match equal && same_rows(&part(reference, &above), &part(distorted, &above)) {
                    // The SSIM of each window is exactly 1.
                    true => {
                        let count = blocks.end - blocks.start.max(1);
                        vec![(reference.width / ssim::BLOCK - 1) as f64; count]
                    }
                    false => {
                        let compared = ssim::compare_blocks(*reference, *distorted, blocks);
                        if psnr {
                            sse = compared.sse + sse_outside_blocks(&r, &d);
                        }
                        compared.similarities
                    }
                }
            }
            true if rows.start == 0 => vec![ssim::ssim(*reference, *distorted)],
            true => Vec::new(),
        };
        StripResult { equal, sse, similarities }
    }
}

/// The squared errors of the samples at the right and at the bottom that fill no block of [`ssim`].
fn sse_outside_blocks(reference: &Plane<'_>, distorted: &Plane<'_>) -> u64 {
    let sse_of = |r: Plane<'_>, d: Plane<'_>| if r.width > 0 && r.height > 0 { psnr::sse(r, d) } else { 0 };
    let below = reference.height - reference.height % ssim::BLOCK..reference.height;
    sse_of(right_of_blocks(reference), right_of_blocks(distorted))
        + sse_of(part(reference, &below), part(distorted, &below))
}

/// The columns of a plane that fill no block, beside its blocks.
fn right_of_blocks<'a>(plane: &Plane<'a>) -> Plane<'a> {
    let (width, height) = (plane.width % ssim::BLOCK, plane.height - plane.height % ssim::BLOCK);
    let right = Plane { width, height, ..*plane };
    let data = plane.data.get(plane.row_bytes() - right.row_bytes()..).unwrap_or_default();
    Plane { data, ..right }
}

/// The `rows` of a plane.
fn part<'a>(plane: &Plane<'a>, rows: &Range<usize>) -> Plane<'a> {
    let data = plane.data.get(rows.start * plane.stride..).unwrap_or_default();
    Plane { data, height: rows.len(), ..*plane }
}
