//! A folder of encoded chunks, each under the hash of everything that it depends on.
//!
//! Invariant: each reading of an entry compares it with its hash, which covers its name. No more than a packet of it is in memory.

use std::{
    fmt,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};
use trix_model::error::{Error, ErrorKind, Result, Stage};

use super::{
    folder::{ANY, Bytes, Folder, NewEntry, Place},
    record::{ChunkRecord, PacketEntry},
};
use crate::{doctor, source::hex};

/// The name of an entry: the SHA-256 of what its chunk depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ChunkKey(String);

impl ChunkKey {
    /// The key of what `text` describes.
    pub(super) fn of(text: &[u8]) -> Self {
        ChunkKey(hex(&Sha256::digest(text).into()))
    }

    /// The key of what this version of the program found out about `what`.
    fn of_finding(what: &str) -> Self {
        ChunkKey::of(serde_json::json!([env!("CARGO_PKG_VERSION"), doctor::libraries(), what]).to_string().as_bytes())
    }

    /// The key of something that belongs to the entry.
    pub(super) fn part(&self, name: &str) -> Self {
        ChunkKey(format!("{}-{name}", self.0))
    }

    /// The name of the entry.
    fn name(&self) -> String {
        format!("{}.chunk", self.0)
    }
}

impl fmt::Display for ChunkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The ending of the name of a folder with the chunks of one job.
pub(crate) const FOLDER: &str = ".trix-chunks";

/// The first bytes of an entry. The packets follow, then the record as JSON, the length of the record, and the hash of the
/// entry's name and of all these bytes.
const MAGIC: &[u8; 8] = b"TRIXCHK1";

/// Bytes after the record: its length, and the hash.
const TRAILER: u64 = 8 + 32;

/// A store of chunks. Several processes can use one at the same time.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    prefix: String,
    place: Arc<dyn Place>,
}

impl Store {
    /// Opens the store in `folder`, which is made if it is missing.
    ///
    /// # Errors
    /// `Io` if it cannot be made.
    pub(crate) fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        Self::open_with(folder, ANY)
    }

    /// Opens the store in `folder`. What is not whole has a name that begins with `prefix`.
    ///
    /// # Errors
    /// `Io` if it cannot be made.
    pub(super) fn open_with(folder: impl Into<PathBuf>, prefix: &str) -> Result<Self> {
        let (folder, prefix) = (folder.into(), prefix.to_owned());
        let place = Folder::open(&folder, &prefix)
            .map_err(|error| Error::io(Stage::Encode, &folder, "cannot be made", error))?;
        Ok(Store { folder, prefix, place: Arc::new(place) })
    }

    /// What the names of parts begin with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The store in `folder`, which is not used, but looked at.
    pub(super) fn looking_at(folder: &Path) -> Self {
        Store { folder: folder.to_owned(), prefix: ANY.to_owned(), place: Arc::new(Folder::looking_at(folder)) }
    }

    /// Number of bytes of an entry. `None` if it is absent.
    pub(super) fn size(&self, key: &ChunkKey) -> Option<u64> {
        self.place.size(&key.name())
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Begins to read an entry. `None` if it is absent.
    ///
    /// # Errors
    /// `MalformedInput` if it is not what was written; `Io`.
    pub(crate) fn read(&self, key: &ChunkKey) -> Result<Option<ChunkReader>> {
        let label = self.place.label(&key.name());
        let bytes = self.place.read(&key.name()).map_err(|error| unreadable(&label, error))?;
        bytes.map(|bytes| ChunkReader::new(key, label, bytes)).transpose()
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
        let label = self.place.label(&key.name());
        let entry = self.place.create(&key.name()).map_err(|error| unwritable(&label, error))?;
        let mut writer = ChunkWriter { label, entry, hasher: hasher(key) };
        writer.add(MAGIC)?;
        Ok(writer)
    }

    /// The bytes that were written under `name`. `None` if there are none, or if they are not what was written there.
    pub(super) fn read_bytes(&self, name: &ChunkKey) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.place.read(&name.0).ok()??.read_to_end(&mut bytes).ok()?;
        let (content, hash) = bytes.split_last_chunk::<32>()?;
        (hasher(name).chain_update(content).finalize()[..] == hash[..]).then(|| content.to_vec())
    }

    /// The processor time that the encode of an entry took, in seconds. `None` if it was not kept.
    pub(crate) fn cpu_seconds(&self, key: &ChunkKey) -> Option<f64> {
        std::str::from_utf8(&self.read_bytes(&cpu(key))?).ok()?.parse().ok()
    }

    /// Keeps the processor time that the encode of an entry took. The entry itself is the same, however long its encode took.
    pub(super) fn keep_cpu_seconds(&self, key: &ChunkKey, seconds: f64) {
        // A report lacks it otherwise.
        let _ = self.write_bytes(&cpu(key), format!("{seconds:.3}").as_bytes());
    }

    /// What was found out about `what` by a program of this version. `None` if nothing was.
    pub(crate) fn find(&self, what: &str) -> Option<Vec<u8>> {
        self.read_bytes(&ChunkKey::of_finding(what))
    }

    /// Keeps what was found out about `what`. What cannot be kept is found out again.
    pub(crate) fn keep(&self, what: &str, found: &[u8]) {
        let _ = self.write_bytes(&ChunkKey::of_finding(what), found);
    }

    /// Writes bytes that [`Store::read_bytes`] finds.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn write_bytes(&self, name: &ChunkKey, bytes: &[u8]) -> Result<()> {
        let written = self.place.create(&name.0).and_then(|mut entry| {
            entry.write_all(bytes)?;
            entry.write_all(&hasher(name).chain_update(bytes).finalize())?;
            entry.finish()
        });
        written.map_err(|error| unwritable(&self.place.label(&name.0), error))
    }
}

