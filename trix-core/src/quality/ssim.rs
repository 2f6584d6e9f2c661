//! Structural similarity (SSIM) of two planes, comparable with the `ssim` filter of the `ffmpeg` program.
//!
//! Invariant: every sum over a window is an exact integer, so the result is the same on every machine and is exactly
//! 1 for identical planes.
//!
//! The measure is that of Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to
//! structural similarity", IEEE Transactions on Image Processing 13(4), 2004, equation 13:
//!
//! ```text
//! SSIM = (2·μx·μy + C1)(2·σxy + C2) / ((μx² + μy² + C1)(σx² + σy² + C2))
//! C1 = (0.01·L)²   C2 = (0.03·L)²   L = 2^depth − 1
//! ```
//!
//! over unweighted windows of 8x8 samples, one every 4 samples in each direction, instead of the paper's Gaussian
//! windows. The code multiplies means by N = 64 samples and variances by N·(N−1), so that both consist of sums: Σx, and
//! N·Σx² − (Σx)². C2 is multiplied by N·(N−1), which is exact. C1 is multiplied by N instead of N², like in the filter.
//! Scores are comparable only between tools that make the same choices.

use std::ops::Range;

use trix_av::simd;
use trix_model::frame_facts::Plane;

use super::psnr::peak;

/// Samples of a block each way; a window is 2x2 neighbouring blocks.
pub(super) const BLOCK: usize = 4;
/// Samples in a window.
const WINDOW: usize = 64;
/// Number of columns that the inner loops process at a time. It is fixed, so that the compiler generates SIMD code.
const LANES: usize = 32;

/// Mean SSIM over the windows of two planes; −1 to 1, and 1 for identical planes.
///
/// The planes must have the same width, height and depth (1 to 16 bits). Otherwise only the samples that both have
/// count, at the reference's depth. Windows start at multiples of 4. Up to 3 samples at the right and at the bottom
/// that fill no window are ignored. A plane narrower or lower than 8 samples is one window, whatever its size, with N
/// as its number of samples. A plane without samples scores 1.
///
/// # Panics
///
/// If a plane's `data` ends before its last row. [`Comparator::push`](super::Comparator::push) rejects such planes.
#[must_use]
pub fn ssim(reference: Plane<'_>, distorted: Plane<'_>) -> f64 {
    let width = reference.width.min(distorted.width);
    let height = reference.height.min(distorted.height);
    if width == 0 || height == 0 {
        1.0
    } else if !has_windows(width, height) {
        let total = sums_of_all(reference, distorted);
        Constants::new(reference.depth, width * height).similarity(&total)
    } else {
        mean(width, height, compare_blocks(reference, distorted, 0..height / BLOCK).similarities)
    }
}

/// True if a plane of this size has windows of 8x8 samples. Otherwise the whole plane is one window.
pub(super) fn has_windows(width: usize, height: usize) -> bool {
    width >= 8 && height >= 8
}

/// The mean over the windows of a plane of this size. `rows` are the sums of its rows of windows; they are added in
/// order.
pub(super) fn mean(width: usize, height: usize, rows: impl IntoIterator<Item = f64>) -> f64 {
    let total = rows.into_iter().fold(0.0, |total, row| total + row);
    total / ((width / 4 - 1) * (height / 4 - 1)) as f64
}

/// Sums over a set of sample pairs (x of the reference, y of the distorted plane). They are integers below 2⁵³, so they
/// are exact.
#[derive(Clone, Copy, Default)]
struct Sums {
    /// Σx.
    x: f64,
    /// Σy.
    y: f64,
    /// Σx² + Σy².
    squares: f64,
    /// Σxy.
    products: f64,
}

/// The constants of the formula.
struct Constants {
    n: f64,
    c1: f64,
    c2: f64,
}

impl Constants {
    /// The constants for windows of `samples` samples of `depth` bits. They are rounded to integers like in the filter,
    /// but never to 0: that would divide 0 by 0 in black windows of few bits.
    fn new(depth: u32, samples: usize) -> Constants {
        let (n, peak) = (samples as f64, peak(depth));
        let c1 = (0.01 * 0.01 * peak * peak * n).round().max(1.0);
        let c2 = (0.03 * 0.03 * peak * peak * n * (n - 1.0)).round().max(1.0);
        Constants { n, c1, c2 }
    }

