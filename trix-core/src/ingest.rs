//! Every copy of one master, and the manifest beside them.
//!
//! Invariant: the manifest is written after all copies have their names, and only if none of them failed.

use std::path::{Path, PathBuf};

use trix_model::{
    control::cancel::Cancel,
    error::{ErrorKind, Result},
    path_text,
};

use crate::{
    Error,
    document::{Document, Resolved, Traits},
    manifest::{Inputs, Manifest, Standing},
    pipeline::{Control, run_opened},
    preflight::{Space, refuse_existing, space_of},
    report::Report,
    settings::job::Job,
    source::{ReadingPlace, Source},
};

/// A master whose copies can be made.
///
/// ```
/// # let master = trix_fixtures::clip::master();
/// # let folder = trix_fixtures::folder();
/// use trix_core::{Cancel, Control, Ingest, document::Document, manifest::Standing};
///
/// let profiles = ["preview".to_owned()];
/// let set = [("stem".to_owned(), "film".to_owned())];
/// let ready = || Ingest::prepare(Document::of_profiles(&profiles, &master, &[], &set)?, folder.path(), "film", false);
/// let made = ready()?.run(&Control::default())?;
/// assert!(made.report.failed.is_empty() && made.unlisted.is_none());
/// assert!(folder.path().join("film.manifest.json").is_file());
///
/// let found = ready()?.standing(&Cancel::default(), |_| ())?;
/// assert!(matches!(found, Some(Standing::Complete(_))));
/// # Ok::<(), trix_core::Error>(())
/// ```
pub struct Ingest {
    document: Document,
    traits: Traits,
    job: Job,
    source: Source,
    inputs: Inputs,
    folder: PathBuf,
    manifest: PathBuf,
    overwrite: bool,
}

/// Copies that were made.
pub struct Ingested {
    /// What the job reports.
    pub report: Report,
    /// Why the manifest could not be written, if so. The copies have their names.
    pub unlisted: Option<Error>,
}

impl Ingest {
    /// Opens the master of `document`, and makes the job for it. Copies with relative names go into `folder`, and so does the
    /// manifest, `NAME.manifest.json`. Nothing is written yet.
    ///
    /// # Errors
    /// Those of the document and of opening its source; `Io` if an audio file beside it cannot be read.
    pub fn prepare(document: Document, folder: &Path, name: &str, overwrite: bool) -> Result<Self> {
        let Resolved { mut job, traits, source } = document.resolve(None)?;
        // The manifest lists the hash of each file.
        job.hash = true;
        let inputs = Inputs::of(&job, &source)?;
        job.write_into(folder);
        if overwrite {
            job.overwrite();
        }
        let manifest = Self::manifest_in(folder, name);
        Ok(Ingest { document, traits, job, source, inputs, folder: folder.to_owned(), manifest, overwrite })
    }

    /// The manifest of copies with this name, in their folder.
    pub fn manifest_in(folder: &Path, name: &str) -> PathBuf {
        folder.join(path_text::from_text(&format!("{name}.manifest.json")))
    }

    /// The document of the job.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The job.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// The path of the manifest.
    pub fn manifest(&self) -> &Path {
        &self.manifest
    }

    /// How far the master was read, also while the job runs.
    pub fn reading_place(&self) -> ReadingPlace {
        self.source.reading_place()
    }

    /// The files and folders that are made, and whether each may replace what has its name.
    pub fn products(&self) -> Vec<(PathBuf, bool)> {
        let mut products = self.job.products();
        products.push((self.manifest.clone(), self.overwrite));
        products
    }

    /// Refuses names that are taken, all of them at once.
    ///
    /// # Errors
    /// `Io`, as [`refuse_existing`].
    pub fn refuse_existing(&self) -> Result<()> {
        refuse_existing(&self.products())
    }

    /// The space that the copies may take, for each file system.
    ///
    /// # Errors
    /// Those of planning the job.
    pub fn space(&self) -> Result<Vec<Space>> {
        space_of(&self.job, &self.source).map_err(|error| self.document.explain(&self.traits, error))
    }

    /// How the copies of an earlier run stand; `None` if there was none. `watch` gets the place up to which they are read, and
    /// what it returns lives until they are.
    ///
    /// # Errors
    /// `Io`; `InvalidSpec` for a manifest of another version, unless it may be replaced; `Cancelled`.
    pub fn standing<T>(&self, cancel: &Cancel, watch: impl FnOnce(ReadingPlace) -> T) -> Result<Option<Standing>> {
        let kept = match Manifest::read(&self.manifest) {
            Ok(Some(kept)) => kept,
            Ok(None) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::InvalidSpec && self.overwrite => {
                return Ok(Some(Standing::Changed(error.to_string())));
            }
            Err(error) => return Err(error),
        };
        let place = ReadingPlace::new(kept.bytes());
        let _watched = watch(place.clone());
        kept.check(&self.folder, &self.inputs, &place, cancel).map(Some)
    }

    /// Makes the copies, then the manifest.
    ///
    /// # Errors
    /// Those of running the job.
    pub fn run(self, control: &Control) -> Result<Ingested> {
        let Ingest { document, traits, job, source, inputs, folder, manifest, .. } = self;
        let report = run_opened(&job, source, control).map_err(|error| document.explain(&traits, error))?;
        let mut unlisted = None;
        if report.failed.is_empty() {
            unlisted = Manifest::new(&folder, inputs, report.clone()).and_then(|own| own.write(&manifest)).err();
        }
        Ok(Ingested { report, unlisted })
    }
}
