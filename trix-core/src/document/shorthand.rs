//! Short forms of settings: the names and texts of the command line's options, in place of keys and tables.
//!
//! Invariant: short forms are written out before documents are merged, so that both forms merge alike.

use serde_json::{Map, Number, Value, json};
use trix_model::mistake::hint;

use crate::{
    document::node::{Data, Node, Spot},
    encode::option_names::{self, PRESETS},
    settings::{
        audio::AudioSettings,
        picture::Crop,
        video::{Encoder, Size},
    },
};

/// The types of which a text is a short form, by their names in the schema.
pub(super) const TYPES: [&str; 4] = ["Size", "Crop", "AudioSettings", "VideoSettings"];

/// Option names that jobs have as other keys, each with the table that has the key.
const NAMES: [(&str, &str, &str); 3] = [
    ("picture", "fps", "rate"),
    ("picture", "color_override", "source_color"),
    ("video", "force_keyframes", "keyframes"),
];

/// Options that stand for `rate` in the table of an encoder.
const RATES: [&str; 4] = ["crf", "qp", "bitrate", "lossless"];

/// Options of the command line that jobs have under another name in another table.
const OPTIONS: [(&str, &str); 6] = [
    ("audio_layout", "audio_shape.layout"),
    ("audio_matrix", "audio_shape.matrix"),
    ("audio_rate", "audio_shape.sample_rate"),
    ("closed_gop", "video.open_gop = false"),
    ("param", "video.params"),
    ("source_rate", "source.rate"),
];

/// Where a job states what the option `name` of the command line states.
pub(super) fn option(name: &str) -> Option<&'static str> {
    OPTIONS.iter().find(|(option, _)| *option == name).map(|(_, place)| *place)
}

/// Writes out the short forms in a document.
pub(super) fn write_out(tree: &mut Node) {
    for list in ["outputs", "packages"] {
        let items = tree.get_mut(list).map(Node::items_mut).unwrap_or_default();
        items.iter_mut().for_each(element);
    }
}

/// An output, a package, a case or a rung.
fn element(node: &mut Node) {
    let Data::Table(entries) = &mut node.data else { return };
    for (key, own) in entries {
        match key.as_str() {
            "cases" | "ladder" => own.items_mut().iter_mut().for_each(element),
            "video" => {
                read(own, "VideoSettings");
                rename(own, "video");
                rate(own);
            }
            "audio" => read(own, "AudioSettings"),
            "picture" => {
                rename(own, "picture");
                [("size", "Size"), ("pad", "Size"), ("crop", "Crop")].into_iter().for_each(|(key, kind)| {
                    own.get_mut(key).into_iter().for_each(|own| read(own, kind));
                });
            }
            _ => {}
        }
    }
}

/// Writes a text out as the table of type `kind` that it stands for. What cannot be read stays, and is a mistake later.
fn read(node: &mut Node, kind: &str) {
    if let Some(Ok(value)) = node.text().and_then(|text| value(kind, text)) {
        node.replace(&value);
    }
}

/// The value of type `kind` that `text` stands for, or its problem. `None` if the type has no short form.
pub(super) fn value(kind: &str, text: &str) -> Option<Result<Value, String>> {
    fn of<T: serde::Serialize>(read: Result<T, String>) -> Result<Value, String> {
        read.and_then(|value| serde_json::to_value(value).map_err(|error| error.to_string()))
    }
    Some(match kind {
        "Size" => of(text.parse::<Size>()),
        "Crop" => of(text.parse::<Crop>()),
        "AudioSettings" => of(text.parse::<AudioSettings>()),
        // A variable decides about the encoder.
        "VideoSettings" if text.starts_with("${") && text.ends_with('}') && text.matches('$').count() == 1 => {
            Ok(json!({ "type": text }))
        }
        "VideoSettings" => {
            let names = ["auto".to_owned(), "copy".to_owned(), "none".to_owned()];
            let names: Vec<String> = names.into_iter().chain(Encoder::ALL.map(|own| own.to_string())).collect();
            match names.iter().any(|name| name == text) {
                true => Ok(json!({ "type": text })),
                false => {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    Err(format!("is not known; {}legal are {}", hint(text, &names), names.join(", ")))
                }
            }
        }
        _ => return None,
    })
}

fn rename(node: &mut Node, table: &str) {
    for (_, option, key) in NAMES.into_iter().filter(|(own, ..)| *own == table) {
        let Data::Table(entries) = &mut node.data else { return };
        if entries.iter().any(|(own, _)| own == key) {
            continue;
        }
        entries.iter_mut().filter(|(own, _)| own == option).for_each(|(own, _)| *own = key.to_owned());
    }
}

