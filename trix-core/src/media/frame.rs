//! Decoded pictures and sound, and views of a picture's planes.
//!
//! Invariant: a frame's samples are shared by reference count and immutable once it left the stage that made it.

pub use crate::ffi::frame::Frame;

/// One plane of a picture: `height` rows of `width` samples; row `r` starts at byte `r * stride`.
///
/// Samples are `u8` when `depth` is 8 or less, else little-endian `u16` with the value in the low bits.
#[derive(Clone, Copy)]
pub struct Plane<'a> {
    /// The bytes; the last row may end before a whole stride does.
    pub data: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bits in a sample.
    pub depth: u32,
}

impl<'a> Plane<'a> {
    /// The bytes of samples in a row, without the padding of the stride.
    pub fn row_bytes(&self) -> usize {
        self.width * if self.depth > 8 { 2 } else { 1 }
    }

    /// The rows, top to bottom, without padding.
    pub fn rows(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (data, stride, bytes) = (self.data, self.stride, self.row_bytes());
        (0..self.height).map(move |row| &data[row * stride..row * stride + bytes])
    }
}
