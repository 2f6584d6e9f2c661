//! Packages for streaming: CMAF segments (ISO/IEC 23000-19) with HLS playlists (RFC 8216) and a DASH manifest (ISO/IEC
//! 23009-1).
//!
//! A package is a folder. It contains `master.m3u8`, `manifest.mpd` and a folder for each rendition with its header,
//! its segments and its own playlist. Both systems play the same segments.
//!
//! Segments begin at the keyframes of the first video rendition that are nearest to multiples of the target duration.
//! All other video renditions must have keyframes at exactly these times. Audio is cut at the nearest start of an audio
//! frame.
//!
//! `trix_bitstream` writes headers, segments, playlists and the manifest as bytes and text; [`trix_bitstream::cmaf`] says
//! what their times mean. libavformat writes the codec part of the headers; `sample_description.rs` gives the reasons.
//! This module collects packets, measures, and writes files.
//!
//! Invariant: everything under the final name is complete, synced and verified as far as the caller asks. Playlists
//! state only values that were measured on the written files.

mod rendition;
mod language;
mod describe;
mod sample_description;
mod folder;
mod track;
mod text;
mod playlists;
mod parts;
mod verify;
mod writer;
mod assemble;

pub use self::{
    assemble::{Input, assemble},
    folder::CommittedPackage,
    rendition::RenditionRecord,
    verify::{Verified, verify},
    writer::WrittenPackage,
};
pub(crate) use self::{
    folder::{PART, is_package, refuse_taken},
    rendition::Rendition,
    writer::{CODECS, PackageWriter},
};
