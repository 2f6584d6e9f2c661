//! Checks of files, and scores of copies.

use std::path::PathBuf;

use pyo3::{exceptions::PyValueError, prelude::*};
use trix_core::{
    Cancel, Source,
    quality::{Metric, UnknownMetric},
    verify::{content::compare_sources, standalone::check_source},
};

use crate::{doorway::call, inspect::json, reading};

/// Refuses what is no metric.
fn metrics(names: &[String]) -> PyResult<Vec<Metric>> {
    let named = |name: &String| name.parse().map_err(|error: UnknownMetric| PyValueError::new_err(error.to_string()));
    names.iter().map(named).collect()
}

/// Checks a file, with a reference if there is one, as JSON.
///
/// # Errors
/// Those of reading. A failed check is none.
#[pyfunction]
pub fn verify(py: Python<'_>, path: PathBuf, reading: &str, against: Option<PathBuf>, other: &str) -> PyResult<String> {
    let (cancel, reading, other) = (Cancel::default(), reading::parse(reading)?, reading::parse(other)?);
    let own = cancel.clone();
    json(&call(py, &cancel, move || {
        let source = Source::open_until(&path, &reading, &own)?;
        // A reference that cannot be opened is an error before the file is decoded.
        let against = match against {
            Some(against) => Some((source.again(&own)?, Source::open_until(&against, &other, &own)?)),
            None => None,
        };
        let mut report = check_source(source, &own)?;
        if let Some((file, reference)) = against {
            report.compare(file, reference, &own)?;
        }
        Ok(report)
    })?)
}

/// Scores a copy against its reference, as JSON.
///
/// # Errors
/// Those of reading; `VerificationError` if sizes or numbers of frames differ.
#[pyfunction]
pub fn compare(
    py: Python<'_>,
    reference: PathBuf,
    reading: &str,
    copy: PathBuf,
    other: &str,
    names: Vec<String>,
) -> PyResult<String> {
    let (cancel, reading, other) = (Cancel::default(), reading::parse(reading)?, reading::parse(other)?);
    let (own, metrics) = (cancel.clone(), metrics(&names)?);
    json(&call(py, &cancel, move || {
        let reference = Source::open_until(&reference, &reading, &own)?;
        let copy = Source::open_until(&copy, &other, &own)?;
        compare_sources(reference, copy, &metrics, &own)
    })?)
}
