//! Files that a job reads along with its source: external audio.
//!
//! Invariant: a source opens each file once. The conditions of the job, the planner and the pipeline share it.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use trix_model::error::Result;

use super::opened::{Companion, Source};

impl Companion {
    /// Makes a second reader of the open file.
    pub(crate) fn reopen(&self) -> Result<Source> {
        let source = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        source.reopen().map_err(|error| error.in_file(&source.label()))
    }
}

impl Source {
    /// The file `path`, under the limits of this source. Opens it at the first call. What cancels the reads of this source
    /// cancels those of the file.
    ///
    /// # Errors
    /// Those of [`Source::open_until`].
    pub(crate) fn companion(&self, path: &Path) -> Result<Companion> {
        let mut known = self.companions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(companion) = known.get(path) {
            // A job can take over a source that another caller opened.
            companion.0.lock().unwrap_or_else(PoisonError::into_inner).cancel = self.cancel.clone();
            return Ok(companion.clone());
        }
        let state = Arc::new(self.input.io_state().beside(&self.cancel));
        let companion = Companion(Arc::new(Mutex::new(Source::open_with(path, &self.limits().into(), state)?)));
        known.insert(path.to_owned(), companion.clone());
        Ok(companion)
    }
}
