//! Samples that exceed the bit depth of their frame.
//!
//! Invariant: the frame itself stays unchanged. Only a copy has other samples.

use ffmpeg_sys_next as av;

use super::{check, frame::Frame, simd};

impl Frame {
    /// True if a sample exceeds the maximum of its bit depth. 16-bit words from a damaged file can hold such values,
    /// and encoders use samples as indices into memory.
    pub fn exceeds_depth(&self) -> bool {
        let bits_of = |row: &[u8]| {
            let samples = row.as_chunks::<2>().0.iter();
            samples.fold(0, |bits, sample| bits | u16::from_le_bytes(*sample))
        };
        self.planes().iter().filter(|plane| (9..16).contains(&plane.depth)).any(|plane| {
            let bits = simd::widest(
                #[inline(always)]
                || plane.rows().fold(0, |bits, row| bits | bits_of(row)),
            );
            u32::from(bits) >> plane.depth != 0
        })
    }

    /// A copy with all samples limited to the maximum of their bit depth.
    pub fn clamped_to_depth(&self) -> Self {
        let copy = self.clone();
        // SAFETY: the copy is ours.
        check(unsafe { av::av_frame_make_writable(copy.as_ptr()) }).expect("memory for a frame");
        let planes = copy.planes();
        let planes: Vec<_> =
            planes.iter().map(|plane| (plane.depth, plane.stride, plane.width, plane.height)).collect();
        for (index, (depth, stride, width, height)) in planes.into_iter().enumerate() {
            if depth <= 8 {
                continue;
            }
            let most = ((1u32 << depth) - 1) as u16;
            let start = copy.raw().data[index];
            for row in 0..height {
                // SAFETY: the copy has samples of its own, and nothing else refers to them. The rows lie within them, as
                // in `planes`.
                unsafe {
                    let row = start.add(row * stride).cast::<u16>();
                    for column in 0..width {
                        let sample = row.add(column);
                        sample.write_unaligned(sample.read_unaligned().min(most));
                    }
                }
            }
        }
        copy
    }
}
