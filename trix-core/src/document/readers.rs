//! The types of a job that read their values by themselves, and how they say what is wrong.
//!
//! Invariant: whatever the schema of a job names and does not describe has its reader here.

use serde::de::DeserializeOwned;
use serde_json::Value;
use trix_model::{
    color::{Matrix, Primaries, Transfer},
    time::{Rational, Timestamp},
};

use crate::spec::{
    audio_tracks::AudioTracks,
    byte_size::ByteSize,
    moment::read_moment,
    picture::FrameRate,
    still::Paint,
    track::{MOMENT, Tempo},
};

/// Says what is wrong with a value.
pub(super) type Reader = fn(Value) -> Option<String>;

/// The reader of the type, or of the format, that has this name in the schema, where the schema does not describe it.
pub(super) fn reader(name: &str) -> Option<Reader> {
    Some(match name {
        "Timestamp" => problem::<Timestamp>,
        "Rational" => problem::<Rational>,
        "FrameRate" => problem::<FrameRate>,
        "Tempo" => problem::<Tempo>,
        "AudioTracks" => problem::<AudioTracks>,
        "ByteSize" => problem::<ByteSize>,
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
        // What is made of keys, of words or of types is described whole.
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
