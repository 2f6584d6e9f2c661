//! Writes to standard output and standard error.
//!
//! Invariant: a failure to write to standard output is an error of the command, whatever else it did. A reader that
//! closes the pipe early (`trix probe FILE | head -1`) ends the output and is no error. The JSON report of a job is an
//! exception, because a part of it is useless.

use std::{
    io::{ErrorKind as IoKind, Write},
    sync::{Mutex, PoisonError},
};

use serde::Serialize;
use trix_core::{Error, ErrorDocument};

/// The first error of standard output.
static LOST: Mutex<Option<std::io::Error>> = Mutex::new(None);

/// Records the result of writing to standard output.
pub fn wrote(result: std::io::Result<()>) {
    if let Err(error) = result {
        LOST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

/// Reports an error of standard output, and returns the exit code of a command whose own code is `code`. A failed
/// command keeps its own code. With `whole`, a reader that closes the pipe early is an error too.
pub fn settle(code: u8, whole: bool) -> u8 {
    let lost = LOST.lock().unwrap_or_else(PoisonError::into_inner).take();
    match lost.filter(|error| whole || error.kind() != IoKind::BrokenPipe) {
        None => code,
        Some(error) => {
            let done = if whole && code == 0 { "; the job itself is done" } else { "" };
            line(&format!("trix: standard output: cannot be written: {error}{done}"));
            if code == 0 { crate::exit::code(trix_core::ErrorKind::Io) } else { code }
        }
    }
}

/// Writes text to standard output.
pub fn text(text: &str) {
    let mut out = std::io::stdout().lock();
    wrote(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Writes `value` as indented JSON to standard output.
pub fn json(value: &impl Serialize) {
    let mut rendered =
        serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"));
    rendered.push('\n');
    text(&rendered);
}

/// Writes a line to standard error.
pub fn line(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Reports an error, and returns its exit code. The message goes to standard error. With `as_json`, an object also goes
/// to standard output, in place of the report.
pub fn failure(error: &Error, as_json: bool) -> u8 {
    line(&format!("trix: {error}"));
    if as_json {
        json(&ErrorDocument::from(error));
    }
    crate::exit::code(error.kind())
}
