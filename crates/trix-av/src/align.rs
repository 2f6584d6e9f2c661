//! Frames whose planes and rows begin where vector instructions can load them.
//!
//! zimg loads up to 64 bytes at once, and only from multiples of this. libavfilter's `zscale` copies a frame whose first
//! plane does not fit, but it does not check the others. The chroma of a cropped frame, or of a frame with an unusual
//! width, would end the process.

use std::ffi::c_int;

use ffmpeg_sys_next as av;

use super::{AvError, check, frame::Frame};

/// In bytes: the size of a vector of AVX-512.
pub(crate) const ALIGNMENT: c_int = 64;

impl Frame {
    /// A copy of a video frame with aligned planes and rows. `None` if those of this frame are aligned.
    pub(crate) fn aligned(&self) -> Result<Option<Frame>, AvError> {
        if self.is_aligned() {
            return Ok(None);
        }
        let copy = Frame::new();
        // SAFETY: the new frame is ours; the calls allocate planes for the format and size of a valid frame, and copy its
        // samples and properties.
        unsafe {
            let raw = copy.as_ptr();
            ((*raw).format, (*raw).width, (*raw).height) =
                (self.format(), self.width() as c_int, self.height() as c_int);
            check(av::av_frame_get_buffer(raw, ALIGNMENT))?;
            check(av::av_frame_copy(raw, self.as_ptr()))?;
            check(av::av_frame_copy_props(raw, self.as_ptr()))?;
        }
        Ok(Some(copy))
    }

    fn is_aligned(&self) -> bool {
        // SAFETY: the frame is valid.
        let raw = unsafe { &*self.as_ptr() };
        let mut planes = raw.data.iter().zip(raw.linesize).take_while(|(data, _)| !data.is_null());
        planes.all(|(data, stride)| data.addr() % ALIGNMENT as usize == 0 && stride % ALIGNMENT == 0)
    }
}
