//! Converts video frames and their rate, and the sample format and block length of audio.
//!
//! Invariant: a step that would change nothing is skipped.

pub mod transform;
pub mod convert;
pub mod rate;
pub mod frames;
mod continuity;
pub mod audio_ledger;
pub mod resampler;
pub mod audio_edit;
pub mod audio;
mod audio_track;
mod stretch;
mod tempo;
mod audio_format;
mod placement;
pub mod audio_converter;
