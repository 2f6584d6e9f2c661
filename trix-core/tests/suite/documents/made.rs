//! Documents in files, and the jobs that they make.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use trix_core::{
    Error, ErrorKind,
    document::{Document, Traits},
};
use trix_fixtures::TempDir;

pub fn file(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).expect("a file can be written");
    path
}

pub fn opened(path: &Path, set: &[(&str, &str)]) -> Document {
    Document::open(path, &pairs(set)).unwrap_or_else(|error| panic!("{error}"))
}

pub fn pairs(set: &[(&str, &str)]) -> Vec<(String, String)> {
    set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Returns the job of a document as JSON.
pub fn job(document: &Document) -> Value {
    job_for(document, &Traits::default())
}

pub fn job_for(document: &Document, traits: &Traits) -> Value {
    serde_json::to_value(document.job(traits).expect("a job")).expect("JSON")
}

pub fn refused(path: &Path) -> Error {
    let error = Document::open(path, &[]).expect_err("a mistake");
    assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
    error
}

/// Asserts that `value` contains everything in `part`, and that lists have equal lengths.
pub fn holds(value: &Value, part: &Value) {
    match (value, part) {
        (Value::Object(value), Value::Object(part)) => {
            part.iter().for_each(|(key, part)| holds(value.get(key).unwrap_or(&Value::Null), part));
        }
        (Value::Array(value), Value::Array(part)) => {
            assert_eq!(value.len(), part.len(), "{value:?}, {part:?}");
            value.iter().zip(part).for_each(|(value, part)| holds(value, part));
        }
        (Value::Number(value), Value::Number(part)) => assert_eq!(value.as_f64(), part.as_f64()),
        _ => assert_eq!(value, part),
    }
}

/// A document that others inherit.
pub const BASE: &str = r#"
description = "what others begin with"
threads = 2
on_output_failure = "continue"
[variables]
crf = 20
[source]
frames = 10
[[outputs]]
id = "big"
path = "${stem}.big.mkv"
metadata = { title = "Big", artist = "A" }
[outputs.video]
type = "x264"
depth = 8
keyframes = ["1", "2"]
rate = { type = "crf", value = "${crf}" }
params = { bframes = "0" }
[[outputs]]
path = "${stem}.unnamed.mkv"
"#;
