//! Writing to standard output and error.
//!
//! Invariant: a reader that goes away (`trix probe FILE | head -1`) ends the writing, not the process with a panic.

use std::io::Write;

use serde::Serialize;
use trix_core::{Error, spec::mistake::Mistake};

/// Writes text to standard output.
pub fn text(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
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

/// An error as `--json` prints it.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(title = "Failure")]
pub struct Failure {
    /// What went wrong.
    pub error: FailureDetail,
}

/// What went wrong, and where.
#[derive(Serialize, schemars::JsonSchema)]
pub struct FailureDetail {
    /// What kind of error.
    kind: trix_core::ErrorKind,
    /// In which stage.
    stage: trix_core::Stage,
    /// Index of the stream, where known.
    stream: Option<usize>,
    /// Time in the stream, where known.
    time: Option<trix_core::media::time::Timestamp>,
    /// Everything that is wrong with the job, where that is what the error is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mistakes: Vec<Mistake>,
    /// In words, with file, stage, stream and time.
    message: String,
}

/// Tells of an error, and returns its exit code: in words on standard error, and with `as_json` also as an object on
/// standard output, where a report would have stood.
pub fn failure(error: &Error, as_json: bool) -> u8 {
    line(&format!("trix: {error}"));
    if as_json {
        json(&Failure {
            error: FailureDetail {
                kind: error.kind(),
                stage: error.stage(),
                stream: error.stream(),
                time: error.time(),
                mistakes: error.mistakes().to_vec(),
                message: error.to_string(),
            },
        });
    }
    crate::exit::code(error.kind())
}
