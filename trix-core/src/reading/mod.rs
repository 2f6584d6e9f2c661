//! Decoded frames and audio of a source on one thread: for callers without a job, for external audio of a job, and for
//! measurements before it.

pub mod reader;
pub(crate) mod video_frame;
pub mod frames;
pub mod frames_at;
mod in_order;
pub mod batch;
pub(crate) mod stem_report;
pub mod audio_reader;
pub(crate) mod audio_block;
pub mod samples;
mod shapes;
pub mod stems;
pub mod full_decode_count;
pub(crate) mod bitstream_facts;
pub(crate) mod field_detection;
