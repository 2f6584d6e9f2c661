//! An error as data: what a program that reads JSON gets in place of a result.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, ErrorKind, Stage},
    json,
    mistake::{Excerpt, Mistake},
    time::Timestamp,
};

/// An error as a JSON document.
///
/// ```
/// use trix_model::{error::{Error, ErrorKind, Stage}, error_document::ErrorDocument};
///
/// let error = Error::new(ErrorKind::Limit, Stage::Source, "2000 streams; the limit is 1000");
/// let text = serde_json::to_string(&ErrorDocument::from(&error)).expect("plain data");
/// let read: ErrorDocument = serde_json::from_str(&text).expect("the same document");
/// assert_eq!((read.error.kind, read.error.message), (ErrorKind::Limit, error.to_string()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ErrorDocument {
    /// Version of this format: 1.
    #[serde(deserialize_with = "json::version")]
    pub trix: u32,
    /// The error.
    pub error: ErrorDetail,
}

/// Description and place of the error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ErrorDetail {
    /// Kind of the error.
    pub kind: ErrorKind,
    /// Stage of the error.
    pub stage: Stage,
    /// The file, where known: a source, an output, or a document.
    #[serde(default)]
    pub file: Option<String>,
    /// Index of the stream, where known.
    pub stream: Option<usize>,
    /// Time in the stream, where known.
    pub time: Option<Timestamp>,
    /// Number of the frame that was asked for, from 0, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<u64>,
    /// All mistakes of the job, if the error is about these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mistakes: Vec<Mistake>,
    /// The line of a document, or the argument, that cannot be read. Each mistake has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Excerpt>,
    /// Message with file, stage, stream and time.
    pub message: String,
}

impl From<&Error> for ErrorDetail {
    fn from(error: &Error) -> Self {
        ErrorDetail {
            kind: error.kind(),
            stage: error.stage(),
            file: error.file().map(str::to_owned),
            stream: error.stream(),
            time: error.time(),
            frame: error.frame(),
            mistakes: error.mistakes().to_vec(),
            excerpt: error.excerpt().cloned(),
            message: error.to_string(),
        }
    }
}

impl From<&ErrorDetail> for Error {
    /// The error that another process has told, without its cause.
    fn from(told: &ErrorDetail) -> Self {
        let placed = |detail: &str| {
            let mut error = Error::new(told.kind, told.stage, detail).at(told.time).of_frame(told.frame);
            if let Some(file) = &told.file {
                error = error.in_file(Path::new(file));
            }
            if let Some(stream) = told.stream {
                error = error.in_stream(stream);
            }
            error
        };
        // The message begins with the place.
        placed(told.message.strip_prefix(&placed("").before()).unwrap_or(&told.message))
    }
}

impl From<&Error> for ErrorDocument {
    fn from(error: &Error) -> Self {
        ErrorDocument { trix: json::VERSION, error: error.into() }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::time::Rational;

    #[test]
    fn an_error_document_comes_back_and_other_versions_are_refused() {
        let mut mistake = Mistake::new("outputs[1].video.depth", 12, "x264 encodes 8, 10 bits");
        mistake.line = Some("job.toml:12".to_owned());
        mistake.excerpt = Some(Excerpt::new(Some(12), "depth = 12", 8..10).into());
        for error in [
            Error::of_mistakes(vec![mistake]),
            Error::new(ErrorKind::MalformedInput, Stage::Decode, "slice CRC mismatch")
                .in_file(Path::new("a.mkv"))
                .in_stream(2)
                .at(Some(Timestamp::new(1_500, Rational::new(1, 1000)))),
            Error::cancelled(Stage::Encode),
            Error::new(ErrorKind::InvalidSpec, Stage::Plan, "line 3: no value").showing(Some(Excerpt::new(
                Some(3),
                "depth =",
                7..7,
            ))),
        ] {
            let document = ErrorDocument::from(&error);
            let text = serde_json::to_string(&document).unwrap();
            assert!(text.starts_with(r#"{"trix":1,"error":{"kind":"#), "{text}");
            assert_eq!(serde_json::from_str::<ErrorDocument>(&text).unwrap(), document);
            assert_eq!((document.error.kind, document.error.stage), (error.kind(), error.stage()));
            assert_eq!(document.error.file.as_deref(), error.file());
            assert_eq!((document.error.stream, document.error.time), (error.stream(), error.time()));
            assert_eq!(document.error.mistakes, error.mistakes());
            assert_eq!(document.error.excerpt.as_ref(), error.excerpt());
            assert_eq!(document.error.message, error.to_string());
            let other = text.replacen("\"trix\":1", "\"trix\":2", 1);
            let refusal = serde_json::from_str::<ErrorDocument>(&other).unwrap_err().to_string();
            assert!(refusal.contains("format version 2"), "{refusal}");
        }
    }
}
