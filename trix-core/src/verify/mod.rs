//! Reads a file back and proves that it is as planned.
//!
//! Invariant: no check trusts what a muxer or an encoder reported. Every value comes from opening the file again.

pub(crate) mod structure;
mod display;
mod checks;
mod metadata;
pub mod content;
pub(crate) mod copies;
pub(crate) mod samples;
pub(crate) mod audio;
pub mod standalone;
