//! Descriptions: of a file, of this build, of documents.

use std::path::PathBuf;

use pyo3::{exceptions::PyValueError, prelude::*};
use serde::Serialize;
use trix_core::{
    Cancel, Source, doctor as examining,
    probe::{self as probing, MediaInfo},
    schema as schemas,
};

use crate::{
    doorway::{self, shielded},
    errors::{unread, unwritten},
    reading,
};

/// `value` as JSON.
///
/// # Errors
/// `RuntimeError` if it cannot be written.
pub fn json(value: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(value).map_err(unwritten)
}

/// What a file holds, as JSON. With `count`, the file is decoded completely.
///
/// # Errors
/// Those of opening and reading.
#[pyfunction]
#[pyo3(signature = (path, reading, *, count))]
pub fn probe(py: Python<'_>, path: PathBuf, reading: &str, count: bool) -> PyResult<String> {
    let cancel = Cancel::default();
    let (own, reading) = (cancel.clone(), reading::parse(reading)?);
    let info = doorway::call(py, &cancel, move || {
        let source = Source::open_until(&path, &reading, &own)?;
        if count { probing::probe_and_count(source, 0, &own) } else { Ok(probing::probe(&source)) }
    })?;
    json(&info)
}

/// What this build can do, as JSON.
///
/// # Errors
/// Those of Python.
#[pyfunction]
pub fn doctor(py: Python<'_>) -> PyResult<String> {
    json(&doorway::quick(py, || Ok(examining::examine()))?)
}

/// The version of Trix.
#[pyfunction]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The JSON Schema of a document, as JSON.
///
/// # Errors
/// `ValueError` if there is no document of this name.
#[pyfunction]
pub fn schema(py: Python<'_>, name: &str) -> PyResult<String> {
    let names = schemas::Name::ALL;
    match names.iter().find(|known| known.text() == name) {
        Some(known) => shielded(py, || json(&schemas::of(*known))),
        None => {
            let names: Vec<&str> = names.iter().map(|known| known.text()).collect();
            Err(PyValueError::new_err(format!("there is no document '{name}'; documents are {}", names.join(", "))))
        }
    }
}

/// The words of `trix probe` for a description that [`probe`] returned.
///
/// # Errors
/// `ValueError` if it is no such description.
#[pyfunction]
pub fn info_text(py: Python<'_>, info: &str) -> PyResult<String> {
    let info: MediaInfo = serde_json::from_str(info).map_err(|error| unread(&error))?;
    shielded(py, || Ok(info.to_string()))
}

/// Panics inside the engine's thread, so that a test can see what becomes of it.
///
/// # Errors
/// `BugError`.
#[pyfunction]
pub fn panic_on_request(py: Python<'_>) -> PyResult<()> {
    doorway::call(py, &Cancel::default(), || panic!("a panic on request"))
}
