//! The identity of a source on disk. A plan uses it to detect that its source has changed.

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use sha2::{Digest, Sha256};
use trix_model::error::{Error, ErrorKind, Result, Stage};

use crate::{
    plan::Identity,
    source::{digest::hex, open::regular_file, opened::Source, origin::Origin},
};

/// Number of bytes that are hashed.
const HEAD: usize = 64 << 10;

/// The current identity of a file that is not opened as a source.
///
/// # Errors
/// `Io` if the file cannot be read, or is no regular file; `MalformedInput` if it is empty.
pub(crate) fn identity_of_file(path: &Path) -> Result<Identity> {
    let failed = |error| Error::io(Stage::Source, path, "cannot be read", error);
    let found = fs::metadata(path).map_err(failed)?;
    let mut file = regular_file(path, &found)?;
    let mut head = Vec::with_capacity(HEAD);
    (&mut file).take(HEAD as u64).read_to_end(&mut head).map_err(failed)?;
    let modified = (found.mtime(), found.mtime_nsec());
    Ok(Identity { bytes: found.len(), modified, head_sha256: hex(&Sha256::digest(&head).into()) })
}

impl Source {
    /// Determines the current identity of the source.
    ///
    /// # Errors
    /// `Io` if the source cannot be read.
    pub fn identity(&self) -> Result<Identity> {
        let failed = |error| Error::io(Stage::Source, &self.label(), "cannot be read", error);
        let head_of = |reader: &mut dyn Read| -> io::Result<Vec<u8>> {
            let mut head = Vec::with_capacity(HEAD);
            reader.take(HEAD as u64).read_to_end(&mut head)?;
            Ok(head)
        };
        let (bytes, modified, head) = match &self.origin {
            Origin::File { store, .. } => {
                let stamp = store.stamp();
                (stamp.bytes, stamp.modified, head_of(&mut store.reader(None)).map_err(failed)?)
            }
            Origin::Sequence { files, .. } => {
                let (bytes, modified) = files.total().map_err(failed)?;
                (bytes, modified, head_of(&mut files.first_reader().map_err(failed)?).map_err(failed)?)
            }
            Origin::Given(_) => (0, (0, 0), Vec::new()),
            Origin::Memory(bytes) => (bytes.len() as u64, (0, 0), bytes[..bytes.len().min(HEAD)].to_vec()),
        };
        Ok(Identity { bytes, modified, head_sha256: hex(&Sha256::digest(&head).into()) })
    }

    /// Compares the source with its expected identity.
    ///
    /// # Errors
    /// `InvalidSpec` if the source has changed; those of [`Source::identity`].
    pub(crate) fn expect_identity(&self, expected: &Identity) -> Result<()> {
        let found = self.identity()?;
        let how = if found.bytes != expected.bytes {
            format!("it had {} bytes and has {} now", expected.bytes, found.bytes)
        } else if found.modified != expected.modified {
            "it was written to".to_owned()
        } else if found.head_sha256 != expected.head_sha256 {
            "its first bytes are others".to_owned()
        } else {
            return Ok(());
        };
        let detail = format!("the source has changed since the plan was made: {how}; plan again");
        Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(&self.label()))
    }
}
