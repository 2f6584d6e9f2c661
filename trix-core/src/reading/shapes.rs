//! Shapes of frames and audio that a program has.

use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::Rational,
};

use super::{audio_block::AudioBlock, video_frame::VideoFrame};
use crate::settings::shape::{TrackShape, VideoShape};

impl VideoShape {
    /// The shape of `frame` and of those like it, `rate` of them in a second. Times are in the unit of this frame's
    /// time.
    ///
    /// # Errors
    /// `Unsupported` if libavutil has no name for the format of the frame.
    pub fn of(frame: &VideoFrame, rate: Rational) -> Result<Self> {
        let format = frame.format().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, Stage::Encode, "the pixel format of the frame is unknown")
                .at(Some(frame.time))
        })?;
        Ok(VideoShape {
            time_base: Some(frame.time.base),
            color: frame.color(),
            fields: frame.fields(),
            sample_aspect: frame.sample_aspect,
            hdr: frame.hdr,
            ..VideoShape::new(frame.width(), frame.height(), format, rate)
        })
    }
}

impl TrackShape {
    /// The shape of `block` and of those like it. Times are in the unit of this block's time.
    ///
    /// # Errors
    /// `Unsupported` if the sample format of the block is unknown.
    pub fn of(block: &AudioBlock) -> Result<Self> {
        let format = block.sample_format().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, Stage::Encode, "the sample format of the block is unknown")
                .at(Some(block.time))
        })?;
        let shape = TrackShape::new(block.sample_rate(), block.layout(), format.sample);
        Ok(TrackShape { time_base: Some(block.time.base), ..shape })
    }
}
