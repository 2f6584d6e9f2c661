//! What a caller and a running job tell each other: to stop, and how far it has come.

pub mod cancel;
pub mod progress;

use std::sync::atomic::{AtomicUsize, Ordering};

/// How much waits in a channel. It can be looked at from outside, without a lock.
#[derive(Default)]
pub struct Depth {
    items: AtomicUsize,
    bytes: AtomicUsize,
}

impl Depth {
    /// Packets or frames.
    pub fn items(&self) -> usize {
        self.items.load(Ordering::Relaxed)
    }

    /// Their bytes.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// One more waits, and with it so many bytes in all.
    pub fn enter(&self, bytes: usize) {
        self.bytes.store(bytes, Ordering::Relaxed);
        self.items.fetch_add(1, Ordering::Relaxed);
    }

    /// One has left, and so many bytes wait now.
    pub fn leave(&self, bytes: usize) {
        self.bytes.store(bytes, Ordering::Relaxed);
        self.items.fetch_sub(1, Ordering::Relaxed);
    }
}
