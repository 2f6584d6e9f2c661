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
    mux::part::PartFile,
    plan::Identity,
    report::Report,
    settings::job::Job,
    source::{FileFixity, Source, sha256_of_file},
};

/// The largest manifest, in bytes. One of a package with ten thousand segments has 2 MB.
const MOST_BYTES: u64 = 256 << 20;

/// The files that were made of a master.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// Version of this format: 1.
    #[serde(deserialize_with = "trix_model::json::version")]
    pub trix: u32,
    /// The source, as it was named.
    #[serde(with = "trix_model::path_text")]
    #[schemars(with = "PathBuf")]
    pub source: PathBuf,
    /// What the source was when the files were made.
    pub identity: Identity,
    /// SHA-256 of the job, without the folders of source and outputs: 64 lower-case hexadecimal digits.
    pub job: String,
    /// The files, by their names below the folder of the manifest.
    pub files: Vec<FileFixity>,
    /// The report of the job.
    pub report: Report,
}

/// How the files of a manifest stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// All files are there with the bytes that were verified, and source and job are those they were made of.
    Complete,
    /// Something is not as it was, in words.
    Changed(String),
}

/// SHA-256 of `job` without the folders of its source and outputs. The outputs must still have relative names.
pub fn job_hash(job: &Job) -> String {
    let mut job = job.clone();
    job.source.path = job.source.path.file_name().map(PathBuf::from).unwrap_or_default();
    let text = serde_json::to_vec(&job).unwrap_or_default();
    let digits = Sha256::digest(&text);
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Manifest {
    /// Lists the files of a report. `folder` is that of the manifest, and `job` the hash of the job with relative names.
    ///
    /// # Errors
    /// `InvalidSpec` if the job did not hash its outputs, or wrote one of them outside of `folder`.
    pub fn new(folder: &Path, job: String, identity: Identity, report: Report) -> Result<Self> {
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
        Ok(Manifest { trix: json::VERSION, source: report.source.clone(), identity, job, files, report })
    }

    /// Writes the manifest under the name `path`, in one step.
    ///
    /// # Errors
    /// `Io`.
    pub fn write(&self, path: &Path) -> Result<()> {
        let failed = |error| Error::io(Stage::Mux, path, "cannot be written", error);
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::bug(Stage::Mux, format!("a manifest cannot be written: {error}")))?;
        let part = PartFile::create(path, true)?;
        fs::write(part.path(), text).map_err(failed)?;
        part.sync()?;
        part.commit().map(drop)
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

    /// Compares the manifest with the `source` and the hash of the `job` that would be run now, and all files below `folder`
    /// with their hashes.
    ///
    /// # Errors
    /// `Io` if the source or a file cannot be read; `Cancelled`.
    pub fn check(&self, folder: &Path, job: &str, source: &Source, cancel: &Cancel) -> Result<Standing> {
        if self.job != job {
            return Ok(Standing::Changed("the job is another than the one that made the files".into()));
        }
        if self.identity != source.identity()? {
            return Ok(Standing::Changed("the source has changed since".into()));
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
            if sha256_of_file(&path, cancel)? != file.sha256 {
                return Ok(Standing::Changed(format!("{} has other bytes than were verified", path.display())));
            }
        }
        Ok(Standing::Complete)
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
