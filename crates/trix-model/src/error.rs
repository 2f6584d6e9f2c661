//! The one error type: the kind of failure, the stage, and a text that says where it happened.
//!
//! Invariant: an error that reaches a caller names its stage and keeps its cause. The end of a stream and "not yet" are
//! never errors.

use std::{fmt, path::Path, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    mistake::{Excerpt, Mistake, lines},
    time::Timestamp,
};

/// Result of every function of Trix that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of a failure, for a caller that reacts to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The job is invalid. Nothing was started.
    InvalidSpec,
    /// The source, or the requested combination, is legal but not supported.
    Unsupported,
    /// The source is damaged, cut short, or not media at all.
    MalformedInput,
    /// The source exceeds a configured limit, or a program supplies its streams too far apart.
    Limit,
    /// The operating system refused: missing file, permission, full disk.
    Io,
    /// A codec library failed at a task that it supports.
    Codec,
    /// An output does not hold what it should.
    Verification,
    /// The caller asked to stop.
    Cancelled,
    /// A fault of Trix itself.
    Bug,
}

impl ErrorKind {
    /// Every kind: for the front ends to map, and for tests to walk.
    pub const ALL: [ErrorKind; 9] = [
        ErrorKind::InvalidSpec,
        ErrorKind::Unsupported,
        ErrorKind::MalformedInput,
        ErrorKind::Limit,
        ErrorKind::Io,
        ErrorKind::Codec,
        ErrorKind::Verification,
        ErrorKind::Cancelled,
        ErrorKind::Bug,
    ];

    /// Rank of this kind when several threads fail at once; the highest explains most. A stage that stops because its
    /// neighbour is gone reports [`ErrorKind::Cancelled`], which explains nothing.
    pub fn explains(self) -> u8 {
        match self {
            ErrorKind::Cancelled => 0,
            _ => 1,
        }
    }
}

/// The stage, on the path from source to verified output, in which an error arose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading the job and resolving it against the source.
    Plan,
    /// Opening the source.
    Source,
    /// Reading the properties of the source.
    Probe,
    /// Measuring loudness and drift of audio before it is encoded.
    Measure,
    /// Reading packets.
    Demux,
    /// Turning packets into frames.
    Decode,
    /// Scaling and converting frames.
    Filter,
    /// Compressing frames.
    Encode,
    /// Writing packets to the output.
    Mux,
    /// Reading the output again.
    Verify,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Plan => "plan",
            Stage::Source => "source",
            Stage::Probe => "probe",
            Stage::Measure => "measure",
            Stage::Demux => "demux",
            Stage::Decode => "decode",
            Stage::Filter => "filter",
            Stage::Encode => "encode",
            Stage::Mux => "mux",
            Stage::Verify => "verify",
        })
    }
}

