//! Files that a job reads along with its source: external audio.
//!
//! Invariant: each file is opened once for a source, by conditions of the job, the planner and the pipeline together.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use trix_model::error::Result;

use super::opened::{Companion, Source};

impl Companion {
    /// Opens the file once more, for a reading of its own. No file is opened for it.
    pub(crate) fn reopen(&self) -> Result<Source> {
        let source = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        source.reopen().map_err(|error| error.in_file(&source.label()))
    }
}

impl Source {
    /// The file `path`, under the limits of this source. Opens it at the first call.
    ///
    /// # Errors
    /// Those of [`Source::open_within`].
    pub(crate) fn companion(&self, path: &Path) -> Result<Companion> {
        let mut known = self.companions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(companion) = known.get(path) {
            return Ok(companion.clone());
        }
        let companion = Companion(Arc::new(Mutex::new(Source::open_within(path, self.limits())?)));
        known.insert(path.to_owned(), companion.clone());
        Ok(companion)
    }
}
