//! A folder of encoded chunks, each under the hash of everything that it depends on.
//!
//! Invariant: an entry is whole or absent. It gets its name after it was written and synced, and each reading compares it with
//! its own hash.

use std::{
    fmt, fs,
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
};

use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};
use trix_model::error::{Error, ErrorKind, Result, Stage};

use super::record::{Chunk, ChunkRecord};
use crate::source::hex;

/// The name of an entry: the SHA-256 of what its chunk depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkKey(String);

impl ChunkKey {
    /// The key of what `text` describes.
    pub(super) fn of(text: &[u8]) -> Self {
        ChunkKey(hex(&Sha256::digest(text).into()))
    }
}

impl fmt::Display for ChunkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A store of chunks. Several processes can use one at the same time.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
    /// The folder, locked: `trix clean` leaves a store alone that a job uses.
    _lock: Arc<fs::File>,
}

/// The ending of the name of a folder with the chunks of one job.
pub(crate) const FOLDER: &str = ".trix-chunks";

/// The first bytes of an entry.
const MAGIC: &[u8; 8] = b"TRIXCHK1";

/// The ending of the names of entries.
const ENDING: &str = "chunk";

impl Store {
    /// Opens the store in `folder`, which is made if it is missing.
    ///
    /// # Errors
    /// `Io` if it cannot be made.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        let failed = |error| Error::io(Stage::Encode, &folder, "cannot be made", error);
        fs::create_dir_all(&folder).map_err(failed)?;
        let lock = fs::File::open(&folder).map_err(failed)?;
        flock(&lock, FlockOperation::LockShared).map_err(|error| failed(error.into()))?;
        Ok(Store { folder, _lock: Arc::new(lock) })
    }

    fn path(&self, key: &ChunkKey) -> PathBuf {
        self.folder.join(format!("{key}.{ENDING}"))
    }

    /// Reads an entry. `None` if it is absent.
    ///
    /// # Errors
    /// `MalformedInput` if it is not what was written; `Io`.
    pub(crate) fn get(&self, key: &ChunkKey) -> Result<Option<Chunk>> {
        let path = self.path(key);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(Stage::Encode, &path, "cannot be read", error)),
        };
        let changed = || {
            let detail = "the chunk is not what was written";
            Error::new(ErrorKind::MalformedInput, Stage::Encode, detail).in_file(&path)
        };
        read(key, &bytes).map(Some).ok_or_else(changed)
    }

    /// Writes an entry.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn put(&self, key: &ChunkKey, chunk: &Chunk) -> Result<()> {
        let path = self.path(key);
        let failed = |error| Error::io(Stage::Encode, &path, "cannot be written", error);
        let bytes = written(key, chunk)?;
        let mut part =
            tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(&self.folder).map_err(failed)?;
        part.write_all(&bytes).map_err(failed)?;
        part.as_file().sync_all().map_err(failed)?;
        part.persist(&path).map_err(|error| failed(error.error))?;
        fs::File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(failed)
    }

    /// Removes an entry that cannot be used.
    ///
    /// # Errors
    /// `Io`.
    pub(crate) fn remove(&self, key: &ChunkKey) -> Result<()> {
        let path = self.path(key);
        fs::remove_file(&path).map_err(|error| Error::io(Stage::Encode, &path, "cannot be removed", error))
    }
}

/// The bytes of an entry: magic, length of the record, record as JSON, packets, and the hash of its name and all of these.
fn written(key: &ChunkKey, chunk: &Chunk) -> Result<Vec<u8>> {
    let unwritable = |error| Error::bug(Stage::Encode, format!("a record cannot be written: {error}"));
    let record = serde_json::to_vec(&chunk.record).map_err(unwritable)?;
    let mut bytes = Vec::with_capacity(chunk.data.len() + record.len() + 48);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(record.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&record);
    bytes.extend_from_slice(&chunk.data);
    let hash = hash_of(key, &bytes);
    bytes.extend_from_slice(&hash);
    Ok(bytes)
}

/// The chunk in the bytes of an entry. `None` if they are not what was written under this key.
fn read(key: &ChunkKey, bytes: &[u8]) -> Option<Chunk> {
    let (content, hash) = bytes.split_last_chunk::<32>()?;
    if hash_of(key, content) != *hash {
        return None;
    }
    let content = content.strip_prefix(MAGIC)?;
    let (length, content) = content.split_first_chunk::<8>()?;
    let (record, data) = content.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let record: ChunkRecord = serde_json::from_slice(record).ok()?;
    Some(Chunk { record, data: data.to_vec() }).filter(Chunk::is_whole)
}

fn hash_of(key: &ChunkKey, bytes: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(key.0.as_bytes());
    hasher.update(bytes);
    hasher.finalize().into()
}
