//! Indexes that were made, for whoever asks for one of the same file again.
//!
//! Invariant: an index says only what stands in a file, and is found only by what tells that the file is the same: its
//! path, size, time of change, the hash of its first bytes, and how it is read. So no job can notice another by it, but
//! by how long it takes.

use std::sync::{Arc, Mutex, PoisonError};

use super::frames::FrameIndex;
use crate::source::SourceKey;

/// Packets of all indexes that are kept: 56 bytes each, so 56 MiB.
const MOST: usize = 1 << 20;

/// What an index is of.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) source: SourceKey,
    pub(super) stream: usize,
}

/// The one asked for last comes last.
static KEPT: Mutex<Vec<(Key, Arc<FrameIndex>)>> = Mutex::new(Vec::new());

/// The index of `key`, if it reaches `until`.
pub(super) fn find(key: &Key, until: Option<i64>) -> Option<Arc<FrameIndex>> {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let at = kept.iter().position(|(known, index)| known == key && index.reaches(until))?;
    let found = kept.remove(at);
    let index = Arc::clone(&found.1);
    kept.push(found);
    Some(index)
}

/// Keeps an index in place of what is known of the same.
pub(super) fn keep(key: Key, index: &Arc<FrameIndex>) {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.retain(|(known, _)| *known != key);
    kept.push((key, Arc::clone(index)));
    let mut packets: usize = kept.iter().map(|(_, index)| index.packets()).sum();
    while packets > MOST && !kept.is_empty() {
        packets -= kept.remove(0).1.packets();
    }
}
