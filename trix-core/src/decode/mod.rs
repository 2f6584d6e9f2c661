//! Turns packets into frames.
//!
//! Invariant: no complaint of a decoder is lost. It fails the job with its time, or is counted and reported.

mod complaints;
mod depth;
pub(crate) mod frame_rate;
pub(crate) mod opening;
mod placement;
mod start;
pub mod timing;
mod wanted;
pub mod video;
pub mod audio;
pub(crate) mod data_bursts;
pub(crate) mod dynamic;
pub(crate) mod forms;
pub(crate) mod audio_start;