    #[inline(always)]
    fn similarity(&self, sums: &Sums) -> f64 {
        let means = sums.x * sums.y;
        let mean_squares = sums.x * sums.x + sums.y * sums.y;
        let covariance = sums.products * self.n - means;
        let variances = sums.squares * self.n - mean_squares;
        ((2.0 * means + self.c1) * (2.0 * covariance + self.c2)) / ((mean_squares + self.c1) * (variances + self.c2))
    }
}

/// What the rows of blocks of a strip yield.
#[derive(Default)]
pub(super) struct Compared {
    /// The sum of the similarities of each row of windows that ends in the strip. [`mean`] needs these sums.
    pub(super) similarities: Vec<f64>,
    /// Σ(x − y)² over the blocks of the strip. Samples at the right and at the bottom that fill no block are left out.
    pub(super) sse: u64,
}

/// Compares the rows `own` of blocks, of 4x4 samples. A window is 2x2 neighbouring blocks, so the row of blocks above the
/// first is read too, if there is one. The planes have windows.
pub(super) fn compare_blocks(reference: Plane<'_>, distorted: Plane<'_>, own: Range<usize>) -> Compared {
    simd::widest(
        #[inline(always)]
        || match reference.depth {
            0..=8 => compare(reference, distorted, own, row_u8),
            9..=NARROW => compare(reference, distorted, own, row_u12),
            _ => compare(reference, distorted, own, row_u16),
        },
    )
}

#[inline(always)]
fn compare(
    reference: Plane<'_>,
    distorted: Plane<'_>,
    own: Range<usize>,
    sum_up: impl Fn([&[u8]; 4], [&[u8]; 4], &mut Row),
) -> Compared {
    let columns = reference.width.min(distorted.width) / BLOCK;
    let constants = Constants::new(reference.depth, WINDOW);
    let (mut above, mut below) = (Row::new(columns), Row::new(columns));
    let first = own.start.saturating_sub(1);
    let mut compared = Compared::default();
    for row in first..own.end {
        sum_up(four_rows(&reference, row), four_rows(&distorted, row), &mut below);
        if own.contains(&row) {
            compared.sse += below.sse(columns);
        }
        if row > first {
            above.add(&below);
            compared.similarities.push(above.sum_of_windows(&constants, columns));
        }
        std::mem::swap(&mut above, &mut below);
    }
    compared
}

/// The four rows of samples of a row of blocks.
#[inline(always)]
fn four_rows<'a>(plane: &Plane<'a>, row: usize) -> [&'a [u8]; 4] {
    let bytes = plane.row_bytes();
    std::array::from_fn(|line| {
        let from = (row * BLOCK + line) * plane.stride;
        &plane.data[from..from + bytes]
    })
}

/// Blocks that the inner loops process at a time.
const RUN: usize = LANES / BLOCK;

/// The [`Sums`] of the blocks of a row, each in a list of its own, so that SIMD instructions take several blocks at once.
/// Lists are as long as whole runs.
struct Row {
    x: Vec<[f64; RUN]>,
    y: Vec<[f64; RUN]>,
    squares: Vec<[f64; RUN]>,
    products: Vec<[f64; RUN]>,
    /// The similarities of the windows.
    windows: Vec<f64>,
}

impl Row {
    fn new(columns: usize) -> Self {
        let list = || vec![[0.0; RUN]; columns.div_ceil(RUN)];
        Row { x: list(), y: list(), squares: list(), products: list(), windows: vec![0.0; columns - 1] }
    }

    /// Adds the sums of the row of blocks below, column by column.
    #[inline(always)]
    fn add(&mut self, below: &Row) {
        let lists = [
            (&mut self.x, &below.x),
            (&mut self.y, &below.y),
            (&mut self.squares, &below.squares),
            (&mut self.products, &below.products),
        ];
        for (list, below) in lists {
            for (run, below) in list.iter_mut().zip(below) {
                run.iter_mut().zip(below).for_each(|(sum, below)| *sum += below);
            }
        }
    }

