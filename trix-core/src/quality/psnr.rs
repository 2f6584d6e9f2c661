//! Peak signal-to-noise ratio, from the exact sum of squared errors of two planes.
//!
//! Invariant: the sum of squared errors is exact, so it does not depend on the order in which samples are visited.

use trix_av::simd;
use trix_model::frame_facts::Plane;

/// Bytes of an 8-bit row that are summed in 32 bits before they join the 64-bit total: 32768 × 255² < 2³².
const BYTES_IN_U32: usize = 32768;

/// The sum over all samples of (reference − distorted)², for planes of 8 bits (bytes) or 9 to 16 bits (`u16`).
///
/// Both planes must have the same width, height and depth. Otherwise only the samples that both have are summed, at the
/// reference's depth. The padding of the strides is not read. 64 bits hold the sum of 2³² samples that differ by 65535
/// each, over 500 times the samples of a 3840x2160 plane.
///
/// # Panics
///
/// If a plane's `data` ends before its last row. [`Comparator::push`](super::Comparator::push) rejects such planes.
#[must_use]
pub fn sse(reference: Plane<'_>, distorted: Plane<'_>) -> u64 {
    let rows = reference.rows().zip(distorted.rows());
    simd::widest(
        #[inline(always)]
        || match reference.depth > 8 {
            true => rows.map(|(reference, distorted)| row_sse_u16(reference, distorted)).sum(),
            false => rows.map(|(reference, distorted)| row_sse_u8(reference, distorted)).sum(),
        },
    )
}

#[inline(always)]
fn row_sse_u8(reference: &[u8], distorted: &[u8]) -> u64 {
    let runs = reference.chunks(BYTES_IN_U32).zip(distorted.chunks(BYTES_IN_U32));
    runs.map(|(reference, distorted)| u64::from(run_sse_u8(reference, distorted))).sum()
}

/// At most [`BYTES_IN_U32`] samples. The differences fit `i16`, so a SIMD multiply-add handles two products per lane.
#[inline(always)]
fn run_sse_u8(reference: &[u8], distorted: &[u8]) -> u32 {
    let squares = reference.iter().zip(distorted).map(|(&r, &d)| {
        let difference = i32::from(i16::from(r) - i16::from(d));
        (difference * difference) as u32
    });
    squares.sum()
}

#[inline(always)]
fn row_sse_u16(reference: &[u8], distorted: &[u8]) -> u64 {
    let (reference, distorted) = (reference.as_chunks::<2>().0, distorted.as_chunks::<2>().0);
    let squares = reference.iter().zip(distorted).map(|(&r, &d)| {
        let difference = u32::from(u16::from_le_bytes(r).abs_diff(u16::from_le_bytes(d)));
        u64::from(difference * difference)
    });
    squares.sum()
}

/// The ratio of the peak to the mean squared error, in decibels: 10 · log₁₀(peak² / MSE), peak = 2^depth − 1.
///
/// `mse` is in squared sample steps, 0 or more; `depth` is in bits, 1 to 16. `None` if `mse` is 0 (the planes are
/// identical and the ratio has no finite value) or not a number. The peak is that of the full sample range, whatever
/// range is flagged, like the `psnr` filter of the `ffmpeg` program.
#[must_use]
pub(crate) fn decibels(mse: f64, depth: u32) -> Option<f64> {
    let peak = peak(depth);
    (mse > 0.0).then(|| 10.0 * (peak * peak / mse).log10())
}

/// The largest sample of `depth` bits. `depth` is limited to 1 to 16.
pub(super) fn peak(depth: u32) -> f64 {
    f64::from((1u32 << depth.clamp(1, 16)) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(data: &[u8], stride: usize, width: usize, height: usize, depth: u32) -> Plane<'_> {
        Plane { data, stride, width, height, depth }
    }

    fn widened(data: &[u8], gain: u16) -> Vec<u8> {
        data.iter().flat_map(|&sample| (u16::from(sample) * gain).to_le_bytes()).collect()
    }

    #[test]
    fn squared_errors_of_a_hand_computed_case() {
        let (reference, distorted) = ([10, 20, 30, 255, 0, 7], [13, 20, 26, 0, 255, 8]);
        let sum = 9 + 16 + 255 * 255 * 2 + 1;
        assert_eq!(sse(plane(&reference, 3, 3, 2, 8), plane(&distorted, 3, 3, 2, 8)), sum);
        assert_eq!(sse(plane(&distorted, 3, 3, 2, 8), plane(&reference, 3, 3, 2, 8)), sum);
        assert_eq!(sse(plane(&reference, 3, 3, 2, 8), plane(&reference, 3, 3, 2, 8)), 0);
    }

    #[test]
    fn high_bytes_of_wide_samples_count() {
        let (reference, distorted) = ([0x00, 0x01, 0xff, 0x03], [0xff, 0x00, 0x00, 0x00]);
        assert_eq!(sse(plane(&reference, 4, 2, 1, 10), plane(&distorted, 4, 2, 1, 10)), 1 + 1023 * 1023);
    }

    #[test]
    fn padding_of_the_stride_is_not_read() {
        let reference = [1, 2, 99, 3, 4]; // The last row has no padding.
        let distorted = [1, 3, 0, 0, 3, 6, 0, 0];
        assert_eq!(sse(plane(&reference, 3, 2, 2, 8), plane(&distorted, 4, 2, 2, 8)), 1 + 4);
    }

    #[test]
    fn wide_and_narrow_paths_agree() {
        let reference: Vec<u8> = (0..1000u32).map(|i| (i * 37 % 256) as u8).collect();
        let distorted: Vec<u8> = (0..1000u32).map(|i| (i * 101 % 251) as u8).collect();
        let narrow = sse(plane(&reference, 100, 100, 10, 8), plane(&distorted, 100, 100, 10, 8));
        let (reference, distorted) = (widened(&reference, 257), widened(&distorted, 257));
        let wide = sse(plane(&reference, 200, 100, 10, 16), plane(&distorted, 200, 100, 10, 16));
        assert_eq!(wide, narrow * 257 * 257);
        let samples = 1000.0;
        let (narrow, wide) = (decibels(narrow as f64 / samples, 8), decibels(wide as f64 / samples, 16));
        assert!((narrow.unwrap() - wide.unwrap()).abs() < 1e-12);
    }

    #[test]
    fn largest_differences_do_not_overflow() {
        let (zeros, ones) = (vec![0; 200_000], vec![255; 200_000]);
        assert_eq!(sse(plane(&zeros, 200_000, 200_000, 1, 8), plane(&ones, 200_000, 200_000, 1, 8)), 200_000 * 65025);
        // A plane of 3840x2160 samples whose rows share the same bytes, so that 2160 rows need no memory.
        let (zeros, ones) = (plane(&zeros, 0, 3840, 2160, 16), plane(&ones, 0, 3840, 2160, 16));
        assert_eq!(sse(zeros, ones), 3840 * 2160 * 65535 * 65535);
    }

    #[test]
    fn decibels_of_known_errors() {
        assert_eq!(decibels(0.0, 8), None);
        assert_eq!(decibels(f64::NAN, 8), None);
        assert!((decibels(1.0, 8).unwrap() - 48.130_803_608_679_1).abs() < 1e-12);
        assert_eq!(decibels(65025.0, 8), Some(0.0));
        assert_eq!(decibels(65535.0 * 65535.0, 16), Some(0.0));
    }
}
