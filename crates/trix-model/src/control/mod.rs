//! Communication between a caller and a running job: cancellation, progress and events.

pub mod cancel;
pub mod events;
pub mod progress;

use std::sync::atomic::{AtomicUsize, Ordering};

/// Items and bytes that wait in a channel. Other threads can read them without a lock.
#[derive(Default)]
pub struct Depth {
    items: AtomicUsize,
    bytes: AtomicUsize,
}

impl Depth {
    /// Number of packets or frames.
    pub fn items(&self) -> usize {
        self.items.load(Ordering::Relaxed)
    }

    /// Size of these items in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Counts one item that entered; `bytes` is the new total.
    pub fn enter(&self, bytes: usize) {
        self.bytes.store(bytes, Ordering::Relaxed);
        self.items.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one item that left; `bytes` is the new total.
    pub fn leave(&self, bytes: usize) {
        self.bytes.store(bytes, Ordering::Relaxed);
        self.items.fetch_sub(1, Ordering::Relaxed);
    }
}