/// Writes `crf`, `qp`, `bitrate`, `lossless` and `passes` out as `rate`.
fn rate(node: &mut Node) {
    let Data::Table(entries) = &mut node.data else { return };
    // It asks for nothing. Any value but true and false stays, and is a mistake later.
    entries.retain(|(key, own)| key != "lossless" || !matches!(own.data, Data::Bool(false)));
    if entries.iter().any(|(key, _)| key == "rate") {
        return;
    }
    let is_rate = |(key, own): &(String, Node)| {
        RATES.contains(&key.as_str()) && (key != "lossless" || matches!(own.data, Data::Bool(true)))
    };
    let option = entries.iter().position(is_rate).map(|at| entries.remove(at));
    let takes_passes = option.as_ref().is_none_or(|(key, _)| key == "bitrate");
    let passes = entries.iter().position(|(key, _)| key == "passes" && takes_passes);
    let passes = passes.map(|at| entries.remove(at));
    let Some((spot, layer)) = option.iter().chain(&passes).map(|(_, own)| (own.spot, own.layer)).next() else { return };
    let mut table = Vec::new();
    if let Some((key, own)) = option {
        table.push(("type".to_owned(), Node { layer, ..Node::new(spot, Data::Text(key.clone())) }));
        match key.as_str() {
            "lossless" => {}
            "bitrate" => table.push(("kbps".to_owned(), own)),
            _ => table.push(("value".to_owned(), own)),
        }
    }
    table.extend(passes);
    entries.push(("rate".to_owned(), Node { layer, ..Node::new(spot, Data::Table(table)) }));
}

/// True if `key`, in the table at `place`, is a short form of another key.
pub(super) fn stands_for(place: &str, key: &str) -> bool {
    let table = place.rsplit('.').next().unwrap_or_default();
    let is_rate = RATES.contains(&key) || key == "passes";
    NAMES.iter().any(|(own, option, _)| (*own, *option) == (table, key)) || (table == "video" && is_rate)
}

/// Sets the key of `table` that the short form `key` stands for. `None` if it is no table.
pub(super) fn set(table: &mut Node, key: &str, value: Node) -> Option<()> {
    let spot = value.spot;
    let mut own = Node::new(spot, Data::Table(vec![(key.to_owned(), value)]));
    ["video", "picture"].into_iter().for_each(|table| rename(&mut own, table));
    rate(&mut own);
    if matches!(table.data, Data::Null) {
        *table = Node::table(spot);
    }
    let (Data::Table(entries), Data::Table(new)) = (&mut table.data, own.data) else { return None };
    if new.is_empty() {
        // `lossless = false`
        let is_lossless = |rate: &Node| rate.get("type").and_then(Node::text) == Some("lossless");
        entries.retain(|(key, own)| key != "rate" || !is_lossless(own));
    }
    for (key, own) in new {
        match entries.iter_mut().find(|(known, _)| *known == key) {
            // `passes` alone belongs to the rate that is there.
            Some((_, known)) if own.get("passes").is_some() && own.get("type").is_none() => {
                *known.reach("passes", spot)? = own.get("passes")?.clone();
            }
            Some((_, known)) => *known = own,
            None => entries.push((key, own)),
        }
    }
    Some(())
}

/// Describes the short keys in the schema of a document, in the tables that have the keys they stand for.
pub(super) fn describe(schema: &mut Value) {
    let defined = &mut schema["$defs"];
    if let Some(Value::Object(keys)) = defined["PictureSettings"].get_mut("properties") {
        add_names(keys, "picture");
    }
    for encoder in defined["VideoSettings"].get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(Value::Object(keys)) = encoder.get_mut("properties") else { continue };
        add_names(keys, "video");
        if keys.contains_key("maxrate") {
            add_words(keys);
            keys.extend(RATE_KEYS.map(|(key, value, text)| {
                let mut own = serde_json::from_str(value).unwrap_or(Value::Null);
                own["description"] = json!(text);
                (key.to_owned(), own)
            }));
        }
    }
}

/// Adds the names of presets, tunes and profiles to the keys of the encoder whose `type` the keys have.
fn add_words(keys: &mut Map<String, Value>) {
    let kind = keys.get("type").and_then(|kind| kind["const"].as_str()).map(str::to_owned);
    let Some(encoder) = Encoder::ALL.into_iter().find(|own| Some(own.to_string()) == kind) else { return };
    let words =
        [("preset", PRESETS), ("tune", option_names::tunes(encoder)), ("profile", option_names::profiles(encoder))];
    for (key, names) in words {
        if let Some(own) = keys.get_mut(key) {
            own["examples"] = json!(names);
        }
    }
}

/// Adds the names of options to the keys of `table`, each with the schema of the key that it stands for.
fn add_names(keys: &mut Map<String, Value>, table: &str) {
    for (_, option, key) in NAMES.into_iter().filter(|(own, ..)| *own == table) {
        if let Some(own) = keys.get(key).cloned() {
            keys.insert(option.to_owned(), own);
        }
    }
}

