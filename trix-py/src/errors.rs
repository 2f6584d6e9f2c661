//! Errors of the engine as Python exceptions. The classes stand in `python/trix/errors.py`, which maps kinds to them.

use pyo3::{
    exceptions::{PyRuntimeError, PyValueError},
    prelude::*,
    sync::PyOnceLock,
    types::{PyAny, PyDict},
};
use serde::Serialize;
use trix_core::{Error, ErrorDetail, ErrorKind, media::time::Timestamp};

/// `trix.errors._raised`, which makes the exception.
static MAKER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The exception for `error`.
pub fn raised(py: Python<'_>, error: &Error) -> PyErr {
    match exception(py, error) {
        Ok(exception) => PyErr::from_value(exception),
        Err(failure) => failure,
    }
}

/// The exception for a source that was closed.
pub fn closed() -> PyErr {
    PyValueError::new_err("the source is closed")
}

/// The exception for arguments, given as JSON, that the engine does not take.
pub fn unread(error: &serde_json::Error) -> PyErr {
    let text = error.to_string();
    // The place is one in the JSON, which the caller never sees.
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    PyValueError::new_err(what.replace("unknown field", "unknown key").replace("unknown variant", "unknown value"))
}

/// The exception object for `error`.
///
/// # Errors
/// Those of Python.
fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let detail = serde_json::to_string(&ErrorDetail::from(error)).map_err(unwritten)?;
    let errno = error.cause().and_then(|cause| cause.downcast_ref::<std::io::Error>()).and_then(errno_of);
    let extras = PyDict::new(py);
    extras.set_item("path", error.file())?;
    extras.set_item("errno", errno)?;
    let maker = MAKER.get_or_try_init(py, || Ok::<_, PyErr>(py.import("trix.errors")?.getattr("_raised")?.unbind()))?;
    maker.bind(py).call((detail,), Some(&extras))
}

/// The number of an error of the system: its own, or that of its kind, on Linux.
fn errno_of(error: &std::io::Error) -> Option<i32> {
    error.raw_os_error().or(match error.kind() {
        std::io::ErrorKind::NotFound => Some(2),
        std::io::ErrorKind::PermissionDenied => Some(13),
        std::io::ErrorKind::AlreadyExists => Some(17),
        _ => None,
    })
}

/// The error of a document that cannot be written as JSON, which is a fault of Trix.
pub fn unwritten(error: serde_json::Error) -> PyErr {
    PyRuntimeError::new_err(format!("a document cannot be written: {error}"))
}

/// The time of a frame as a fraction of seconds.
///
/// # Errors
/// Those of Python.
pub fn fraction(py: Python<'_>, time: Timestamp) -> PyResult<Bound<'_, PyAny>> {
    let num = i128::from(time.ticks) * i128::from(time.base.num);
    ratio(py, num, time.base.den)
}

/// `num / den` as a `fractions.Fraction`.
///
/// # Errors
/// Those of Python.
pub fn ratio(py: Python<'_>, num: i128, den: i64) -> PyResult<Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let class = CLASS.get_or_try_init(py, || Ok::<_, PyErr>(py.import("fractions")?.getattr("Fraction")?.unbind()))?;
    class.bind(py).call1((num, den))
}

/// `value` as the class of `trix.records` that is called `name`.
///
/// # Errors
/// Those of Python.
pub fn record<'py>(py: Python<'py>, name: &str, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    static READER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let reader =
        READER.get_or_try_init(py, || Ok::<_, PyErr>(py.import("trix._documents")?.getattr("of_json")?.unbind()))?;
    let text = serde_json::to_string(value).map_err(unwritten)?;
    reader.bind(py).call1((name, text))
}

/// The names of all kinds of errors, as documents have them.
///
/// # Errors
/// Those of Python.
#[pyfunction]
pub fn error_kinds() -> PyResult<Vec<String>> {
    let name = |kind: &ErrorKind| serde_json::to_value(kind).map(|name| name.as_str().unwrap_or_default().to_owned());
    ErrorKind::ALL.iter().map(name).collect::<Result<_, _>>().map_err(unwritten)
}
