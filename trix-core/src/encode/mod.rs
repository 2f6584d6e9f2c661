//! Encodes frames and audio.
//!
//! Invariant: an encoder counts frames, not time. Frame `n` goes in with the time `n`, and the source times are
//! restored afterwards. Rounding of times can therefore not change a stream, and equal frames and options give equal
//! streams.

pub(crate) mod encoder;
pub mod video;
pub(crate) mod lavc;
mod cpu;
pub(crate) mod shared;
mod x265;
pub(crate) mod options;
pub(crate) mod option_names;
pub use option_names::{PRESETS, profiles, tunes};
pub(crate) mod option_spelling;
pub(crate) mod coder;
pub(crate) mod timeline;
pub(crate) mod samples;
pub(crate) mod audio;
pub(crate) mod subtitle;
