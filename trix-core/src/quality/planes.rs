//! Planes of two frames that are compared: shape, size in bytes, equality.

use trix_model::frame_facts::Plane;

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