    /// Σ(x − y)² = Σx² + Σy² − 2·Σxy of the first `columns` blocks. Every step is exact.
    #[inline(always)]
    fn sse(&self, columns: usize) -> u64 {
        let (squares, products) = (self.squares.as_flattened(), self.products.as_flattened());
        let of_block = |(squares, products): (&f64, &f64)| (squares - 2.0 * products) as i64;
        squares[..columns].iter().zip(&products[..columns]).map(of_block).sum::<i64>() as u64
    }

    /// The sum of the similarities of the windows, from the sums of two rows of blocks.
    #[inline(always)]
    fn sum_of_windows(&mut self, constants: &Constants, columns: usize) -> f64 {
        let [x, y, squares, products] =
            [&self.x, &self.y, &self.squares, &self.products].map(|list| &list.as_flattened()[..columns]);
        let windows = &mut self.windows[..columns - 1];
        for (at, window) in windows.iter_mut().enumerate() {
            *window = constants.similarity(&Sums {
                x: x[at] + x[at + 1],
                y: y[at] + y[at + 1],
                squares: squares[at] + squares[at + 1],
                products: products[at] + products[at + 1],
            });
        }
        // From left to right, so that the result does not depend on the processor.
        windows.iter().sum()
    }
}

/// The largest depth in bits at which four rows of squares, of two neighbours in both planes, fit 32 bits: 16 × 2²⁴.
const NARROW: u32 = 12;

/// Sums up the 4x4 blocks of four rows of bytes.
#[inline(always)]
fn row_u8(reference: [&[u8]; 4], distorted: [&[u8]; 4], row: &mut Row) {
    row_narrow(reference, distorted, row, |samples, index| lanes::<LANES>(samples, index).map(i16::from));
}

/// Sums up the 4x4 blocks of four rows of little-endian `u16` that rarely have more than [`NARROW`] bits.
#[inline(always)]
fn row_u12(reference: [&[u8]; 4], distorted: [&[u8]; 4], row: &mut Row) {
    let words = |samples: &[u8], index: usize| {
        let bytes = lanes::<{ LANES * 2 }>(samples, index);
        let words = bytes.as_chunks::<2>().0;
        std::array::from_fn(|lane| i16::from_le_bytes(words[lane]))
    };
    if row_narrow(reference, distorted, row, words) >> NARROW != 0 {
        row_u16(reference, distorted, row);
    }
}

/// Sums up the 4x4 blocks of four rows. `load` returns a run of samples by its index. Returns all bits that are set in any
/// sample; the sums are valid if these are no more than [`NARROW`] bits.
#[inline(always)]
fn row_narrow(
    reference: [&[u8]; 4],
    distorted: [&[u8]; 4],
    row: &mut Row,
    load: impl Fn(&[u8], usize) -> [i16; LANES],
) -> u16 {
    let mut seen = [0i16; LANES];
    for index in 0..row.x.len() {
        // The products of two neighbours are added at once: a single SIMD instruction does both.
        let (mut x, mut y) = ([0i16; LANES], [0i16; LANES]);
        let (mut squares, mut products) = ([0i32; LANES / 2], [0i32; LANES / 2]);
        for (reference, distorted) in reference.iter().zip(&distorted) {
            let (r, d) = (load(reference, index), load(distorted, index));
            for lane in 0..LANES {
                x[lane] = x[lane].wrapping_add(r[lane]);
                y[lane] = y[lane].wrapping_add(d[lane]);
                seen[lane] |= r[lane] | d[lane];
            }
            let both = |a: &[i16; LANES], b: &[i16; LANES], pair: usize| {
                let one = |lane: usize| i32::from(a[lane]) * i32::from(b[lane]);
                one(2 * pair).wrapping_add(one(2 * pair + 1))
            };
            for pair in 0..LANES / 2 {
                squares[pair] = squares[pair].wrapping_add(both(&r, &r, pair)).wrapping_add(both(&d, &d, pair));
                products[pair] = products[pair].wrapping_add(both(&r, &d, pair));
            }
        }
        let of_four = |sums: &[i16; LANES], block: usize| {
            let lane = |lane: usize| i32::from(sums[block * BLOCK + lane]);
            f64::from((lane(0) + lane(1)) + (lane(2) + lane(3)))
        };
        let of_two =
            |sums: &[i32; LANES / 2], block: usize| f64::from(sums[block * 2].wrapping_add(sums[block * 2 + 1]));
        row.x[index] = std::array::from_fn(|block| of_four(&x, block));
        row.y[index] = std::array::from_fn(|block| of_four(&y, block));
        row.squares[index] = std::array::from_fn(|block| of_two(&squares, block));
        row.products[index] = std::array::from_fn(|block| of_two(&products, block));
    }
    seen.iter().fold(0, |seen, sample| seen | *sample as u16)
}

