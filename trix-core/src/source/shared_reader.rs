//! The bytes of a source, read from disk once, regardless of the number and purpose of its readers.
//!
//! Any number of readers share one store: the demuxer, the parallel checks, the samples taken before a job starts, and
//! the hash. A block that one of them has read is available to the others. `block_cache.rs` decides which blocks stay
//! in memory. The hash processes the blocks in file order and follows the main pass of a job. It reads nothing by
//! itself as long as the main pass skips nothing.
//!
//! Invariant: each reader sees the bytes of the file. [`SharedFile::disk_bytes`] counts each byte read from disk, as
//! often as it was read.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    os::unix::fs::{FileExt, MetadataExt},
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use sha2::{Digest, Sha256};
use trix_av::io::IoState;
use trix_model::control::cancel::LOOK;

use super::block_cache::{BOUNDS, Block, BlockCache, Bounds, Hashing};

/// Number of bytes per read request. A read can be cancelled between two requests.
const PIECE: usize = 256 * 1024;

/// Identifies a version of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Size in bytes.
    pub bytes: u64,
    /// Time of the last change, in seconds and nanoseconds since 1970; `(0, 0)` if unknown.
    pub modified: (i64, i64),
    /// Device and inode of the file; `(0, 0)` if there are none.
    pub file: (u64, u64),
}

impl Stamp {
    pub(super) fn of(metadata: &std::fs::Metadata) -> Self {
        Stamp {
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            file: (metadata.dev(), metadata.ino()),
        }
    }

    /// The difference between this file and `later`, as text, if they differ.
    pub(super) fn difference(&self, later: &Stamp) -> Option<String> {
        if self.file != later.file {
            Some("another file has its name now".to_owned())
        } else if self.bytes != later.bytes {
            Some(format!("it had {} bytes and has {} now", self.bytes, later.bytes))
        } else if self.modified != later.modified {
            Some("it was written to".to_owned())
        } else {
            None
        }
    }
}

/// Holds bytes like a file, and supports reads at several positions at the same time.
pub trait Storage: Send + Sync {
    /// Reads bytes from `offset` on into `buffer`. Returns the number of bytes, which is 0 only at the end.
    ///
    /// # Errors
    /// Those of the underlying storage; the store retries after [`ErrorKind::Interrupted`].
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// The current stamp, as it would be if the storage were opened now.
    ///
    /// # Errors
    /// If the stamp cannot be determined, or the storage no longer exists.
    fn stamp(&self) -> io::Result<Stamp>;
}

/// A local file.
pub(super) struct LocalFile {
    pub(super) file: File,
    pub(super) path: PathBuf,
}

impl Storage for LocalFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn stamp(&self) -> io::Result<Stamp> {
        // By path, not by the open file handle, because the handle does not show that the file was replaced.
        std::fs::metadata(&self.path).map(|metadata| Stamp::of(&metadata))
    }
}

/// One file, whose blocks all readers share.
pub(super) struct SharedFile {
    storage: Box<dyn Storage>,
    bounds: Bounds,
    /// The stamp of the file when it was opened.
    stamp: Stamp,
    cache: Mutex<BlockCache>,
    /// Signals a change of the block cache.
    changed: Condvar,
    disk_bytes: AtomicU64,
}

/// Returns true if the read must end because its result is no longer needed.
pub(super) type Stop<'a> = &'a dyn Fn() -> bool;

impl SharedFile {
    /// Creates a store over `storage`, whose stamp was `stamp` when it was opened.
    pub(super) fn new(storage: Box<dyn Storage>, stamp: Stamp) -> Arc<Self> {
        Self::within(BOUNDS, storage, stamp)
    }

    fn within(bounds: Bounds, storage: Box<dyn Storage>, stamp: Stamp) -> Arc<Self> {
        Arc::new(SharedFile {
            storage,
            bounds,
            stamp,
            cache: Mutex::new(BlockCache::new(bounds, stamp.bytes.div_ceil(bounds.block as u64))),
            changed: Condvar::new(),
            disk_bytes: AtomicU64::new(0),
        })
    }

    /// The stamp of the file when it was opened.
    pub(super) fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Size of the file in bytes when it was opened.
    pub(super) fn bytes(&self) -> u64 {
        self.stamp.bytes
    }

    /// Bytes read from disk so far.
    pub(super) fn disk_bytes(&self) -> u64 {
        self.disk_bytes.load(Ordering::Relaxed)
    }

    /// The difference between the file now and the file that was opened, as text.
    pub(super) fn difference(&self) -> io::Result<Option<String>> {
        self.storage.stamp().map(|now| self.stamp.difference(&now))
    }

    /// Starts to hash the bytes that are read.
    pub(super) fn hash(&self) {
        let mut cache = self.lock();
        if cache.hashing.is_none() && cache.digest.is_none() {
            cache.hashing = Some(Hashing { next: 0, hasher: Some(Sha256::new()), is_stuck: false });
        }
    }

