//! The key under which the process keeps what it found out about a source.

use std::path::PathBuf;

use crate::{
    plan::Identity,
    source::{opened::Source, origin::Origin},
};

/// Identifies a file and the way in which it is read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SourceKey {
    path: PathBuf,
    /// Device and inode.
    file: (u64, u64),
    identity: Identity,
    /// True if recordings with clocks of their own are joined.
    clock: bool,
}

impl Source {
    /// The key of the source; `None` if it is not a file on disk.
    pub(crate) fn key(&self) -> Option<SourceKey> {
        let Origin::File { path, store, .. } = &self.origin else { return None };
        let file = store.stamp().file;
        let identity = self.identity().ok().filter(|_| file != (0, 0))?;
        Some(SourceKey { path: path.clone(), file, identity, clock: self.clock.is_some() })
    }
}