/// Sums up the 4x4 blocks of four rows of little-endian `u16`, with any values.
#[inline(always)]
fn row_u16(reference: [&[u8]; 4], distorted: [&[u8]; 4], row: &mut Row) {
    for index in 0..row.x.len() {
        let (mut x, mut y) = ([0u32; LANES], [0u32; LANES]);
        let (mut squares, mut products) = ([0u64; LANES], [0u64; LANES]);
        for (reference, distorted) in reference.iter().zip(&distorted) {
            let (reference, distorted) =
                (lanes::<{ LANES * 2 }>(reference, index), lanes::<{ LANES * 2 }>(distorted, index));
            let (reference, distorted) = (reference.as_chunks::<2>().0, distorted.as_chunks::<2>().0);
            for lane in 0..LANES {
                let r = u32::from(u16::from_le_bytes(reference[lane]));
                let d = u32::from(u16::from_le_bytes(distorted[lane]));
                x[lane] += r;
                y[lane] += d;
                squares[lane] += u64::from(r * r) + u64::from(d * d);
                products[lane] += u64::from(r * d);
            }
        }
        let lanes_of = |block: usize| block * BLOCK..block * BLOCK + BLOCK;
        row.x[index] = std::array::from_fn(|block| f64::from(x[lanes_of(block)].iter().sum::<u32>()));
        row.y[index] = std::array::from_fn(|block| f64::from(y[lanes_of(block)].iter().sum::<u32>()));
        row.squares[index] = std::array::from_fn(|block| squares[lanes_of(block)].iter().sum::<u64>() as f64);
        row.products[index] = std::array::from_fn(|block| products[lanes_of(block)].iter().sum::<u64>() as f64);
    }
}

/// The `index`th run of `N` bytes of a row. Zeros fill it past the end of the row; no counted block contains them.
#[inline(always)]
fn lanes<const N: usize>(row: &[u8], index: usize) -> [u8; N] {
    let rest = row.get(index * N..).unwrap_or_default();
    match rest.first_chunk() {
        Some(run) => *run,
        None => {
            let mut run = [0; N];
            run[..rest.len()].copy_from_slice(rest);
            run
        }
    }
}

