//! Converts video frames and their rate, and the sample format and block length of audio.
//!
//! Invariant: a step that would change nothing is skipped.

pub mod transform;
pub mod convert;
pub mod rate;
pub mod pictures;
mod continuity;
pub mod sound_ledger;
pub mod sound;
pub mod sound_converter;
pub mod sound_edit;
mod stretch;
