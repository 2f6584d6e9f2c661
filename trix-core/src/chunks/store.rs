//! A folder of encoded chunks, each under the hash of everything that it depends on.
//!
//! Invariant: an entry is whole or absent. It gets its name after it was written and synced, and each reading compares it with
//! its own hash. No more than a packet of it is in memory.

use std::{
    fmt, fs,
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use trix_model::error::{Error, ErrorKind, Result, Stage};

use super::record::{ChunkRecord, PacketEntry};
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

/// The ending of the names of entries.
const ENDING: &str = "chunk";

/// The first bytes of an entry. The packets follow, then the record as JSON, the length of the record, and the hash of the
/// entry's name and of all these bytes.
const MAGIC: &[u8; 8] = b"TRIXCHK1";

/// Bytes after the record: its length, and the hash.
const TRAILER: u64 = 8 + 32;

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

    /// Begins to read an entry. `None` if it is absent.
    ///
    /// # Errors
    /// `MalformedInput` if it is not what was written; `Io`.
    pub(crate) fn read(&self, key: &ChunkKey) -> Result<Option<ChunkReader>> {
        let path = self.path(key);
        match fs::File::open(&path) {
            Ok(file) => ChunkReader::new(key, path, file).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io(Stage::Encode, &path, "cannot be read", error)),
        }
    }

    /// True if there is an entry, which is read to its end.
    ///
    /// # Errors
    /// As [`Store::read`].
    pub(super) fn has(&self, key: &ChunkKey) -> Result<bool> {
        let Some(mut reader) = self.read(key)? else { return Ok(false) };
        while reader.next()?.is_some() {}
        Ok(true)
    }

    /// Begins to write an entry.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn write(&self, key: &ChunkKey) -> Result<ChunkWriter> {
        let path = self.path(key);
        let part = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(&self.folder);
        let part = part.map_err(|error| Error::io(Stage::Encode, &path, "cannot be written", error))?;
        let mut writer = ChunkWriter { path, part: BufWriter::new(part), hasher: hasher(key) };
        writer.add(MAGIC)?;
        Ok(writer)
    }

    /// Removes an entry that cannot be used.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn remove(&self, key: &ChunkKey) -> Result<()> {
        let path = self.path(key);
        fs::remove_file(&path).map_err(|error| Error::io(Stage::Encode, &path, "cannot be removed", error))
    }
}

fn hasher(key: &ChunkKey) -> Sha256 {
    let mut hasher = Sha256::new();
    hasher.update(key.0.as_bytes());
    hasher
}

/// An entry that is being written. It leaves nothing if it is dropped.
pub(super) struct ChunkWriter {
    path: PathBuf,
    part: BufWriter<NamedTempFile>,
    hasher: Sha256,
}

impl ChunkWriter {
    /// Adds the bytes of the next packet.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.part.write_all(bytes).map_err(|error| Error::io(Stage::Encode, &self.path, "cannot be written", error))
    }

    /// Adds the record, and gives the entry its name.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn finish(mut self, record: &ChunkRecord) -> Result<()> {
        let unwritable = |error| Error::bug(Stage::Encode, format!("a record cannot be written: {error}"));
        let text = serde_json::to_vec(record).map_err(unwritable)?;
        self.add(&text)?;
        self.add(&(text.len() as u64).to_le_bytes())?;
        let ChunkWriter { path, mut part, hasher } = self;
        let failed = |error| Error::io(Stage::Encode, &path, "cannot be written", error);
        part.write_all(&hasher.finalize()).map_err(failed)?;
        let part = part.into_inner().map_err(|error| failed(error.into_error()))?;
        part.as_file().sync_all().map_err(failed)?;
        part.persist(&path).map_err(|error| failed(error.error))?;
        let folder = path.parent().map_or_else(|| fs::File::open("."), fs::File::open);
        folder.and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

/// An entry that is being read, packet by packet.
pub(crate) struct ChunkReader {
    path: PathBuf,
    file: BufReader<fs::File>,
    hasher: Sha256,
    record: ChunkRecord,
    /// Number of packets that were read.
    taken: usize,
    /// True after the hash was compared.
    is_checked: bool,
}

impl ChunkReader {
    fn new(key: &ChunkKey, path: PathBuf, mut file: fs::File) -> Result<Self> {
        let record = match record_in(&mut file) {
            Ok(Some(record)) => record,
            Ok(None) => return Err(changed(&path)),
            Err(error) => return Err(unreadable(&path, error)),
        };
        let mut hasher = hasher(key);
        hasher.update(MAGIC);
        Ok(ChunkReader { path, file: BufReader::new(file), hasher, record, taken: 0, is_checked: false })
    }

    /// The account of the chunk.
    pub(crate) fn record(&self) -> &ChunkRecord {
        &self.record
    }

