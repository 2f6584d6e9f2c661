//! Compares a document with the schema of a job. All checks of single values of a document are here.
//!
//! Invariant: every unknown key and every unreadable value is reported, with its place and what is expected. A reported
//! value is taken out of the tree, so that the rest becomes a job. The tree is walked once.

use serde_json::{Value, json};
use trix_model::{decision::Decision, mistake::closest, time::Timestamp};

use crate::{
    document::{
        node::{Data, Node, Placed},
        readers::{Reader, reader},
        schema::{self, alternatives, name, resolved},
        shorthand,
        sources::Texts,
    },
    settings::video::Encoder,
};

/// The number of mistakes that are collected. Nobody reads more, and a document can have a hundred thousand.
pub(super) const MOST: usize = 1000;

/// What a check found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) mistakes: Vec<Placed>,
    /// Inherited settings that the type of a nearer document does not have. They are left out.
    pub(super) notes: Vec<Decision>,
}

/// Returns everything in `tree` that `schema`, a part of `root`, does not allow. These nodes become [`Data::Out`];
/// elements of lists are removed.
pub(super) fn check(tree: &mut Node, root: &Value, schema: &Value, texts: &Texts) -> Found {
    let mut check = Check { root, texts, found: Found::default() };
    check.value(tree, schema);
    check.found
}

struct Check<'a> {
    root: &'a Value,
    texts: &'a Texts,
    found: Found,
}

