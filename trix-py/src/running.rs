//! Jobs in Python: documents that are planned and run, and jobs that run on a thread while Python reads their events.
//!
//! Invariant: a job whose handle is gone is cancelled.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, bounded};
use pyo3::{exceptions::PyValueError, prelude::*};
use serde::Deserialize;
use trix_core::{
    Cancel, Control, Error, ErrorKind, Machine, Plan, Report, Result, Source, Stage,
    control::events::EventReceiver,
    document::{Document, Language, Resolved},
    manifest::{Inputs, Manifest},
    media::path_text,
    plan_for, run, run_opened,
    settings::track::TrackSettings,
    this_machine,
};

use crate::{
    doorway::{LOOK, call, guarded, refuse_fork, spawn},
    errors::raised,
    inspect::json,
};

/// What is to be run, as Python says it.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Work {
    /// A job or profile as text.
    Text { text: String, language: LanguageName, set: Vec<(String, String)>, folder: Option<PathBuf>, overwrite: bool },
    /// A job file.
    File { path: PathBuf, set: Vec<(String, String)>, folder: Option<PathBuf>, overwrite: bool },
    /// A plan, as JSON.
    Plan { plan: String, overwrite: bool },
    /// Every copy of a master.
    Ingest {
        source: PathBuf,
        folder: PathBuf,
        profiles: Vec<String>,
        tracks: Vec<TrackSettings>,
        set: Vec<(String, String)>,
        overwrite: bool,
    },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum LanguageName {
    Toml,
    Yaml,
    Json,
}

impl From<LanguageName> for Language {
    fn from(name: LanguageName) -> Self {
        match name {
            LanguageName::Toml => Language::Toml,
            LanguageName::Yaml => Language::Yaml,
            LanguageName::Json => Language::Json,
        }
    }
}

impl Work {
    fn parse(text: &str) -> PyResult<Self> {
        serde_json::from_str(text).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// The document of a job; `None` for a plan.
    fn document(&self) -> Result<Option<Document>> {
        match self {
            Work::Text { text, language, set, .. } => Document::parse(text, (*language).into(), set).map(Some),
            Work::File { path, set, .. } => Document::open(path, set).map(Some),
            Work::Ingest { source, profiles, tracks, set, .. } => {
                Document::of_profiles(profiles, source, tracks, &with_stem(set, source)).map(Some)
            }
            Work::Plan { .. } => Ok(None),
        }
    }

    /// Opens the source of `document` and makes its job.
    fn resolved(&self, document: &Document) -> Result<Resolved> {
        let (folder, overwrite) = match self {
            Work::Text { folder, overwrite, .. } | Work::File { folder, overwrite, .. } => {
                (folder.as_deref(), *overwrite)
            }
            Work::Ingest { folder, overwrite, .. } => (Some(folder.as_path()), *overwrite),
            Work::Plan { .. } => (None, false),
        };
        let mut resolved = document.resolve(folder)?;
        if overwrite {
            resolved.job.overwrite();
        }
        if let Work::Ingest { .. } = self {
            // The manifest lists the hash of each file.
            resolved.job.hash = true;
        }
        Ok(resolved)
    }
}

/// The name of the copies of `source`.
fn stem(set: &[(String, String)], source: &Path) -> String {
    let own = set.iter().rev().find(|(key, _)| key == "stem").map(|(_, name)| name.clone());
    own.unwrap_or_else(|| source.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default())
}

fn with_stem(set: &[(String, String)], source: &Path) -> Vec<(String, String)> {
    let mut set = set.to_vec();
    if set.iter().all(|(key, _)| key != "stem") {
        set.push(("stem".to_owned(), stem(&set, source)));
    }
    set
}

/// The plan that `text` holds.
fn plan_of(text: &str) -> Result<Plan> {
    serde_json::from_str(text).map_err(|error| {
        let detail = format!("it is not a plan of this version: {error}");
        Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail)
    })
}

/// What the thread of a job and its handle share.
#[derive(Default)]
struct Shared {
    /// What happened when documents were merged, and may surprise.
    notes: Mutex<Vec<String>>,
    is_done: AtomicBool,
}

impl Shared {
    fn note(&self, notes: &[String]) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(notes);
    }
}

/// Runs `work` to its end.
fn execute(work: &Work, control: &Control, shared: &Shared) -> Result<Report> {
    let document = match (work, work.document()?) {
        (Work::Plan { plan, overwrite }, _) => {
            let mut plan = plan_of(plan)?;
            if *overwrite {
                plan.overwrite();
            }
            return run(&plan, control);
        }
        (_, Some(document)) => document,
        (_, None) => return Err(Error::bug(Stage::Plan, "a job without a document")),
    };
    shared.note(document.notes());
    let Resolved { job, traits, source } = work.resolved(&document)?;
    let inputs = match work {
        Work::Ingest { .. } => Some(Inputs::of(&job, &source)?),
        _ => None,
    };
    let report = run_opened(&job, source, control).map_err(|error| document.explain(&traits, error))?;
    if let (Work::Ingest { folder, set, source, .. }, Some(inputs), true) = (work, inputs, report.failed.is_empty()) {
        let path = folder.join(path_text::from_text(&format!("{}.manifest.json", stem(set, source))));
        Manifest::new(folder, inputs, report.clone())?.write(&path)?;
    }
    Ok(report)
}

