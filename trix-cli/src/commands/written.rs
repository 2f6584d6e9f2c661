//! What a command writes down: its log and its report.
//!
//! Invariant: a file that cannot be written is an error before the first frame. A job that is refused makes no folder. A
//! job that fails writes its error in place of a report, so that nobody takes an earlier report for that of this job.

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

    /// Reports the error of a job, and writes it into the file of the report. Returns the exit code. A job that fails makes no
    /// folder for its report.
    pub fn failure(self, error: &Error, as_json: bool) -> u8 {
        let code = output::failure(error, as_json);
        let file = self.report.and_then(|own| own.file);
        let written = file.map_or(Ok(()), |file| file.write(&output::document(error)));
        written.map_or_else(|error| exit::worse(code, output::failure(&error, false)), |()| code)
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