impl<'a> Check<'a> {
    fn value(&mut self, node: &mut Node, schema: &'a Value) {
        if node.is_out() {
            return;
        }
        let name = name(schema).or_else(|| schema.get("format")?.as_str());
        if let Some(Some(short)) = name.zip(node.text()).map(|(name, text)| shorthand::value(name, text)) {
            match short {
                Ok(value) => node.replace(&value),
                Err(problem) => return self.wrong(node, problem),
            }
        }
        if let (Some("FrameRate"), Data::Number(number)) = (name, &node.data) {
            node.data = Data::Text(number.to_string());
        }
        let expected = match name {
            Some("Timestamp") => Some("a time such as \"12.5\" or \"00:01:30\""),
            Some("Rational") => Some("a fraction such as \"24000/1001\""),
            _ => None,
        };
        if let Some(expected) = expected.filter(|_| node.text().is_none()) {
            return self.wrong(node, format!("is {}; {expected} is expected, as text", node.kind()));
        }
        if name == Some("Ffv1Rate") && node.get("type").and_then(Node::text) != Some("lossless") {
            let lacks = Encoder::Ffv1.lacks("rate").unwrap_or_default();
            return self.wrong(node, format!("{lacks}; legal is the type lossless"));
        }
        let schema = resolved(self.root, schema);
        match schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array) {
            Some(branches) => self.branches(node, branches),
            None => self.plain(node, schema),
        }
        if let Some(reader) = name.and_then(reader).filter(|_| !node.is_out()) {
            self.read(node, reader);
        }
    }

    /// Checks a value of one kind.
    fn plain(&mut self, node: &mut Node, schema: &'a Value) {
        if let Some(expected) = wrong_kind(node, schema) {
            return self.wrong(node, format!("is {}; {expected} is expected", node.kind()));
        }
        match &mut node.data {
            Data::Table(_) if schema.get("properties").is_some() || schema.get("additionalProperties").is_some() => {
                self.table(node, schema);
            }
            Data::List(items) => {
                if let Some(of) = schema.get("items") {
                    items.iter_mut().for_each(|item| self.value(item, of));
                }
                items.retain(|item| !item.is_out());
            }
            Data::Number(number) => {
                let value = number.as_f64().unwrap_or(f64::NAN);
                let (least, most) = bounds(schema);
                if let Some(least) = least.filter(|least| value < *least) {
                    self.wrong(node, format!("must be {least} or more"));
                } else if let Some(most) = most.filter(|most| value > *most) {
                    self.wrong(node, format!("must be {most} or less"));
                }
            }
            Data::Text(_) => self.word(node, &words(&[schema])),
            _ => {}
        }
    }

    /// Checks a value of a type that has a reader. Elements of a list are checked one by one.
    fn read(&mut self, node: &mut Node, reader: Reader) {
        if let Data::List(items) = &mut node.data {
            for item in items.iter_mut() {
                if let Some(problem) = reader(json!([item.to_json()])) {
                    self.wrong(item, problem);
                }
            }
            items.retain(|item| !item.is_out());
        } else if let Some(problem) = reader(node.to_json()) {
            self.wrong(node, problem);
        }
    }

    /// Checks a value for which the schema lists alternatives: null, one of several words, tables with different `type`
    /// keys, or values of different kinds.
    fn branches(&mut self, node: &mut Node, branches: &'a [Value]) {
        let is_null = |schema: &Value| schema.get("type").and_then(Value::as_str) == Some("null");
        let (nothing, named): (Vec<&'a Value>, Vec<&'a Value>) = branches.iter().partition(|branch| is_null(branch));
        if matches!(node.data, Data::Null) && !nothing.is_empty() {
            return;
        }
        if let [only] = named.as_slice() {
            return self.value(node, only);
        }
        let branches: Vec<&'a Value> = named.into_iter().map(|branch| resolved(self.root, branch)).collect();
        let words = words(&branches);
        let types: Vec<&str> = branches.iter().filter_map(|branch| schema::tag(branch)).collect();
        match &node.data {
            Data::Text(_) if !words.is_empty() => self.word(node, &words),
            Data::Table(_) if !types.is_empty() => match node.get_mut("type") {
                None => self.wrong(node, format!("needs a type: {}", types.join(", "))),
                Some(own) => {
                    let name = own.text().unwrap_or_default().to_owned();
                    match branches.iter().find(|branch| schema::tag(branch) == Some(name.as_str())) {
                        Some(branch) => self.value(node, branch),
                        None => {
                            self.word(own, &types);
                            // The type is unknown, so the legal keys of this table are unknown too.
                            node.data = Data::Out;
                        }
                    }
                }
            },
            _ => match branches.iter().find(|branch| wrong_kind(node, branch).is_none()) {
                Some(branch) => self.value(node, branch),
                None => {
                    let expected = match (words.is_empty(), types.is_empty()) {
                        (false, _) => format!("one of {}", words.join(", ")),
                        (_, false) => format!("a table with a type ({})", types.join(", ")),
                        _ => "another kind of value".to_owned(),
                    };
                    self.wrong(node, format!("is {}; {expected} is expected", node.kind()));
                }
            },
        }
    }

    fn table(&mut self, node: &mut Node, schema: &'a Value) {
        let kind = node.get("type").and_then(Node::text).unwrap_or_default().to_owned();
        let shape = Shape::of(node);
        let Data::Table(entries) = &mut node.data else { return };
        let known = schema.get("properties").and_then(Value::as_object);
        let rest = schema.get("additionalProperties");
        for (key, value) in entries.iter_mut().filter(|(_, value)| !value.is_out()) {
            if self.found.mistakes.len() > MOST {
                // Nobody reads more, and looking for the nearest keys takes time.
                value.data = Data::Out;
                continue;
            }
            match (known.and_then(|known| known.get(key)), rest) {
                (Some(schema), _) => match self.misfit(key, value, schema) {
                    Some(problem) => self.leave_out(value, &problem),
                    None => self.value(value, schema),
                },
                (None, Some(Value::Bool(false))) => {
                    if value.is_of_other_type && self.fits_an_encoder(key, value) {
                        self.leave_out(value, &format!("{kind} has no {key}"));
                        continue;
                    }
                    let names: Vec<&str> =
                        known.map(|known| known.keys().map(String::as_str).collect()).unwrap_or_default();
                    let is_of = |encoder: &Encoder| schema::tag(schema) == Some(encoder.to_string().as_str());
                    let encoder = Encoder::ALL.into_iter().find(is_of);
                    if let Some(lacks) = encoder.and_then(|encoder| encoder.lacks(key)) {
                        if !asks_nothing(key, value) {
                            self.wrong(value, format!("{lacks}; known are {}", names.join(", ")));
                        }
                        value.data = Data::Out;
                        continue;
                    }
                    if shape.asks_no_lossless(key, value, encoder) {
                        value.data = Data::Out;
                        continue;
                    }
                    let hint = match closest(key, &names) {
                        _ if key == "lossless" && encoder == Some(Encoder::Ffv1) => {
                            "ffv1 is always lossless".to_owned()
                        }
                        _ if key == "passes" && names.contains(&"rate") => {
                            "goes with a bit rate: bitrate = 4000, passes = 2".to_owned()
                        }
                        _ if encoder.is_some() && matches!(key.as_str(), "size" | "resampler") => {
                            format!("is a key of picture: picture.{key}")
                        }
                        _ if let Some(twin) = shorthand::twin(key).filter(|twin| names.contains(twin)) => {
                            match shape.0.iter().any(|(own, _)| own == twin) {
                                true => format!("is another form of {twin}, which is set too"),
                                false => {
                                    format!("is {}; true or false is expected, or {twin} in its place", value.kind())
                                }
                            }
                        }
                        near => match (self.elsewhere(schema, key, &shape), near) {
                            (Some(place), _) => format!("is not a key of this table; write {place}"),
                            (None, Some(near)) => format!("is not known; did you mean {near}?"),
                            (None, None) => format!("is not known; known are {}", names.join(", ")),
                        },
                    };
                    self.refuse(value.mistake("", hint));
                    value.data = Data::Out;
                }
                (None, Some(schema)) if schema.is_object() => self.value(value, schema),
                (None, _) => {}
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let mut is_whole = true;
        for key in required {
            match node.get(key) {
                None => {
                    is_whole = false;
                    self.refuse(node.mistake("", format!("needs {key}")));
                }
                Some(value) => is_whole &= !value.is_out(),
            }
        }
        if !is_whole {
            node.data = Data::Out;
        }
    }

    /// Where a key belongs that the table with this schema does not have: the name of an option, or a key that exactly one
    /// table in it has. `shape` is that of the table.
    fn elsewhere(&self, schema: &Value, key: &str, shape: &Shape) -> Option<String> {
        let known = schema.get("properties").and_then(Value::as_object)?;
        let is_known = |place: &&str| known.contains_key(place.split(['.', ' ']).next().unwrap_or(place));
        // In the table itself, its name is left out.
        let own = |place: &'static str| place.split_once('.').map_or(place, |(_, own)| own);
        let named = shorthand::option(key);
        let named = named.filter(is_known).or_else(|| named.map(own).filter(is_known));
        if named.is_some() || key == "type" {
            return named.map(str::to_owned);
        }
        let has = |name: &str, own: &Value| {
            let tables = alternatives(self.root, own).into_iter();
            let mut fitting = tables.filter(|own| shape.kind(name).is_none_or(|kind| schema::tag(own) == Some(kind)));
            shorthand::stands_for(name, key) || fitting.any(|own| own["properties"].get(key).is_some())
        };
        let mut places = known.iter().filter(|(name, own)| has(name, own)).map(|(name, _)| format!("{name}.{key}"));
        places.next().filter(|_| places.next().is_none())
    }

    /// Why a setting that was inherited from another encoder does not fit. `None` if it fits, or if it fits no encoder.
    fn misfit(&self, key: &str, node: &Node, schema: &'a Value) -> Option<String> {
        let problem = self.problem(node, schema).filter(|_| node.is_of_other_type)?;
        self.fits_an_encoder(key, node).then_some(problem)
    }

    /// True if an encoder takes this value of `key`.
    fn fits_an_encoder(&self, key: &str, node: &Node) -> bool {
        let mut schemas = schema::encoders(self.root).into_iter().filter_map(|own| own.get("properties")?.get(key));
        schemas.any(|schema| self.problem(node, schema).is_none())
    }

    /// The first mistake in a value.
    fn problem(&self, node: &Node, schema: &Value) -> Option<String> {
        let found = check(&mut node.clone(), self.root, schema, self.texts);
        found.mistakes.into_iter().next().map(|placed| placed.mistake.problem)
    }

    /// Leaves out an inherited setting that does not fit the type of a nearer document.
    fn leave_out(&mut self, node: &mut Node, problem: &str) {
        let from = self.texts.name(node.spot);
        self.found.notes.push(Decision::new(format!("{} of {from} is left out", node.path), problem));
        node.data = Data::Out;
    }

    /// Checks that the text is one of the words `legal`, if there are any.
    fn word(&mut self, node: &mut Node, legal: &[&str]) {
        let own = node.text().unwrap_or_default();
        if !legal.is_empty() && !legal.contains(&own) {
            let problem = match closest(own, legal) {
                Some(near) => format!("is not known; did you mean {near}? Legal are {}", legal.join(", ")),
                None => format!("is not known; legal are {}", legal.join(", ")),
            };
            self.wrong(node, problem);
        }
    }

    fn wrong(&mut self, node: &mut Node, problem: String) {
        self.refuse(node.mistake(&node.shown(), problem));
        node.data = Data::Out;
    }

    fn refuse(&mut self, mistake: Placed) {
        if self.found.mistakes.len() <= MOST {
            self.found.mistakes.push(mistake);
        }
    }
}

/// The keys of a table, and the `type` of the tables in it.
struct Shape(Vec<(String, Option<String>)>);

impl Shape {
    fn of(node: &Node) -> Self {
        let kind = |own: &Node| own.get("type").and_then(Node::text).map(str::to_owned);
        Shape(node.entries().iter().map(|(key, own)| (key.clone(), kind(own))).collect())
    }

    /// The `type` of the table `key`.
    fn kind(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == key).and_then(|(_, kind)| kind.as_deref())
    }

    /// True for `lossless = false`, which sets nothing where the rate is not lossless. FFV1 has no other rate.
    fn asks_no_lossless(&self, key: &str, value: &Node, encoder: Option<Encoder>) -> bool {
        let is_no = key == "lossless" && matches!(value.data, Data::Bool(false));
        is_no && encoder.is_some_and(|own| own != Encoder::Ffv1) && self.kind("rate") != Some("lossless")
    }
}

