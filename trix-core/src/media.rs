//! The nouns that flow through the stages. Nothing in here reads or writes a file.

pub use trix_av::{frame, packet, pixel::PixelFormat};
pub use trix_bitstream::rpu;
pub use trix_model::{chapter, color, extras, format, hdr, intervals, orientation, path_text, picture, time, timecode};
