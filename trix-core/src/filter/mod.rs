//! Converts video frames and their rate, and the sample format and block length of audio.
//!
//! Invariant: a step that would change nothing is skipped.

pub(crate) mod transform;
mod to_rgb;
mod held;
pub(crate) mod part;
pub(crate) mod recipe;
mod single;
mod parallel;
mod sequence;
pub(crate) mod convert;
pub(crate) mod rate;
pub(crate) mod frames;
mod continuity;
pub mod audio_ledger;
pub mod resampler;
pub(crate) mod audio_edit;
pub(crate) mod audio;
mod audio_track;
mod stretch;
mod tempo;
mod audio_format;
mod placement;
pub(crate) mod audio_converter;

pub use self::{convert::Change, frames::FilterCounts};