/// A hash that covers the name of an entry, so that two entries whose files were swapped are found.
fn hasher(key: &ChunkKey) -> Sha256 {
    Sha256::new_with_prefix(key.0.as_bytes())
}

/// An entry that is being written. It leaves nothing if it is dropped.
pub(super) struct ChunkWriter {
    label: PathBuf,
    entry: Box<dyn NewEntry>,
    hasher: Sha256,
}

impl ChunkWriter {
    /// Adds the bytes of the next packet.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.entry.write_all(bytes).map_err(|error| unwritable(&self.label, error))
    }

    /// Adds the record, and gives the entry its name.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn finish(mut self, record: &ChunkRecord) -> Result<()> {
        let failed = |error| Error::bug(Stage::Encode, format!("a record cannot be written: {error}"));
        let text = serde_json::to_vec(record).map_err(failed)?;
        self.add(&text)?;
        self.add(&(text.len() as u64).to_le_bytes())?;
        let ChunkWriter { label, mut entry, hasher } = self;
        let written = entry.write_all(&hasher.finalize()).and_then(|()| entry.finish());
        written.map_err(|error| unwritable(&label, error))
    }
}

/// An entry that is being read, packet by packet.
pub(crate) struct ChunkReader {
    label: PathBuf,
    bytes: BufReader<Box<dyn Bytes>>,
    hasher: Sha256,
    record: ChunkRecord,
    /// Number of packets that were read.
    taken: usize,
    /// True after the hash was compared.
    is_checked: bool,
}

impl ChunkReader {
    fn new(key: &ChunkKey, label: PathBuf, mut bytes: Box<dyn Bytes>) -> Result<Self> {
        let record = match record_in(&mut bytes) {
            Ok(Some(record)) => record,
            Ok(None) => return Err(changed(&label)),
            Err(error) => return Err(unreadable(&label, error)),
        };
        let mut hasher = hasher(key);
        hasher.update(MAGIC);
        Ok(ChunkReader { label, bytes: BufReader::new(bytes), hasher, record, taken: 0, is_checked: false })
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
        self.bytes.read_exact(&mut bytes).map_err(|error| unreadable(&self.label, error))?;
        self.hasher.update(&bytes);
        Ok(Some((packet, bytes)))
    }

    /// Compares the entry with its hash.
    fn check(&mut self) -> Result<()> {
        let mut rest = Vec::new();
        self.bytes.read_to_end(&mut rest).map_err(|error| unreadable(&self.label, error))?;
        let (content, hash) = rest.split_last_chunk::<32>().ok_or_else(|| changed(&self.label))?;
        self.hasher.update(content);
        if self.hasher.finalize_reset()[..] == hash[..] { Ok(()) } else { Err(changed(&self.label)) }
    }
}

/// The name of the processor time of an entry.
fn cpu(key: &ChunkKey) -> ChunkKey {
    ChunkKey(format!("{}.cpu", key.0))
}

fn changed(label: &Path) -> Error {
    Error::new(ErrorKind::MalformedInput, Stage::Encode, "the chunk is not what was written").in_file(label)
}

fn unreadable(label: &Path, error: io::Error) -> Error {
    Error::io(Stage::Encode, label, "cannot be read", error)
}

fn unwritable(label: &Path, error: io::Error) -> Error {
    Error::io(Stage::Encode, label, "cannot be written", error)
}

/// The record of an entry. `None` if the entry does not have the form of one. `bytes` is then at the first packet.
fn record_in(bytes: &mut Box<dyn Bytes>) -> io::Result<Option<ChunkRecord>> {
    let (size, begin) = (bytes.seek(SeekFrom::End(0))?, MAGIC.len() as u64);
    if size < begin + TRAILER {
        return Ok(None);
    }
    let mut length = [0; 8];
    bytes.seek(SeekFrom::Start(size - TRAILER))?;
    bytes.read_exact(&mut length)?;
    let Some(length) = Some(u64::from_le_bytes(length)).filter(|length| *length <= size - TRAILER - begin) else {
        return Ok(None);
    };
    let end = size - TRAILER - length;
    let mut text = Vec::new();
    bytes.seek(SeekFrom::Start(end))?;
    bytes.by_ref().take(length).read_to_end(&mut text)?;
    let record: Option<ChunkRecord> = serde_json::from_slice(&text).ok();
    let mut magic = [0; MAGIC.len()];
    bytes.rewind()?;
    bytes.read_exact(&mut magic)?;
    Ok(record.filter(|record| magic == *MAGIC && record.is_whole(end - begin)))
}

#[cfg(test)]
mod tests {
    use trix_model::plan::FrameRange;

    use super::*;
    use crate::chunks::record::FrameTime;

    fn record() -> ChunkRecord {
        let packet = |frame, position, bytes| PacketEntry { frame, position, key: frame == 0, bytes, samples: None };
        ChunkRecord {
            range: FrameRange { start: 7, end: 9 },
            parameter_sets: vec![1, 2, 3],
            info: 4,
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

        let whole = std::fs::read(store.place.label(&key.name())).expect("the entry");
        let is_found = |key: &ChunkKey, bytes: &[u8]| {
            std::fs::write(store.place.label(&key.name()), bytes).expect("an entry");
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