    /// A reader for lookups at a few positions. `state` can cancel its reads.
    pub(super) fn reader(self: &Arc<Self>, state: Option<Arc<IoState>>) -> SharedReader {
        SharedReader { store: Arc::clone(self), position: 0, current: None, state, mark: None }
    }

    /// A reader that continues the pass of `mark`, if there is one, where another reader has ended.
    pub(super) fn reader_with(self: &Arc<Self>, mark: Option<&Arc<Mark>>, state: Option<Arc<IoState>>) -> SharedReader {
        SharedReader { mark: mark.cloned(), ..self.reader(state) }
    }

    /// A reader that may become a start-to-end pass, and the mark that declares it one. Until then, blocks read from
    /// the start on stay in memory, as far as there is room.
    pub(super) fn marked_reader(self: &Arc<Self>, state: Option<Arc<IoState>>) -> (SharedReader, Arc<Mark>) {
        let mark =
            Arc::new(Mark { store: Arc::clone(self), number: self.lock().mark(), is_through: AtomicBool::new(false) });
        (SharedReader { mark: Some(Arc::clone(&mark)), ..self.reader(state) }, mark)
    }

    fn lock(&self) -> MutexGuard<'_, BlockCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, cache: MutexGuard<'a, BlockCache>) -> MutexGuard<'a, BlockCache> {
        self.changed.wait_timeout(cache, LOOK).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Reads bytes from `offset` on into `buffer`, past the block cache: for a few bytes at many places. Returns the number
    /// of bytes, which is less than asked only at the end.
    pub(super) fn read_past(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.storage.read_at(&mut buffer[filled..], offset.saturating_add(filled as u64)) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.disk_bytes.fetch_add(filled as u64, Ordering::Relaxed);
        Ok(filled)
    }

    /// Size of block `number` in bytes.
    fn length(&self, number: u64) -> usize {
        let block = self.bounds.block;
        usize::try_from(self.stamp.bytes - number * block as u64).map_or(block, |rest| rest.min(block))
    }

    /// Block `number`, which must contain the byte `needed`, for a reader with `mark`.
    fn block(&self, number: u64, needed: usize, mark: Option<&Mark>, stop: Stop<'_>) -> io::Result<Block> {
        let mark = mark.filter(|mark| mark.is_through.load(Ordering::Relaxed));
        if let Some(mark) = mark {
            self.lock().move_mark(mark.number, number);
        }
        let block = self.fetch(number, needed, Some(mark.is_some()), stop)?;
        if mark.is_some() {
            self.follow(number, stop);
        }
        Ok(block)
    }

    /// Block `number`, from memory or from disk. `is_through` is true for a start-to-end pass, false for other readers,
    /// and `None` for the hash. The hash adds no blocks to the block cache.
    fn fetch(&self, number: u64, needed: usize, is_through: Option<bool>, stop: Stop<'_>) -> io::Result<Block> {
        let mut cache = self.lock();
        loop {
            if let Some(block) = cache.take(number, is_through == Some(true)) {
                return Ok(block);
            }
            if cache.loading.insert(number) {
                break;
            }
            if stop() {
                return Err(stopped());
            }
            cache = self.wait(cache);
        }
        drop(cache);
        let (bytes, failure) = self.load(number, stop);
        let block = Block::new(bytes);
        let mut cache = self.lock();
        cache.loading.remove(&number);
        if let Some(is_through) = is_through
            && failure.is_none()
        {
            cache.put(number, Block::clone(&block), is_through);
        }
        drop(cache);
        self.changed.notify_all();
        match failure {
            // The bytes before a bad sector can still be used.
            Some(error) if block.len() <= needed || stop() => Err(error),
            _ => Ok(block),
        }
    }

    /// Reads block `number` from disk, as far as it is readable.
    fn load(&self, number: u64, stop: Stop<'_>) -> (Vec<u8>, Option<io::Error>) {
        let (start, length) = (number * self.bounds.block as u64, self.length(number));
        let mut bytes = vec![0; length];
        let mut filled = 0;
        let failure = loop {
            if filled == length {
                break None;
            }
            if stop() {
                break Some(stopped());
            }
            let end = length.min(filled + PIECE);
            match self.storage.read_at(&mut bytes[filled..end], start + filled as u64) {
                Ok(0) => {
                    let (there, were) = (start + filled as u64, self.stamp.bytes);
                    let detail = format!("it became shorter while it was read: {there} of {were} bytes are there");
                    break Some(io::Error::new(ErrorKind::UnexpectedEof, detail));
                }
                Ok(count) => {
                    filled += count;
                    self.disk_bytes.fetch_add(count as u64, Ordering::Relaxed);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Some(error),
            }
        };
        bytes.truncate(filled);
        (bytes, failure)
    }

    /// Lets the hash catch up with a pass that has reached block `reached`.
    fn follow(&self, reached: u64, stop: Stop<'_>) {
        // No failure or cancellation is lost here: `finish` continues where this ended.
        let _ = self.hash_to(reached + 1, false, stop);
        let gap = self.lock().gap(reached);
        if let Some(end) = gap
            && self.hash_to(end, true, stop).is_err()
            && !stop()
            && let Some(hashing) = &mut self.lock().hashing
        {
            hashing.is_stuck = true;
        }
    }

    /// Hashes the blocks before `end`. With `reads`, hashes all of them; without, only those in memory up to the first
    /// gap.
    fn hash_to(&self, end: u64, reads: bool, stop: Stop<'_>) -> io::Result<()> {
        let mut cache = self.lock();
        let (mut hasher, mut next) = loop {
            let Some(hashing) = &mut cache.hashing else { return Ok(()) };
            if let Some(hasher) = hashing.hasher.take() {
                break (hasher, hashing.next);
            }
            // Another reader is hashing.
            if !reads {
                return Ok(());
            }
            if stop() {
                return Err(stopped());
            }
            cache = self.wait(cache);
        };
        let mut result = Ok(());
        while next < end {
            let here = cache.look_at(next);
            if here.is_none() && !reads {
                break;
            }
            drop(cache);
            // The hash needs all bytes of the block, up to the last.
            match here.map_or_else(|| self.fetch(next, self.length(next) - 1, None, stop), Ok) {
                Ok(block) => {
                    hasher.update(block.as_slice());
                    next += 1;
                }
                Err(error) => result = Err(error),
            }
            cache = self.lock();
            if let Some(hashing) = &mut cache.hashing {
                hashing.next = next;
            }
            if result.is_err() {
                break;
            }
            if stop() {
                result = Err(stopped());
                break;
            }
        }
        if let Some(hashing) = &mut cache.hashing {
            hashing.hasher = Some(hasher);
        }
        cache.tidy();
        drop(cache);
        self.changed.notify_all();
        result
    }

    /// Reads the blocks that were not hashed yet, and returns the SHA-256 of the whole file.
    pub(super) fn finish(&self, stop: Stop<'_>) -> io::Result<[u8; 32]> {
        self.hash();
        loop {
            self.hash_to(self.stamp.bytes.div_ceil(self.bounds.block as u64), true, stop)?;
            let mut cache = self.lock();
            if let Some(digest) = cache.digest {
                return Ok(digest);
            }
            if let Some(hasher) = cache.hashing.as_mut().and_then(|hashing| hashing.hasher.take()) {
                let digest = hasher.finalize().into();
                (cache.digest, cache.hashing) = (Some(digest), None);
                cache.tidy();
                return Ok(digest);
            }
            // Another thread has taken the hasher to check that nothing is left to do.
            drop(self.wait(cache));
        }
    }
}

