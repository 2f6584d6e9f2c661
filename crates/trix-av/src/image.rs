//! Frames made of samples that Trix computed, for libavcodec's still image encoders, and the samples of a frame as one
//! block of bytes.
//!
//! Invariant: a frame is created completely or not at all. Its bytes are exactly those of its format and size.

use std::ffi::c_int;

use ffmpeg_sys_next as av;

use super::{check, frame::Frame, pixel::PixelFormat};

impl Frame {
    /// Creates a frame from its samples: plane after plane, without padding, as [`Frame::packed`] returns them. `None`
    /// if the number of bytes does not match `format` and size.
    pub fn from_packed(format: PixelFormat, width: usize, height: usize, bytes: &[u8]) -> Option<Frame> {
        let (columns, rows) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
        if format.image_bytes(columns, rows)? != bytes.len() as u64 {
            return None;
        }
        let mut frame = Frame::allocated(format.0, columns as c_int, rows as c_int).ok()?;
        let known = format.to_av();
        let raw = frame.raw_mut();
        let (mut planes, mut strides) = ([std::ptr::null_mut(); 4], [0; 4]);
        // SAFETY: both arrays have the four entries that the call writes. The call only computes addresses.
        check(unsafe {
            av::av_image_fill_arrays(
                planes.as_mut_ptr(),
                strides.as_mut_ptr(),
                bytes.as_ptr(),
                known,
                raw.width,
                raw.height,
                1,
            )
        })
        .ok()?;
        // SAFETY: the planes lie within the bytes, whose number is right, and the call only reads them. The frame is ours
        // and has planes of the same format and size.
        unsafe {
            av::av_image_copy(
                raw.data.as_mut_ptr(),
                raw.linesize.as_mut_ptr(),
                planes.as_mut_ptr().cast(),
                strides.as_ptr(),
                known,
                raw.width,
                raw.height,
            );
        }
        Some(frame)
    }

    /// The samples as in a raw video file: plane after plane, without padding, in any pixel format. `None` if this is
    /// not a video frame.
    pub fn packed(&self) -> Option<Vec<u8>> {
        let format = self.pixel_format()?;
        let size = format.image_bytes(self.width() as u32, self.height() as u32)?;
        let mut bytes = vec![0; usize::try_from(size).ok()?];
        let raw = self.raw();
        // SAFETY: the frame's planes hold what its format and size say. The buffer is as large as libavutil computed for
        // the same format and size.
        check(unsafe {
            av::av_image_copy_to_buffer(
                bytes.as_mut_ptr(),
                bytes.len() as c_int,
                raw.data.as_ptr().cast(),
                raw.linesize.as_ptr(),
                format.to_av(),
                raw.width,
                raw.height,
                1,
            )
        })
        .ok()?;
        Some(bytes)
    }

    /// Sets the quantiser of this frame for an encoder with a fixed quantiser, in the encoder's own steps (1 to 31).
    pub fn set_quantiser(&mut self, quantiser: u32) {
        self.raw_mut().quality = (quantiser * av::FF_QP2LAMBDA as u32) as c_int;
    }
}
