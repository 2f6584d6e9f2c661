//! Short forms of settings: the names and texts of the command line's options, in place of keys and tables.
//!
//! Invariant: short forms are written out before documents are merged, so that both forms merge alike.

use serde_json::{Map, Number, Value, json};
use trix_model::mistake::hint;

use crate::{
    document::{
        node::{Data, Node, Spot},
        sources::Texts,
    },
    encode::option_names::{self, PRESETS},
    planner::AC3_KBPS,
    settings::{
        audio::AudioSettings,
        picture::Crop,
        subtitle::SubtitleSettings,
        video::{Encoder, Size},
    },
};

/// The types of which a text is a short form, by their names in the schema.
pub(super) const TYPES: [&str; 5] = ["Size", "Crop", "AudioSettings", "SubtitleSettings", "VideoSettings"];

/// Option names that jobs have as other keys, each with the table that has the key.
const NAMES: [(&str, &str, &str); 3] = [
    ("picture", "fps", "rate"),
    ("picture", "color_override", "source_color"),
    ("video", "force_keyframes", "keyframes"),
];

/// Options that stand for `rate` in the table of an encoder.
const RATES: [&str; 5] = ["crf", "qp", "bitrate", "lossless", "target"];

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
                write_out_table(own, "video");
            }
            "audio" => read(own, "AudioSettings"),
            "subtitles" => read(own, "SubtitleSettings"),
            "picture" => {
                write_out_table(own, "picture");
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
        "SubtitleSettings" => of(text.parse::<SubtitleSettings>()),
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

/// Writes `crf`, `qp`, `bitrate`, `passes`, `target` and `lossless = true` out as `rate`.
fn rate(node: &mut Node) {
    let Data::Table(entries) = &mut node.data else { return };
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
            "target" => table.extend(target(own)),
            _ => table.push(("value".to_owned(), own)),
        }
    }
    table.extend(passes);
    entries.push(("rate".to_owned(), Node { layer, ..Node::new(spot, Data::Table(table)) }));
}

/// The keys for which a target such as `psnr=42` stands. What cannot be read stays, and is a mistake later.
fn target(own: Node) -> Vec<(String, Node)> {
    let named = |key: &str, node: Node| (key.to_owned(), node);
    let Some((metric, score)) = own.text().and_then(|text| text.split_once('=')) else {
        return vec![named("metric", own)];
    };
    let (metric, score) = (json!(metric.trim()), score.trim().parse::<f64>().map_or(json!(score), |own| json!(own)));
    [("metric", metric), ("value", score)]
        .into_iter()
        .map(|(key, value)| {
            let mut node = own.clone();
            node.replace(&value);
            named(key, node)
        })
        .collect()
}

/// Lets `over`, the settings of an encoder that stand nearer to the user, decide if the encode is lossless: `lossless =
/// false` takes a lossless rate away from `under`, and a rate takes away its `lossless = false`.
pub(super) fn give_way(under: &mut Node, over: &Node, texts: &Texts) {
    let gives_way =
        |under: Option<&Node>, over: &Node| under.is_some_and(|own| !texts.is_nearer(own.layer, over.layer));
    if let Some(own) = over.get("lossless").filter(|own| matches!(own.data, Data::Bool(false)))
        && gives_way(under.get("rate").filter(|rate| is_lossless(rate)), own)
    {
        under.take("rate");
    }
    if let Some(own) = over.get("rate")
        && gives_way(under.get("lossless"), own)
    {
        under.take("lossless");
    }
}

/// True for a lossless rate.
pub(super) fn is_lossless(rate: &Node) -> bool {
    rate.get("type").and_then(Node::text) == Some("lossless")
}

/// True if `key`, in the table at `place`, is a short form of another key.
pub(super) fn stands_for(place: &str, key: &str) -> bool {
    let table = place.rsplit('.').next().unwrap_or_default();
    let is_rate = RATES.contains(&key) || key == "passes";
    NAMES.iter().any(|(own, option, _)| (*own, *option) == (table, key)) || (table == "video" && is_rate)
}

/// Writes out the short forms in the table at `place`.
pub(super) fn write_out_table(table: &mut Node, place: &str) {
    let name = place.rsplit('.').next().unwrap_or_default();
    rename(table, name);
    if name == "video" {
        rate(table);
    }
}

