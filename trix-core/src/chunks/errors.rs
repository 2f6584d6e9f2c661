//! Errors that name the frames of a chunk.

use trix_model::error::{Error, ErrorKind, Stage};

use crate::plan::FrameRange;

/// The error that names the frames of a chunk.
pub(crate) fn in_chunk(error: Error, range: FrameRange) -> Error {
    error.and(&format!("in the chunk of frames {range}"))
}

/// The error of a chunk that is not in the store.
pub(crate) fn missing(range: FrameRange) -> Error {
    let detail = format!("the chunk of frames {range}: it is missing");
    Error::new(ErrorKind::MalformedInput, Stage::Encode, detail)
}