/// What a job resolves to, as JSON. `machine` is JSON with `cores` and `memory`.
///
/// # Errors
/// `InvalidSpec` with every mistake of the job; those of opening its source.
#[pyfunction]
pub fn plan(py: Python<'_>, work: &str, cores: Option<u32>, memory: Option<u64>) -> PyResult<String> {
    let (cancel, work) = (Cancel::default(), Work::parse(work)?);
    let own = cancel.clone();
    let planned = call(py, &cancel, move || {
        let document = match (&work, work.document()?) {
            (_, Some(document)) => document,
            (Work::Plan { plan, .. }, None) => return plan_of(plan),
            (_, None) => return Err(Error::bug(Stage::Plan, "a job without a document")),
        };
        let Resolved { job, traits, source } = work.resolved(&document)?;
        let here = this_machine();
        let machine = Machine { cores: cores.unwrap_or(here.cores), memory: memory.or(here.memory) };
        // Loudness may be measured, which takes as long as the source is.
        let source: Source = source.again(&own)?;
        plan_for(&job, &source, &machine).map_err(|error| document.explain(&traits, error))
    })?;
    json(&planned)
}

/// A running job.
#[pyclass(frozen, module = "trix._trix")]
pub struct Run {
    control: Control,
    events: EventReceiver,
    result: Receiver<Result<Report>>,
    shared: Arc<Shared>,
}

/// Starts a job on a thread of its own.
///
/// # Errors
/// `ValueError` if `work` cannot be read; `IoError` if the system has no thread left.
#[pyfunction]
pub fn start(py: Python<'_>, work: &str) -> PyResult<Run> {
    refuse_fork().map_err(|error| raised(py, &error))?;
    let (work, shared) = (Work::parse(work)?, Arc::new(Shared::default()));
    let (mut control, events) = Control::with_events();
    control.make_folders = true;
    let (sender, result) = bounded(1);
    let (own, seen) = (control.clone(), Arc::clone(&shared));
    // The channel of events closes with the job.
    control.events = None;
    spawn("trix-job", move || {
        let ended = guarded(|| execute(&work, &own, &seen));
        drop(own);
        // The handle may be gone.
        let _ = sender.send(ended);
        seen.is_done.store(true, Ordering::Release);
    })
    .map_err(|error| raised(py, &error))?;
    Ok(Run { control, events, result, shared })
}

#[pymethods]
impl Run {
    /// The next event as JSON, or `None` after the last.
    fn event(&self, py: Python<'_>) -> PyResult<Option<String>> {
        loop {
            // Looked at before the events: what was sent before the end is then seen.
            let is_done = self.shared.is_done.load(Ordering::Acquire);
            let wait = if is_done { Duration::ZERO } else { LOOK };
            match py.detach(|| self.events.recv_timeout(wait)) {
                Some(event) => return json(&event).map(Some),
                None if is_done => return Ok(None),
                None => self.signals(py)?,
            }
        }
    }

    /// The report as JSON, once. Waits for the end of the job.
    fn result(&self, py: Python<'_>) -> PyResult<String> {
        loop {
            match py.detach(|| self.result.recv_timeout(LOOK)) {
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
            while !self.shared.is_done.load(Ordering::Acquire) {
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
        self.shared.is_done.load(Ordering::Acquire)
    }

    #[getter]
    fn notes(&self) -> Vec<String> {
        self.shared.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

/// Refuses what is no metric.
fn metrics(names: &[String]) -> PyResult<Vec<trix_core::quality::Metric>> {
    let known = trix_core::quality::Metric::ALL;
    let named = |name: &String| {
        let found = known.iter().find(|metric| metric.name() == name).copied();
        found.ok_or_else(|| PyValueError::new_err(format!("'{name}' is no metric; metrics are psnr and ssim")))
    };
    names.iter().map(named).collect()
}

/// Checks a file, with a reference if there is one, as JSON.
///
/// # Errors
/// Those of reading. A failed check is none.
#[pyfunction]
pub fn verify(py: Python<'_>, path: PathBuf, reading: &str, against: Option<PathBuf>, other: &str) -> PyResult<String> {
    let (cancel, reading, other) = (Cancel::default(), crate::reading::parse(reading)?, crate::reading::parse(other)?);
    let own = cancel.clone();
    json(&call(py, &cancel, move || {
        let source = Source::open_until(&path, &reading, &own)?;
        let against = against.map(|path| Source::open_until(&path, &other, &own)).transpose()?;
        trix_core::verify::standalone::check_source(source, against, &own)
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
    let (cancel, reading, other) = (Cancel::default(), crate::reading::parse(reading)?, crate::reading::parse(other)?);
    let (own, metrics) = (cancel.clone(), metrics(&names)?);
    json(&call(py, &cancel, move || {
        let reference = Source::open_until(&reference, &reading, &own)?;
        let copy = Source::open_until(&copy, &other, &own)?;
        trix_core::verify::content::compare_sources(reference, copy, &metrics, &own)
    })?)
}
