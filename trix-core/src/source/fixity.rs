//! The hash that proves a source unchanged, computed from the bytes that a job reads anyway.
//!
//! Invariant: a hash is returned only if all bytes went into it, and if size, time and identity on disk still match the
//! source that was opened.

use std::{os::unix::ffi::OsStringExt, path::Path, sync::Arc};

use sha2::{Digest, Sha256};
use trix_av::io::IoState;
use trix_model::{
    control::cancel::Cancel,
    error::{Error, ErrorKind, Result, Stage},
    path_text,
};

use super::{
    digest::{Fixity, hex},
    opened::Source,
    origin::Origin,
};
use crate::settings::source::Reading;

/// Computes the fixity of a [`Source`] that was read to its end. It stays valid after the source is dropped.
#[derive(Clone)]
pub struct SourceHasher {
    origin: Origin,
    reading: Reading,
    frame_bytes: Option<u64>,
    cancel: Cancel,
}

impl SourceHasher {
    /// Reads the bytes that no reader of the source has read, and finishes the hash.
    ///
    /// # Errors
    /// `Io` if the source cannot be read, was truncated meanwhile or no longer exists; `MalformedInput` if its size,
    /// time or place differs from the source that was opened; `Cancelled`.
    pub fn finish(&self, cancel: &Cancel) -> Result<Fixity> {
        self.finish_unless(&|| cancel.is_cancelled())
    }

    fn finish_unless(&self, stop: &dyn Fn() -> bool) -> Result<Fixity> {
        let failed = |path: &Path, error: std::io::Error| {
            if stop() {
                Error::cancelled(Stage::Source)
            } else {
                Error::io(Stage::Source, path, "cannot be read", error)
            }
        };
        let changed = |path: &Path, how: String| {
            let detail = format!("the source changed while it was read: {how}");
            Err(Error::new(ErrorKind::MalformedInput, Stage::Source, detail).in_file(path))
        };
        match &self.origin {
            Origin::Given(_) => Err(Error::bug(Stage::Source, "what a program gives has no hash")),
            Origin::Memory(bytes) => Ok(Fixity {
                sha256: hex(&Sha256::digest(bytes).into()),
                bytes: bytes.len() as u64,
                disk_bytes: 0,
                files: Vec::new(),
            }),
            Origin::File { path, store, .. } => {
                let digest = store.finish(stop).map_err(|error| failed(path, error))?;
                if let Some(how) = store.difference().map_err(|error| failed(path, error))? {
                    return changed(path, how);
                }
                let (bytes, disk_bytes) = (store.bytes(), store.disk_bytes());
                Ok(Fixity { sha256: hex(&digest), bytes, disk_bytes, files: Vec::new() })
            }
            Origin::Sequence { path, files } => {
                let found = files.finish(stop).map_err(|error| failed(path, error))?;
                if let Some(how) = files.difference().map_err(|error| failed(path, error))? {
                    return changed(path, how);
                }
                let mut whole = Sha256::new();
                for file in &found {
                    whole.update(sum_line(&file.sha256, &file.name));
                }
                Ok(Fixity {
                    sha256: hex(&whole.finalize().into()),
                    bytes: found.iter().map(|file| file.bytes).sum(),
                    disk_bytes: files.disk_bytes(),
                    files: found,
                })
            }
        }
    }

    /// Opens the same source once more, for a second reading. Data that is still in memory is not read again.
    ///
    /// # Errors
    /// Those of [`Source::open_as`].
    pub fn open(&self) -> Result<Source> {
        let state = Arc::new(IoState::under(&self.cancel));
        Source::from_origin(&self.origin, &self.reading, self.frame_bytes, state)
    }
}

impl Source {
    /// Starts to hash the source while it is read. The source hasher reads the rest, if any, and finishes the hash.
    /// Call this before the first packet is read: data that was read and has left memory by now is read again.
    pub fn hash_source(&self) -> SourceHasher {
        match &self.origin {
            Origin::File { store, .. } => store.hash(),
            Origin::Sequence { files, .. } => files.hash(),
            Origin::Memory(_) | Origin::Given(_) => {}
        }
        SourceHasher {
            origin: self.origin.clone(),
            reading: self.reading.clone(),
            frame_bytes: self.frame_bytes,
            cancel: self.cancel.clone(),
        }
    }

    /// Reads the rest of the source and returns its fixity.
    ///
    /// # Errors
    /// Those of [`SourceHasher::finish`].
    pub fn fixity(&self) -> Result<Fixity> {
        let state = Arc::clone(self.input.io_state());
        self.hash_source().finish_unless(&|| state.is_cancelled())
    }

    /// Bytes that all readers of this source have read from disk so far; 0 for a block of memory.
    pub fn disk_bytes(&self) -> u64 {
        match &self.origin {
            Origin::File { store, .. } => store.disk_bytes(),
            Origin::Sequence { files, .. } => files.disk_bytes(),
            Origin::Memory(_) | Origin::Given(_) => 0,
        }
    }
}

/// The line that `sha256sum` (GNU coreutils) prints for a file. A name that would break the line is escaped, and a
/// leading backslash marks it.
fn sum_line(sha256: &str, name: &str) -> Vec<u8> {
    let escaped = name.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
    let mark = if escaped == name { "" } else { "\\" };
    let name = path_text::from_text(&escaped).into_os_string().into_vec();
    [mark.as_bytes(), sha256.as_bytes(), b"  ", &name, b"\n"].concat()
}