/// An error with its place: the stage, and the file, stream and time where they are known.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.render())]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    stage: Stage,
    /// Describes the error. The mistakes of a job stand in its place.
    detail: String,
    /// What was appended to the description.
    more: String,
    file: Option<String>,
    stream: Option<usize>,
    time: Option<Timestamp>,
    frame: Option<u64>,
    mistakes: Vec<Mistake>,
    excerpt: Option<Excerpt>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind` in `stage`; `detail` describes it.
    pub fn new(kind: ErrorKind, stage: Stage, detail: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            stage,
            detail: detail.into(),
            more: String::new(),
            file: None,
            stream: None,
            time: None,
            frame: None,
            mistakes: Vec::new(),
            excerpt: None,
            source: None,
        }))
    }

    /// An error of the operating system about `path`. `doing` says what was attempted.
    pub fn io(stage: Stage, path: &Path, doing: &str, error: std::io::Error) -> Self {
        Error::new(ErrorKind::Io, stage, format!("{doing}: {error}")).in_file(path).caused_by(error)
    }

    /// A fault of Trix itself.
    pub fn bug(stage: Stage, detail: impl Into<String>) -> Self {
        Error::new(ErrorKind::Bug, stage, detail)
    }

    /// The result of a stage that the caller, or another stage, stopped.
    pub fn cancelled(stage: Stage) -> Self {
        Error::new(ErrorKind::Cancelled, stage, "cancelled")
    }

    /// Sets the file, unless an inner stage already did.
    pub fn in_file(mut self, path: &Path) -> Self {
        self.0.file.get_or_insert_with(|| path.display().to_string());
        self
    }

    /// Replaces the file `from` by `to` in this error.
    pub fn renamed(mut self, from: &Path, to: &Path) -> Self {
        if self.0.file.as_deref() == Some(from.display().to_string().as_str()) {
            self.0.file = Some(to.display().to_string());
        }
        self
    }

    /// Sets the stream (its index in the file), unless an inner stage already did.
    pub fn in_stream(mut self, index: usize) -> Self {
        self.0.stream.get_or_insert(index);
        self
    }

    /// Sets the time in the stream, unless an inner stage already did.
    pub fn at(mut self, time: Option<Timestamp>) -> Self {
        if self.0.time.is_none() {
            self.0.time = time;
        }
        self
    }

    /// Sets the frame that was asked for (its number from 0), unless an inner stage already did.
    pub fn of_frame(mut self, number: Option<u64>) -> Self {
        self.0.frame = self.0.frame.or(number);
        self
    }

    /// Sets the cause that a name exists already.
    pub fn as_taken(self) -> Self {
        self.caused_by(std::io::Error::from(std::io::ErrorKind::AlreadyExists))
    }

    /// Keeps `source` as the cause of this error.
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// A copy of this error for something else that failed with it. The mistakes stay with the first error.
    pub fn again(&self) -> Self {
        let Inner { kind, stage, more, file, stream, time, frame, .. } = &*self.0;
        let (detail, more, file) = (self.detail(), more.clone(), file.clone());
        let (kind, stage, stream, time, frame) = (*kind, *stage, *stream, *time, *frame);
        let (mistakes, excerpt, source) = (Vec::new(), None, self.0.source.clone());
        Error(Box::new(Inner { kind, stage, detail, more, file, stream, time, frame, mistakes, excerpt, source }))
    }

    /// One error for all mistakes of a job. Each distinct mistake appears once in the text and in [`Self::mistakes`].
    pub fn of_mistakes(mut list: Vec<Mistake>) -> Self {
        // Several tracks can contain the same mistake.
        let mut seen = Vec::new();
        list.retain(|mistake| {
            let is_new = !seen.contains(mistake);
            if is_new {
                seen.push(mistake.clone());
            }
            is_new
        });
        let mut error = Error::new(ErrorKind::InvalidSpec, Stage::Plan, "");
        error.0.mistakes = list;
        error
    }

    /// The mistakes of the job; empty for other errors.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.0.mistakes
    }

    /// Sets the line that the error is about. The mistakes of a job have their own.
    pub fn showing(mut self, excerpt: Option<Excerpt>) -> Self {
        self.0.excerpt = excerpt;
        self
    }

    /// The line of a document or the argument that the error is about, where known.
    pub fn excerpt(&self) -> Option<&Excerpt> {
        self.0.excerpt.as_ref()
    }

    /// Appends `more` to the description.
    pub fn and(mut self, more: &str) -> Self {
        self.0.more.push_str(&format!("; {more}"));
        self
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stage that failed.
    pub fn stage(&self) -> Stage {
        self.0.stage
    }

    /// The file, where known.
    pub fn file(&self) -> Option<&str> {
        self.0.file.as_deref()
    }

    /// Index of the stream, where known.
    pub fn stream(&self) -> Option<usize> {
        self.0.stream
    }

    /// Time in that stream, where known.
    pub fn time(&self) -> Option<Timestamp> {
        self.0.time
    }

    /// Number of the frame that was asked for, where known.
    pub fn frame(&self) -> Option<u64> {
        self.0.frame
    }

    /// The cause, where one was kept.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.0.source.as_deref()
    }

    /// The text before the description: file, stage, stream and time, as far as they are known.
    pub fn before(&self) -> String {
        let inner = &self.0;
        let mut text = String::new();
        if let Some(file) = &inner.file {
            text.push_str(file);
            text.push_str(": ");
        }
        text.push_str(&inner.stage.to_string());
        if let Some(stream) = inner.stream {
            text.push_str(&format!(", stream {stream}"));
        }
        if let Some(time) = inner.time {
            text.push_str(&format!(", at {time}"));
        }
        text.push_str(": ");
        text
    }

    /// The text after the description: what [`Self::and`] appended.
    pub fn after(&self) -> &str {
        &self.0.more
    }

    /// The description: of mistakes, a line for each.
    fn detail(&self) -> String {
        match self.mistakes() {
            [] => self.0.detail.clone(),
            mistakes => lines(mistakes),
        }
    }

    fn render(&self) -> String {
        [&self.before(), &self.detail(), self.after()].concat()
    }
}

#[cfg(test)]
mod tests {
    use crate::{error::*, time::Rational};

    #[test]
    fn an_error_names_file_stage_stream_and_time() {
        let error = Error::new(ErrorKind::MalformedInput, Stage::Decode, "slice CRC mismatch")
            .in_file(Path::new("a.mkv"))
            .in_stream(2)
            .at(Some(Timestamp::new(1_500, Rational::new(1, 1000))));
        assert_eq!(error.to_string(), "a.mkv: decode, stream 2, at 00:00:01.500: slice CRC mismatch");
        assert_eq!((error.file(), error.stream()), (Some("a.mkv"), Some(2)));
    }

    #[test]
    fn the_innermost_place_wins() {
        let error = Error::new(ErrorKind::Io, Stage::Source, "gone").in_file(Path::new("in")).in_file(Path::new("out"));
        assert_eq!(error.to_string(), "in: source: gone");
        assert_eq!(error.file(), Some("in"));
    }

    #[test]
    fn mistakes_stand_between_the_place_and_what_was_appended() {
        let mistakes = ["crf", "gop"].map(|place| Mistake::new(place, 99, "is too large")).to_vec();
        let error = Error::of_mistakes(mistakes).in_file(Path::new("a.mov")).and("of b.toml");
        assert_eq!((error.before().as_str(), error.after()), ("a.mov: plan: ", "; of b.toml"));
        let text = "a.mov: plan: crf = 99: is too large\ngop = 99: is too large; of b.toml";
        assert_eq!(error.to_string(), text);
        assert_eq!((error.again().to_string().as_str(), error.again().mistakes()), (text, &[][..]));
    }
}
