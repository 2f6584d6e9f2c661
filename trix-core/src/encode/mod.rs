//! Encodes frames and audio.
//!
//! Invariant: an encoder counts frames, not time. Frame `n` goes in with the time `n`, and the source times are
//! restored afterwards. Rounding of times can therefore not change a stream, and equal frames and options give equal
//! streams.

pub mod encoder;
pub mod video;
pub mod lavc;
pub mod options;
pub mod option_names;
pub mod timeline;
pub mod samples;
pub mod audio;
pub mod subtitle;
