//! What failed in a job of several outputs, and what follows from it.
//!
//! Invariant: of several errors about one output, the one that explains the others is told; what the job says about the
//! failure of an output decides whether it is one of the job.

use std::path::PathBuf;

use trix_model::error::{Error, ErrorKind, Result};

use crate::{
    report::FailedOutput,
    spec::job::{Job, OnOutputFailure},
};

/// What a job should make and that failed: outputs, packages and stills, numbered in this order.
pub(super) struct Failures<'a> {
    job: &'a Job,
    /// Of everything that is made.
    names: Vec<PathBuf>,
    errors: Vec<(usize, Error)>,
}

impl<'a> Failures<'a> {
    pub(super) fn new(job: &'a Job) -> Self {
        Failures { job, names: job.names(), errors: Vec::new() }
    }

    /// The names of everything that is made.
    pub(super) fn names(&self) -> Vec<PathBuf> {
        self.names.clone()
    }

    /// Whether output `number` failed.
    pub(super) fn has(&self, number: usize) -> bool {
        self.errors.iter().any(|(failed, _)| *failed == number)
    }

    /// Output `number` failed.
    ///
    /// # Errors
    /// The same, where that is a failure of the job or no output is left.
    pub(super) fn add(&mut self, number: usize, error: Error) -> Result<()> {
        let cancelled = error.kind() == ErrorKind::Cancelled;
        let is_last = self.errors.len() + 1 >= self.names.len();
        if cancelled || is_last || self.job.on_output_failure == OnOutputFailure::Fail {
            return Err(error);
        }
        self.errors.push((number, error));
        Ok(())
    }

    /// What the report says.
    pub(super) fn report(self) -> Vec<FailedOutput> {
        let told = |(number, error): (usize, Error)| FailedOutput {
            path: self.names[number].clone(),
            kind: error.kind(),
            error: error.to_string(),
        };
        self.errors.into_iter().map(told).collect()
    }
}

/// Says in `error`, which ends the job, what had been finished by then.
pub(super) fn explain(error: Error, finished: &[PathBuf]) -> Error {
    if finished.is_empty() || error.kind() == ErrorKind::Cancelled {
        return error;
    }
    let names: Vec<String> = finished.iter().map(|path| path.display().to_string()).collect();
    error.and(&format!("finished, but not kept: {}", names.join(", ")))
}

/// What the stages of one pass report.
pub(crate) struct Found {
    job: Option<Error>,
    outputs: Vec<Option<Error>>,
}

impl Found {
    pub(crate) fn new(outputs: usize) -> Self {
        Found { job: None, outputs: (0..outputs).map(|_| None).collect() }
    }

    /// A stage that works for `outputs` (none: for all) failed.
    pub(crate) fn add(&mut self, outputs: &[usize], error: Error) {
        let Some((first, rest)) = outputs.split_first() else {
            keep(&mut self.job, error);
            return;
        };
        rest.iter().for_each(|other| keep(&mut self.outputs[*other], error.again()));
        keep(&mut self.outputs[*first], error);
    }

    /// Whether output `number` failed.
    pub(crate) fn has(&self, number: usize) -> bool {
        self.outputs.get(number).is_some_and(Option::is_some)
    }

    /// Whether nothing is left that could go on.
    pub(crate) fn is_everything(&self) -> bool {
        self.job.is_some() || self.outputs.iter().all(Option::is_some)
    }

    /// The error that explains the others.
    pub(crate) fn root(&mut self) -> Option<Error> {
        let mut root = self.job.take();
        for error in self.outputs.iter_mut().filter_map(Option::take) {
            keep(&mut root, error);
        }
        root
    }

    /// Hands everything on.
    ///
    /// # Errors
    /// What ends the job.
    pub(super) fn settle(mut self, failures: &mut Failures<'_>) -> Result<()> {
        if self.is_everything() || failures.job.on_output_failure == OnOutputFailure::Fail {
            return self.root().map_or(Ok(()), Err);
        }
        let each = self.outputs.into_iter().enumerate();
        each.filter_map(|(number, error)| Some((number, error?)))
            .try_for_each(|(number, error)| failures.add(number, error))
    }
}

/// Of two errors, the one that explains the other stays; of equals, the first.
fn keep(place: &mut Option<Error>, error: Error) {
    let better = place.as_ref().is_none_or(|known| error.kind().explains() > known.kind().explains());
    if better {
        *place = Some(error);
    }
}
