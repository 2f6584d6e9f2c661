//! All keys of a job file as a table, made from the schema.
//!
//! Invariant: a key that the schema has is in the table, so the table cannot be older than the program.

use std::fmt::Write;

use serde_json::Value;

use crate::{
    document::{
        schema::{add_document_keys, of_job, resolved},
        shorthand,
    },
    settings::track::MOMENT,
};

/// A key of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Where it stands: `outputs[].video.preset`.
    pub place: String,
    /// The types of its table that have it, such as `x264` and `x265`; empty if all have it.
    pub of_types: Vec<String>,
    /// The type of its value.
    pub kind: String,
    /// The value of a job that does not set it; empty if that depends on the source or the encoder.
    pub default: String,
    /// The values that it can have, where they are words or limited numbers.
    pub values: String,
    /// What it means, and its range.
    pub about: String,
}

/// All keys of a job.
pub fn keys() -> Vec<Key> {
    let mut root = of_job();
    shorthand::describe(&mut root);
    add_document_keys(&mut root);
    let mut walk = Walk { root: &root, keys: Vec::new() };
    walk.table("", &root);
    walk.keys
}

/// The keys of a job as a Markdown table, with a heading for each table of the job.
pub fn table() -> String {
    let mut out = String::new();
    let mut heading = None;
    for key in keys() {
        let (table, own) = key.place.rsplit_once('.').unwrap_or(("", &key.place));
        if heading.as_deref() != Some(table) {
            let title = if table.is_empty() { "The job".to_owned() } else { format!("`{table}`") };
            let gap = if out.is_empty() { "" } else { "\n" };
            let _ = writeln!(
                out,
                "{gap}## {title}\n\n| key | type | default | values | meaning |\n| --- | --- | --- | --- | --- |"
            );
            heading = Some(table.to_owned());
        }
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        let of_types = if key.of_types.is_empty() { String::new() } else { format!(" ({})", key.of_types.join(", ")) };
        let is_bare = !key.default.is_empty() && !key.default.contains('`');
        let default = if is_bare { format!("`{}`", key.default) } else { key.default.clone() };
        let _ = writeln!(
            out,
            "| `{own}`{of_types} | {} | {} | {} | {} |",
            cell(&key.kind),
            cell(&default),
            cell(&key.values),
            cell(&key.about)
        );
    }
    out
}

/// The type of a ratio. A rate has an example.
const FRACTION: &str = "fraction";
const RATE: &str = "fraction, such as `24000/1001`";

/// A key of a table, the types of the table that have it if not all do, and its schema in each type.
type Member<'a> = (&'a str, Vec<String>, Vec<(&'a str, &'a Value)>);

struct Walk<'a> {
    root: &'a Value,
    keys: Vec<Key>,
}

impl<'a> Walk<'a> {
    /// Adds the keys of a table: first its own, then those of the tables in it.
    fn table(&mut self, place: &str, schema: &'a Value) {
        let mut inner = Vec::new();
        let is_tagged = schema.get("oneOf").is_some();
        // The row of the table itself lists its types.
        for (key, of_types, all) in self.members(schema).into_iter().filter(|(key, ..)| !is_tagged || *key != "type") {
            let own = all[0].1;
            let place = if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
            let (own, list) = self.plain(own);
            let place = if list { format!("{place}[]") } else { place };
            // The keys of a case are those of the table that has it.
            let has_rows = key != "cases" && self.members(own).iter().any(|(key, ..)| *key != "type");
            if has_rows && !self.has_short_form_only(own) {
                inner.push((place.clone(), own));
            }
            self.keys.push(Key {
                place: place.trim_end_matches("[]").to_owned(),
                of_types,
                kind: if list { format!("list of {}", self.kind(own)) } else { self.kind(own) },
                default: joined(&all, "; ", |own| self.default(own), |default| format!("`{default}`")),
                values: joined(&all, "; ", |own| self.values(self.plain(own).0), str::to_owned),
                about: joined(&all, " ", |own| self.about(own), str::to_owned),
            });
        }
        for (place, schema) in inner {
            self.table(&place, schema);
        }
    }

    /// True for sizes and rectangles: their table has numbers only, and the short form says more.
    fn has_short_form_only(&self, schema: &Value) -> bool {
        ["Size", "Crop"].iter().any(|name| std::ptr::eq(&self.root["$defs"][*name], schema))
    }

