//! The files that a job reads and makes.
//!
//! Invariant: a report or a log never replaces one of them.

use std::path::{Path, PathBuf};

use trix_core::{Error, ErrorKind, Job, Plan, Stage, preflight, settings::track::TrackSettings};

use crate::args::Records;

/// The files that a job reads and makes.
pub struct Files(Vec<PathBuf>);

impl Files {
    /// Those of a job.
    pub fn of_job(job: &Job) -> Self {
        Files::of(&job.source.path, job.tracks.iter(), job.products())
    }

    /// Those of a plan.
    pub fn of_plan(plan: &Plan) -> Self {
        let tracks = plan.external_audio.iter().map(|track| &track.settings);
        Files::of(&plan.source.settings.path, tracks, preflight::products(plan))
    }

    fn of<'a>(source: &Path, tracks: impl Iterator<Item = &'a TrackSettings>, products: Vec<(PathBuf, bool)>) -> Self {
        let tracks = tracks.flat_map(|track| track.all_inputs()).map(|input| input.path);
        let products = products.into_iter().map(|(path, _)| path);
        Files([source.to_owned()].into_iter().chain(tracks).chain(products).collect())
    }

    /// Refuses to write a report or a log over one of these files.
    ///
    /// # Errors
    /// `InvalidSpec`.
    pub fn refuse_records(&self, records: &Records) -> Result<(), Error> {
        let same = |one: &Path, other: &Path| match (one.canonicalize(), other.canonicalize()) {
            (Ok(one), Ok(other)) => one == other,
            _ => one == other,
        };
        for (option, path) in [("--report", &records.report), ("--log", &records.log)] {
            let taken = path.as_deref().filter(|path| self.0.iter().any(|own| same(own, path)));
            if let Some(path) = taken {
                let detail = format!("is a file of the job; {option} needs another name");
                return Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(path));
            }
        }
        Ok(())
    }
}
