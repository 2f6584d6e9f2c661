//! The data types that pass between the stages. Nothing here reads or writes a file.

pub use trix_av::{frame::Frame, packet::Packet, pixel::PixelFormat, planes::Component};
pub use trix_model::{
    chapter, color, extras, format, frame_facts, hdr, intervals, orientation, path_text, time, timecode,
};
