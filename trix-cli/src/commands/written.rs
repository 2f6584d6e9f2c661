//! What a command writes down: its log and its report.
//!
//! Invariant: a file that cannot be written is an error before the first frame. A job that is refused makes no folder.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde::Serialize;
use trix_core::{Error, JsonFile, Stage};

use crate::{args::Records, exit, output, render::events::Log};

/// What a command writes down.
pub struct Written {
    /// What happens in its jobs.
    pub log: Log,
    report: Option<Report>,
}

/// The file of a report.
struct Report {
    path: PathBuf,
    /// `None` if the folder is missing. It is made when there is a report.
    file: Option<JsonFile>,
}

impl Written {
    /// Opens the log, and takes the name of the report.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn open(records: &Records) -> Result<Self, Error> {
        let report = records.report.as_deref().map(Report::take).transpose()?;
        Ok(Written { log: Log::open(records.verbose, records.log.as_deref())?, report })
    }

    /// Writes the report into its file, if it has one. Returns the exit code.
    pub fn report(self, report: &impl Serialize) -> u8 {
        let written = self.report.map_or(Ok(()), |own| own.write(report));
        written.map_or_else(|error| output::failure(&error, false), |()| exit::DONE)
    }
}

impl Report {
    fn take(path: &Path) -> Result<Self, Error> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let is_missing = |folder: &Path| fs::metadata(folder).is_err_and(|error| error.kind() == ErrorKind::NotFound);
        let file = if folder.is_some_and(is_missing) { None } else { Some(JsonFile::take(path)?) };
        Ok(Report { path: path.to_owned(), file })
    }

    fn write(self, report: &impl Serialize) -> Result<(), Error> {
        let file = match self.file {
            Some(file) => file,
            None => {
                let made = self.path.parent().map_or(Ok(()), fs::create_dir_all);
                made.map_err(|error| Error::io(Stage::Mux, &self.path, "its folder cannot be made", error))?;
                JsonFile::take(&self.path)?
            }
        };
        file.write(report)
    }
}
