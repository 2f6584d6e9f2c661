//! The JSON Schema of a job, and that of a document.
//!
//! Invariant: the schema is generated from the types that a job is read into.

use serde_json::{Map, Value, json};

use crate::{
    document::{
        path::{Step, steps},
        shorthand,
    },
    settings::{job::Job, track::MOMENT},
};

/// The schema of a job.
pub(super) fn of_job() -> Value {
    serde_json::to_value(schemars::schema_for!(Job)).unwrap_or_default()
}

/// The part of `root` that `schema` refers to.
pub(super) fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    name(schema).and_then(|name| root.get("$defs")?.get(name)).unwrap_or(schema)
}

/// The name of the type that `schema` refers to.
pub(super) fn name(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

/// The schema of a job in which a package states what all of its rungs share, as documents do.
pub(super) fn of_merging() -> Value {
    let mut schema = of_job();
    schema["$defs"]["PackageJob"]["properties"]["video"] = json!({ "$ref": format!("#/$defs/{ENCODER}") });
    schema
}

/// The name of the settings of encoders in the schema.
const ENCODER: &str = "VideoSettings";

/// How tables are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Key by key.
    Keys,
    /// Key by key while they have the same `type`. Another type has nothing in common with it.
    Typed,
    /// As [`Kind::Typed`], but encoders have settings in common.
    Encoder,
}

/// How tables are merged that `schema`, a part of `root`, allows.
pub(super) fn kind(root: &Value, schema: &Value) -> Kind {
    let is_encoder = |own: &Value| name(own) == Some(ENCODER);
    let mut branches = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    match is_encoder(schema) || branches.any(is_encoder) {
        true => Kind::Encoder,
        false if alternatives(root, schema).into_iter().any(|own| tag(own).is_some()) => Kind::Typed,
        false => Kind::Keys,
    }
}

/// The schema of `key` in the tables that `schema`, a part of `root`, allows.
pub(super) fn member<'a>(root: &'a Value, schema: &'a Value, key: &str) -> Option<&'a Value> {
    alternatives(root, schema).into_iter().find_map(|own| own.get("properties")?.get(key))
}

/// The schema of the part of a job at `place`, such as `outputs[0].video`.
pub(super) fn at<'a>(root: &'a Value, place: &str) -> Option<&'a Value> {
    steps(place).into_iter().try_fold(root, |schema, step| match step {
        Step::Key(key) => member(root, schema, &key),
        Step::Index(_) => resolved(root, schema).get("items"),
    })
}

/// The schemas of the settings of all encoders.
pub(super) fn encoders(root: &Value) -> Vec<&Value> {
    alternatives(root, &root["$defs"][ENCODER])
}

/// The tables that `schema`, a part of `root`, allows: itself, or each of its alternatives.
pub(super) fn alternatives<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let schema = resolved(root, schema);
    match schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array) {
        Some(own) => own.iter().flat_map(|own| alternatives(root, own)).collect(),
        None => vec![schema],
    }
}

/// The `type` of the tables that `schema` describes.
pub(super) fn tag(schema: &Value) -> Option<&str> {
    schema.get("properties")?.get("type")?.get("const")?.as_str()
}

/// The schema of a document (JSON Schema 2020-12): a job, with variables, conditions and cases.
pub fn schema() -> Value {
    let mut schema = of_job();
    let time = "A time: 12.5, 01:30, 00:01:30.040 or 300/25";
    shorthand::describe(&mut schema);
    schema["$defs"]["Timestamp"] = json!({ "type": "string", "description": time });
    for part in ["properties", "$defs"] {
        let parts = schema[part].as_object_mut().into_iter().flat_map(Map::values_mut);
        parts.for_each(allow_variable);
    }
    schema["title"] = json!("Job");
    schema["description"] = json!("A job of Trix: a source, and what is made of it. In TOML, YAML or JSON.");
    for name in shorthand::TYPES {
        let own = schema["$defs"][name].take();
        let short = json!({ "type": "string", "description": "As the option of the command line." });
        schema["$defs"][name] = json!({ "anyOf": [own, short] });
    }
    if let Some(keys) = schema["$defs"]["PackageJob"]["properties"].as_object_mut() {
        let shared = json!({ "description": "Settings that all rungs share.", "type": "object" });
        keys.insert("video".to_owned(), shared);
    }
    if let Some(video) = schema["$defs"]["Rung"]["properties"].get_mut("video") {
        let own = json!({
            "description": "What differs from the settings that all rungs share.",
            "type": "object",
            "not": { "required": ["type"] }
        });
        *video = json!({ "anyOf": [video.take(), own] });
    }
    add_document_keys(&mut schema);
    schema
}

