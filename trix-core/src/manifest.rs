//! The list of the files that were made of a master, with their hashes. It is stored beside them.
//!
//! Invariant: a manifest is written after all of its files have their names. If a check says `Complete`, every file was read
//! and has the bytes that were verified.

use std::{
    fs,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trix_model::{
    control::cancel::Cancel,
    error::{Error, ErrorKind, Result, Stage},
    json, path_text,
};

use crate::{
    mux::json_file::JsonFile,
    plan::Identity,
    report::Report,
    settings::job::Job,
    source::{FileFixity, ReadingPlace, Source, hex, identity_of_file, sha256_watched},
};

/// The largest manifest, in bytes. One of a package with ten thousand segments has 2 MB.
const MOST_BYTES: u64 = 256 << 20;

/// The files that were made of a master.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// Version of this format: 1.
    #[serde(deserialize_with = "trix_model::json::version")]
    pub trix: u32,
    /// What the files were made of.
    pub inputs: Inputs,
    /// The files, by their names below the folder of the manifest.
    pub files: Vec<FileFixity>,
    /// The report of the job.
    pub report: Report,
}

/// What files are made of: the source, the audio files beside it, and the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inputs {
    /// SHA-256 of the job, without the folders of source and outputs: 64 lower-case hexadecimal digits.
    pub job: String,
    /// The source.
    pub source: Identity,
    /// The files of external audio tracks, in the order of the job.
    pub tracks: Vec<Identity>,
}

/// How the files of a manifest stand.
#[derive(Clone, Debug)]
pub enum Standing {
    /// All files are there with the bytes that were verified, and source and job are those they were made of. The report is
    /// that of the job that made them.
    Complete(Box<Report>),
    /// Something is not as it was, in words.
    Changed(String),
}

impl Inputs {
    /// What `job` is made of at this moment. Its outputs still have relative names.
    ///
    /// # Errors
    /// `Io` if a file cannot be read.
    pub fn of(job: &Job, source: &Source) -> Result<Self> {
        let files = job.tracks.iter().flat_map(|track| track.all_inputs());
        let tracks = files.map(|file| identity_of_file(&file.path)).collect::<Result<_>>()?;
        let mut bare = job.clone();
        bare.source.path = bare.source.path.file_name().map(PathBuf::from).unwrap_or_default();
        let unwritable = |error| Error::bug(Stage::Plan, format!("a job cannot be written: {error}"));
        let text = serde_json::to_vec(&bare).map_err(unwritable)?;
        let job = hex(&Sha256::digest(&text).into());
        Ok(Inputs { job, source: source.identity()?, tracks })
    }

    /// How `self` differs from what is there `now`, in words.
    fn difference(&self, now: &Self) -> Option<&'static str> {
        match () {
            () if self.job != now.job => Some("the job is another than the one that made the files"),
            () if self.source != now.source => Some("the source has changed since"),
            () if self.tracks != now.tracks => Some("an audio file beside it has changed since"),
            () => None,
        }
    }
}

impl Manifest {
    /// Lists the files of a report. `folder` is that of the manifest.
    ///
    /// # Errors
    /// `InvalidSpec` if the job did not hash its outputs, or wrote one of them outside of `folder`.
    pub fn new(folder: &Path, inputs: Inputs, report: Report) -> Result<Self> {
        let mut files = Vec::new();
        for output in &report.outputs {
            let sha256 = output.sha256.clone().unwrap_or_default();
            files.push(FileFixity { name: below(folder, &output.path)?, sha256, bytes: output.bytes });
        }
        for package in &report.packages {
            let name = below(folder, &package.path)?;
            files.extend(
                package.files.iter().map(|file| FileFixity { name: format!("{name}/{}", file.name), ..file.clone() }),
            );
        }
        for still in &report.stills {
            let around = still.path.parent().unwrap_or(Path::new(""));
            for file in &still.files {
                let name = below(folder, &around.join(path_text::from_text(&file.name)))?;
                files.push(FileFixity { name, ..file.clone() });
            }
        }
        if files.iter().any(|file| file.sha256.is_empty()) {
            return Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, "a manifest needs hash = true in the job"));
        }
        Ok(Manifest { trix: json::VERSION, inputs, files, report })
    }

    /// The size of all files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).fold(0, u64::saturating_add)
    }

    /// Writes the manifest under the name `path`, in one step.
    ///
    /// # Errors
    /// `Io`.
    pub fn write(&self, path: &Path) -> Result<()> {
        JsonFile::take(path)?.write(self)
    }

    /// Reads a manifest. `None` if there is none.
    ///
    /// # Errors
    /// `Io`; `InvalidSpec` if the file is no manifest.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let failed = |error| Error::io(Stage::Plan, path, "cannot be read", error);
        match fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
            Ok(found) if !found.is_file() || found.len() > MOST_BYTES => {
                return Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, "is no manifest").in_file(path));
            }
            Ok(_) => {}
        }
        let text = fs::read(path).map_err(failed)?;
        serde_json::from_slice(&text).map(Some).map_err(|error| {
            Error::new(ErrorKind::InvalidSpec, Stage::Plan, format!("is no manifest of this version: {error}"))
                .in_file(path)
        })
    }

    /// Compares the manifest with what the files would be made of `now`, and all files below `folder` with their hashes.
    /// Moves `place` on by each block that is read. Make it with `ReadingPlace::new(self.bytes())`.
    ///
    /// # Errors
    /// `Io` if a file cannot be read; `Cancelled`.
    pub fn check(self, folder: &Path, now: &Inputs, place: &ReadingPlace, cancel: &Cancel) -> Result<Standing> {
        if let Some(how) = self.inputs.difference(now) {
            return Ok(Standing::Changed(how.into()));
        }
        for file in &self.files {
            let path = folder.join(path_text::from_text(&file.name));
            let found = fs::metadata(&path).ok().filter(fs::Metadata::is_file);
            match found.map(|found| found.len()) {
                None => return Ok(Standing::Changed(format!("{} is missing", path.display()))),
                Some(bytes) if bytes != file.bytes => {
                    let how = format!("{} has {bytes} bytes in place of {}", path.display(), file.bytes);
                    return Ok(Standing::Changed(how));
                }
                Some(_) => {}
            }
        }
        // Reading all bytes comes last, since it takes longest.
        for file in &self.files {
            let path = folder.join(path_text::from_text(&file.name));
            if sha256_watched(&path, cancel, |bytes| place.advance(bytes))? != file.sha256 {
                return Ok(Standing::Changed(format!("{} has other bytes than were verified", path.display())));
            }
        }
        Ok(Standing::Complete(Box::new(self.report)))
    }
}

/// The name of `path` below `folder`.
fn below(folder: &Path, path: &Path) -> Result<String> {
    let name = path.strip_prefix(folder).map_err(|_| {
        let detail = "lies outside of the folder of the manifest";
        Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(path)
    })?;
    Ok(path_text::to_text(name))
}
