//! Integrity checks that libavformat does not make: checksums of Matroska; counters and error flags of transport
//! streams; continuity of MXF packets, FLV tags and Ogg pages.
//!
//! Invariant: a check takes a file from start to end, in pieces of any size. It never reports what the file's format
//! allows.

pub mod head;
mod borders;
pub(crate) mod klv;
mod matroska;
mod pages;
mod sign;
mod tags;
mod transport;
mod walk;

pub use self::{
    borders::{Border, Borders},
    sign::{Check, Sign, TableChange},
};
use self::{klv::Klv, matroska::Matroska, pages::Pages, tags::Tags, transport::Transport, walk::Walk};

/// The check for files of `demuxer` (FFmpeg's name). `None` if there is nothing to check.
pub fn of(demuxer: &str) -> Option<Box<dyn Check>> {
    Some(match demuxer {
        "matroska,webm" => Box::new(Matroska::default()),
        "flv" => Box::new(Walk::<Tags>::default()),
        "mxf" => Box::new(Walk::<Klv>::default()),
        "ogg" => Box::new(Walk::<Pages>::default()),
        "mpegts" => Box::new(Transport::default()),
        _ => return None,
    })
}
