//! Lets a caller follow a job and cancel it.

use std::{sync::Arc, time::Duration};

use trix_model::control::{cancel::Cancel, progress::Progress};

/// Lets a caller follow a job and cancel it.
#[derive(Clone, Default)]
pub struct Control {
    /// Cancelling this makes the job end with an error of kind `Cancelled`, within 200 ms.
    pub cancel: Cancel,
    /// Called five times a second, on a thread of the job.
    pub progress: Option<OnProgress>,
}

/// The callback that receives each [`Progress`].
pub type OnProgress = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Time between two calls of [`Control::progress`].
pub(super) const TICK: Duration = Duration::from_millis(200);
