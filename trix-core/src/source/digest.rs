//! Hashes of sources and files, as values.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trix_model::{
    control::cancel::Cancel,
    error::{Error, Result, Stage},
};

/// What a source was when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fixity {
    /// SHA-256 (FIPS 180-4), 64 lower-case hexadecimal digits: of a file, that of its bytes; of numbered frames, that
    /// of the text which `LC_ALL=C sha256sum` prints for all of them in the order of their names, so that, in their
    /// folder, `sha256sum shot.*.dpx | sha256sum` finds it again.
    pub sha256: String,
    /// Bytes of the source, of all of its files together.
    pub bytes: u64,
    /// Bytes that were read from disk until now, to open, look at, check, decode and hash the source. More than `bytes`
    /// where something was read twice, because it was too much to be kept in memory.
    pub disk_bytes: u64,
    /// The files, where the source is numbered frames.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileFixity>,
}

/// What one of several files was when it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileFixity {
    /// Its name in the folder.
    pub name: String,
    /// SHA-256 of its bytes, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Its bytes.
    pub bytes: u64,
}

/// SHA-256 of a file, 64 lower-case hexadecimal digits.
///
/// # Errors
/// `Io` if the file cannot be read; `Cancelled`.
pub(crate) fn sha256_of_file(path: &Path, cancel: &Cancel) -> Result<String> {
    use std::io::Read;
    let io = |error: std::io::Error| Error::io(Stage::Verify, path, "cannot be read", error);
    let mut file = std::fs::File::open(path).map_err(io)?;
    let (mut hash, mut block) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        if cancel.is_cancelled() {
            return Err(Error::cancelled(Stage::Verify));
        }
        match file.read(&mut block).map_err(io)? {
            0 => return Ok(hex(&hash.finalize().into())),
            read => hash.update(&block[..read]),
        }
    }
}

pub(super) fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
