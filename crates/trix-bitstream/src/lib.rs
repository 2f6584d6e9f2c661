//! Bitstreams and containers: parsing their bytes and writing them.
//!
//! | modules | contents |
//! | --- | --- |
//! | [`nal`], [`sei`], [`sequence_set`], [`mpeg_video`], [`entry`], [`rpu`], [`in_band`], [`vpx`], [`vvc`] | coded video |
//! | [`audio_header`], [`mpeg_audio`] | coded audio |
//! | [`boxes`], [`sample_entry`], [`ebml`], [`segment_info`] | what MP4 and Matroska consist of |
//! | [`edit_list`], [`codec_delay`] | values that are corrected in a finished MP4 or Matroska |
//! | [`steady`], [`essence`] | the frames of a transport stream, and the packets of MXF, by byte |
//! | [`checks`], [`extent`] | whole files: damage that demuxers do not report |
//! | [`webvtt`], [`thumbnails`] | text, and the list of thumbnails in the form of text |
//! | [`manifest`] | what playlists state of renditions, as values |
//! | [`cmaf`] | headers and segments of tracks for streaming |
//! | [`hls`], [`dash`] | playlists and manifests as text |
//!
//! Invariant: nothing here calls C, reads or writes a file, or panics, whatever the bytes are.

#![forbid(unsafe_code)]

mod bits;
mod messages;
pub mod nal;
pub mod sei;
pub mod sequence_set;
pub mod mpeg_video;
pub mod entry;
pub mod rpu;
pub mod in_band;
pub mod vpx;
pub mod vvc;
pub mod audio_header;
pub mod mpeg_audio;
pub mod boxes;
pub mod sample_entry;
pub mod ebml;
pub mod segment_info;
pub mod steady;
pub mod essence;
pub mod edit_list;
pub mod codec_delay;
pub mod checks;
pub mod extent;
pub mod webvtt;
pub mod thumbnails;
pub mod manifest;
pub mod cmaf;
pub mod hls;
pub mod dash;
