//! What Python asks to be run: a job as text or file, a plan, or the ingest of a master.
//!
//! Invariant: an ingest makes the files and the manifest that `trix ingest` makes of the same master.

use std::path::PathBuf;

use pyo3::prelude::*;
use serde::Deserialize;
use trix_core::{
    Cancel, Control, Error, ErrorKind, Ingested, Machine, Plan, Report, Result, Source, Stage,
    document::{Document, Language, Resolved},
    manifest::Standing,
    media::path_text,
    plan, plan_chunks, plan_for, run, run_opened,
    settings::{job::Job, track::TrackSettings},
    settle_targets, stitch,
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
        /// Makes outputs for common players, if they are files for them.
        #[serde(default)]
        for_players: bool,
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
    /// A plan whose chunks are in a folder, as JSON.
    Stitch {
        plan: String,
        #[serde(with = "path_text")]
        store: PathBuf,
    },
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
            Work::Plan { .. } | Work::Stitch { .. } => Err(Error::bug(Stage::Plan, "a plan has no document")),
        }
    }

    /// Opens the source of `document` and makes its job.
    ///
    /// # Errors
    /// Those of the document and of opening its source.
    fn resolved(&self, document: &Document) -> Result<Resolved> {
        let (folder, overwrite, for_players) = match self {
            Work::Text { folder, overwrite, for_players, .. } => (folder.as_deref(), *overwrite, *for_players),
            Work::File { folder, overwrite, .. } => (folder.as_deref(), *overwrite, false),
            Work::Plan { .. } | Work::Stitch { .. } | Work::Ingest(_) => (None, false, false),
        };
        let mut resolved = document.resolve(folder)?;
        if overwrite {
            resolved.job.overwrite();
        }
        if for_players {
            resolved.job.make_for_players();
        }
        Ok(resolved)
    }

    /// What the work resolves to on `machine`, or on this one.
    ///
    /// # Errors
    /// `InvalidSpec` with every mistake of the job; those of opening its source.
    pub fn planned(&self, machine: Option<&Machine>, cancel: &Cancel) -> Result<Plan> {
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
        let planned = settled(&job, &source, cancel)
            .and_then(|job| machine.map_or_else(|| plan(&job, &source), |machine| plan_for(&job, &source, machine)));
        planned.map_err(|error| document.explain(&traits, error))
    }

    /// What the work resolves to if its film is encoded in chunks.
    ///
    /// # Errors
    /// `Unsupported` if it needs the whole film; as [`Work::planned`].
    pub fn planned_in_chunks(&self, cancel: &Cancel) -> Result<Plan> {
        let document = self.document()?;
        let Resolved { job, traits, source } = self.resolved(&document)?;
        // The scenes of the film are looked for, which can take minutes.
        let source = source.again(cancel)?;
        settled(&job, &source, cancel)
            .and_then(|job| plan_chunks(&job, &source))
            .map_err(|error| document.explain(&traits, error))
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
            Work::Stitch { plan, store } => stitch(&plan_of(plan)?, store, control),
            Work::Ingest(ingest) => ingest.run(control),
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

    fn run(&self, control: &Control) -> Result<Report> {
        let ready = trix_core::Ingest::prepare(self.document()?, &self.folder, &self.stem(), self.overwrite)?;
        let standing = if self.skip_existing { ready.standing(&control.cancel, |_| ())? } else { None };
        if let Some(Standing::Complete(report)) = standing {
            return Ok(*report);
        }
        ready.refuse_existing()?;
        let Ingested { report, unlisted } = ready.run(control)?;
        unlisted.map_or(Ok(report), Err)
    }
}

/// The job with the rate factors for its targets of quality.
fn settled(job: &Job, source: &Source, cancel: &Cancel) -> Result<Job> {
    settle_targets(job, source, &Control { cancel: cancel.clone(), ..Control::default() })
}

/// The plan that `text` holds.
pub fn plan_of(text: &str) -> Result<Plan> {
    serde_json::from_str(text).map_err(|error| {
        let detail = format!("it is not a plan of this version: {error}");
        Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail)
    })
}
