//! Decoded frames and audio of a source, for code that reads a source without running a job.

pub mod reader;
pub(crate) mod video_frame;
pub mod frames;
pub(crate) mod stem_report;
pub mod audio_reader;
pub(crate) mod audio_block;
pub mod samples;
pub mod stems;
pub mod full_decode_count;
pub(crate) mod bitstream_facts;
pub(crate) mod field_detection;
