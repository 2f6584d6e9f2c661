//! The events of jobs as lines of text, for `-v` and `--log`.
//!
//! Invariant: a log that cannot be written any more does not end the job; the first failure is reported. A folder for the
//! log is made for a sound job only.

use std::{
    fs::{File, OpenOptions, create_dir_all},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use trix_core::{Error, Stage, amount::bytes, control::events::Event, settings::video::TargetMetric};

use super::visible::visible;
use crate::output;

/// Writes down what happens in the jobs of a command. All clones write into the same file.
#[derive(Clone)]
pub struct Log {
    is_printed: bool,
    file: Option<Arc<Mutex<LogFile>>>,
}

struct LogFile {
    path: PathBuf,
    state: State,
}

enum State {
    Open(File),
    /// The folder is missing, and these lines wait for it.
    Waiting(Vec<String>),
    /// A failure was reported.
    Lost,
}

impl Log {
    /// Opens the file, if there is one, to append to it. If its folder is missing, the file is opened when the first job has
    /// been found to be sound.
    ///
    /// # Errors
    /// `Io`.
    pub fn open(is_printed: bool, path: Option<&Path>) -> Result<Self, Error> {
        let file = path.map(|path| {
            let state = match appending(path) {
                Ok(file) => State::Open(file),
                Err(error) if error.kind() == ErrorKind::NotFound => State::Waiting(Vec::new()),
                Err(error) => return Err(Error::io(Stage::Plan, path, "cannot be written", error)),
            };
            Ok(Arc::new(Mutex::new(LogFile { path: path.to_owned(), state })))
        });
        Ok(Log { is_printed, file: file.transpose()? })
    }

    /// A log that nobody reads.
    pub fn none() -> Self {
        Log { is_printed: false, file: None }
    }

    /// Writes an event into the file. Returns the lines for the terminal: the event, if events are printed, and a failure.
    pub fn event(&self, event: &Event) -> Vec<String> {
        // All mistakes of a job are found before it encodes.
        let failed = match event {
            Event::StageBegan { stage: Stage::Encode, .. } => self.begin(),
            _ => None,
        };
        let text = text(event);
        let written = text.as_ref().and_then(|text| self.write(text));
        let printed = text.filter(|_| self.is_printed).map(|text| format!("trix: {}", one_line(&text)));
        printed.into_iter().chain(failed).chain(written).collect()
    }

    /// True if events are printed.
    pub fn is_printed(&self) -> bool {
        self.is_printed
    }

    /// Writes down a line that is no event.
    pub fn line(&self, text: &str) {
        if self.is_printed {
            output::line(&format!("trix: {}", one_line(text)));
        }
        self.unprinted(text);
    }

    /// Writes a line into the file only, because its text is printed in another form.
    pub fn unprinted(&self, text: &str) {
        self.write(text).iter().for_each(|failed| output::line(failed));
    }

    /// Makes the folder of the file, if it is missing. Returns a failure in words.
    pub fn begin(&self) -> Option<String> {
        let mut file = self.file.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let LogFile { path, state } = &mut *file;
        let State::Waiting(lines) = state else { return None };
        let opened =
            path.parent().map_or(Ok(()), create_dir_all).and_then(|()| appending(path)).and_then(|mut file| {
                lines.iter().try_for_each(|line| file.write_all(line.as_bytes()))?;
                Ok(file)
            });
        let failed = opened.as_ref().err().map(|error| unwritable(path, error));
        *state = opened.map_or(State::Lost, State::Open);
        failed
    }

    /// Writes a line into the file. Returns a failure in words.
    fn write(&self, text: &str) -> Option<String> {
        let mut file = self.file.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let LogFile { path, state } = &mut *file;
        let now = humantime::format_rfc3339_seconds(SystemTime::now());
        let line = format!("{now}  {}\n", one_line(text));
        let written = match state {
            State::Open(file) => file.write_all(line.as_bytes()),
            State::Waiting(lines) => {
                lines.push(line);
                return None;
            }
            State::Lost => return None,
        };
        let failed = unwritable(path, &written.err()?);
        *state = State::Lost;
        Some(failed)
    }
}

/// `text` in one line. A message has a line for each mistake of a job; text of a source cannot begin a line.
fn one_line(text: &str) -> String {
    visible(&text.replace('\n', "; ")).into_owned()
}

fn appending(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn unwritable(path: &Path, error: &std::io::Error) -> String {
    format!("trix: {}: cannot be written: {error}", path.display())
}

/// A score with the digits that matter.
pub fn of_score(metric: TargetMetric, score: f64) -> String {
    let digits = if metric == TargetMetric::Ssim { 5 } else { 2 };
    format!("{score:.digits$}")
}

/// An event in words. Progress is no event to write down.
pub fn text(event: &Event) -> Option<String> {
    let about = |path: &Option<PathBuf>| path.as_ref().map_or_else(String::new, |path| format!("{}: ", path.display()));
    Some(match event {
        Event::StageBegan { stage, pass, passes } if *passes > 1 => format!("{stage} began, pass {pass} of {passes}"),
        Event::StageBegan { stage, .. } => format!("{stage} began"),
        Event::FactorTried { path, metric, target, factor, score } => {
            let path = path.display();
            format!("{path}: crf {factor} gives {metric} {}, and {target} is wanted", of_score(*metric, *score))
        }
        Event::Warning { path, text } => format!("warning: {}{text}", about(path)),
        Event::ChunkFailed { start, end, error } => {
            format!("the chunk of frames {start}..{end} is tried again: {}", error.message)
        }
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
