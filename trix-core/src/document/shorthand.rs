//! Short forms of settings: the names and texts of the command line's options, in place of keys and tables.
//!
//! Invariant: short forms are written out before documents are merged, so that both forms merge alike.

use serde_json::{Number, Value, json};
use trix_model::mistake::hint;

use crate::{
    document::node::{Data, Node, Spot},
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
        for (own, value) in entries.iter_mut().filter(|(own, _)| own == option) {
            *own = key.to_owned();
            // `fps = 25`
            if let Data::Number(number) = &value.data {
                value.data = Data::Text(number.to_string());
            }
        }
    }
}

/// Writes `crf`, `qp`, `bitrate` with `passes`, or `lossless` out as `rate`.
fn rate(node: &mut Node) {
    let Data::Table(entries) = &mut node.data else { return };
    if entries.iter().any(|(key, _)| key == "rate") {
        return;
    }
    let Some(at) = entries.iter().position(|(key, _)| RATES.contains(&key.as_str())) else { return };
    let (option, own) = entries.remove(at);
    let passes = entries.iter().position(|(key, _)| key == "passes").filter(|_| option == "bitrate");
    let passes = passes.map(|at| entries.remove(at).1);
    let (spot, layer) = (own.spot, own.layer);
    let word = |text: &str| Node { layer, ..Node::new(spot, Data::Text(text.to_owned())) };
    let table = match option.as_str() {
        "lossless" if matches!(own.data, Data::Bool(false)) => return,
        "lossless" => vec![("type".to_owned(), word("lossless"))],
        "bitrate" => {
            let passes = passes.map(|passes| ("passes".to_owned(), passes));
            [("type".to_owned(), word("bitrate")), ("kbps".to_owned(), own)].into_iter().chain(passes).collect()
        }
        name => vec![("type".to_owned(), word(name)), ("value".to_owned(), own)],
    };
    entries.push(("rate".to_owned(), Node { layer, ..Node::new(spot, Data::Table(table)) }));
}

/// True if `key`, in the table at `place`, is a short form of another key.
pub(super) fn stands_for(place: &str, key: &str) -> bool {
    let table = place.rsplit('.').next().unwrap_or_default();
    NAMES.iter().any(|(own, option, _)| (*own, *option) == (table, key)) || (table == "video" && RATES.contains(&key))
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
    entries.retain(|(key, _)| !new.iter().any(|(own, _)| own == key));
    entries.extend(new);
    Some(())
}

/// Describes the short keys in the schema of a document, each in the tables that have the key it stands for.
pub(super) fn describe(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(keys)) = members.get_mut("properties") {
                for (_, option, key) in NAMES {
                    // Stills and packages have no such keys; other tables have a `rate` of another kind.
                    let is_there = match key {
                        "rate" => keys.contains_key("source_color"),
                        key => keys.contains_key(key),
                    };
                    if let Some(own) = keys.get(key).filter(|_| is_there).cloned() {
                        keys.insert(option.to_owned(), own);
                    }
                }
                if keys.contains_key("maxrate") {
                    keys.extend(
                        RATE_KEYS
                            .map(|(key, kind, text)| (key.to_owned(), json!({ "type": kind, "description": text }))),
                    );
                }
            }
            members.values_mut().for_each(describe);
        }
        Value::Array(items) => items.iter_mut().for_each(describe),
        _ => {}
    }
}

/// The short forms of `rate`, with their types and meanings.
const RATE_KEYS: [(&str, &str, &str); 5] = [
    ("crf", "number", "Constant rate factor: 0 to 51; lower is better. Short for rate."),
    ("qp", "integer", "Constant quantiser: 0 to 51; lower is better. Short for rate."),
    ("bitrate", "integer", "Average bit rate in kbit/s. Short for rate."),
    ("passes", "integer", "Passes of bitrate: 1 or 2."),
    ("lossless", "boolean", "True if every sample comes back as it went in. Short for rate."),
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
            picture = { fps = 25, size = "1280x-2", crop = "auto", color_override = { range = "full" } }
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
        let both = written_out("[[outputs]]\nvideo = { crf = 20, rate = { type = \"qp\", value = 1 } }");
        assert_eq!((&both["video"]["crf"], &both["video"]["rate"]["type"]), (&json!(20), &json!("qp")));
    }
}