/// Describes the short keys in the schema of a document, in the tables that have the keys they stand for.
pub(super) fn describe(schema: &mut Value) {
    let defined = &mut schema["$defs"];
    let rates = defined["RateControl"].clone();
    if let Some(Value::Object(keys)) = defined["PictureSettings"].get_mut("properties") {
        add_names(keys, "picture");
    }
    add_rates_of_ac3(&mut defined["AudioSettings"]);
    for encoder in defined["VideoSettings"].get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(Value::Object(keys)) = encoder.get_mut("properties") else { continue };
        add_names(keys, "video");
        if keys.contains_key("maxrate") {
            add_rates(keys, &rates);
        }
        add_words(keys);
    }
}

/// The short forms of `rate`: the key, the type and the key of the rate, and the meaning.
const SHORT_RATES: [(&str, &str, &str, &str); 4] = [
    ("crf", "crf", "value", "Constant rate factor; lower is better. Short for rate."),
    ("qp", "qp", "value", "Constant quantiser; lower is better. Short for rate."),
    ("bitrate", "bitrate", "kbps", "Average bit rate in kbit/s. Short for rate."),
    ("passes", "bitrate", "passes", "Passes of an average bit rate. Short for rate."),
];

/// Adds the short forms of `rate` to the keys of an encoder. `rates` is the schema of rates.
fn add_rates(keys: &mut Map<String, Value>, rates: &Value) {
    let types = || rates["oneOf"].as_array().into_iter().flatten();
    for (key, kind, value, about) in SHORT_RATES {
        let of_kind = types().find(|own| own["properties"]["type"]["const"] == kind);
        let Some(mut own) = of_kind.map(|own| own["properties"][value].clone()) else { continue };
        own["description"] = json!(about);
        if let Some(own) = own.as_object_mut() {
            own.remove("default");
        }
        keys.insert(key.to_owned(), own);
    }
    let about = "A score that the encode reaches, such as psnr=42, ssim=0.985 or vmaf=95. Short for rate.";
    let pattern = r"^(psnr|ssim|vmaf)=[0-9]+(\.[0-9]+)?$";
    keys.insert("target".to_owned(), json!({ "type": "string", "pattern": pattern, "description": about }));
    // A variable cannot say if an encode is lossless.
    let about = "True if every sample comes back as it went in; false takes back an inherited true. Short for rate.";
    keys.insert("lossless".to_owned(), json!({ "enum": [true, false], "description": about }));
}

/// Adds what the encoder has whose `type` the keys have: its depths, presets, tunes and profiles, and its quantisers.
fn add_words(keys: &mut Map<String, Value>) {
    let kind = keys.get("type").and_then(|kind| kind["const"].as_str()).map(str::to_owned);
    let Some(encoder) = Encoder::ALL.into_iter().find(|own| Some(own.to_string()) == kind) else { return };
    if let Some(own) = keys.get_mut("depth") {
        own["enum"] = json!(encoder.depths().iter().map(|depth| json!(depth)).chain([Value::Null]).collect::<Vec<_>>());
    }
    if let Some(own) = keys.get_mut("qp") {
        own["maximum"] = json!(encoder.most_qp());
    }
    let words =
        [("preset", PRESETS), ("tune", option_names::tunes(encoder)), ("profile", option_names::profiles(encoder))];
    for (key, names) in words {
        if let Some(own) = keys.get_mut(key) {
            own["examples"] = json!(names);
        }
    }
}

/// Adds the legal bit rates of AC-3.
fn add_rates_of_ac3(audio: &mut Value) {
    let types = audio.get_mut("oneOf").and_then(Value::as_array_mut).into_iter().flatten();
    for own in types.filter(|own| own["properties"]["type"]["const"] == "ac3") {
        own["properties"]["kbps"]["enum"] =
            json!(AC3_KBPS.iter().map(|own| json!(own)).chain([Value::Null]).collect::<Vec<_>>());
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
            subtitles = "srt"
            picture = { fps = "25", size = "1280x-2", crop = "auto", color_override = { range = "full" } }
            cases = [{ video = "x265", picture = { crop = "720x480+0+32" } }]
        "#;
        let long = r#"
            [[outputs]]
            video = { type = "x264", keyframes = ["1"], rate = { type = "crf", value = 21 } }
            audio = { type = "aac", kbps = 128 }
            subtitles = { type = "subrip" }
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
        assert_eq!(nothing["video"], json!({ "lossless": false, "rate": { "type": "crf", "value": 20 } }));
        assert_eq!(written_out("[[outputs]]\nvideo = \"${codec}\"")["video"], json!({ "type": "${codec}" }));
        let both = written_out("[[outputs]]\nvideo = { crf = 20, rate = { type = \"qp\", value = 1 } }");
        assert_eq!((&both["video"]["crf"], &both["video"]["rate"]["type"]), (&json!(20), &json!("qp")));
    }
}
