//! The nouns that flow through the stages. Nothing in here reads or writes a file.

pub mod time;
pub mod intervals;
pub mod timecode;
pub mod format;
pub mod color;
pub mod hdr;
pub mod rpu;
pub mod orientation;
pub mod chapter;
pub mod packet;
pub mod frame;
pub mod extras;
pub mod path_text;
pub(crate) mod sound_header;