/// The sums over all samples of a small plane.
fn sums_of_all(reference: Plane<'_>, distorted: Plane<'_>) -> Sums {
    let (mut x, mut y, mut squares, mut products) = (0, 0, 0, 0);
    let mut add = |r: u64, d: u64| {
        x += r;
        y += d;
        squares += r * r + d * d;
        products += r * d;
    };
    for (r, d) in reference.rows().zip(distorted.rows()) {
        if reference.depth > 8 {
            let pairs = r.as_chunks::<2>().0.iter().zip(d.as_chunks::<2>().0);
            pairs.for_each(|(&r, &d)| add(u64::from(u16::from_le_bytes(r)), u64::from(u16::from_le_bytes(d))));
        } else {
            r.iter().zip(d).for_each(|(&r, &d)| add(u64::from(r), u64::from(d)));
        }
    }
    Sums { x: x as f64, y: y as f64, squares: squares as f64, products: products as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(data: &[u8], stride: usize, width: usize, height: usize, depth: u32) -> Plane<'_> {
        Plane { data, stride, width, height, depth }
    }

    /// Pseudo-random bytes from a linear congruential generator.
    fn noise(seed: u32, length: usize) -> Vec<u8> {
        let step = |state: &mut u32| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some((*state >> 24) as u8)
        };
        std::iter::repeat_with(|| ()).scan(seed, |state, ()| step(state)).take(length).collect()
    }

    /// The formula as written, window by window, with a look-up of every sample.
    fn by_definition(x: &[u8], y: &[u8], width: usize, height: usize) -> f64 {
        let (mut total, mut windows) = (0.0, 0.0);
        for top in (0..=height - 8).step_by(4) {
            for left in (0..=width - 8).step_by(4) {
                let places = || (0..64).map(move |i| (top + i / 8) * width + left + i % 8);
                let mean = |data: &[u8]| places().map(|at| f64::from(data[at])).sum::<f64>() / 64.0;
                let (mx, my) = (mean(x), mean(y));
                let moment = |a: &[u8], ma: f64, b: &[u8], mb: f64| {
                    places().map(|at| (f64::from(a[at]) - ma) * (f64::from(b[at]) - mb)).sum::<f64>() / 63.0
                };
                let (vx, vy, covariance) = (moment(x, mx, x, mx), moment(y, my, y, my), moment(x, mx, y, my));
                let (c1, c2) = (416.0 / 4096.0, 235_963.0 / (64.0 * 63.0));
                let numerator = (2.0 * mx * my + c1) * (2.0 * covariance + c2);
                // With variances over 63, the term 64²·σ² of the sums is 64·63·σ², which matches C2.
                total += numerator / ((mx * mx + my * my + c1) * (vx + vy + c2));
                windows += 1.0;
            }
        }
        total / windows
    }

    #[test]
    fn agrees_with_the_definition() {
        for (width, height) in [(8, 8), (8, 40), (64, 8), (37, 29), (132, 20), (131, 63)] {
            let x = noise(1, width * height);
            let y: Vec<u8> = x.iter().zip(noise(2, x.len())).map(|(x, n)| x.saturating_add(n / 8)).collect();
            let measured = ssim(plane(&x, width, width, height, 8), plane(&y, width, width, height, 8));
            assert!((measured - by_definition(&x, &y, width, height)).abs() < 1e-12, "{width}x{height}");
            assert!(measured < 0.999);
        }
    }

    #[test]
    fn flat_planes_by_hand() {
        // Variances and covariance are 0: (2·μx·μy + C1) / (μx² + μy² + C1), all times 64².
        let (x, y) = ([10; 256], [20; 256]);
        let (sx, sy) = (640.0, 1280.0);
        let expected: f64 = (2.0 * sx * sy + 416.0) / (sx * sx + sy * sy + 416.0);
        assert!((ssim(plane(&x, 16, 16, 16, 8), plane(&y, 16, 16, 16, 8)) - expected).abs() < 1e-15);
    }

    #[test]
    fn identical_planes_score_exactly_one() {
        for (width, height) in [(1, 1), (3, 5), (7, 300), (8, 8), (33, 66)] {
            for depth in [1, 8, 10, 16] {
                let data = noise(3, width * height * 2);
                let plane = plane(&data, if depth > 8 { width * 2 } else { width }, width, height, depth);
                assert_eq!(ssim(plane, plane), 1.0, "{width}x{height} at {depth} bits");
            }
        }
    }

    #[test]
    fn small_and_empty_planes_have_a_score() {
        for (width, height) in [(1, 1), (1, 100), (7, 8), (8, 7), (4, 4)] {
            for (depth, top) in [(1, 1), (8, 255), (16, 255)] {
                let (black, white) = ([0; 200], [top; 200]);
                let bytes = if depth > 8 { 2 } else { 1 };
                let score = ssim(
                    plane(&black, width * bytes, width, height, depth),
                    plane(&white, width * bytes, width, height, depth),
                );
                assert!((-1.0..0.6).contains(&score), "{width}x{height} at {depth} bits: {score}");
            }
        }
        assert_eq!(ssim(plane(&[], 0, 0, 0, 8), plane(&[], 0, 0, 0, 8)), 1.0);
    }

    #[test]
    fn a_small_plane_is_one_window() {
        let (x, y) = ([0, 0, 10, 10], [0, 10, 0, 10]);
        // N = 4, sums 20 and 20, covariance 4·100 − 400 = 0, variances 4·400 − 800 = 800; C1 = 26.01, C2 = 702.27.
        let expected: f64 = (800.0 + 26.0) * 702.0 / ((800.0 + 26.0) * (800.0 + 702.0));
        assert!((ssim(plane(&x, 2, 2, 2, 8), plane(&y, 2, 2, 2, 8)) - expected).abs() < 1e-15);
    }

    #[test]
    fn a_negative_scores_below_zero() {
        let x = noise(5, 64 * 64);
        let y: Vec<u8> = x.iter().map(|x| 255 - x).collect();
        let score = ssim(plane(&x, 64, 64, 64, 8), plane(&y, 64, 64, 64, 8));
        assert!((-1.0..-0.8).contains(&score), "{score}");
    }

    type RowOf = fn([&[u8]; 4], [&[u8]; 4], &mut Row);

    fn sums(sum_up: RowOf, x: &[u8], y: &[u8]) -> Vec<[f64; RUN]> {
        fn four(data: &[u8]) -> [&[u8]; 4] {
            let row = data.len() / 4;
            std::array::from_fn(|at| &data[at * row..(at + 1) * row])
        }
        let mut row = Row::new(x.len() / 32);
        sum_up(four(x), four(y), &mut row);
        [row.x, row.y, row.squares, row.products].concat()
    }

    #[test]
    fn samples_above_their_depth_count_as_what_they_are() {
        for bits in 9..=16 {
            let masked = |seed: u32| -> Vec<u8> {
                let mask = ((1u32 << (bits - 8)) - 1) as u8;
                let bytes = noise(seed, 92 * 2 * 4).into_iter().enumerate();
                bytes.map(|(at, byte)| if at % 2 == 1 { byte & mask } else { byte }).collect()
            };
            let (x, y) = (masked(10), masked(11));
            assert_eq!(sums(row_u12, &x, &y), sums(row_u16, &x, &y), "{bits} bits");
        }
        let top = [0xff, 0x0f].repeat(92 * 4);
        assert_eq!(sums(row_u12, &top, &top), sums(row_u16, &top, &top));
    }

    #[test]
    fn largest_samples_do_not_overflow() {
        for (depth, stride) in [(8, 128), (10, 256), (16, 256)] {
            let (black, white) = (vec![0; stride * 16], vec![255; stride * 16]);
            let (black, white) = (plane(&black, stride, 128, 16, depth), plane(&white, stride, 128, 16, depth));
            assert_eq!(ssim(white, white), 1.0);
            let score = ssim(black, white);
            assert!((0.0..1e-4).contains(&score), "{score}");
        }
    }

    #[test]
    fn padding_of_the_stride_is_not_read() {
        let (tight, other) = (noise(6, 20 * 12), noise(7, 20 * 12));
        let mut padded = vec![0xAA; 31 * 12];
        for (to, from) in padded.chunks_mut(31).zip(tight.chunks(20)) {
            to[..20].copy_from_slice(from);
        }
        let other = plane(&other, 20, 20, 12, 8);
        let last_row_ends = 31 * 11 + 20;
        let padded = plane(&padded[..last_row_ends], 31, 20, 12, 8);
        assert_eq!(ssim(plane(&tight, 20, 20, 12, 8), other), ssim(padded, other));
    }

    #[test]
    fn wide_and_narrow_paths_agree() {
        let (x, y) = (noise(8, 70 * 30), noise(9, 70 * 30));
        let wide = |data: &[u8]| -> Vec<u8> {
            data.iter().flat_map(|&sample| (u16::from(sample) * 257).to_le_bytes()).collect()
        };
        let narrow = ssim(plane(&x, 70, 70, 30, 8), plane(&y, 70, 70, 30, 8));
        let wide = ssim(plane(&wide(&x), 140, 70, 30, 16), plane(&wide(&y), 140, 70, 30, 16));
        assert!((narrow - wide).abs() < 1e-6, "{narrow} {wide}"); // The 8-bit constants are rounded.
    }
}
