//! Sums over rows of samples, which the compiler turns into vector instructions.

use std::iter::zip;

use trix_model::frame_facts::Plane;

use super::{phases::TAPS, weights::Weights};

/// Reads a row of a plane as numbers.
#[inline(always)]
pub(super) fn read(plane: &Plane<'_>, row: usize, to: &mut [f32]) {
    let bytes = plane.data.get(row * plane.stride..).unwrap_or_default();
    if plane.depth > 8 {
        for (to, sample) in zip(to, bytes.as_chunks::<2>().0) {
            *to = f32::from(u16::from_le_bytes(*sample));
        }
    } else {
        for (to, sample) in zip(to, bytes) {
            *to = f32::from(*sample);
        }
    }
}

/// The weighted sum of the samples at `at` of rows.
#[inline(always)]
pub(super) fn sum(rows: &[&[f32]; TAPS], weights: &[f32; TAPS], at: usize) -> f32 {
    let mut sum = 0.0;
    for tap in 0..TAPS {
        sum += rows[tap][at] * weights[tap];
    }
    sum
}

/// The weighted sum of rows.
#[inline(always)]
pub(super) fn weigh(rows: &[&[f32]; TAPS], weights: &[f32; TAPS], to: &mut [f32]) {
    for (at, to) in to.iter_mut().enumerate() {
        *to = sum(rows, weights, at);
    }
}

/// Writes red, green and blue of a row as bytes, or as words in little-endian order.
#[inline(always)]
pub(super) fn write<const N: usize>(weights: &Weights, [luma, cb, cr]: [&[f32]; 3], to: &mut [u8]) {
    // In a number of this size, the last bit of the fraction counts ones: the sum is rounded.
    const ONES: f32 = 8_388_608.0;
    let bytes = |sum: f32| {
        let bytes = (sum.max(0.0).min(weights.top) + ONES).to_bits().to_le_bytes();
        std::array::from_fn::<u8, N, _>(|at| bytes[at])
    };
    let (samples, _) = to.as_chunks_mut::<N>();
    let (pixels, _) = samples.as_chunks_mut::<3>();
    for (pixel, ((y, cb), cr)) in zip(pixels, zip(zip(luma, cb), cr)) {
        let luma = y * weights.luma;
        *pixel = [
            bytes(luma + cr * weights.red[0] + weights.red[1]),
            bytes(luma + cb * weights.green[0] + cr * weights.green[1] + weights.green[2]),
            bytes(luma + cb * weights.blue[0] + weights.blue[1]),
        ];
    }
}
