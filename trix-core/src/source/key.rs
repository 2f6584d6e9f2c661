//! Identifies, within a process, a file and the way in which it is read.

use std::{io::Read, path::PathBuf};

use sha2::{Digest, Sha256};

use crate::source::{Origin, Source, Stamp};

/// Identifies a file and the way in which it is read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SourceKey {
    path: PathBuf,
    stamp: Stamp,
    /// SHA-256 of the first bytes.
    head: [u8; 32],
    /// True if the clocks of several recordings are joined.
    clock: bool,
}

impl SourceKey {
    /// Number of bytes that are hashed.
    const HEAD: u64 = 64 * 1024;
}

impl Source {
    /// The key that equal sources share, or `None` if the source is not a file on disk.
    pub(crate) fn key(&self) -> Option<SourceKey> {
        let Origin::File { path, store, .. } = &self.origin else { return None };
        let stamp = store.stamp();
        if stamp.file == (0, 0) {
            return None;
        }
        let mut head = Vec::new();
        store.reader(None).take(SourceKey::HEAD).read_to_end(&mut head).ok()?;
        let clock = self.clock.is_some();
        Some(SourceKey { path: path.clone(), stamp, head: Sha256::digest(&head).into(), clock })
    }
}
