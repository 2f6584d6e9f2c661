//! Changes frames: pictures as their transform says, and their rate; sample format and block length of sound.
//!
//! Invariant: a step that would change nothing is not taken.

pub mod transform;
pub mod convert;
pub mod rate;
pub mod pictures;
mod continuity;
pub mod sound_ledger;
pub mod sound;
mod sound_converter;
pub mod sound_edit;
mod stretch;
