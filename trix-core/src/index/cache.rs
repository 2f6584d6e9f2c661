//! Caches frame indexes for later requests for the same file.
//!
//! Invariant: an index contains only data from its file. It is found only by its key, which identifies the file: path,
//! size, time of change, the hash of its first bytes, and how it is read. One job can therefore affect another only in
//! its running time.

use std::sync::{Arc, Mutex, PoisonError};

use super::frames::{Coded, FrameIndex};
use crate::source::SourceKey;

/// Maximum number of bytes in all cached indexes.
const BUDGET: usize = 56 << 20;

/// Maximum number of packets in all cached indexes. Each has an entry, and places in the presentation order and among the starts.
const MOST: usize = BUDGET / (size_of::<Coded>() + 2 * size_of::<u32>());

/// Identifies the stream of an index.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) source: SourceKey,
    pub(super) stream: usize,
}

/// The cached indexes. The most recently used index is last.
static KEPT: Mutex<Vec<(Key, Arc<FrameIndex>)>> = Mutex::new(Vec::new());

/// Returns the index of `key`, if it extends to `until`.
pub(super) fn find(key: &Key, until: Option<i64>) -> Option<Arc<FrameIndex>> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let at = kept.iter().position(|(known, index)| known == key && index.reaches(until))?;
    let found = kept.remove(at);
    let index = Arc::clone(&found.1);
    kept.push(found);
    Some(index)
}

/// Caches an index and replaces any older one with the same key.
pub(super) fn keep(key: Key, index: &Arc<FrameIndex>) {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.retain(|(known, _)| *known != key);
    kept.push((key, Arc::clone(index)));
    let mut packets: usize = kept.iter().map(|(_, index)| index.packets()).sum();
    while packets > MOST && !kept.is_empty() {
        packets -= kept.remove(0).1.packets();
    }
}
