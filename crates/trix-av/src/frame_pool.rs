//! Memory for the frames of a conversion, used again once the frames are gone.
//!
//! The system clears each page of memory that it hands out. In an encode of padded 1080p frames, new memory for each frame
//! was a third of all page faults.
//!
//! Invariant: memory goes back to its pool with the last reference to its frame, and to the system with the pool.

use std::{
    ffi::c_int,
    ptr::NonNull,
    sync::{Mutex, PoisonError},
};

use ffmpeg_sys_next as av;

use super::{AvError, check, frame::Frame, pixel::PixelFormat};

/// In bytes: the size of a vector of AVX-512.
pub(crate) const ALIGNMENT: c_int = 64;

/// Sizes of planes that a pool remembers. A frame has up to four, and a stream can change its format.
const SIZES: usize = 12;

/// Bytes that vector instructions may touch behind a plane.
const BEHIND: usize = 64;

/// Memory for frames. It may be used by several threads at a time.
#[derive(Default)]
pub struct FramePool(Mutex<Vec<Buffers>>);

/// Buffers of one size.
struct Buffers {
    size: usize,
    pool: NonNull<av::AVBufferPool>,
}

// SAFETY: libavutil locks its pools.
unsafe impl Send for Buffers {}

impl Drop for Buffers {
    fn drop(&mut self) {
        let mut pool = self.pool.as_ptr();
        // SAFETY: the pool is ours. It lives on until its last buffer comes back.
        unsafe { av::av_buffer_pool_uninit(&mut pool) };
    }
}

impl FramePool {
    /// A new video frame of this format and size, with aligned planes and rows. Nothing has set its samples yet.
    pub(crate) fn frame(&self, format: PixelFormat, width: c_int, height: c_int) -> Result<Frame, AvError> {
        let mut frame = Frame::new();
        let raw = frame.raw_mut();
        (raw.format, raw.width, raw.height) = (format.0, width, height);
        let (mut strides, mut sizes) = ([0; 4], [0; 4]);
        // SAFETY: the array has the four entries that the call writes.
        check(unsafe { av::av_image_fill_linesizes(strides.as_mut_ptr(), format.to_av(), width) })?;
        strides = strides.map(|stride| (stride + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        // Some filters read whole blocks of rows.
        let rows = (height + 31) / 32 * 32;
        let apart = strides.map(|stride| stride as isize);
        // SAFETY: both arrays have the four entries that the call reads and writes.
        check(unsafe { av::av_image_fill_plane_sizes(sizes.as_mut_ptr(), format.to_av(), rows, apart.as_ptr()) })?;
        for (plane, size) in sizes.into_iter().enumerate().take_while(|(_, size)| *size > 0) {
            let buffer = self.buffer(size + BEHIND + ALIGNMENT as usize)?;
            // SAFETY: the buffer is valid, and has room for the plane behind the next aligned address.
            let start = unsafe {
                let start = (*buffer.as_ptr()).data;
                start.add(start.align_offset(ALIGNMENT as usize))
            };
            let raw = frame.raw_mut();
            (raw.buf[plane], raw.data[plane], raw.linesize[plane]) = (buffer.as_ptr(), start, strides[plane]);
        }
        Ok(frame)
    }

    /// A buffer of `size` bytes.
    fn buffer(&self, size: usize) -> Result<NonNull<av::AVBufferRef>, AvError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = match known.iter().position(|buffers| buffers.size == size) {
            Some(at) => at,
            None => {
                if known.len() == SIZES {
                    known.remove(0);
                }
                // SAFETY: no preconditions. Without a function, the pool allocates with libavutil's.
                let pool = NonNull::new(unsafe { av::av_buffer_pool_init(size, None) }).ok_or(AvError::NO_MEMORY)?;
                known.push(Buffers { size, pool });
                known.len() - 1
            }
        };
        // SAFETY: the pool is valid.
        NonNull::new(unsafe { av::av_buffer_pool_get(known[at].pool.as_ptr()) }).ok_or(AvError::NO_MEMORY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(name: &str) -> PixelFormat {
        PixelFormat::from_name(name).expect("a format")
    }

    #[test]
    fn planes_are_aligned_and_lie_within_buffers_of_their_own() {
        let pool = FramePool::default();
        // Of each format: by how much the height of each plane is divided.
        for (name, divisors) in [
            ("yuv420p", &[1, 2, 2][..]),
            ("yuv422p10le", &[1, 1, 1]),
            ("gbrap16le", &[1, 1, 1, 1]),
            ("gray", &[1]),
            ("rgb24", &[1]),
            ("nv12", &[1, 2]),
            ("yuva444p12le", &[1, 1, 1, 1]),
            ("gbrpf32le", &[1, 1, 1]),
        ] {
            for (width, height) in [(1, 1), (31, 17), (64, 64), (721, 405)] {
                let frame = pool.frame(format(name), width, height).expect("memory");
                let raw = frame.raw();
                assert_eq!(raw.data.iter().filter(|data| !data.is_null()).count(), divisors.len(), "{name}");
                let mut bytes = 0;
                for (plane, divisor) in divisors.iter().enumerate() {
                    // SAFETY: the buffer belongs to a living frame.
                    let (buffer, size) = unsafe { ((*raw.buf[plane]).data.addr(), (*raw.buf[plane]).size) };
                    let (start, stride) = (raw.data[plane].addr(), raw.linesize[plane] as usize);
                    assert_eq!((start % 64, stride % 64), (0, 0), "{name} {width}x{height}");
                    let rows = (height as usize).div_ceil(*divisor);
                    assert!(
                        start >= buffer && start + stride * rows + BEHIND <= buffer + size,
                        "{name} {width}x{height}"
                    );
                    bytes += stride * rows;
                }
                let whole = format(name).image_bytes(width as u32, height as u32).expect("a size");
                assert!(bytes as u64 >= whole, "{name} {width}x{height}");
            }
        }
    }

    #[test]
    fn memory_is_used_again_once_its_frame_is_gone_and_not_before() {
        let pool = FramePool::default();
        let frame = || pool.frame(format("yuv420p"), 320, 240).expect("memory");
        let (first, second) = (frame(), frame());
        let [one, two] = [&first, &second].map(|frame| frame.raw().data[0].addr());
        assert_ne!(one, two);
        let copy = first.clone();
        drop(first);
        assert_ne!(frame().raw().data[0].addr(), one, "a reference is left");
        drop(copy);
        drop(second);
        let (third, fourth, fifth) = (frame(), frame(), frame());
        let now: Vec<usize> = [&third, &fourth, &fifth].map(|frame| frame.raw().data[0].addr()).into();
        assert!(now.contains(&one) && now.contains(&two), "{now:?}");
    }

    #[test]
    fn frames_outlive_their_pool_and_its_memory_of_their_size() {
        let pool = FramePool::default();
        let filled = |pool: &FramePool, width: c_int, value: u8| {
            let frame = pool.frame(format("gray"), width, 64).expect("memory");
            // SAFETY: the plane has 64 rows of at least that many bytes.
            unsafe { frame.raw().data[0].write_bytes(value, 64 * width as usize) };
            frame
        };
        let frame = filled(&pool, 64, 7);
        // So many other sizes that the pool forgets the first one.
        (2..40).for_each(|times| drop(filled(&pool, 64 * times, 9)));
        drop(pool);
        let other = FramePool::default();
        let others: Vec<Frame> = (0..20).map(|_| filled(&other, 64, 9)).collect();
        assert!(frame.planes()[0].data.iter().all(|byte| *byte == 7));
        drop(others);
    }
}