    /// The keys of a table.
    fn members(&self, schema: &'a Value) -> Vec<Member<'a>> {
        let Some(variants) = schema.get("oneOf").and_then(Value::as_array) else {
            let own = schema.get("properties").and_then(Value::as_object);
            return own.into_iter().flatten().map(|(key, own)| (key.as_str(), Vec::new(), vec![("", own)])).collect();
        };
        let of = |variant: &'a Value| variant.get("properties").and_then(Value::as_object);
        let mut all: Vec<Member<'_>> = Vec::new();
        for own in variants.iter().filter_map(of) {
            let kind = own.get("type").and_then(|kind| kind.get("const")?.as_str()).unwrap_or_default();
            for (key, schema) in own {
                match all.iter_mut().find(|(known, ..)| known == key) {
                    Some((_, types, schemas)) => {
                        types.push(kind.to_owned());
                        schemas.push((kind, schema));
                    }
                    None => all.push((key, vec![kind.to_owned()], vec![(kind, schema)])),
                }
            }
        }
        let count = variants.iter().filter_map(of).count();
        all.iter_mut().filter(|(_, types, _)| types.len() == count).for_each(|(_, types, _)| types.clear());
        all
    }

    /// The value of a job that does not set the key. A number outside of the range says that the key has to be set.
    fn default(&self, schema: &Value) -> String {
        let least = self.plain(schema).0.get("minimum").and_then(Value::as_f64).unwrap_or(f64::MIN);
        let default = schema.get("default").filter(|own| own.as_f64().is_none_or(|own| own >= least));
        default.map(shown).unwrap_or_default()
    }

    /// The first paragraph of what the key means.
    fn about(&self, schema: &Value) -> String {
        let stated = [schema, self.plain(schema).0].into_iter().find_map(|own| own.get("description")?.as_str());
        stated.and_then(|about| about.split("\n\n").next()).unwrap_or_default().to_owned()
    }

    /// The schema behind references and alternatives with null; true if it is that of the items of a list.
    fn plain(&self, schema: &'a Value) -> (&'a Value, bool) {
        let mut schema = resolved(self.root, schema);
        while let Some(own) = alternatives(schema).find(|own| own.get("type").is_none_or(|kind| kind != "null")) {
            schema = resolved(self.root, own);
        }
        match schema.get("items") {
            Some(items) => (self.plain(items).0, true),
            None => (schema, false),
        }
    }

    fn kind(&self, schema: &Value) -> String {
        let defined = self.root["$defs"].as_object().into_iter().flatten();
        let named = defined.into_iter().find(|(_, own)| std::ptr::eq(*own, schema)).map(|(name, _)| name.as_str());
        match named {
            Some("Timestamp") => return "time".to_owned(),
            Some("Rational") => return FRACTION.to_owned(),
            Some("FrameRate") => return RATE.to_owned(),
            Some("AudioSettings") => return "table, or text such as `aac:128k`".to_owned(),
            Some("VideoSettings") => return "table, or text such as `x265`".to_owned(),
            Some("SubtitleSettings") => return "table, or text such as `none`".to_owned(),
            Some("Size") => return "size, such as `1280x-2`".to_owned(),
            Some("Crop") => return "crop, such as `auto`".to_owned(),
            Some("MemoryLimit") => return "`auto`, or bytes, such as `4 GiB`".to_owned(),
            _ => {}
        }
        if schema.get("format").is_some_and(|format| format == MOMENT) {
            return "time".to_owned();
        }
        if schema.get("enum").is_some_and(|values| values[0].is_boolean()) {
            return "true or false".to_owned();
        }
        let kinds = schema.get("type");
        let first = kinds.and_then(|kind| kind.as_str().or_else(|| kind.as_array()?.first()?.as_str()));
        match first {
            Some("boolean") => "true or false",
            Some("integer") => "whole number",
            Some("number") => "number",
            Some("object") => "table",
            _ if schema
                .get("oneOf")
                .is_some_and(|types| types.get(0).is_some_and(|own| own.get("properties").is_some())) =>
            {
                "table"
            }
            _ => "text",
        }
        .to_owned()
    }

    /// The words or numbers that a value can be.
    fn values(&self, schema: &Value) -> String {
        // The examples of a fraction are not all of its values.
        if self.kind(schema).starts_with(FRACTION) {
            return String::new();
        }
        let words = |own: &Value| -> Vec<String> {
            let listed = own.get("enum").and_then(Value::as_array).into_iter().flatten();
            let tag = own.get("properties").and_then(|keys| keys.get("type")?.get("const"));
            let named = own.get("examples").and_then(Value::as_array).into_iter().flatten();
            let all = listed.chain(named).chain(own.get("const")).chain(tag);
            all.filter(|word| !word.is_null() && !word.is_boolean()).map(|word| format!("`{}`", shown(word))).collect()
        };
        let variants = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
        let all: Vec<String> = variants.chain([schema]).flat_map(words).collect();
        if !all.is_empty() {
            return all.join(", ");
        }
        match (schema.get("minimum"), schema.get("maximum")) {
            (Some(least), Some(most)) => format!("{least} to {most}"),
            // Whole numbers that count something begin at 0 anyway.
            (Some(least), None) if *least != 0 => format!("from {least}"),
            _ => String::new(),
        }
    }
}

/// The text of a key for all types of its table if they agree, else for each type that has one.
fn joined(
    schemas: &[(&str, &Value)],
    between: &str,
    text: impl Fn(&Value) -> String,
    word: impl Fn(&str) -> String,
) -> String {
    let all: Vec<(&str, String)> = schemas.iter().map(|(kind, schema)| (*kind, text(schema))).collect();
    if all.iter().all(|(_, text)| *text == all[0].1) {
        return all[0].1.clone();
    }
    let stated = all.iter().filter(|(_, text)| !text.is_empty());
    stated.map(|(kind, text)| format!("{kind}: {}", word(text))).collect::<Vec<_>>().join(between)
}

/// The alternatives of `anyOf`.
fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    schema.get("anyOf").and_then(Value::as_array).into_iter().flatten()
}

