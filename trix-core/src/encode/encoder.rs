//! The interface of all video encoders.

pub use trix_av::x264::{Coding, Encoded, Headers};
use trix_av::{
    frame::Frame,
    stream::{CodecParameters, VideoCodec},
    x264::Refused,
};
use trix_model::error::{Error, ErrorKind, Result, Stage};

/// A video encoder.
pub trait VideoEncoder: Send {
    /// The headers that precede the first frame.
    ///
    /// # Errors
    /// `Codec` if the encoder fails.
    fn headers(&mut self) -> Result<Headers>;

    /// Sends frame `number` to the encoder. Returns an encoded frame if one is ready, usually an earlier one.
    ///
    /// # Errors
    /// `Codec` if the encoder fails.
    fn push(&mut self, frame: &Frame, number: u64, coding: Coding) -> Result<Option<Encoded>>;

    /// Receives one of the frames still inside the encoder after the last one was sent; `None` if no more remain.
    ///
    /// # Errors
    /// `Codec` if the encoder fails.
    fn finish(&mut self) -> Result<Option<Encoded>>;

    /// Tells the encoders that follow its analysis that nothing is taken out of it any more: they end with the frames that it has
    /// given.
    fn release_followers(&mut self) {}

    /// The parameters for the muxer, if libavcodec made the stream.
    fn parameters(&self) -> Option<Result<CodecParameters>> {
        None
    }

    /// The codec of the stream, if libavcodec did not make it.
    fn codec(&self) -> Option<VideoCodec>;

    /// Number of frame threads of the encoder, if it affects the encoded bytes.
    fn frame_threads(&self) -> Option<u32>;

    /// The processor time that it has taken so far, in seconds. `None` if it is not known.
    fn cpu_seconds(&self) -> Option<f64> {
        None
    }

    /// The warnings of the encoder.
    fn complaints(&self) -> Vec<String>;
}

/// The error of an encoder that does not take a frame.
pub(super) fn failed(error: Refused) -> Error {
    Error::new(ErrorKind::Codec, Stage::Encode, error.to_string()).caused_by(error)
}
