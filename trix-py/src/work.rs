//! What Python asks to be run: a job as text or file, a plan, or the ingest of a master.
//!
//! Invariant: an ingest makes the files and the manifest that `trix ingest` makes of the same master.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use serde::Deserialize;
use trix_core::{
    Cancel, Control, Error, ErrorKind, Machine, Plan, Report, Result, Stage,
    document::{Document, Language, Resolved},
    manifest::{Inputs, Manifest, Standing},
    media::path_text,
    plan_for,
    preflight::refuse_existing,
    run, run_opened,
    settings::track::TrackSettings,
    source::ReadingPlace,
};

use crate::errors::unread;

/// What is to be run, as Python says it.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Work {
    /// A job or profile as text.
    Text {
        text: String,
        language: LanguageName,
        set: Vec<(String, String)>,
        #[serde(with = "path_text::optional")]
        folder: Option<PathBuf>,
        overwrite: bool,
    },
    /// A job file.
    File {
        #[serde(with = "path_text")]
        path: PathBuf,
        set: Vec<(String, String)>,
        #[serde(with = "path_text::optional")]
        folder: Option<PathBuf>,
        overwrite: bool,
    },
    /// A plan, as JSON.
    Plan { plan: String, overwrite: bool },
    /// Every copy of a master.
    Ingest(Ingest),
}

/// Every copy of a master, in a folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ingest {
    #[serde(with = "path_text")]
    source: PathBuf,
    #[serde(with = "path_text")]
    folder: PathBuf,
    profiles: Vec<String>,
    tracks: Vec<TrackSettings>,
    set: Vec<(String, String)>,
    overwrite: bool,
    skip_existing: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LanguageName {
    Toml,
    Yaml,
    Json,
}

impl From<LanguageName> for Language {
    fn from(name: LanguageName) -> Self {
        match name {
            LanguageName::Toml => Language::Toml,
            LanguageName::Yaml => Language::Yaml,
            LanguageName::Json => Language::Json,
        }
    }
}

impl Work {
    /// Reads what Python says.
    ///
    /// # Errors
    /// `ValueError`.
    pub fn parse(text: &str) -> PyResult<Self> {
        serde_json::from_str(text).map_err(|error| unread(&error))
    }

    /// The document of a job.
    fn document(&self) -> Result<Document> {
        match self {
            Work::Text { text, language, set, .. } => Document::parse(text, (*language).into(), set),
            Work::File { path, set, .. } => Document::open(path, set),
            Work::Ingest(ingest) => ingest.document(),
            Work::Plan { .. } => Err(Error::bug(Stage::Plan, "a plan has no document")),
        }
    }

    /// Opens the source of `document` and makes its job.
    ///
    /// # Errors
    /// Those of the document and of opening its source.
    fn resolved(&self, document: &Document) -> Result<Resolved> {
        let (folder, overwrite) = match self {
            Work::Text { folder, overwrite, .. } | Work::File { folder, overwrite, .. } => {
                (folder.as_deref(), *overwrite)
            }
            Work::Plan { .. } | Work::Ingest(_) => (None, false),
        };
        let mut resolved = document.resolve(folder)?;
        if overwrite {
            resolved.job.overwrite();
        }
        Ok(resolved)
    }

    /// What the work resolves to on `machine`.
    ///
    /// # Errors
    /// `InvalidSpec` with every mistake of the job; those of opening its source.
    pub fn planned(&self, machine: &Machine, cancel: &Cancel) -> Result<Plan> {
        let document = match self {
            Work::Plan { plan, overwrite } => {
                let mut plan = plan_of(plan)?;
                if *overwrite {
                    plan.overwrite();
                }
                return Ok(plan);
            }
            _ => self.document()?,
        };
        let Resolved { job, traits, source } = self.resolved(&document)?;
        // Loudness may be measured, which takes as long as the source is.
        let source = source.again(cancel)?;
        plan_for(&job, &source, machine).map_err(|error| document.explain(&traits, error))
    }

    /// Runs the work to its end.
    ///
    /// # Errors
    /// What ended the job.
    pub fn run(&self, control: &Control) -> Result<Report> {
        match self {
            Work::Plan { plan, overwrite } => {
                let mut plan = plan_of(plan)?;
                if *overwrite {
                    plan.overwrite();
                }
                run(&plan, control)
            }
            Work::Ingest(ingest) => ingest.run(self.document()?, control),
            _ => {
                let document = self.document()?;
                let Resolved { job, traits, source } = self.resolved(&document)?;
                run_opened(&job, source, control).map_err(|error| document.explain(&traits, error))
            }
        }
    }
}

impl Ingest {
    fn document(&self) -> Result<Document> {
        let mut set = self.set.clone();
        if set.iter().all(|(key, _)| key != "stem") {
            set.push(("stem".to_owned(), self.stem()));
        }
        Document::of_profiles(&self.profiles, &self.source, &self.tracks, &set)
    }

    /// The name of the copies.
    fn stem(&self) -> String {
        let own = self.set.iter().rev().find(|(key, _)| key == "stem").map(|(_, name)| name.clone());
        own.unwrap_or_else(|| {
            self.source.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
        })
    }

    fn run(&self, document: Document, control: &Control) -> Result<Report> {
        let Resolved { mut job, traits, source } = document.resolve(None)?;
        // The manifest lists the hash of each file.
        job.hash = true;
        let inputs = Inputs::of(&job, &source)?;
        job.write_into(&self.folder);
        if self.overwrite {
            job.overwrite();
        }
        let manifest = self.folder.join(path_text::from_text(&format!("{}.manifest.json", self.stem())));
        if let Some(report) = self.kept(&manifest, &inputs, control)? {
            return Ok(report);
        }
        let mut products = job.products();
        products.push((manifest.clone(), self.overwrite));
        refuse_existing(&products)?;
        let report = run_opened(&job, source, control).map_err(|error| document.explain(&traits, error))?;
        if report.failed.is_empty() {
            Manifest::new(&self.folder, inputs, report.clone())?.write(&manifest)?;
        }
        Ok(report)
    }

    /// The report of the job that made the copies, if they are complete and may be kept.
    fn kept(&self, manifest: &Path, inputs: &Inputs, control: &Control) -> Result<Option<Report>> {
        let Some(found) = (if self.skip_existing { Manifest::read(manifest)? } else { None }) else {
            return Ok(None);
        };
        let place = ReadingPlace::new(found.bytes());
        match found.check(&self.folder, inputs, &place, &control.cancel)? {
            Standing::Complete(report) => Ok(Some(*report)),
            Standing::Changed(_) => Ok(None),
        }
    }
}

/// The plan that `text` holds.
fn plan_of(text: &str) -> Result<Plan> {
    serde_json::from_str(text).map_err(|error| {
        let detail = format!("it is not a plan of this version: {error}");
        Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail)
    })
}
