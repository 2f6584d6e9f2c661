//! What a user asks for, as plain data.
//!
//! Invariant: a job is checked completely before anything runs, and all of its mistakes are reported at once.

pub mod byte_size;
pub mod memory_limit;
pub mod container;
pub mod job;
pub mod size;
pub mod video;
pub mod picture;
pub mod audio;
pub mod audio_tracks;
pub mod subtitle;
#[doc(hidden)]
pub mod names;
pub mod still;
pub mod package;
pub mod source;
pub mod audio_edit;
pub mod track;
pub mod track_text;
#[doc(hidden)]
pub mod moment;
pub mod language;
