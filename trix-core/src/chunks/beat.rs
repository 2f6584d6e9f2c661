//! The signs of life of a unit that runs.
//!
//! Invariant: a unit that makes no frame for too long is cancelled, and its chunk counts as failed.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use trix_model::{
    control::cancel::Cancel,
    error::{Error, ErrorKind, Stage},
    plan::FrameRange,
};

/// A unit that runs.
pub(super) struct Beat {
    pub(super) range: FrameRange,
    /// Ends this unit alone.
    pub(super) cancel: Cancel,
    last: Mutex<Instant>,
    is_stalled: AtomicBool,
}

impl Beat {
    /// A unit that begins, and that `cancel` ends.
    pub(super) fn new(range: FrameRange, cancel: &Cancel) -> Self {
        Beat { range, cancel: cancel.child(), last: Mutex::new(Instant::now()), is_stalled: AtomicBool::new(false) }
    }

    /// The unit has made progress.
    pub(super) fn sign(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Time since the last sign.
    pub(super) fn since(&self) -> Duration {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// Cancels the unit because it makes no frame.
    pub(super) fn stall(&self) {
        self.is_stalled.store(true, Ordering::Relaxed);
        self.cancel.cancel();
    }

    /// What ended the unit: that it stood still, if that is why `error` says that it was cancelled.
    pub(super) fn cause(&self, error: Error, patience: Duration) -> Error {
        match error.kind() {
            ErrorKind::Cancelled if self.is_stalled.load(Ordering::Relaxed) => stalled(patience),
            _ => error,
        }
    }
}

/// The error of a unit that stood still.
pub(super) fn stalled(patience: Duration) -> Error {
    let detail = format!("no frame was encoded for {} seconds", patience.as_secs_f64());
    Error::new(ErrorKind::Codec, Stage::Encode, detail)
}
