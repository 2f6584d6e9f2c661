//! Reads a file again and proves that it is what it should be.
//!
//! Invariant: nothing here trusts what a muxer or an encoder reported; every figure comes from opening the file anew.

pub mod structure;
mod display;
mod checks;
mod carried;
pub mod content;
pub(crate) mod copies;
pub(crate) mod sound;
pub mod standalone;
