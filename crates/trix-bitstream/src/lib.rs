//! Bitstreams and containers: parsing their bytes and writing them.
//!
//! | modules | contents |
//! | --- | --- |
//! | [`nal`], [`sei`], [`entry`], [`rpu`], [`vvc`] | coded video |
//! | [`audio_header`] | coded audio |
//! | [`boxes`], [`ebml`] | what MP4 and Matroska consist of |
//! | [`checks`] | whole files: damage that demuxers do not report |
//! | [`webvtt`] | text |
//! | [`manifest`] | what playlists tell of renditions, as values |
//! | [`cmaf`] | headers and segments of tracks for streaming |
//! | [`hls`], [`dash`] | playlists and manifests as text |
//!
//! Invariant: nothing here calls C, reads or writes a file, or panics, whatever the bytes are.

#![forbid(unsafe_code)]

pub mod nal;
pub mod sei;
pub mod entry;
pub mod rpu;
pub mod vvc;
pub mod audio_header;
pub mod boxes;
pub mod ebml;
pub mod checks;
pub mod webvtt;
pub mod manifest;
pub mod cmaf;
pub mod hls;
pub mod dash;
