//! Ends a file, for the demuxer that reads it, where it would go on with what it knows no more.
//!
//! Invariant: all bytes come that belong to what the demuxer knows, and none of what comes behind the border is taken for
//! it. A place that was reached by a jump shows the file as it is.

use std::{
    io::{Read, Result, Seek, SeekFrom},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use trix_av::io::ReadSeek;
use trix_bitstream::checks::{Border, Borders};

/// Bytes behind a border in which packets that began before it end.
const WOVEN: u64 = 1 << 20;
/// Bytes of a file that show what it is.
const HEAD: u64 = 4096;

/// What a reader and the source that it belongs to tell each other.
#[derive(Default)]
pub(super) struct Split {
    is_armed: AtomicBool,
    border: Mutex<Option<Border>>,
}

impl Split {
    /// From now on the file ends at its first border.
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

/// A reader that looks at what it reads.
struct Watched {
    inner: Box<dyn ReadSeek>,
    borders: Borders,
    split: Arc<Split>,
    /// The byte of the file at which `inner` begins.
    start: u64,
    at: u64,
    /// Up to where it was looked at without a gap.
    seen: u64,
    /// What stands behind the border for those who come to it.
    rest: Option<Vec<u8>>,
}

/// A reader, and what it finds where it looks for borders.
pub(super) type Watching = (Box<dyn ReadSeek>, Option<Arc<Split>>);

/// Watches `reader`, which begins at byte `start` of a file, where that may have borders.
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

    /// Where the file ends for its demuxer, and what still comes there; once it is to end at a border that was seen.
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

    /// Looks at bytes that were read from `from` on; whether a border is among them.
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
                // What was read behind the border is read again, as far as it belongs to what came before.
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
            // Whoever jumped there looks at the end of the file.
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
