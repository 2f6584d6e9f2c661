//! The command `trix`, which the package installs.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command line with `sys.argv` and returns the exit code. The process should end then.
///
/// # Errors
/// Those of Python.
#[pyfunction]
pub fn command(py: Python<'_>) -> PyResult<u8> {
    let arguments: Vec<OsString> = py.import("sys")?.getattr("argv")?.extract()?;
    // Python's own handler only notes Ctrl-C until Python code runs again. The command line has a handler where it needs one.
    let signal = py.import("signal")?;
    signal.call_method1("signal", (signal.getattr("SIGINT")?, signal.getattr("SIG_DFL")?))?;
    Ok(py.detach(|| trix_cli::run(arguments)))
}
