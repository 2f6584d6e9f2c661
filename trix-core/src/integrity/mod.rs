//! Runs the container checks (`trix_bitstream::checks`) over a file, in parallel with the demuxer.
//!
//! Invariant: a check reads the file separately and from start to end. It never reads beyond the demuxer's position, so
//! that damage is reported where it is.

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
    /// The check for files of `demuxer` (FFmpeg's name). `None` if there is nothing to check.
    pub(crate) fn of(
        demuxer: &str,
        reader: impl FnOnce() -> std::io::Result<Box<dyn ReadSeek>>,
    ) -> std::io::Result<Option<Self>> {
        let Some(check) = checks::of(demuxer) else { return Ok(None) };
        Ok(Some(Integrity { reader: reader()?, check, position: 0, ended: false, buffer: Vec::new() }))
    }

    /// Checks up to byte `target`. `u64::MAX` checks the whole file.
    pub(crate) fn advance(&mut self, target: u64, state: &IoState) -> std::io::Result<Vec<Sign>> {
        let mut signs = Vec::new();
        // Read whole pieces: most calls concern a packet in a piece that was already read.
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
                // The reader may have been cancelled during a read.
                Err(_) if state.is_cancelled() => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(signs)
    }

    /// True if the check should run ahead of the packets that are passed on.
    pub(crate) fn leads(&self) -> bool {
        self.check.leads()
    }
}
