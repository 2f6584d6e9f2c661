//! Writes to standard output and standard error.
//!
//! Invariant: a failure to write to standard output is an error of the command, whatever else it did. A reader that
//! closes the pipe early (`trix probe FILE | head -1`) ends the output and is no error. The JSON report of a job is an
//! exception, because a part of it is useless. Text of a source cannot control the terminal. Only a terminal gets
//! colour, and none with `NO_COLOR`.

use std::{
    io::{ErrorKind as IoKind, IsTerminal, Write},
    os::fd::AsFd,
    path::Path,
    sync::{Mutex, PoisonError},
};

use serde::Serialize;
use trix_core::{
    Error, ErrorDetail, ErrorDocument,
    mistake::{self, Mistake},
};

use crate::{
    args::typed::Typed,
    render::{
        problem::{self, Problem},
        reading,
        visible::visible,
    },
};

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
    // Nobody else does, if the process is not a program of Rust.
    wrote(std::io::stdout().flush());
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

/// The number of columns of standard output, if it is a terminal.
pub fn text_width() -> Option<usize> {
    let stdout = std::io::stdout();
    stdout.is_terminal().then(|| columns(stdout)).flatten()
}

/// Writes text to standard output. On a terminal, lines are wrapped at words, and what needs a look has colour.
pub fn text(text: &str) {
    let shown = reading::shown(&visible(text), text_width());
    let mut out = anstream::stdout().lock();
    wrote(out.write_all(shown.as_bytes()).and_then(|()| out.flush()));
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

/// Writes `value` as a line of JSON to standard error.
pub fn json_line(value: &impl Serialize) {
    line(&serde_json::to_string(value).unwrap_or_default());
}

/// Writes a line to standard error.
pub fn line(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", visible(line));
}

/// The number of columns of messages: that of `COLUMNS`, or else that of the terminal. `None` if there is neither, as in
/// a pipe: a message then stays on its line.
fn width() -> Option<usize> {
    columns(std::io::stderr())
}

/// The number of columns of the terminal behind `stream`.
fn columns(stream: impl AsFd) -> Option<usize> {
    /// Narrower than this, wrapped text cannot be read.
    const LEAST: usize = 20;
    let stated = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
    let shown = || terminal_size::terminal_size_of(stream).map(|(width, _)| usize::from(width.0));
    stated.or_else(shown).map(|width: usize| width.max(LEAST))
}

/// Writes problems to standard error.
pub fn problems(problems: &[Problem]) {
    let _ = anstream::stderr().lock().write_all(problem::text(problems, width()).as_bytes());
}

/// Writes a note to standard error.
pub fn note(note: &str) {
    line(&as_note(note));
}

/// A note as its lines on standard error.
pub fn as_note(note: &str) -> String {
    problem::wrapped(&format!("trix: note: {note}"), width())
}

/// An error as data, with the lines and arguments that it is about.
pub fn detail(error: &Error) -> ErrorDetail {
    let typed = Typed::of_process();
    let mut detail = ErrorDetail::from(error);
    if detail.mistakes.is_empty() {
        detail.excerpt = detail.excerpt.take().or_else(|| typed.quoted("--profile", &detail.message));
    } else {
        detail.mistakes.iter_mut().for_each(|mistake| typed.show(mistake));
        detail.message = [&error.before(), &mistake::lines(&detail.mistakes), error.after()].concat();
    }
    detail
}

/// Reports an error, and returns its exit code. The message goes to standard error, with the lines and arguments that it
/// is about. With `as_json`, an object also goes to standard output, in place of the report.
pub fn failure(error: &Error, as_json: bool) -> u8 {
    let document = document(error);
    problems(&problems_of(error, &document.error));
    if as_json {
        json(&document);
    }
    crate::exit::code(error.kind())
}

/// An error as a document, with the lines and arguments that it is about.
pub fn document(error: &Error) -> ErrorDocument {
    ErrorDocument { error: detail(error), ..ErrorDocument::from(error) }
}

/// The problems of an error: each mistake of a job is one.
fn problems_of(error: &Error, detail: &ErrorDetail) -> Vec<Problem> {
    let Some(last) = detail.mistakes.len().checked_sub(1) else {
        return vec![Problem { message: detail.message.clone(), excerpt: detail.excerpt.clone() }];
    };
    let problem = |(at, mistake): (usize, &Mistake)| {
        let before = if at == 0 { error.before() } else { String::new() };
        let after = if at == last { error.after() } else { "" };
        Problem { message: format!("{before}{mistake}{after}"), excerpt: mistake.excerpt.as_deref().cloned() }
    };
    detail.mistakes.iter().enumerate().map(problem).collect()
}

/// Reports an error of some of several masters. A master that the message does not begin with is named above it.
pub fn failure_of(masters: &[&Path], error: &Error) {
    for name in masters.iter().map(|master| master.display().to_string()) {
        if error.file() != Some(&name) {
            line(&format!("trix: {name}:"));
        }
    }
    failure(error, false);
}

/// Reports wrong usage, and returns its exit code.
pub fn usage(error: &clap::Error, typed: &Typed) -> u8 {
    use trix_core::{ErrorKind, Stage};
    let found = crate::args::usage::problems(error, typed);
    problems(&found);
    if typed.words().iter().any(|word| word == "--json") {
        let messages: Vec<&str> = found.iter().map(|problem| problem.message.as_str()).collect();
        let first = found.first().and_then(|problem| problem.excerpt.clone());
        let error = Error::new(ErrorKind::InvalidSpec, Stage::Plan, messages.join("\n")).showing(first);
        json(&ErrorDocument::from(&error));
    }
    crate::exit::code(ErrorKind::InvalidSpec)
}