fn stopped() -> io::Error {
    io::Error::other("the reading was cancelled")
}

/// The position of a start-to-end pass. Blocks from there on stay in memory as long as there is room.
pub(super) struct Mark {
    store: Arc<SharedFile>,
    number: u64,
    is_through: AtomicBool,
}

impl Mark {
    /// Declares that the reader goes from its position to the end. Blocks that it has passed need not stay in memory,
    /// and the hash follows it.
    pub(super) fn goes_through(&self) {
        self.is_through.store(true, Ordering::Relaxed);
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let mut cache = self.store.lock();
        cache.unmark(self.number);
        cache.tidy();
    }
}

/// Reads a store like a file.
pub(super) struct SharedReader {
    store: Arc<SharedFile>,
    position: u64,
    /// The last block read, with its number. Most reads are within it.
    current: Option<(u64, Block)>,
    state: Option<Arc<IoState>>,
    mark: Option<Arc<Mark>>,
}

impl Read for SharedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.position >= self.store.bytes() {
            return Ok(0);
        }
        let block = self.store.bounds.block as u64;
        let (number, inside) = (self.position / block, (self.position % block) as usize);
        let is_here = |(held, block): &(u64, Block)| *held == number && inside < block.len();
        let block = match self.current.take_if(|current| is_here(current)) {
            Some((_, block)) => block,
            None => {
                let stop = || self.state.as_ref().is_some_and(|state| state.is_cancelled());
                // The current block is dropped first, so that a reader holds at most one block outside the block cache.
                self.current = None;
                self.store.block(number, inside, self.mark.as_deref(), &stop)?
            }
        };
        let count = buffer.len().min(block.len() - inside);
        buffer[..count].copy_from_slice(&block[inside..inside + count]);
        self.current = Some((number, block));
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for SharedReader {
    fn seek(&mut self, target: SeekFrom) -> io::Result<u64> {
        let target = match target {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
            SeekFrom::End(distance) => self.store.bytes().checked_add_signed(distance),
        };
        self.position = target.ok_or_else(|| io::Error::from(ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests;
