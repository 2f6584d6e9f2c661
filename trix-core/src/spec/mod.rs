//! What a user asks for and what it resolves to, as plain data.
//!
//! Invariant: a job is checked completely before anything runs, and all of its mistakes are reported at once.

pub mod byte_size;
pub mod container;
pub mod job;
pub mod size;
pub mod video;
pub mod picture;
pub mod audio;
pub mod audio_tracks;
pub mod subtitle;
pub(crate) mod names;
pub mod still;
pub mod package;
pub mod source;
pub mod shape;
pub mod audio_edit;
pub mod track;
pub mod track_text;
pub(crate) mod moment;
pub mod language;
