//! Ends a file early for its demuxer, where the file continues with streams that the demuxer does not know.
//!
//! Invariant: all bytes of the streams that the demuxer knows are delivered, and no data after the border is taken for
//! theirs. A seek past this data shows the file unchanged.

use std::{
    io::{Read, Result, Seek, SeekFrom},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use trix_av::io::ReadSeek;
use trix_bitstream::checks::{Border, Borders};

/// Maximum number of bytes after a border that hold the ends of packets from before it.
const WOVEN: u64 = 1 << 20;
/// Number of bytes from which the kind of file is recognised.
const HEAD: u64 = 4096;

/// State shared by a reader and its source.
#[derive(Default)]
pub(super) struct Split {
    is_armed: AtomicBool,
    border: Mutex<Option<Border>>,
}

impl Split {
    /// From now on, the file ends at its first border.
    pub(super) fn arm(&self) {
        self.is_armed.store(true, Ordering::Relaxed);
    }

    /// The first border, as far as the file was read without a gap.
    pub(super) fn border(&self) -> Option<Border> {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Border>> {
        self.border.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader that searches the data that it reads for borders.
struct Watched {
    inner: Box<dyn ReadSeek>,
    borders: Borders,
    split: Arc<Split>,
    /// The byte of the file at which `inner` starts.
    start: u64,
    at: u64,
    /// The position up to which the data was searched without a gap.
    seen: u64,
    /// The data that is delivered after the border.
    rest: Option<Vec<u8>>,
}

/// A reader, and its findings if it searches for borders.
pub(super) type Watching = (Box<dyn ReadSeek>, Option<Arc<Split>>);

/// Watches `reader`, which starts at byte `start` of a file, if files of its kind can have borders.
pub(super) fn watched(mut reader: Box<dyn ReadSeek>, start: u64) -> Result<Watching> {
    let mut head = Vec::new();
    reader.by_ref().take(HEAD).read_to_end(&mut head)?;
    reader.rewind()?;
    let Some(borders) = Borders::of(&head, start) else { return Ok((reader, None)) };
    let split = Arc::new(Split::default());
    let watched = Watched { inner: reader, borders, split: Arc::clone(&split), start, at: 0, seen: 0, rest: None };
    Ok((Box::new(watched), Some(split)))
}

impl Watched {
    fn plain(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.inner.read(buffer)?;
        self.at += count as u64;
        Ok(count)
    }

    /// The end of the file for its demuxer, and the data that is still delivered after it. `None` until the reader is
    /// armed and a border was found.
    fn end(&mut self) -> Result<Option<(u64, &[u8])>> {
        let is_armed = self.split.is_armed.load(Ordering::Relaxed);
        let Some(border) = self.split.border().filter(|_| is_armed) else { return Ok(None) };
        let end = border.at - self.start;
        if self.rest.is_none() {
            let mut bytes = Vec::new();
            self.inner.seek(SeekFrom::Start(end))?;
            self.inner.by_ref().take(WOVEN).read_to_end(&mut bytes)?;
            self.inner.seek(SeekFrom::Start(self.at))?;
            self.rest = Some(self.borders.remainder(bytes));
        }
        Ok(self.rest.as_deref().map(|rest| (end, rest)))
    }

    /// Searches the bytes read from `from` on. Returns true if they contain a border.
    fn look(&mut self, from: u64, bytes: &[u8]) -> bool {
        let to = from + bytes.len() as u64;
        if from > self.seen || to <= self.seen {
            return false;
        }
        let fresh = &bytes[(self.seen - from) as usize..];
        self.seen = to;
        let found = self.borders.feed(fresh);
        if let Some(border) = found {
            self.split.lock().get_or_insert(border);
        }
        found.is_some()
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let from = self.at;
        let Some((end, rest)) = self.end()? else {
            let count = self.plain(buffer)?;
            if self.look(from, &buffer[..count])
                && let Some((end, _)) = self.end()?
            {
                // Data after the border is read again, as far as it belongs to the streams before it.
                self.seek(SeekFrom::Start(end.clamp(from, self.at)))?;
                return if self.at > from { Ok((self.at - from) as usize) } else { self.read(buffer) };
            }
            return Ok(count);
        };
        let Some(behind) = from.checked_sub(end) else {
            let room = usize::try_from(end - from).unwrap_or(usize::MAX).min(buffer.len());
            return self.plain(&mut buffer[..room]);
        };
        match usize::try_from(behind).ok().and_then(|behind| rest.get(behind..)) {
            Some(rest) => {
                let count = buffer.len().min(rest.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                self.at += count as u64;
                Ok(count)
            }
            // A reader that has jumped here examines the end of the file.
            None => self.plain(buffer),
        }
    }
}

impl Seek for Watched {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.at = self.inner.seek(to)?;
        Ok(self.at)
    }
}
