//! Checks what a container says about its own wholeness and libavformat does not look at: checksums of Matroska,
//! counters and error flags of transport streams; whether packets of MXF, tags of FLV and pages of Ogg follow each other.
//!
//! Invariant: a check reads the file on its own and from start to end, never beyond what the demuxer has reached, so
//! that damage is told where it is; it never fails a file for what its format allows.

mod borders;
mod joined;
mod klv;
mod matroska;
mod pages;
mod tags;
mod transport;
mod walk;

use std::io::ErrorKind;

pub(crate) use self::{
    borders::{Border, Borders},
    joined::next_recording,
};
use self::{klv::Klv, matroska::Matroska, pages::Pages, tags::Tags, transport::Transport, walk::Walk};
use crate::{
    decode::damage::DamageKind,
    ffi::io::{IoState, ReadSeek},
    media::time::Timestamp,
};

/// One sign of damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sign {
    pub(crate) kind: DamageKind,
    pub(crate) time: Option<Timestamp>,
    pub(crate) detail: String,
}

/// A table of a transport stream that gives a stream another codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TableChange {
    /// The byte of its packet.
    pub(crate) at: u64,
    /// The packet identifier of the stream.
    pub(crate) pid: u16,
    /// The codec in words.
    pub(crate) to: &'static str,
}

/// Looks at a file's bytes, piece by piece.
trait Check: Send {
    /// Takes the next bytes.
    fn feed(&mut self, bytes: &[u8], signs: &mut Vec<Sign>);
    /// Whether what it finds is needed before the packets that follow are handed on.
    fn leads(&self) -> bool {
        false
    }
    /// There are no more.
    fn end(&mut self, signs: &mut Vec<Sign>);
}

/// A second reading of a file, beside the demuxer's.
pub(crate) struct Integrity {
    reader: Box<dyn ReadSeek>,
    check: Box<dyn Check>,
    position: u64,
    ended: bool,
    buffer: Vec<u8>,
}

/// As large as the demuxer's own reads, so that both find the same pages in the system's cache.
const PIECE: usize = 256 * 1024;

impl Integrity {
    /// The check for files that `demuxer` (FFmpeg's name) reads; `None` where there is nothing to check.
    pub(crate) fn of(
        demuxer: &str,
        reader: impl FnOnce() -> std::io::Result<Box<dyn ReadSeek>>,
    ) -> std::io::Result<Option<Self>> {
        let check: Box<dyn Check> = match demuxer {
            "matroska,webm" => Box::new(Matroska::default()),
            "flv" => Box::new(Walk::<Tags>::default()),
            "mxf" => Box::new(Walk::<Klv>::default()),
            "ogg" => Box::new(Walk::<Pages>::default()),
            "mpegts" => Box::new(Transport::default()),
            _ => return Ok(None),
        };
        Ok(Some(Integrity { reader: reader()?, check, position: 0, ended: false, buffer: Vec::new() }))
    }

    /// Checks up to byte `target`; `u64::MAX` for all of it.
    pub(crate) fn advance(&mut self, target: u64, state: &IoState) -> std::io::Result<Vec<Sign>> {
        let mut signs = Vec::new();
        // In whole pieces: most calls are about a packet inside of one that was read before.
        while !self.ended && self.position < target && !state.is_cancelled() {
            let piece = (target - self.position).min(PIECE as u64) as usize;
            if piece < PIECE && !self.check.leads() {
                break;
            }
            self.buffer.resize(piece, 0);
            match self.reader.read(&mut self.buffer) {
                Ok(0) => {
                    self.ended = true;
                    self.check.end(&mut signs);
                }
                Ok(count) => {
                    self.position += count as u64;
                    self.check.feed(&self.buffer[..count], &mut signs);
                }
                // The reader may have been cancelled in the middle of a read.
                Err(_) if state.is_cancelled() => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(signs)
    }

    /// Whether it should be ahead of the packets that are handed on.
    pub(crate) fn leads(&self) -> bool {
        self.check.leads()
    }
}
