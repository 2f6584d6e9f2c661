//! Collects the failures of a job with several outputs.
//!
//! Invariant: of several errors about one output, the root cause is reported. The job's settings decide whether the
//! failure of an output fails the job.

use std::path::{Path, PathBuf};

use trix_model::{
    control::events::{Event, EventSender},
    error::{Error, ErrorKind, Result, Stage},
    time::Timestamp,
};

use crate::{
    encode::shared::is_of_lead,
    plan::{PerProduct, Plan, Product},
    report::FailedOutput,
    settings::job::{OnLeadFailure, OnOutputFailure},
};

/// The failed products of a job.
pub(super) struct Failures {
    on_output_failure: OnOutputFailure,
    /// Paths of all products.
    names: PerProduct<PathBuf>,
    errors: Vec<(Product, Error)>,
    events: Option<EventSender>,
}

impl Failures {
    /// `events` receives each failure that does not end the job.
    pub(super) fn new(plan: &Plan, events: Option<EventSender>) -> Self {
        Failures { on_output_failure: plan.on_output_failure, names: plan.paths(), errors: Vec::new(), events }
    }

    /// The paths of all products.
    pub(super) fn names(&self) -> PerProduct<PathBuf> {
        self.names.clone()
    }

    /// True if `product` failed.
    pub(super) fn has(&self, product: Product) -> bool {
        self.errors.iter().any(|(failed, _)| *failed == product)
    }

    /// Records that `product` failed.
    ///
    /// # Errors
    /// The same error, if it fails the job or no product is left.
    pub(super) fn add(&mut self, product: Product, error: Error) -> Result<()> {
        let cancelled = error.kind() == ErrorKind::Cancelled;
        let is_last = self.errors.len() + 1 >= self.names.values().count();
        if cancelled || is_last || self.on_output_failure == OnOutputFailure::Fail {
            return Err(error);
        }
        if let Some(events) = &self.events {
            events.send(Event::OutputFailed { path: self.names[product].clone(), error: (&error).into() });
        }
        self.errors.push((product, error));
        Ok(())
    }

    /// The failed products for the report.
    pub(super) fn report(self) -> Vec<FailedOutput> {
        let failed = |(product, error): (Product, Error)| FailedOutput {
            path: self.names[product].clone(),
            kind: error.kind(),
            error: error.to_string(),
        };
        self.errors.into_iter().map(failed).collect()
    }
}

/// Adds the products that were finished to `error`, which ends the job.
pub(super) fn explain(error: Error, finished: &[PathBuf]) -> Error {
    if finished.is_empty() || error.kind() == ErrorKind::Cancelled {
        return error;
    }
    let names: Vec<String> = finished.iter().map(|path| path.display().to_string()).collect();
    error.and(&format!("finished, but not kept: {}", names.join(", ")))
}

/// True if the encoder failed that others follow, and the job then begins anew without it.
pub(crate) fn begins_anew(plan: &Plan, error: &Error) -> bool {
    plan.on_lead_failure == OnLeadFailure::Alone && is_of_lead(error)
}

/// True if `error` is about something that was read.
fn is_of_reading(error: &Error) -> bool {
    let reads = matches!(error.stage(), Stage::Source | Stage::Probe | Stage::Demux | Stage::Decode);
    reads || error.kind() == ErrorKind::MalformedInput
}

/// Adds the output `path` to the error of a stage that works for it. An error about something that was read
/// is returned unchanged.
pub(crate) fn of_output(error: Error, path: &Path) -> Error {
    match error.kind() {
        ErrorKind::Cancelled => error,
        _ if is_of_reading(&error) => error,
        _ => error.in_file(path),
    }
}

/// Adds the file `source` to the error of a stage whose frames or packets come from it. The file is either the cause of
/// the error, or the file of the stream that the error names.
pub(crate) fn from_source(error: Error, source: &Path) -> Error {
    match error.stream() {
        _ if error.kind() == ErrorKind::Cancelled => error,
        _ if is_of_reading(&error) => error.in_file(source),
        Some(stream) => error.and(&format!("stream {stream} is one of {}", source.display())),
        None => error,
    }
}

/// Adds the time at which a stage failed.
pub(crate) fn at(error: Error, time: Option<Timestamp>) -> Error {
    if error.kind() == ErrorKind::Cancelled { error } else { error.at(time) }
}

/// Adds more detail to an error.
pub(crate) fn and(error: Error, more: &str) -> Error {
    if error.kind() == ErrorKind::Cancelled { error } else { error.and(more) }
}

/// The errors that the stages of one pass report.
pub(crate) struct StageErrors {
    /// Paths of all products.
    names: PerProduct<PathBuf>,
    job: Option<Error>,
    products: PerProduct<Option<Error>>,
}

