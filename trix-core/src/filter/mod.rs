//! Changes frames: size, chroma subsampling and depth of pictures; sample format and block length of sound.
//!
//! Invariant: a step that would change nothing is not taken.

pub mod convert;
pub mod sound;
