//! Stopping: because the caller asks for it, or because a stage failed.
//!
//! Invariant: every wait in the pipeline looks at its token at least twenty times a second.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Longest sleep of a stage that waits for its neighbour.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// A caller's handle on a job: cancelling it makes the job end with an error of kind `Cancelled`.
///
/// ```
/// let cancel = trix_core::pipeline::cancel::Cancel::default();
/// let in_another_thread = cancel.clone();
/// in_another_thread.cancel();
/// assert!(cancel.is_cancelled());
/// ```
#[derive(Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the job to stop. Returns at once; safe in a signal handler.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the job was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the stages of one pass look at: the caller's wish, or the failure of a neighbour.
#[derive(Clone)]
pub(crate) struct Token {
    caller: Cancel,
    failed: Arc<AtomicBool>,
}

impl Token {
    pub(crate) fn new(caller: &Cancel) -> Self {
        Token { caller: caller.clone(), failed: Arc::default() }
    }

    /// Stops the other stages of this pass.
    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.caller.is_cancelled() || self.failed.load(Ordering::Relaxed)
    }
}