/// Adds the keys that only a document has: inheritance, variables, conditions and cases.
pub(super) fn add_document_keys(schema: &mut Value) {
    let values = json!({ "type": ["string", "number", "boolean"] });
    schema["properties"]["inherits"] = json!({
        "description": "A profile or a list of profiles, by name or file. Their settings hold where this document says nothing.",
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
    for list in Job::LISTS {
        let Some(name) = schema["properties"][list]["items"]["$ref"].as_str() else { continue };
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        let decides = json!({
            "id": {
                "description": "A name by which a document that inherits this one can change it.",
                "type": "string"
            },
            "when": condition,
            "cases": {
                "description": "Other settings of this table for sources of which the `when` of the case holds.",
                "type": "array",
                "items": { "type": "object", "properties": { "when": condition }, "required": ["when"] }
            }
        });
        let item = &mut schema["$defs"][name];
        // An element that has several types has its keys in each of them.
        let types = item.get_mut("oneOf").and_then(Value::as_array_mut).map(std::mem::take);
        let mut of_types = types.unwrap_or_else(|| vec![item.take()]);
        for own in &mut of_types {
            let Some(keys) = own["properties"].as_object_mut() else { continue };
            keys.extend(decides.as_object().cloned().unwrap_or_default());
        }
        match item.get_mut("oneOf") {
            Some(types) => *types = Value::Array(of_types),
            None => *item = of_types.pop().unwrap_or_default(),
        }
    }
}

/// Allows a variable, `${name}`, in place of every value that is not free text.
fn allow_variable(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            // The values of `required` and `default` are not schemas.
            members.iter_mut().filter(|(key, _)| *key != "required" && *key != "default").for_each(
                |(key, own)| match (key.as_str(), own) {
                    ("properties", Value::Object(parts)) => parts.values_mut().for_each(allow_variable),
                    (_, own) => allow_variable(own),
                },
            );
            // Only the reader knows the format of a text.
            if members.get("format").is_some_and(|format| format == MOMENT) {
                members.remove("format");
            }
            let kinds = members.get("type").map(|kind| kind.as_array().cloned().unwrap_or_else(|| vec![kind.clone()]));
            let has = |name: &str| kinds.iter().flatten().any(|kind| kind == name);
            let is_narrow = has("integer") || has("number") || has("boolean");
            let is_word = has("string") && (members.contains_key("enum") || members.contains_key("pattern"));
            let variable = json!({ "type": "string", "pattern": "^\\$\\{[^}]+\\}$" });
            let is_said = |own: &Value| own.get("const").is_some_and(Value::is_string) || own.get("enum").is_some();
            if let Some(Value::Array(words)) = members.get_mut("oneOf").filter(|words| {
                words.as_array().is_some_and(|words| words.iter().all(|own| is_said(own) || own.get("anyOf").is_some()))
            }) {
                words.push(variable.clone());
            }
            if is_narrow || is_word {
                let mut outer = Map::new();
                outer.extend(["description", "default"].iter().filter_map(|key| members.remove_entry(*key)));
                outer.insert("anyOf".to_owned(), json!([members, variable]));
                *members = outer;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(allow_variable),
        _ => {}
    }
}
