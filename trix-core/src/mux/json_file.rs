//! A JSON document on its way to its file.
//!
//! Invariant: the file gets its name in one step, when it is complete and synced to disk.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Serialize;
use trix_model::error::{Error, Result, Stage};

use super::part::PartFile;

/// A file for a JSON document, whose name is taken before the document is ready.
pub struct JsonFile {
    part: PartFile,
    path: PathBuf,
}

impl JsonFile {
    /// Takes the name `path`. A file that has it stays as it is until [`Self::write`].
    ///
    /// # Errors
    /// `Io` if the folder is missing or read-only, if `path` is no regular file, or if another process has taken it.
    pub fn take(path: &Path) -> Result<Self> {
        Ok(JsonFile { part: PartFile::create(path, true)?, path: path.to_owned() })
    }

    /// Writes `value` as indented JSON, and gives the file its name.
    ///
    /// # Errors
    /// `Io` if the disk fails.
    pub fn write(self, value: &impl Serialize) -> Result<()> {
        let unwritable = |error| Error::bug(Stage::Mux, format!("a document cannot be written: {error}"));
        let mut text = serde_json::to_vec_pretty(value).map_err(unwritable)?;
        text.push(b'\n');
        let failed = |error| Error::io(Stage::Mux, &self.path, "cannot be written", error);
        fs::write(self.part.path(), text).map_err(failed)?;
        self.part.sync()?;
        self.part.commit().map(drop)
    }
}
