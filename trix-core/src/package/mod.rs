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
//! Times: the decode time of a segment is the time of its first frame. If frames are reordered, all of them are delayed
//! by the same amount, and an edit in the header removes this delay. Signed offsets without an edit would mean the
//! same. But libavformat, and every program that uses it to read, would then show these frames later than their audio.
//! If an encoder yields priming samples, audio begins before zero, and an edit in the header states this too.
//! libavformat writes the codec part of the headers; this module writes the fragments. `header.rs` gives the reasons.
//!
//! Invariant: everything under the final name is complete, synced and verified as far as the caller asks. Playlists
//! state only values that were measured on the written files.

mod boundaries;
mod codecs;
mod dash;
mod folder;
mod fragment;
mod framing;
mod header;
mod hls;
mod language;
mod rates;
mod text;
mod track;
mod verify;
mod names;
mod rendition;
mod writer;
mod assemble;

pub use self::{
    assemble::{Input, assemble},
    folder::CommittedPackage,
    names::{MANIFEST, MASTER, PLAYLIST},
    rendition::{Rendition, RenditionRecord},
    verify::verify,
    writer::{PackageWriter, WrittenPackage},
};
pub(crate) use self::{folder::refuse_taken, writer::CODECS};
