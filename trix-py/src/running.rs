//! Jobs in Python: plans, and jobs that run on a thread while Python reads their events.
//!
//! Invariant: a job whose handle is gone is cancelled.

use std::{
    ffi::OsString,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, bounded};
use pyo3::prelude::*;
use trix_core::{Cancel, Control, Error, Machine, Report, Result, Stage, control::events::EventReceiver, this_machine};

use crate::{
    doorway::{SIGNAL_INTERVAL, call, guarded, refuse_fork, spawn},
    errors::raised,
    inspect::json,
    work::Work,
};

/// What a job resolves to, as JSON. `machine` is JSON with `cores` and `memory`.
///
/// # Errors
/// `InvalidSpec` with every mistake of the job; those of opening its source.
#[pyfunction]
pub fn plan(py: Python<'_>, work: &str, cores: Option<u32>, memory: Option<u64>) -> PyResult<String> {
    let (cancel, work) = (Cancel::default(), Work::parse(work)?);
    let own = cancel.clone();
    let planned = call(py, &cancel, move || {
        let here = this_machine();
        let stated = Machine { cores: cores.unwrap_or(here.cores), memory: memory.or(here.memory) };
        work.planned((cores.is_some() || memory.is_some()).then_some(&stated), &own)
    })?;
    json(&planned)
}

/// A running job.
#[pyclass(frozen, module = "trix._trix")]
pub struct Run {
    control: Control,
    events: EventReceiver,
    result: Receiver<Result<Report>>,
    is_done: Arc<AtomicBool>,
}

/// Starts a job on a thread of its own.
///
/// # Errors
/// `ValueError` if `work` cannot be read; `IoError` if the system has no thread left.
#[pyfunction]
pub fn start(py: Python<'_>, work: &str) -> PyResult<Run> {
    refuse_fork().map_err(|error| raised(py, &error))?;
    let (work, is_done) = (Work::parse(work)?, Arc::new(AtomicBool::new(false)));
    let (mut control, events) = Control::with_events();
    control.make_folders = true;
    control.chunks.program = unit_program(py);
    let (sender, result) = bounded(1);
    let (own, ended) = (control.clone(), Arc::clone(&is_done));
    // The channel of events closes with the job.
    control.events = None;
    spawn("trix-job", move || {
        let result = guarded(|| work.run(&own));
        drop(own);
        // The handle may be gone.
        let _ = sender.send(result);
        ended.store(true, Ordering::Release);
    })
    .map_err(|error| raised(py, &error))?;
    Ok(Run { control, events, result, is_done })
}

/// How a process for one chunk is started: as the command line of this package.
fn unit_program(py: Python<'_>) -> Option<Vec<OsString>> {
    let python: OsString = py.import("sys").ok()?.getattr("executable").ok()?.extract().ok()?;
    let code = "import sys; from trix._trix import command; sys.exit(command())";
    (!python.is_empty()).then(|| vec![python, "-c".into(), code.into(), "unit".into()])
}

#[pymethods]
impl Run {
    /// The next event as JSON, or `None` after the last.
    fn event(&self, py: Python<'_>) -> PyResult<Option<String>> {
        refuse_fork().map_err(|error| raised(py, &error))?;
        loop {
            // Looked at before the events: what was sent before the end is then seen.
            let is_done = self.is_done.load(Ordering::Acquire);
            let wait = if is_done { Duration::ZERO } else { SIGNAL_INTERVAL };
            match py.detach(|| self.events.recv_timeout(wait)) {
                Some(event) => return json(&event).map(Some),
                None if is_done => return Ok(None),
                None => self.signals(py)?,
            }
        }
    }

    /// The report as JSON, once. Waits for the end of the job.
    fn result(&self, py: Python<'_>) -> PyResult<String> {
        refuse_fork().map_err(|error| raised(py, &error))?;
        loop {
            match py.detach(|| self.result.recv_timeout(SIGNAL_INTERVAL)) {
                Ok(Ok(report)) => return json(&report),
                Ok(Err(error)) => return Err(raised(py, &error)),
                Err(timeout) if timeout.is_timeout() => self.signals(py)?,
                Err(_) => return Err(raised(py, &Error::bug(Stage::Plan, "the result of a job was taken already"))),
            }
        }
    }

    /// Asks the job to stop.
    fn cancel(&self) {
        self.control.cancel.cancel();
    }

    /// Waits for the end of the job, at most so many seconds; its part files are then removed. With `threads`, also waits for
    /// the threads that a cancelled job left inside an encoder. Returns true if all have ended.
    fn wait(&self, py: Python<'_>, seconds: f64, threads: bool) -> bool {
        let until = Instant::now() + Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO);
        py.detach(|| {
            while !self.is_done.load(Ordering::Acquire) {
                if Instant::now() >= until {
                    return false;
                }
                thread::sleep(Duration::from_millis(5));
            }
            !threads || self.control.wait_for_stages(until.saturating_duration_since(Instant::now()))
        })
    }

    #[getter]
    fn done(&self) -> bool {
        self.is_done.load(Ordering::Acquire)
    }
}

impl Run {
    /// Runs the handlers of signals. One that raises cancels the job.
    fn signals(&self, py: Python<'_>) -> PyResult<()> {
        py.check_signals().inspect_err(|_| {
            self.cancel();
            self.wait(py, 0.4, false);
        })
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.control.cancel.cancel();
    }
}
