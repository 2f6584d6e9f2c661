//! The types of a job that read their values themselves, and how they report mistakes.
//!
//! Invariant: every type that the schema of a job names and does not describe has its reader here.

use serde::de::DeserializeOwned;
use serde_json::Value;
use trix_model::{
    color::{Matrix, Primaries, Transfer},
    time::{Rational, Timestamp},
};

use crate::settings::{
    audio_tracks::AudioTracks,
    memory_limit::MemoryLimit,
    moment::read_moment,
    picture::FrameRate,
    still::Paint,
    track::{MOMENT, Tempo},
};

/// Returns the problem of a value, if there is one.
pub(super) type Reader = fn(Value) -> Option<String>;

/// The reader of the type or format with this name in the schema. `None` if the schema describes the type itself.
pub(super) fn reader(name: &str) -> Option<Reader> {
    Some(match name {
        "Timestamp" => problem::<Timestamp>,
        "Rational" => problem::<Rational>,
        "FrameRate" => problem::<FrameRate>,
        "Tempo" => problem::<Tempo>,
        "AudioTracks" => problem::<AudioTracks>,
        "MemoryLimit" => problem::<MemoryLimit>,
        "Paint" => problem::<Paint>,
        "Primaries" => problem::<Primaries>,
        "Transfer" => problem::<Transfer>,
        "Matrix" => problem::<Matrix>,
        MOMENT => |value| read_moment(value.as_str()?).err(),
        _ => return None,
    })
}

fn problem<T: DeserializeOwned>(value: Value) -> Option<String> {
    serde_json::from_value::<T>(value).err().map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::schema::of_job;

    #[test]
    fn what_the_schema_does_not_describe_has_a_reader() {
        let schema = of_job();
        // The schema describes types that consist of keys, words or types completely.
        let has = |own: &Value, keys: &[&str]| keys.iter().any(|key| own.get(key).is_some());
        let is_described = |own: &Value| match own.get("oneOf").and_then(Value::as_array) {
            Some(branches) => {
                branches.iter().all(|own| has(own, &["const", "enum"]) || has(&own["properties"], &["type"]))
            }
            None => has(own, &["properties", "enum"]),
        };
        let types = schema["$defs"].as_object().expect("types");
        for (name, own) in types {
            assert_eq!(reader(name).is_some(), !is_described(own), "{name}");
        }
    }
}