/// True if an encoder can ignore a setting that it lacks: an empty value, or a time between keyframes, where every frame is
/// a keyframe.
fn asks_nothing(key: &str, value: &Node) -> bool {
    let is_time = || value.text().is_some_and(|text| text.parse::<Timestamp>().is_ok());
    (key == "key_interval" && is_time())
        || matches!(value.data, Data::Null)
        || matches!(&value.data, Data::List(items) if items.is_empty())
}

/// The smallest and the largest number that the type of a key holds. A narrower range in the schema is the planner's: it
/// refuses what is outside, together with all other mistakes.
fn bounds(schema: &Value) -> (Option<f64>, Option<f64>) {
    match schema.get("format").and_then(Value::as_str) {
        Some("double") => (None, None),
        Some("int32") => (Some(i32::MIN.into()), Some(i32::MAX.into())),
        Some("uint32") => (Some(0.0), Some(u32::MAX.into())),
        // The other types are whole numbers from 0 on, and hold every number that a document can.
        _ => (Some(0.0), None),
    }
}

/// Returns the expected kind of value if this one is of another kind.
fn wrong_kind(node: &Node, schema: &Value) -> Option<String> {
    let names = match schema.get("type")? {
        Value::Array(names) => names.as_slice(),
        name => std::slice::from_ref(name),
    };
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    let word = |name: &str| match name {
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "text",
        "array" => "a list",
        "object" => "a table",
        _ => "nothing",
    };
    let is_whole = matches!(&node.data, Data::Number(number) if !number.is_f64());
    let fits = names.iter().any(|name| word(name) == node.kind() || (*name == "integer" && is_whole));
    let expected: Vec<&str> = names.iter().filter(|name| **name != "null").map(|name| word(name)).collect();
    (!fits).then(|| expected.join(" or "))
}

/// The words that one of `branches` allows.
fn words<'a>(branches: &[&'a Value]) -> Vec<&'a str> {
    let of_branch = |branch: &&'a Value| {
        let listed = branch.get("enum").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        branch.get("const").into_iter().chain(listed)
    };
    branches.iter().flat_map(of_branch).filter_map(Value::as_str).collect()
}
