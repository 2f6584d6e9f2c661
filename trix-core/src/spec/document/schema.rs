//! The JSON Schema of a job, and that of a document.
//!
//! Invariant: the schema is made from the very types that a job is read into.

use serde_json::{Value, json};

use super::LISTS;
use crate::spec::job::Job;

/// The schema of a job.
pub(super) fn of_job() -> Value {
    serde_json::to_value(schemars::schema_for!(Job)).unwrap_or_default()
}

/// The schema of a document (JSON Schema 2020-12): a job, and what decides about it.
pub fn schema() -> Value {
    let mut schema = of_job();
    schema["title"] = json!("Job");
    schema["description"] = json!("A job of Trix: a source, and what is made of it. In TOML, YAML or JSON.");
    let values = json!({ "type": ["string", "number", "boolean"] });
    schema["properties"]["inherits"] = json!({
        "description": "Profiles, by name or file, whose settings hold where this document says nothing.",
        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }]
    });
    schema["properties"]["description"] = json!({ "description": "What this document is for.", "type": "string" });
    schema["properties"]["variables"] = json!({
        "description": "Values that stand wherever ${name} is written; ${stem} is the name of the source.",
        "type": "object",
        "additionalProperties": values
    });
    let condition = json!({
        "description": "Traits of the source, all of which must hold: true or false (video, audio, subtitles, \
                        interlaced, hdr), a number or a comparison such as \">=1080\" (width, height, fps, depth, \
                        channels, duration).",
        "type": "object",
        "additionalProperties": values
    });
    for list in LISTS {
        let Some(name) = schema["properties"][list]["items"]["$ref"].as_str() else { continue };
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        let item = &mut schema["$defs"][name]["properties"];
        item["id"] = json!({
            "description": "A name by which a document that inherits this one can change it.",
            "type": "string"
        });
        item["when"] = condition.clone();
        item["cases"] = json!({
            "description": "Settings for sources of which `when` holds.",
            "type": "array",
            "items": { "type": "object", "properties": { "when": condition }, "required": ["when"] }
        });
    }
    schema
}
