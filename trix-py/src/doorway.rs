//! The one way from Python into the engine.
//!
//! Invariant: no call holds the GIL while the engine works. Ctrl-C ends a wait within [`SIGNAL_INTERVAL`] and cancels the work. A panic
//! becomes an exception.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::OnceLock,
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use pyo3::prelude::*;
use trix_core::{Cancel, Error, ErrorKind, Result, Stage};

use crate::errors::raised;

/// Time between two looks at the signals of Python.
pub const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

/// How long an interrupted call waits for the work to end, so that nothing is left. The engine ends within 200 ms.
const INTERRUPTED_WAIT: Duration = Duration::from_millis(400);

/// The process in which the engine ran first.
static PROCESS: OnceLock<u32> = OnceLock::new();

/// Refuses to work in a process that was forked from one in which the engine ran: its threads are gone, and its locks may be
/// held for ever.
///
/// # Errors
/// `Unsupported`.
pub fn refuse_fork() -> Result<()> {
    PROCESS.get_or_init(std::process::id);
    if !is_forked() {
        return Ok(());
    }
    let detail =
        "the engine ran in the process that this one was forked from; start processes with 'spawn' or 'forkserver'";
    Err(Error::new(ErrorKind::Unsupported, Stage::Plan, detail))
}

/// True in a process that was forked from one in which the engine ran. Nothing may wait for a thread or a lock there.
pub fn is_forked() -> bool {
    PROCESS.get().is_some_and(|process| *process != std::process::id())
}

/// Runs `work` on a thread of its own and waits for it without the GIL. A signal whose handler raises cancels the work by
/// `cancel`.
///
/// # Errors
/// The exception of the error of `work`, or that of a signal handler.
pub fn call<T: Send + 'static>(
    py: Python<'_>,
    cancel: &Cancel,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> PyResult<T> {
    refuse_fork().map_err(|error| raised(py, &error))?;
    let (sender, receiver) = bounded(1);
    spawn("trix-call", move || {
        // The receiver is gone if the caller was interrupted.
        let _ = sender.send(guarded(work));
    })
    .map_err(|error| raised(py, &error))?;
    wait(py, cancel, &receiver)?.map_err(|error| raised(py, &error))
}

/// Runs `work`, which takes milliseconds, on this thread without the GIL.
///
/// # Errors
/// The exception of the error of `work`.
pub fn quick<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    refuse_fork().and_then(|()| py.detach(|| guarded(work))).map_err(|error| raised(py, &error))
}

/// Waits for the next item of a thread of the engine, without the GIL. A signal whose handler raises cancels by `cancel`.
///
/// # Errors
/// The exception of a signal handler; `BugError` if the thread has ended without an item; `Unsupported` in a forked process.
pub fn wait<T: Send>(py: Python<'_>, cancel: &Cancel, items: &Receiver<T>) -> PyResult<T> {
    refuse_fork().map_err(|error| raised(py, &error))?;
    loop {
        match py.detach(|| items.recv_timeout(SIGNAL_INTERVAL)) {
            Ok(item) => return Ok(item),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(raised(py, &Error::bug(Stage::Plan, "a thread of the engine ended without a result")));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Err(interrupt) = py.check_signals() {
            cancel.cancel();
            let _ = py.detach(|| items.recv_timeout(INTERRUPTED_WAIT));
            return Err(interrupt);
        }
    }
}

/// Starts a thread of the engine.
///
/// # Errors
/// `Io` if the system has no thread left.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    let started = thread::Builder::new().name(name.to_owned()).spawn(work);
    started.map(drop).map_err(|error| {
        let detail = format!("the thread {name} cannot be started: {error}");
        Error::new(ErrorKind::Io, Stage::Plan, detail).caused_by(error)
    })
}

/// Runs `work`, which uses objects of Python, on this thread. A panic becomes an exception.
///
/// # Errors
/// Those of `work`; `BugError` for a panic.
pub fn shielded<T>(py: Python<'_>, work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    guarded(|| Ok(work())).map_err(|error| raised(py, &error))?
}

/// Runs `work`. A panic becomes an error.
///
/// # Errors
/// That of `work`; `Bug` for a panic.
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Error::bug(Stage::Plan, format!("the engine panicked: {}", text_of(&*panic)))))
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
