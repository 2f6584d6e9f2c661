//! Hashes of sources and files, as values.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trix_model::{
    control::cancel::Cancel,
    error::{Error, Result, Stage},
};

/// The fixity of a source at the time of reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fixity {
    /// SHA-256 (FIPS 180-4), 64 lower-case hexadecimal digits. For a file, it is the hash of its bytes. For an image
    /// sequence, it is the hash of the text that `LC_ALL=C sha256sum` prints for all files in the order of their names.
    /// In their folder, `sha256sum shot.*.dpx | sha256sum` returns the same hash.
    pub sha256: String,
    /// Size of the source in bytes, of all its files together.
    pub bytes: u64,
    /// Bytes read from disk so far to open, examine, check, decode and hash the source. More than `bytes` if data was
    /// read twice because it was too large to stay in memory.
    pub disk_bytes: u64,
    /// The files, if the source is an image sequence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileFixity>,
}

/// The fixity of one of several files at the time of reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileFixity {
    /// File name in the folder.
    pub name: String,
    /// SHA-256 of the file, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// SHA-256 of the bytes of a file so far.
#[derive(Clone, Default)]
pub(crate) struct FileHash {
    hash: Sha256,
    bytes: u64,
}

impl FileHash {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// The number of bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds the bytes of the file `path` up to position `end`, or to its end.
    pub(crate) fn read(&mut self, path: &Path, end: u64) -> io::Result<()> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(self.bytes))?;
        let mut rest = file.take(end.saturating_sub(self.bytes));
        let mut block = vec![0; 1 << 16];
        loop {
            match rest.read(&mut block)? {
                0 => return Ok(()),
                count => self.update(&block[..count]),
            }
        }
    }

    /// 64 lower-case hexadecimal digits.
    pub(crate) fn finish(self) -> String {
        hex(&self.hash.finalize().into())
    }
}

/// SHA-256 of a file, 64 lower-case hexadecimal digits.
///
/// # Errors
/// `Io` if the file cannot be read; `Cancelled`.
pub(crate) fn sha256_of_file(path: &Path, cancel: &Cancel) -> Result<String> {
    sha256_watched(path, cancel, |_| ())
}

/// As [`sha256_of_file`]; `read` gets the size of each block that was read.
pub(crate) fn sha256_watched(path: &Path, cancel: &Cancel, mut read: impl FnMut(u64)) -> Result<String> {
    let io = |error: std::io::Error| Error::io(Stage::Verify, path, "cannot be read", error);
    let mut file = File::open(path).map_err(io)?;
    let (mut hash, mut block) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        if cancel.is_cancelled() {
            return Err(Error::cancelled(Stage::Verify));
        }
        match file.read(&mut block).map_err(io)? {
            0 => return Ok(hex(&hash.finalize().into())),
            count => {
                hash.update(&block[..count]);
                read(count as u64);
            }
        }
    }
}

pub(crate) fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
