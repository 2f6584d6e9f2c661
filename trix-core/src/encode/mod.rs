//! Turns frames into compressed pictures and sound.
//!
//! Invariant: an encoder counts pictures, not time. Picture `n` goes in as `n`; the times of the source are put back on
//! afterwards, so that no rounding of times can change a stream, and equal pictures and options give equal streams.

pub mod encoder;
pub mod video;
pub mod lavc;
pub mod options;
pub mod option_names;
pub mod timeline;
pub mod samples;
pub mod sound;
pub mod subtitle;
