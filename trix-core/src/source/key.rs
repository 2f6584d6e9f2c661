//! What tells within a process that a file is still the same, and is read in the same way.

use std::{io::Read, path::PathBuf};

use sha2::{Digest, Sha256};

use crate::source::{Origin, Source, Stamp};

/// What tells that a file is the same, and is read in the same way.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SourceKey {
    path: PathBuf,
    stamp: Stamp,
    /// SHA-256 of the first bytes.
    head: [u8; 32],
    /// Whether recordings are put behind each other.
    clock: bool,
}

impl SourceKey {
    /// Bytes that are hashed.
    const HEAD: u64 = 64 * 1024;
}

impl Source {
    /// What tells that another source is the same; `None` for what is no file on disk.
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