/// The short forms of `rate`, with the schemas of their values and their meanings. A variable cannot say if an encode is
/// lossless.
const RATE_KEYS: [(&str, &str, &str); 5] = [
    (
        "crf",
        r#"{ "type": "number", "minimum": 0, "maximum": 51 }"#,
        "Constant rate factor; lower is better. Short for rate.",
    ),
    (
        "qp",
        r#"{ "type": "integer", "minimum": 0, "maximum": 69 }"#,
        "Constant quantiser; lower is better. Short for rate.",
    ),
    (
        "bitrate",
        r#"{ "type": "integer", "minimum": 1, "maximum": 2000000 }"#,
        "Average bit rate in kbit/s. Short for rate.",
    ),
    (
        "passes",
        r#"{ "type": "integer", "minimum": 1, "maximum": 2 }"#,
        "Passes of an average bit rate. Short for rate.",
    ),
    ("lossless", r#"{ "enum": [true, false] }"#, "True if every sample comes back as it went in. Short for rate."),
];

/// The key that `key`, an unknown one, stands for, if both are set.
pub(super) fn twin(key: &str) -> Option<&'static str> {
    let named = NAMES.iter().find(|(_, option, _)| *option == key).map(|(_, _, key)| *key);
    named.or_else(|| RATES.contains(&key).then_some("rate"))
}

impl Node {
    /// Puts a JSON value in place of this part.
    pub(super) fn replace(&mut self, value: &Value) {
        let path = std::mem::take(&mut self.path);
        *self = Node { layer: self.layer, ..Node::of_json(value, self.spot) };
        self.locate(path);
    }

    /// The tree of a JSON value, with all parts at `spot`.
    fn of_json(value: &Value, spot: Spot) -> Node {
        let data = match value {
            Value::Null => Data::Null,
            Value::Bool(value) => Data::Bool(*value),
            Value::Number(value) => Data::Number(Number::clone(value)),
            Value::String(value) => Data::Text(value.clone()),
            Value::Array(items) => Data::List(items.iter().map(|item| Node::of_json(item, spot)).collect()),
            Value::Object(entries) => {
                Data::Table(entries.iter().map(|(key, own)| (key.clone(), Node::of_json(own, spot))).collect())
            }
        };
        Node::new(spot, data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::parse::{Language, parse};

    fn written_out(text: &str) -> Value {
        let mut tree = parse(text, Language::Toml, 0).expect("a document");
        write_out(&mut tree);
        tree.to_json()["outputs"][0].clone()
    }

    #[test]
    fn both_forms_are_the_same_job() {
        let short = r#"
            [[outputs]]
            video = { type = "x264", crf = 21, force_keyframes = ["1"] }
            audio = "aac:128k"
            picture = { fps = "25", size = "1280x-2", crop = "auto", color_override = { range = "full" } }
            cases = [{ video = "x265", picture = { crop = "720x480+0+32" } }]
        "#;
        let long = r#"
            [[outputs]]
            video = { type = "x264", keyframes = ["1"], rate = { type = "crf", value = 21 } }
            audio = { type = "aac", kbps = 128 }
            cases = [
                { video = { type = "x265" }, picture = { crop = { type = "rectangle", width = 720, height = 480, left = 0, top = 32 } } }
            ]
            [outputs.picture]
            rate = "25"
            size = { width = 1280, height = -2 }
            crop = { type = "auto" }
            source_color = { range = "full" }
        "#;
        assert_eq!(written_out(short), written_out(long));
        for (short, long) in [
            ("qp = 3", json!({ "type": "qp", "value": 3 })),
            ("bitrate = 900", json!({ "type": "bitrate", "kbps": 900 })),
            ("bitrate = 900, passes = 2", json!({ "type": "bitrate", "kbps": 900, "passes": 2 })),
            ("lossless = true", json!({ "type": "lossless" })),
        ] {
            let output = written_out(&format!("[[outputs]]\nvideo = {{ type = \"x264\", {short} }}"));
            assert_eq!(output["video"]["rate"], long, "{short}");
        }
        // What cannot be read stays as it is.
        assert_eq!(written_out("[[outputs]]\naudio = \"mp3\"")["audio"], "mp3");
        let alone = written_out("[[outputs]]\nvideo = { passes = 2 }");
        assert_eq!(alone["video"]["rate"], json!({ "passes": 2 }));
        let refused = written_out("[[outputs]]\nvideo = { lossless = \"${lossless}\" }");
        assert_eq!(refused["video"], json!({ "lossless": "${lossless}" }));
        let nothing = written_out("[[outputs]]\nvideo = { lossless = false, crf = 20 }");
        assert_eq!(nothing["video"], json!({ "rate": { "type": "crf", "value": 20 } }));
        assert_eq!(written_out("[[outputs]]\nvideo = \"${codec}\"")["video"], json!({ "type": "${codec}" }));
        let both = written_out("[[outputs]]\nvideo = { crf = 20, rate = { type = \"qp\", value = 1 } }");
        assert_eq!((&both["video"]["crf"], &both["video"]["rate"]["type"]), (&json!(20), &json!("qp")));
    }
}