/// A value as a job in TOML has it; empty for what is not set.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Array(items) if items.is_empty() => String::new(),
        // The keys of a table have their own rows.
        Value::Object(members) if members.len() != 1 => String::new(),
        Value::Object(members) => members.get("type").map(shown).unwrap_or_default(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_their_type_default_and_values() {
        let all = keys();
        let of = |place: &str| all.iter().find(|key| key.place == place).unwrap_or_else(|| panic!("no {place}"));
        assert_eq!(of("outputs[].video.preset").of_types, ["x264", "x265"]);
        let crf = of("outputs[].video.crf");
        assert_eq!((crf.kind.as_str(), crf.values.as_str()), ("number", "0 to 51"), "{crf:?}");
        assert_eq!(of("threads").values, "1 to 128");
        assert_eq!(of("outputs[].video.gop").values, "from 1");
        assert!(of("outputs[].video.preset").values.contains("`veryslow`"));
        assert_eq!(of("outputs[].cases").kind, "list of table");
        assert_eq!(of("inherits").kind, "text");
        let fields = of("outputs[].picture.deinterlace");
        assert_eq!((fields.default.as_str(), fields.values.as_str()), ("auto", "`auto`, `on`, `fields`, `off`"));
        assert_eq!(of("outputs[].picture.fps").kind, RATE);
        assert_eq!(of("packages[].segment").kind, FRACTION);
        assert_eq!(of("outputs[].video.depth").values.split("; ").next(), Some("x264: `8`, `10`"));
        assert_eq!(of("outputs[].video.qp").values, "x264: 0 to 69; x265: 0 to 51");
        let quality = of("stills[].quality");
        assert_eq!(quality.default, "poster: `85`; sprites: `75`", "{quality:?}");
        let kbps = &of("outputs[].audio.kbps").values;
        assert!(kbps.starts_with("aac: 16 to 1024; opus: 6 to 2048; ac3: `32`, `40`,"), "{kbps}");
        assert!(kbps.ends_with("`640`; eac3: 32 to 1024"), "{kbps}");
        assert_eq!(of("outputs[].video.lossless").kind, "true or false");
        assert_eq!(of("tracks[].offset").kind, "time");
        assert_eq!((of("hash").kind.as_str(), of("hash").default.as_str()), ("true or false", "false"));
        assert_eq!(of("packages[].ladder").kind, "list of table");
        // Each key once.
        let mut places: Vec<&str> = all.iter().map(|key| key.place.as_str()).collect();
        places.sort_unstable();
        let count = places.len();
        places.dedup();
        assert_eq!(places.len(), count);
    }
}
