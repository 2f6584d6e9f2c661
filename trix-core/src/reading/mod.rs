//! Decoded frames and audio of a source, for code that reads a source without running a job.

pub mod reader;
pub mod frames;
pub mod sound_reader;
pub mod samples;
pub mod stems;
pub mod census;
pub mod glance;
pub(crate) mod survey;
