//! Runs the checks of containers (`trix_bitstream::checks`) over a file, beside the demuxer.
//!
//! Invariant: a check reads the file on its own and from start to end, never beyond what the demuxer has reached, so
//! that damage is told where it is.

mod joined;

use std::io::ErrorKind;

use trix_av::io::{IoState, ReadSeek};
use trix_bitstream::checks::{self, Check, Sign};

pub(crate) use self::joined::next_recording;

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
        let Some(check) = checks::of(demuxer) else { return Ok(None) };
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
