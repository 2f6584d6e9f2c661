//! What every encoder of video can do.

pub use trix_av::x264::{Encoded, Headers};
use trix_av::{
    frame::Frame,
    stream::{CodecParameters, VideoCodec},
};
use trix_model::error::Result;

/// An encoder of pictures.
pub trait VideoEncoder: Send {
    /// What goes before the first picture.
    ///
    /// # Errors
    /// `Codec` when the encoder fails.
    fn headers(&mut self) -> Result<Headers>;

    /// Puts picture `number` in, forced to be a keyframe or not; what comes out, if anything, is an earlier one.
    ///
    /// # Errors
    /// `Codec` when the encoder fails.
    fn push(&mut self, frame: &Frame, number: u64, force_key: bool) -> Result<Option<Encoded>>;

    /// Takes one of the pictures out that are still inside, after the last was put in; `None` when all are out.
    ///
    /// # Errors
    /// `Codec` when the encoder fails.
    fn finish(&mut self) -> Result<Option<Encoded>>;

    /// What a muxer must know, where libavcodec made the stream.
    fn parameters(&self) -> Option<Result<CodecParameters>> {
        None
    }

    /// Which codec the stream is of, where libavcodec did not make it.
    fn codec(&self) -> Option<VideoCodec>;

    /// Frame threads that the encoder runs with, where they are part of what decides about its bytes.
    fn frame_threads(&self) -> Option<u32>;

    /// What the encoder warned of.
    fn complaints(&self) -> Vec<String>;
}
