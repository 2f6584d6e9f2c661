//! Turns packets into frames.
//!
//! Invariant: a decoder's complaint is never swallowed: it fails the job with its place, or is counted and reported.

mod start;
pub mod timing;
pub mod video;
pub mod audio;
pub mod data_bursts;
pub mod reader;
pub mod sound_reader;
pub mod dynamic;
pub mod glance;
pub mod survey;
pub mod census;
pub(crate) mod forms;
