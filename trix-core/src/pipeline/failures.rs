//! What failed in a job of several outputs, and what follows from it.
//!
//! Invariant: of several errors about one output, the one that explains the others is told; what the job says about the
//! failure of an output decides whether it is one of the job.

use std::path::{Path, PathBuf};

use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    time::Timestamp,
};

use crate::{plan::Plan, report::FailedOutput, spec::job::OnOutputFailure};

/// What a job should make and that failed: outputs, packages and stills, numbered in this order.
pub(super) struct Failures {
    on_output_failure: OnOutputFailure,
    /// Of everything that is made.
    names: Vec<PathBuf>,
    errors: Vec<(usize, Error)>,
}

impl Failures {
    pub(super) fn new(plan: &Plan) -> Self {
        Failures { on_output_failure: plan.on_output_failure, names: plan.paths(), errors: Vec::new() }
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
        if cancelled || is_last || self.on_output_failure == OnOutputFailure::Fail {
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

/// Whether `error` tells of something that was read.
fn is_of_reading(error: &Error) -> bool {
    let reads = matches!(error.stage(), Stage::Source | Stage::Probe | Stage::Demux | Stage::Decode);
    reads || error.kind() == ErrorKind::MalformedInput
}

/// Names, in the error of a stage that works for the output `path`, this output. What is wrong with something that was
/// read is told of the file that was read.
pub(crate) fn of_output(error: Error, path: &Path) -> Error {
    match error.kind() {
        ErrorKind::Cancelled => error,
        _ if is_of_reading(&error) => error,
        _ => error.in_file(path),
    }
}

/// Says, in the error of a stage whose frames or packets come from the file `source`, what this file has to do with it:
/// it is what something is wrong with, or the stream that the error names is one of it.
pub(crate) fn from_source(error: Error, source: &Path) -> Error {
    match error.stream() {
        _ if error.kind() == ErrorKind::Cancelled => error,
        _ if is_of_reading(&error) => error.in_file(source),
        Some(stream) => error.and(&format!("stream {stream} is one of {}", source.display())),
        None => error,
    }
}

/// Names the time of what a stage was at when it failed.
pub(crate) fn at(error: Error, time: Option<Timestamp>) -> Error {
    if error.kind() == ErrorKind::Cancelled { error } else { error.at(time) }
}

/// Adds what else there is to say of a failure.
pub(crate) fn and(error: Error, more: &str) -> Error {
    if error.kind() == ErrorKind::Cancelled { error } else { error.and(more) }
}

/// What the stages of one pass report.
pub(crate) struct Found {
    /// Of everything that is made.
    names: Vec<PathBuf>,
    job: Option<Error>,
    outputs: Vec<Option<Error>>,
}

impl Found {
    /// For things with these names.
    pub(crate) fn new(names: Vec<PathBuf>) -> Self {
        let outputs = names.iter().map(|_| None).collect();
        Found { names, job: None, outputs }
    }

    /// A stage that works for `outputs` (none: for all) failed. Of each of them the error names it.
    pub(crate) fn add(&mut self, outputs: &[usize], error: Error) {
        let Some((first, rest)) = outputs.split_first() else {
            keep(&mut self.job, error);
            return;
        };
        for other in rest {
            keep(&mut self.outputs[*other], of_output(error.again(), &self.names[*other]));
        }
        keep(&mut self.outputs[*first], of_output(error, &self.names[*first]));
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
    pub(super) fn settle(mut self, failures: &mut Failures) -> Result<()> {
        if self.is_everything() || failures.on_output_failure == OnOutputFailure::Fail {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_output_of_a_stage_that_fails_is_named_and_what_was_read_keeps_its_name() {
        let (source, names) = (Path::new("in.mkv"), ["a.mkv", "b.mkv", "c.mkv"].map(PathBuf::from));
        let told = |error: Error| {
            let mut found = Found::new(names.to_vec());
            found.add(&[0, 2], from_source(error, source));
            let of = |number: usize| found.outputs[number].as_ref().map(ToString::to_string);
            assert_eq!((found.has(0), found.has(1), found.has(2)), (true, false, true));
            [of(0), of(2)].map(Option::unwrap_or_default)
        };
        let error = |kind, stage| Error::new(kind, stage, "no");
        for stage in [Stage::Filter, Stage::Encode, Stage::Mux, Stage::Verify] {
            let [first, second] = told(error(ErrorKind::Codec, stage));
            assert_eq!((first, second), (format!("a.mkv: {stage}: no"), format!("c.mkv: {stage}: no")));
            let [first, _] = told(error(ErrorKind::Codec, stage).in_stream(1));
            assert_eq!(first, format!("a.mkv: {stage}, stream 1: no; stream 1 is one of in.mkv"));
            // The source is to blame.
            let [first, second] = told(error(ErrorKind::MalformedInput, stage).in_stream(1));
            assert_eq!([first, second], [0; 2].map(|_| format!("in.mkv: {stage}, stream 1: no")));
        }
        for stage in [Stage::Source, Stage::Demux, Stage::Decode] {
            let [first, second] = told(error(ErrorKind::Codec, stage).in_stream(1));
            assert_eq!([first, second], [0; 2].map(|_| format!("in.mkv: {stage}, stream 1: no")));
        }
        let [first, _] = told(Error::cancelled(Stage::Encode));
        assert_eq!(first, "encode: cancelled");
    }
}
