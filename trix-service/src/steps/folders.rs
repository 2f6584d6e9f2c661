//! Where a job keeps its files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path, PathBuf},
};

use trix_core::{
    Job, Stage,
    document::{Document, Resolved, user_folder},
    settings::{
        job::VerifyLevel,
        track::{TrackInput, TrackSettings},
    },
};

use super::StepRequest;
use crate::{
    catalogue::{Check, Track},
    error::{Error, Result},
    mounts::Mount,
};

/// The folder for copies that have no final name yet, on the mount where they will have it.
pub const STAGING: &str = ".trix-staging";

/// The folders and files of a job.
pub struct Folders {
    /// Chunks, for all runs: a retry keeps them.
    pub store: PathBuf,
    /// The plan of this run.
    pub plan: PathBuf,
    /// Copies of this attempt, or of the one that has finished.
    staging: PathBuf,
    job: PathBuf,
    /// Where the copies will be.
    pub title: PathBuf,
    /// Where the preview will be.
    pub preview: PathBuf,
    /// The preview on its way.
    pub preview_staging: PathBuf,
}

impl Folders {
    /// Those of the job of a step.
    pub fn of(request: &StepRequest) -> Self {
        let StepRequest { mounts, job, run, submission, .. } = request;
        let own = mounts.cache.join("jobs").join(job);
        let name = format!("{job}-{run}");
        Folders {
            store: own.join("chunks"),
            plan: own.join(format!("plan-{run}.json")),
            staging: mounts.output.join(STAGING).join(&name),
            title: mounts.output.join(&submission.title),
            preview: mounts.preview.join(&submission.title),
            preview_staging: mounts.preview.join(STAGING).join(format!("{name}-{}", request.attempt)),
            job: own,
        }
    }

    /// The folder of the copies of an attempt, before they have their names.
    pub fn staging(&self, attempt: &str) -> PathBuf {
        self.staging.join(attempt)
    }

    /// The folder of all attempts of the run.
    pub fn all_staging(&self) -> &PathBuf {
        &self.staging
    }

    /// The folder of plan and chunks.
    pub fn job(&self) -> &PathBuf {
        &self.job
    }

    /// Where the processes of steps look for profiles, in place of the folder of their user.
    pub fn settings(&self) -> PathBuf {
        self.job.join("settings")
    }

    /// A copy of the manifest that an attempt has made.
    pub fn manifest_of(&self, attempt: &str) -> PathBuf {
        self.job.join(format!("manifest-{attempt}.json"))
    }
}

impl StepRequest {
    /// The job document of the submission, with the master and the audio files below the mount.
    ///
    /// # Errors
    /// If a file is missing, or the document has mistakes.
    pub fn document(&self) -> Result<Document> {
        write_profiles(&self.profiles, &self.attempt)?;
        let source = self.mounts.inside(Mount::Source, &self.submission.source)?;
        let tracks = self.submission.tracks.iter().map(|track| self.track(track)).collect::<Result<Vec<_>>>()?;
        let mut set: Vec<(String, String)> = self.submission.set.clone().into_iter().collect();
        set.push(("stem".to_owned(), self.submission.title.clone()));
        let document = Document::of_profiles(&self.submission.profiles, &source, &tracks, &set)?;
        // Other keys of a job could name files outside of the mounts.
        let known = variables(&document)?;
        match self.submission.set.keys().find(|key| !known.contains_key(*key)) {
            Some(key) => Err(Error::invalid(format!("set: {key} is no variable of these profiles"))),
            None => Ok(document),
        }
    }

    fn track(&self, track: &Track) -> Result<TrackSettings> {
        let paths = track.files.iter().map(|file| self.mounts.inside(Mount::Source, file));
        let mut paths = paths.collect::<Result<Vec<_>>>()?;
        let offset = track.offset.as_ref().map(|text| text.parse()).transpose();
        let offset = offset.map_err(|error| Error::invalid(format!("offset: {error}")))?;
        let mut own = TrackSettings { language: track.language.clone(), offset, ..TrackSettings::default() };
        match paths.len() {
            1 => own.path = paths.pop(),
            _ => own.inputs = paths.into_iter().map(|path| TrackInput { path, ..TrackInput::default() }).collect(),
        }
        Ok(own)
    }

    /// The job of the submission, and its open source. Paths of copies are relative to the folder of the title.
    ///
    /// # Errors
    /// As [`Self::document`], and those of opening the source.
    pub fn resolved(&self) -> Result<Resolved> {
        let mut resolved = self.document()?.resolve(None)?;
        let job = &mut resolved.job;
        confined(job)?;
        // The manifest lists the hash of each file.
        job.hash = true;
        if self.submission.check == Check::Full {
            let usual = job.outputs.iter_mut().filter(|output| output.verify == VerifyLevel::Structure);
            usual.for_each(|output| output.verify = VerifyLevel::Full);
        }
        Ok(resolved)
    }
}

/// Writes profiles to where this process looks for those of its user. `by` names the writer: another one may read them at this moment.
///
/// # Errors
/// If the folder cannot be written.
pub fn write_profiles(texts: &BTreeMap<String, String>, by: &str) -> Result<()> {
    let Some(folder) = user_folder().filter(|_| !texts.is_empty()) else { return Ok(()) };
    fs::create_dir_all(&folder).map_err(|error| failed(&folder, "cannot be made", error))?;
    for (name, text) in texts {
        let (path, part) = (folder.join(format!("{name}.toml")), folder.join(format!("{name}.{by}")));
        let written = fs::write(&part, text).and_then(|()| fs::rename(&part, &path));
        written.map_err(|error| failed(&path, "cannot be written", error))?;
    }
    Ok(())
}

/// The variables of a document, with their values.
pub fn variables(document: &Document) -> Result<toml::Table> {
    let merged: toml::Table =
        document.merged()?.parse().map_err(|error| Error::Bug(format!("a merged document: {error}")))?;
    Ok(merged.get("variables").and_then(toml::Value::as_table).cloned().unwrap_or_default())
}

/// Refuses a job that would write outside of the folder of its title.
fn confined(job: &Job) -> Result<()> {
    let outputs = job.outputs.iter().map(|own| own.path.clone());
    let packages = job.packages.iter().map(|own| own.path.clone());
    let stills = job.stills.iter().flat_map(|own| own.paths());
    let is_below = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    match outputs.chain(packages).chain(stills).find(|path| !is_below(path)) {
        Some(path) => Err(Error::invalid(format!("{}: it leads out of the folder of the title", path.display()))),
        None => Ok(()),
    }
}

/// An error of the file system about `path`.
pub fn failed(path: &std::path::Path, doing: &str, error: std::io::Error) -> Error {
    trix_core::Error::io(Stage::Mux, path, doing, error).into()
}
