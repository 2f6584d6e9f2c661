//! Openings of one source, for the threads that read it.
//!
//! Invariant: a thread has an opening of its own while it reads. A source that was closed keeps no file open.

use std::sync::{Mutex, MutexGuard, PoisonError};

use trix_core::{Cancel, Error, ErrorKind, Result, Stage};

/// An open source, and further openings of it for the threads that read. Opening a file takes milliseconds, so that a thread
/// that has come to its end leaves its opening to the next one.
pub struct Openings {
    /// `None` after the source was closed.
    first: Mutex<Option<trix_core::Source>>,
    /// Openings that no thread uses, with the handles that cancel them.
    free: Mutex<Vec<(trix_core::Source, Cancel)>>,
}

/// The most openings that wait for a thread.
const MOST_FREE: usize = 2;

impl Openings {
    pub fn new(first: trix_core::Source) -> Self {
        Openings { first: Mutex::new(Some(first)), free: Mutex::default() }
    }

    /// An opening that no thread uses, and the handle that cancels it. Without one, the handle is for a new one.
    pub fn free(&self, whole: &Cancel) -> (Option<trix_core::Source>, Cancel) {
        let mut free = self.lock();
        free.retain(|(_, cancel)| !cancel.is_cancelled());
        free.pop().map_or_else(|| (None, whole.child()), |(source, cancel)| (Some(source), cancel))
    }

    /// A new opening, which `cancel` cancels.
    ///
    /// # Errors
    /// Those of opening; `Cancelled`.
    pub fn again(&self, cancel: &Cancel) -> Result<trix_core::Source> {
        let closed = || Error::new(ErrorKind::Cancelled, Stage::Source, "the source is closed");
        self.first().as_ref().filter(|_| !cancel.is_cancelled()).ok_or_else(closed)?.again(cancel)
    }

    /// Leaves an opening to the next thread. Nothing may cancel `cancel` any more but the whole source.
    pub fn leave(&self, source: trix_core::Source, cancel: Cancel) {
        let mut free = self.lock();
        if free.len() < MOST_FREE && !cancel.is_cancelled() {
            free.push((source, cancel));
        }
    }

    /// Closes all openings that no thread uses. A thread closes its own when it ends.
    pub fn close(&self) {
        drop(self.first().take());
        drop(std::mem::take(&mut *self.lock()));
    }

    fn first(&self) -> MutexGuard<'_, Option<trix_core::Source>> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(trix_core::Source, Cancel)>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
