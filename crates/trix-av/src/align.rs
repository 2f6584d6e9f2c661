//! Frames whose planes and rows begin where vector instructions can load them.
//!
//! zimg loads up to 64 bytes at once, and only from multiples of this. libavfilter's `zscale` copies a frame whose first
//! plane does not fit, but it does not check the others. The chroma of a cropped frame, or of a frame with an unusual
//! width, would end the process.

use std::ffi::c_int;

use ffmpeg_sys_next as av;

use super::{
    AvError, check,
    frame::Frame,
    frame_pool::{ALIGNMENT, FramePool},
};

impl Frame {
    /// A new video frame of this format and size, with aligned planes and rows. Nothing has set its samples yet.
    pub(crate) fn allocated(format: c_int, width: c_int, height: c_int) -> Result<Frame, AvError> {
        let mut frame = Frame::new();
        let raw = frame.raw_mut();
        (raw.format, raw.width, raw.height) = (format, width, height);
        frame.allocate(ALIGNMENT)?;
        Ok(frame)
    }

    /// Allocates the samples of a frame whose format and size are set. Rows begin at multiples of `alignment` bytes; 0
    /// leaves the choice to libavutil.
    pub(crate) fn allocate(&mut self, alignment: c_int) -> Result<(), AvError> {
        // SAFETY: the frame is ours and has no samples yet.
        check(unsafe { av::av_frame_get_buffer(self.as_ptr(), alignment) }).map(drop)
    }

    /// Copies everything but format, size and samples from `source`.
    pub(crate) fn copy_properties(&mut self, source: &Frame) -> Result<(), AvError> {
        // SAFETY: both frames are valid, and this one is ours.
        check(unsafe { av::av_frame_copy_props(self.as_ptr(), source.as_ptr()) }).map(drop)
    }

    /// A copy of a video frame with aligned planes and rows. `None` if those of this frame are aligned.
    pub(crate) fn aligned(&self, pool: &FramePool) -> Result<Option<Frame>, AvError> {
        let Some(format) = self.pixel_format().filter(|_| !self.is_aligned()) else { return Ok(None) };
        let mut copy = pool.frame(format, self.width() as c_int, self.height() as c_int)?;
        // SAFETY: both frames are valid, and the copy is ours. Both have the same format and size.
        check(unsafe { av::av_frame_copy(copy.as_ptr(), self.as_ptr()) })?;
        copy.copy_properties(self)?;
        Ok(Some(copy))
    }

    fn is_aligned(&self) -> bool {
        let raw = self.raw();
        let mut planes = raw.data.iter().zip(raw.linesize).take_while(|(data, _)| !data.is_null());
        planes.all(|(data, stride)| data.addr() % ALIGNMENT as usize == 0 && stride % ALIGNMENT == 0)
    }
}
