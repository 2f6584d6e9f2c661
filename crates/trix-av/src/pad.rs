//! Adds a black border around frames.
//!
//! libavfilter's `pad` always uses 16 for black, which is grey in full-range video.
//!
//! Invariant: every sample of the new frame is written. The original samples stay unchanged.

use trix_model::{color::Range, format::FrameFormat, frame_facts::Padding};

use super::{frame::Frame, frame_pool::FramePool, pixel::PixelFormat};

impl Frame {
    /// A larger frame that contains this one. `None` if this is not a planar frame of `format`, or if it does not fit.
    /// The memory comes from `pool`.
    pub fn padded(&self, pad: Padding, range: Range, format: FrameFormat, pool: &FramePool) -> Option<Frame> {
        if self.pixel_format().and_then(PixelFormat::frame) != Some(format)
            || pad.left + self.width() > pad.width
            || pad.top + self.height() > pad.height
        {
            return None;
        }
        let mut padded = pool.frame(self.pixel_format()?, pad.width as i32, pad.height as i32).ok()?;
        padded.copy_properties(self).ok()?;
        for (index, source) in self.planes().iter().enumerate() {
            let subsampled = index > 0 && index < format.chroma.planes();
            let (x, y) = if subsampled { format.chroma.shift() } else { (0, 0) };
            let (left, top) = (pad.left >> x, pad.top >> y);
            let (stride, width, height) = {
                let planes = padded.planes();
                let plane = planes.get(index)?;
                (plane.stride, plane.width, plane.height)
            };
            let black = black(index, format, range);
            let sample = if format.depth > 8 { 2 } else { 1 };
            // SAFETY: the plane was just allocated with `stride` bytes for each of its rows, and nothing else refers to
            // it; the rows of the source lie within it, as was checked above.
            unsafe {
                let base = (*padded.as_ptr()).data[index];
                for row in 0..height {
                    let line = std::slice::from_raw_parts_mut(base.add(row * stride), width * sample);
                    match sample {
                        1 => line.fill(black as u8),
                        _ => line.as_chunks_mut::<2>().0.fill(black.to_le_bytes()),
                    }
                }
                for (row, from) in source.rows().enumerate() {
                    let at = (top + row) * stride + left * sample;
                    std::slice::from_raw_parts_mut(base.add(at), from.len()).copy_from_slice(from);
                }
            }
        }
        Some(padded)
    }
}

/// The value of black in plane `index` (ITU-R BT.709, table 4, scaled to the depth). Alpha is opaque.
fn black(index: usize, format: FrameFormat, range: Range) -> u16 {
    let above_eight = format.depth.saturating_sub(8);
    let most = ((1u32 << format.depth) - 1) as u16;
    if format.alpha && index + 1 == format.planes() {
        most
    } else if !format.rgb && index > 0 {
        128 << above_eight
    } else if range == Range::Full || format.rgb {
        0
    } else {
        16 << above_eight
    }
}