impl StageErrors {
    /// No errors, for products with these paths.
    pub(crate) fn new(names: PerProduct<PathBuf>) -> Self {
        let products = names.map(|_, _| None);
        StageErrors { names, job: None, products }
    }

    /// Records the failure of a stage that works for `products` (empty: all). Each gets an error with its path.
    pub(crate) fn add(&mut self, products: &[Product], error: Error) {
        let Some((first, rest)) = products.split_first() else {
            keep(&mut self.job, error);
            return;
        };
        for other in rest {
            keep(&mut self.products[*other], of_output(error.again(), &self.names[*other]));
        }
        keep(&mut self.products[*first], of_output(error, &self.names[*first]));
    }

    /// True if `product` failed.
    pub(crate) fn has(&self, product: Product) -> bool {
        self.products.get(product).is_some_and(Option::is_some)
    }

    /// True if no product can continue.
    pub(crate) fn is_everything(&self) -> bool {
        self.job.is_some() || self.products.values().all(Option::is_some)
    }

    /// The root cause of all errors.
    pub(crate) fn root(&mut self) -> Option<Error> {
        let mut root = self.job.take();
        for error in self.products.values_mut().filter_map(Option::take) {
            keep(&mut root, error);
        }
        root
    }

    /// Records an error that ends the job, although a stage that works for `product` has it.
    pub(crate) fn end(&mut self, product: Product, error: Error) {
        keep(&mut self.job, of_output(error, &self.names[product]));
    }

    /// Passes all errors on to `failures`.
    ///
    /// # Errors
    /// The error that ends the job.
    pub(super) fn settle(mut self, failures: &mut Failures) -> Result<()> {
        if self.is_everything() || failures.on_output_failure == OnOutputFailure::Fail {
            return self.root().map_or(Ok(()), Err);
        }
        let errors = self.products.map(|product, _| product);
        errors.values().try_for_each(|product| match self.products[*product].take() {
            // The job was not cancelled: the stage stopped because the encoder that it follows has failed.
            Some(error) if error.kind() == ErrorKind::Cancelled => {
                let detail = "the encoder whose analysis it follows has failed";
                failures
                    .add(*product, Error::new(ErrorKind::Codec, error.stage(), detail).in_file(&self.names[*product]))
            }
            Some(error) => failures.add(*product, error),
            None => Ok(()),
        })
    }
}

/// Keeps the error that explains the other; of equal ones, the first.
fn keep(place: &mut Option<Error>, error: Error) {
    let better = place.as_ref().is_none_or(|known| error.kind().explains() > known.kind().explains());
    if better {
        *place = Some(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::OutputId;

    #[test]
    fn each_output_of_a_stage_that_fails_is_named_and_what_was_read_keeps_its_name() {
        let (source, names) = (Path::new("in.mkv"), ["a.mkv", "b.mkv", "c.mkv"].map(PathBuf::from));
        let product = |number: usize| Product::Output(OutputId(number));
        let texts = |error: Error| {
            let mut found = StageErrors::new(PerProduct { outputs: names.to_vec(), ..Default::default() });
            found.add(&[product(0), product(2)], from_source(error, source));
            let of = |number: usize| found.products[product(number)].as_ref().map(ToString::to_string);
            assert_eq!([0, 1, 2].map(|number| found.has(product(number))), [true, false, true]);
            [of(0), of(2)].map(Option::unwrap_or_default)
        };
        let error = |kind, stage| Error::new(kind, stage, "no");
        for stage in [Stage::Filter, Stage::Encode, Stage::Mux, Stage::Verify] {
            let [first, second] = texts(error(ErrorKind::Codec, stage));
            assert_eq!((first, second), (format!("a.mkv: {stage}: no"), format!("c.mkv: {stage}: no")));
            let [first, _] = texts(error(ErrorKind::Codec, stage).in_stream(1));
            assert_eq!(first, format!("a.mkv: {stage}, stream 1: no; stream 1 is one of in.mkv"));
            // The source is the cause.
            let [first, second] = texts(error(ErrorKind::MalformedInput, stage).in_stream(1));
            assert_eq!([first, second], [0; 2].map(|_| format!("in.mkv: {stage}, stream 1: no")));
        }
        for stage in [Stage::Source, Stage::Demux, Stage::Decode] {
            let [first, second] = texts(error(ErrorKind::Codec, stage).in_stream(1));
            assert_eq!([first, second], [0; 2].map(|_| format!("in.mkv: {stage}, stream 1: no")));
        }
        let [first, _] = texts(Error::cancelled(Stage::Encode));
        assert_eq!(first, "encode: cancelled");
    }
}
