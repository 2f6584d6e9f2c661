//! Runs a job with the progress that the user asked for, and shows its report.

use std::{ffi::OsString, io::IsTerminal, sync::Arc};

use trix_core::{Cancel, ChunkControl, Control, Error, Report, control::progress::Reading, source::ReadingPlace};

use super::{interrupt::cancel_on_interrupt, written::Written};
use crate::{
    args::{ChunkRun, ProgressChoice},
    exit, output,
    render::{
        events::Log,
        progress::{Screen, Shown},
        report,
    },
};

/// How a job is shown while it runs.
pub struct Watching {
    /// What progress is shown.
    pub progress: ProgressChoice,
    /// Receives what happens.
    pub log: Log,
    /// What stands before the progress: which of several masters it is.
    pub title: String,
    /// How far the source is read.
    pub place: Option<ReadingPlace>,
    /// Ends the job.
    pub cancel: Cancel,
    /// How chunks are encoded.
    pub chunks: ChunkControl,
}

impl Watching {
    /// A job that Ctrl-C ends. `place` is that of its source, if it is open already.
    pub fn new(progress: ProgressChoice, log: &Log, place: Option<ReadingPlace>) -> Self {
        let (log, title) = (log.clone(), String::new());
        Watching { progress, log, title, place, cancel: cancel_on_interrupt(), chunks: ChunkControl::default() }
    }

    /// The same, with chunks encoded as `chunk_run` says.
    pub fn with_chunks(self, chunk_run: &ChunkRun) -> Self {
        Watching { chunks: chunk_run.control(), ..self }
    }
}

/// True if progress is drawn on the terminal.
fn is_drawn(progress: ProgressChoice) -> bool {
    progress == ProgressChoice::Auto && std::io::stderr().is_terminal()
}

/// Shows how far a file is read, as the user asked for it, until the result is dropped.
pub fn reading(progress: ProgressChoice, reading: Reading, place: ReadingPlace) -> Option<Shown> {
    match progress {
        ProgressChoice::Json => Some(Shown::reading_as_json(reading, place)),
        _ => is_drawn(progress).then(|| Shown::reading(reading, place)),
    }
}

/// How this process is started again, for one chunk. Python runs the command line in a process of its own.
fn unit_program() -> Option<Vec<OsString>> {
    let program = std::env::current_exe().ok()?;
    let is_python = program.file_name()?.as_encoded_bytes().starts_with(b"python");
    let mut command = vec![program.into_os_string()];
    if is_python {
        command.extend(["-c", "import sys; from trix._trix import command; sys.exit(command())"].map(OsString::from));
    }
    command.push("unit".into());
    Some(command)
}

/// Runs `work`, shows its progress, and prints what may keep it from its end.
pub fn watched<T>(watching: Watching, work: impl FnOnce(&Control) -> Result<T, Error>) -> Result<T, Error> {
    let Watching { progress, log, title, place, cancel, chunks } = watching;
    let screen = is_drawn(progress).then(|| Screen::new(title, "open", place));
    let (mut control, events) = Control::with_events();
    let shown = Shown::job(events, screen, log);
    if progress == ProgressChoice::Json {
        control.progress = Some(Arc::new(output::json_line));
    }
    control.cancel = cancel;
    control.make_folders = true;
    control.chunks = ChunkControl { program: unit_program(), ..chunks };
    let result = work(&control);
    drop(shown);
    result
}

/// Runs `work`, shows its report or its error, and writes it down. `explain` adds to an error what only the caller knows.
pub fn execute(
    watching: Watching,
    written: Written,
    as_json: bool,
    work: impl FnOnce(&Control) -> Result<Report, Error>,
    explain: impl FnOnce(Error) -> Error,
) -> u8 {
    match watched(watching, work) {
        Ok(done) => finished(&done, as_json, written),
        Err(error) => written.failure(&explain(error), as_json),
    }
}

/// Shows the report of a job and writes it down. Returns the exit code.
pub fn finished(report: &Report, as_json: bool, written: Written) -> u8 {
    match as_json {
        true => output::json(report),
        false => output::text(&report::text(report)),
    }
    exit::worse(code(report), written.report(report))
}

/// The exit code of a job that made at least one output. All products that were made are complete. The code reports those
/// that failed.
pub fn code(report: &Report) -> u8 {
    report.failed.first().map_or(exit::DONE, |failed| exit::code(failed.kind))
}
