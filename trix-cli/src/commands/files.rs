//! The files that a command reads and makes.
//!
//! Invariant: a report or a log never replaces one of them, whatever its name looks like.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use trix_core::{
    Error, ErrorKind, FileId, Job, Plan, Stage, document::Document, preflight, settings::track::TrackSettings,
    source::files_of,
};

use super::written::Written;
use crate::args::Records;

/// The files that a command reads and makes.
#[derive(Default)]
pub struct Files(BTreeSet<FileId>);

impl Files {
    /// Adds files.
    pub fn with(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.0.extend(paths.into_iter().map(|path| FileId::of(&path)));
        self
    }

    /// Adds a source: a file, or all files of an image sequence.
    pub fn with_source(self, source: &Path) -> Self {
        self.with(files_of(source))
    }

    /// Adds the files of audio tracks beside a source.
    pub fn with_tracks<'a>(self, tracks: impl IntoIterator<Item = &'a TrackSettings>) -> Self {
        self.with(tracks.into_iter().flat_map(|track| track.all_inputs()).map(|input| input.path))
    }

    /// Adds the files of a document, and of those that it inherits.
    pub fn with_document(self, document: &Document) -> Self {
        self.with(document.files().iter().cloned())
    }

    /// Adds what a job reads and makes.
    pub fn with_job(self, job: &Job) -> Self {
        let made = job.products().into_iter().map(|(path, _)| path);
        self.with_source(&job.source.path).with_tracks(&job.tracks).with(made)
    }

    /// Adds what a plan reads and makes.
    pub fn with_plan(self, plan: &Plan) -> Self {
        let tracks = plan.external_audio.iter().map(|track| &track.settings);
        let made = preflight::products(plan).into_iter().map(|(path, _)| path);
        self.with_source(&plan.source.settings.path).with_tracks(tracks).with(made)
    }

    /// Opens the log and takes the name of the report. Neither may be one of these files, or lie in a package.
    ///
    /// # Errors
    /// `InvalidSpec` if one of them is; `Io` if one cannot be written.
    pub fn open(&self, records: &Records) -> Result<Written, Error> {
        let refused =
            |path: &Path, detail: String| Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(path));
        let named = [("--report", records.report.as_deref()), ("--log", records.log.as_deref())];
        for (option, path) in named.into_iter().filter_map(|(option, path)| Some((option, path?))) {
            if FileId::with_folders(path).any(|own| self.0.contains(&own)) {
                return refused(path, format!("is a file of the job; {option} needs another name"));
            }
        }
        match named {
            [(_, Some(report)), (_, Some(log))] if FileId::of(report) == FileId::of(log) => {
                refused(report, "is the log too; --report needs another name".into())
            }
            _ => Written::open(records),
        }
    }
}
