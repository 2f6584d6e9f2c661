//! The events of a job as lines of text, for `-v` and `--log`.
//!
//! Invariant: a log that cannot be written does not end the job; the first failure is reported.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::SystemTime,
};

use trix_core::{Error, Stage, amount::bytes, control::events::Event};

use super::visible::visible;
use crate::output;

/// Writes down what happens in a job.
pub struct Log {
    is_printed: bool,
    file: Option<(PathBuf, File)>,
}

impl Log {
    /// Opens the file, if there is one, to append to it. Its folder is made if it is missing.
    ///
    /// # Errors
    /// `Io`.
    pub fn open(is_printed: bool, path: Option<&Path>) -> Result<Self, Error> {
        let open = |path: &Path| {
            let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
            let file = folder.and_then(|()| OpenOptions::new().create(true).append(true).open(path));
            file.map(|file| (path.to_owned(), file))
                .map_err(|error| Error::io(Stage::Plan, path, "cannot be written", error))
        };
        Ok(Log { is_printed, file: path.map(open).transpose()? })
    }

    /// Writes down an event.
    pub fn write(&mut self, event: &Event) {
        if let Some(text) = text(event) {
            self.line(&text);
        }
    }

    /// True if events are printed.
    pub fn is_printed(&self) -> bool {
        self.is_printed
    }

    /// Writes down a line. Text of a source cannot begin another one.
    pub fn line(&mut self, text: &str) {
        let text = visible(&text.replace('\n', "; ")).into_owned();
        if self.is_printed {
            output::line(&format!("trix: {text}"));
        }
        let Some((path, file)) = &mut self.file else { return };
        let now = humantime::format_rfc3339_seconds(SystemTime::now());
        if let Err(error) = writeln!(file, "{now}  {text}") {
            output::line(&format!("trix: {}: cannot be written: {error}", path.display()));
            self.file = None;
        }
    }
}

/// An event in words. Progress is no event to write down.
fn text(event: &Event) -> Option<String> {
    let about = |path: &Option<PathBuf>| path.as_ref().map_or_else(String::new, |path| format!("{}: ", path.display()));
    Some(match event {
        Event::StageBegan { stage, pass, passes } if *passes > 1 => format!("{stage} began, pass {pass} of {passes}"),
        Event::StageBegan { stage, .. } => format!("{stage} began"),
        Event::Warning { path, text } => format!("warning: {}{text}", about(path)),
        Event::DamageFound { track, damage } => {
            let track = track.map_or_else(String::new, |track| format!("external track {track}, "));
            let time = damage.time.map_or_else(String::new, |time| format!("{time}: "));
            format!("damage: {track}{time}{}", damage.detail)
        }
        Event::OutputDone { path, bytes: size } => format!("{}: done, {}", path.display(), bytes(*size)),
        Event::OutputFailed { path, error } => format!("{}: failed: {}", path.display(), error.message),
        Event::Missed { count } => format!("{count} events were left out"),
        Event::JobEnded { error: None } => "the job is done".to_owned(),
        Event::JobEnded { error: Some(error) } => format!("the job failed: {}", error.message),
        _ => return None,
    })
}