    /// The next packet in decoding order, and its bytes. `None` after the last one, when the entry was compared with its hash.
    ///
    /// # Errors
    /// `MalformedInput` if the entry is not what was written; `Io`.
    pub(crate) fn next(&mut self) -> Result<Option<(PacketEntry, Vec<u8>)>> {
        let Some(packet) = self.record.packets.get(self.taken).copied() else {
            if !std::mem::replace(&mut self.is_checked, true) {
                self.check()?;
            }
            return Ok(None);
        };
        self.taken += 1;
        let mut bytes = vec![0; packet.bytes];
        self.file.read_exact(&mut bytes).map_err(|error| unreadable(&self.path, error))?;
        self.hasher.update(&bytes);
        Ok(Some((packet, bytes)))
    }

    /// Compares the entry with its hash.
    fn check(&mut self) -> Result<()> {
        let mut rest = Vec::new();
        self.file.read_to_end(&mut rest).map_err(|error| unreadable(&self.path, error))?;
        let (content, hash) = rest.split_last_chunk::<32>().ok_or_else(|| changed(&self.path))?;
        self.hasher.update(content);
        if self.hasher.finalize_reset()[..] == hash[..] { Ok(()) } else { Err(changed(&self.path)) }
    }
}

fn changed(path: &Path) -> Error {
    Error::new(ErrorKind::MalformedInput, Stage::Encode, "the chunk is not what was written").in_file(path)
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::io(Stage::Encode, path, "cannot be read", error)
}

/// The record of an entry. `None` if the entry does not have the form of one. `file` is then at the first packet.
fn record_in(file: &mut fs::File) -> io::Result<Option<ChunkRecord>> {
    let (size, begin) = (file.metadata()?.len(), MAGIC.len() as u64);
    if size < begin + TRAILER {
        return Ok(None);
    }
    let mut length = [0; 8];
    file.seek(SeekFrom::Start(size - TRAILER))?;
    file.read_exact(&mut length)?;
    let Some(length) = Some(u64::from_le_bytes(length)).filter(|length| *length <= size - TRAILER - begin) else {
        return Ok(None);
    };
    let end = size - TRAILER - length;
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(end))?;
    Read::by_ref(file).take(length).read_to_end(&mut text)?;
    let record: Option<ChunkRecord> = serde_json::from_slice(&text).ok();
    let mut magic = [0; MAGIC.len()];
    file.rewind()?;
    file.read_exact(&mut magic)?;
    Ok(record.filter(|record| magic == *MAGIC && record.is_whole(end - begin)))
}

#[cfg(test)]
mod tests {
    use trix_model::plan::FrameRange;

    use super::*;
    use crate::chunks::record::FrameTime;

    fn record() -> ChunkRecord {
        let packet = |frame, position, bytes| PacketEntry { frame, position, key: frame == 0, bytes };
        ChunkRecord {
            range: FrameRange { start: 7, end: 9 },
            parameter_sets: vec![1, 2, 3],
            frames: vec![FrameTime(40, None), FrameTime(80, Some(40))],
            packets: vec![packet(0, -1, 5), packet(1, 0, 3)],
            times: vec![40, 80],
            steps: Vec::new(),
            notes: Vec::new(),
            warnings: Vec::new(),
        }
    }

    #[test]
    fn an_entry_comes_back_and_every_change_of_it_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path().join("store")).expect("a store");
        let (key, other) = (ChunkKey::of(b"one"), ChunkKey::of(b"other"));
        assert!(!store.has(&key).expect("no entry"));
        let mut writer = store.write(&key).expect("an entry");
        [&b"first"[..], b"2nd"].iter().for_each(|bytes| writer.add(bytes).expect("room"));
        assert!(!store.has(&key).expect("no entry"), "an entry that is not whole has no name");
        writer.finish(&record()).expect("room");

        let mut reader = store.read(&key).expect("an entry").expect("an entry");
        assert_eq!(*reader.record(), record());
        let mut found = Vec::new();
        while let Some((packet, bytes)) = reader.next().expect("a packet") {
            found.push((packet, bytes));
        }
        let wanted = record().packets.into_iter().zip([b"first".to_vec(), b"2nd".to_vec()]);
        assert_eq!(found, wanted.collect::<Vec<_>>());

        let whole = fs::read(store.path(&key)).expect("the entry");
        let is_found = |key: &ChunkKey, bytes: &[u8]| {
            fs::write(store.path(key), bytes).expect("an entry");
            store.has(key).is_err_and(|error| error.kind() == ErrorKind::MalformedInput)
        };
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            assert!(is_found(&key, &flipped), "byte {at}");
            assert!(is_found(&key, &whole[..at]), "the first {at} bytes");
        }
        assert!(is_found(&other, &whole), "an entry under the name of another");
        assert!(!is_found(&key, &whole));
    }
}
