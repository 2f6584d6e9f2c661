//! Frames made of samples that Trix computed, for libavcodec's still image encoders.
//!
//! Invariant: a frame is created completely or not at all. Its bytes are exactly those of its format and size.

use std::ffi::c_int;

use ffmpeg_sys_next as av;

use super::{align::ALIGNMENT, frame::Frame, pixel::PixelFormat};

impl Frame {
    /// Creates a frame from its samples: plane after plane, without padding, as [`Frame::packed`] returns them. `None`
    /// if the number of bytes does not match `format` and size.
    pub fn from_packed(format: PixelFormat, width: usize, height: usize, bytes: &[u8]) -> Option<Frame> {
        let (columns, rows) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
        if format.image_bytes(columns, rows)? != bytes.len() as u64 {
            return None;
        }
        let name = super::c_string(&format.name());
        let frame = Frame::new();
        // SAFETY: the frame is ours, and the call allocates its planes; the format comes from libavutil's own table; the
        // bytes were just counted, so that the planes that are laid over them lie within them, and they are only read.
        unsafe {
            let raw = &mut *frame.as_ptr();
            (raw.format, raw.width, raw.height) = (format.0, columns as c_int, rows as c_int);
            if av::av_frame_get_buffer(raw, ALIGNMENT) < 0 {
                return None;
            }
            let known = av::av_get_pix_fmt(name.as_ptr());
            let (mut planes, mut strides) = ([std::ptr::null_mut(); 4], [0; 4]);
            let laid = av::av_image_fill_arrays(
                planes.as_mut_ptr(),
                strides.as_mut_ptr(),
                bytes.as_ptr(),
                known,
                raw.width,
                raw.height,
                1,
            );
            if laid < 0 {
                return None;
            }
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

    /// Sets the quantiser of this frame for an encoder with a fixed quantiser, in the encoder's own steps (1 to 31).
    pub fn set_quantiser(&mut self, quantiser: u32) {
        // SAFETY: we hold the only reference to the frame.
        unsafe { (*self.as_ptr()).quality = (quantiser * av::FF_QP2LAMBDA as u32) as c_int };
    }
}
