//! Checks what a container says about its own wholeness and libavformat does not look at: checksums of Matroska,
//! counters and error flags of transport streams; whether packets of MXF, tags of FLV and pages of Ogg follow each other.
//!
//! Invariant: a check is fed a file from start to end, in pieces of any size, and never fails a file for what its format
//! allows.

mod borders;
mod klv;
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

/// The check for files that `demuxer` (FFmpeg's name) reads; `None` where there is nothing to check.
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
