//! Turns packets into frames.
//!
//! Invariant: a decoder's complaint is never swallowed: it fails the job with its place, or is counted and reported.

mod start;
pub mod timing;
pub mod video;
pub mod audio;
pub mod data_bursts;
pub mod dynamic;
pub(crate) mod forms;
