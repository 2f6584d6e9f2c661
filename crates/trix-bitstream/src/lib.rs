//! Bitstreams and containers: parsing their bytes and writing them.
//!
//! Invariant: nothing here calls C, reads or writes a file, or panics, whatever the bytes are.

#![forbid(unsafe_code)]

pub mod nal;
pub mod sei;
pub mod entry;
pub mod rpu;
pub mod vvc;
pub mod audio_header;
pub mod boxes;
pub mod ebml;
pub mod steady;
pub mod checks;
pub mod webvtt;
