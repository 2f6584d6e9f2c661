//! Writes to standard output and standard error.
//!
//! Invariant: a failure to write to standard output is an error of the command, whatever else it did. A reader that
//! closes the pipe early (`trix probe FILE | head -1`) ends the output and is no error. The JSON report of a job is an
//! exception, because a part of it is useless. Text of a source cannot control the terminal.

use std::{
    borrow::Cow,
    io::{ErrorKind as IoKind, Write},
    path::Path,
    sync::{Mutex, PoisonError},
};

use serde::Serialize;
use trix_core::{Error, ErrorDocument, Stage};

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
    verbatim(&visible(text));
}

/// `text` with every control character but line feeds and tabs in the form of an escape. Text of a source, such as a
/// title, may contain them.
fn visible(text: &str) -> Cow<'_, str> {
    let is_hidden = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    if !text.contains(is_hidden) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match is_hidden(character) {
            true => shown.extend(character.escape_default()),
            false => shown.push(character),
        }
    }
    shown.into()
}

/// Writes text to standard output as it is.
pub fn verbatim(text: &str) {
    let mut out = std::io::stdout().lock();
    wrote(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Writes `value` as indented JSON to standard output.
pub fn json(value: &impl Serialize) {
    let mut rendered =
        serde_json::to_string_pretty(value).unwrap_or_else(|error| format!("{{\"error\": \"{error}\"}}"));
    rendered.push('\n');
    verbatim(&rendered);
}

/// Writes `value` as indented JSON into a file.
///
/// # Errors
/// `Io`.
pub fn json_file(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let failed = |error| Error::io(Stage::Mux, path, "cannot be written", error);
    let text = serde_json::to_string_pretty(value).map_err(|error| failed(error.into()))?;
    std::fs::write(path, text + "\n").map_err(failed)
}

/// Writes a line to standard error.
pub fn line(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", visible(line));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_source_cannot_control_the_terminal() {
        assert_eq!(visible("title\ta\nb é"), "title\ta\nb é");
        assert_eq!(visible("a\u{1b}[2Jb\rc\u{9b}d\u{7}"), "a\\u{1b}[2Jb\\rc\\u{9b}d\\u{7}");
    }
}
