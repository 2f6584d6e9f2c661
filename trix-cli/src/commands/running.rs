//! Runs a job with the progress that the user asked for, and shows its report.

use std::{io::IsTerminal, sync::Arc};

use trix_core::{Cancel, Control, Error, Report, source::ReadingPlace};

use super::interrupt::cancel_on_interrupt;
use crate::{
    args::{ProgressChoice, Records},
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
    /// What is written down.
    pub records: Records,
    /// What stands before the progress: which of several masters it is.
    pub title: String,
    /// How far the source is read.
    pub place: Option<ReadingPlace>,
    /// Ends the job.
    pub cancel: Cancel,
}

impl Watching {
    /// A job that Ctrl-C ends. `place` is that of its source, if it is open already.
    pub fn new(progress: ProgressChoice, records: &Records, place: Option<ReadingPlace>) -> Self {
        let (records, title) = (records.clone(), String::new());
        Watching { progress, records, title, place, cancel: cancel_on_interrupt() }
    }
}

/// True if a bar is shown.
pub fn has_bar(progress: ProgressChoice) -> bool {
    match progress {
        ProgressChoice::Auto => std::io::stderr().is_terminal(),
        ProgressChoice::Bar => true,
        ProgressChoice::Json | ProgressChoice::None => false,
    }
}

/// Runs `work`, and shows its progress.
pub fn watched<T>(watching: Watching, work: impl FnOnce(&Control) -> Result<T, Error>) -> Result<T, Error> {
    let Watching { progress, records, title, place, cancel } = watching;
    let (mut control, mut shown) = (Control::default(), None);
    let mut log = Log::open(records.verbose, records.log.as_deref())?;
    if let Some(log) = log.as_mut().filter(|_| !title.is_empty()) {
        log.line(&title);
    }
    let screen = has_bar(progress).then(|| Screen::new(title, place));
    if log.is_some() || screen.is_some() {
        let (own, events) = Control::with_events();
        control = own;
        shown = Some(Shown::job(events, screen, log));
    }
    if progress == ProgressChoice::Json {
        control.progress = Some(Arc::new(|progress| {
            output::line(&serde_json::to_string(progress).unwrap_or_default());
        }));
    }
    control.cancel = cancel;
    let result = work(&control);
    drop(shown);
    result
}

/// Runs `work`, and shows its report. `explain` adds to an error what only the caller knows.
pub fn execute(
    watching: Watching,
    as_json: bool,
    work: impl FnOnce(&Control) -> Result<Report, Error>,
    explain: impl FnOnce(Error) -> Error,
) -> u8 {
    let path = watching.records.report.clone();
    match watched(watching, work) {
        Ok(done) => {
            let kept = path.map_or(Ok(()), |path| output::json_file(&path, &done));
            if as_json {
                output::json(&done);
            } else {
                output::text(&report::text(&done));
            }
            match kept {
                Ok(()) => code(&done),
                Err(error) => output::failure(&error, false),
            }
        }
        Err(error) => output::failure(&explain(error), as_json),
    }
}

/// The exit code of a job that made at least one output. All products that were made are complete. The code reports those
/// that failed.
pub fn code(report: &Report) -> u8 {
    report.failed.first().map_or(exit::DONE, |failed| exit::code(failed.kind))
}
