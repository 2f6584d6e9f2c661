//! How far a source was read, for those who watch.
//!
//! Invariant: a reader only stores a number; it never waits for those who watch.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use trix_model::control::progress::{Reading, ReadingProgress, Share};

/// How many bytes of a source, or of the files that are compared, were read.
#[derive(Clone, Debug, Default)]
pub struct ReadingPlace {
    at: Arc<AtomicU64>,
    size: u64,
}

impl ReadingPlace {
    /// A place at the start of `size` bytes.
    pub fn new(size: u64) -> Self {
        ReadingPlace { at: Arc::default(), size }
    }

    /// Adds `bytes` that were read.
    pub(crate) fn advance(&self, bytes: u64) {
        self.at.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The same place, in a source of `size` bytes.
    pub(super) fn of(&self, size: u64) -> Self {
        ReadingPlace { size, ..self.clone() }
    }

    pub(super) fn set(&self, position: u64) {
        self.at.store(position, Ordering::Relaxed);
    }

    /// Bytes that were read: the place in the source, or the sum over all files that are compared. If there are several
    /// readers of a source, the place of one of them.
    pub fn at(&self) -> u64 {
        self.at.load(Ordering::Relaxed)
    }

    /// The share of the source that was read, `elapsed` after the start.
    pub fn share(&self, elapsed: Duration) -> Share {
        Share::new(self.at(), self.size, elapsed)
    }

    /// How far the source was read, `elapsed` after the start.
    pub fn progress(&self, reading: Reading, elapsed: Duration) -> ReadingProgress {
        ReadingProgress::new(reading, self.share(elapsed), elapsed)
    }

    /// The size of the source in bytes, or the sum over all files that are compared; 0 if it is unknown.
    pub fn size(&self) -> u64 {
        self.size
    }
}
