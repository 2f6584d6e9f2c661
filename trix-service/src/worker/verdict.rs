//! What the engine is told of an attempt.

use std::time::Duration;

use trix_core::{ErrorDetail, ErrorKind, Stage};

use crate::{
    config::Config,
    engine::{Step, StepEnd},
    error::Error,
};

/// What the engine is told of an attempt.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The step has ended, for good or bad.
    Done(StepEnd),
    /// Another attempt is worth while.
    Again(Again),
    /// The run was cancelled, or is over.
    Cancelled,
}

/// Why there is another attempt.
#[derive(Clone, Debug)]
pub enum Again {
    /// The job is paused.
    Paused,
    /// The worker ends.
    Leaving,
    /// Something outside is missing: a mount, or space. This is no fault of the job.
    Waiting(Box<ErrorDetail>),
    /// The attempt has failed.
    Failed(Box<ErrorDetail>),
}

/// Workers that a step may lose: what kills its worker each time is the fault of the step.
const MOST_LOST: i64 = 10;

impl Verdict {
    /// The verdict on an attempt that could not begin.
    pub fn of_error(error: &Error) -> Self {
        let detail = Box::new(error.document().error);
        match error.is_away() {
            true => Verdict::Again(Again::Waiting(detail)),
            false => Verdict::Done(StepEnd::Failed { error: detail }),
        }
    }
}

impl Again {
    /// The time until the next attempt.
    pub fn pause(&self, config: &Config) -> Duration {
        match self {
            Again::Leaving => Duration::from_millis(100),
            Again::Paused | Again::Waiting(_) => Duration::from_secs_f64((5.0 * config.worker.pause).clamp(0.1, 60.0)),
            Again::Failed(_) => Duration::from_secs_f64(config.worker.pause.clamp(0.1, 60.0)),
        }
    }

    /// What is said about it.
    pub fn message(&self) -> String {
        match self {
            Again::Paused => "the job is paused".to_owned(),
            Again::Leaving => "the worker ends".to_owned(),
            Again::Waiting(error) | Again::Failed(error) => error.message.clone(),
        }
    }
}

/// The verdict on a step that has lost so many workers. `None`: it may be tried again.
pub(super) fn of_losses(step: &Step, lost: i64) -> Option<Verdict> {
    let detail = format!("{step}: {lost} workers were lost with it");
    let error = trix_core::Error::new(ErrorKind::Codec, Stage::Encode, detail);
    (lost >= MOST_LOST).then(|| Verdict::Done(StepEnd::Failed { error: Box::new((&error).into()) }))
}

/// The verdict on a failure, after `failed` earlier ones.
pub(super) fn of_failure(config: &Config, error: &ErrorDetail, failed: i64) -> Verdict {
    let own = Box::new(error.clone());
    // The same source and job would fail again.
    let is_final = !matches!(error.kind, ErrorKind::Io | ErrorKind::Codec | ErrorKind::Bug);
    if is_final || failed + 1 >= i64::from(config.worker.attempts) {
        Verdict::Done(StepEnd::Failed { error: own })
    } else {
        Verdict::Again(Again::Failed(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(kind: ErrorKind, text: &str, failed: i64) -> &'static str {
        let error = trix_core::Error::new(kind, Stage::Encode, text);
        match of_failure(&Config::default(), &(&error).into(), failed) {
            Verdict::Done(_) => "failed",
            Verdict::Again(Again::Waiting(_)) => "waits",
            Verdict::Again(_) => "again",
            Verdict::Cancelled => "cancelled",
        }
    }

    #[test]
    fn a_crash_has_three_attempts() {
        assert_eq!(
            [0, 1, 2].map(|failed| verdict(ErrorKind::Codec, "it crashed", failed)),
            ["again", "again", "failed"]
        );
        assert_eq!(verdict(ErrorKind::InvalidSpec, "depth 9", 0), "failed");
    }

    #[test]
    fn a_step_that_kills_its_workers_fails_after_ten() {
        assert!(of_losses(&Step::Plan, 9).is_none());
        assert!(matches!(of_losses(&Step::Plan, 10), Some(Verdict::Done(StepEnd::Failed { .. }))));
    }
}
