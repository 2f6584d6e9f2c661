//! Planes of two frames that are compared: shape, size in bytes, equality.

use trix_model::frame_facts::Plane;

/// True if two frames are equal: number, sizes and depths of the planes, and every sample, compared as bytes.
///
/// The padding of the strides is ignored. A plane whose `data` ends before its last row equals nothing.
#[must_use]
pub fn identical(reference: &[Plane<'_>], distorted: &[Plane<'_>]) -> bool {
    let mut pairs = reference.iter().zip(distorted);
    reference.len() == distorted.len()
        && pairs.all(|(r, d)| shape(r) == shape(d) && holds_its_rows(r) && holds_its_rows(d) && same_rows(r, d))
}

/// Width, height and depth.
pub(super) fn shape(plane: &Plane<'_>) -> (usize, usize, u32) {
    (plane.width, plane.height, plane.depth)
}

pub(super) fn same_rows(reference: &Plane<'_>, distorted: &Plane<'_>) -> bool {
    reference.rows().eq(distorted.rows())
}

/// True if [`Plane::rows`] stays within the bytes of the plane.
pub(super) fn holds_its_rows(plane: &Plane<'_>) -> bool {
    let row = plane.width.checked_mul(if plane.depth > 8 { 2 } else { 1 });
    let before = plane.height.saturating_sub(1).checked_mul(plane.stride);
    let end = row.zip(before).and_then(|(row, before)| before.checked_add(row));
    let rows_apart = plane.height <= 1 || row.is_some_and(|row| plane.stride >= row);
    rows_apart && end.is_some_and(|end| end <= plane.data.len())
}
