//! Decoded frames and audio of a source, for code that reads a source without running a job.

pub mod reader;
pub mod video_frame;
pub mod frames;
pub mod stem_report;
pub mod audio_reader;
pub mod audio_block;
pub mod samples;
pub mod stems;
pub mod full_decode_count;
pub mod bitstream_facts;
pub(crate) mod field_detection;
