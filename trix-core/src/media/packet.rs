//! Compressed data on its way: from the source to a decoder, or from an encoder to the output.
//!
//! Invariant: a packet's bytes are reference-counted by libavcodec and never copied between stages.

pub use crate::ffi::packet::Packet;
