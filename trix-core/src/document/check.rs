//! Compares a document with the schema of a job.
//!
//! Invariant: every key that is not known and every value of the wrong kind is told, with its place and what would be
//! right; what is told is taken out of the tree, so that the rest can be judged too.

use serde_json::Value;
use trix_model::{
    mistake::{Mistake, closest},
    time::{Rational, Timestamp},
};

use crate::document::node::{Data, Node, below};

/// Mistakes that are looked for. Nobody reads more, and a document can have a hundred thousand.
pub(super) const MOST: usize = 1000;

/// Everything in `tree`, which stands at `path`, that `schema`, a part of `root`, does not allow. It is out afterwards.
pub(super) fn check(tree: &mut Node, root: &Value, schema: &Value, path: &str) -> Vec<Mistake> {
    let mut check = Check { root, mistakes: Vec::new() };
    check.value(tree, schema, path);
    check.mistakes
}

/// What `schema` refers to in `root`.
pub(super) fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    name(schema).and_then(|name| root.get("$defs")?.get(name)).unwrap_or(schema)
}

fn name(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

struct Check<'a> {
    root: &'a Value,
    mistakes: Vec<Mistake>,
}

impl<'a> Check<'a> {
    fn value(&mut self, node: &mut Node, schema: &'a Value, path: &str) {
        if node.is_out() {
            return;
        }
        if let Some(problem) = name(schema).and_then(|name| unreadable(name, node)) {
            self.wrong(path, node, problem);
            return;
        }
        let schema = resolved(self.root, schema);
        if let Some(branches) = schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array) {
            self.branches(node, branches, path);
            return;
        }
        if let Some(expected) = wrong_kind(node, schema) {
            self.wrong(path, node, format!("is {}; {expected} is expected", node.kind()));
            return;
        }
        match &mut node.data {
            Data::Table(_) if schema.get("properties").is_some() || schema.get("additionalProperties").is_some() => {
                self.table(node, schema, path);
            }
            Data::List(items) => {
                if let Some(of) = schema.get("items") {
                    items.iter_mut().enumerate().for_each(|(at, item)| self.value(item, of, &format!("{path}[{at}]")));
                }
            }
            Data::Number(number) => {
                let value = number.as_f64().unwrap_or(f64::NAN);
                let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
                if let Some(minimum) = bound("minimum").filter(|minimum| value < *minimum) {
                    self.wrong(path, node, format!("must be {minimum} or more"));
                } else if let Some(maximum) = bound("maximum").filter(|maximum| value > *maximum) {
                    self.wrong(path, node, format!("must be {maximum} or less"));
                }
            }
            Data::Text(text) => {
                let legal = schema.get("enum").and_then(Value::as_array);
                let legal: Option<Vec<&str>> = legal.map(|legal| legal.iter().filter_map(Value::as_str).collect());
                if let Some(legal) = legal.filter(|legal| !legal.contains(&text.as_str())) {
                    let problem = one_of(text, &legal);
                    self.wrong(path, node, problem);
                }
            }
            _ => {}
        }
    }

    /// One of several: nothing, one of several words, tables that are told apart by their type, or different kinds.
    fn branches(&mut self, node: &mut Node, branches: &'a [Value], path: &str) {
        let is_null = |schema: &Value| schema.get("type").and_then(Value::as_str) == Some("null");
        let (nothing, named): (Vec<&'a Value>, Vec<&'a Value>) = branches.iter().partition(|branch| is_null(branch));
        if node.data == Data::Null && !nothing.is_empty() {
            return;
        }
        if let [only] = named.as_slice() {
            return self.value(node, only, path);
        }
        let branches: Vec<&'a Value> = named.into_iter().map(|branch| resolved(self.root, branch)).collect();
        let constant = |schema: &'a Value| schema.get("const").and_then(Value::as_str);
        let words: Vec<&str> = branches
            .iter()
            .flat_map(|branch| {
                let listed =
                    branch.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
                constant(branch).into_iter().chain(listed)
            })
            .collect();
        let tag = |schema: &'a Value| constant(schema.get("properties")?.get("type")?);
        let types: Vec<&str> = branches.iter().filter_map(|branch| tag(branch)).collect();
        match &node.data {
            Data::Text(text) if !words.is_empty() => {
                if !words.contains(&text.as_str()) {
                    let problem = one_of(text, &words);
                    self.wrong(path, node, problem);
                }
            }
            Data::Table(_) if !types.is_empty() => match node.get_mut("type") {
                None => self.wrong(path, node, format!("needs a type: {}", types.join(", "))),
                Some(own) => {
                    let name = own.text().unwrap_or_default().to_owned();
                    match branches.iter().find(|branch| tag(branch) == Some(name.as_str())) {
                        Some(branch) => self.value(node, branch, path),
                        None => {
                            self.wrong(&below(path, "type"), own, one_of(&name, &types));
                            // Nobody knows what else may stand in it.
                            node.data = Data::Out;
                        }
                    }
                }
            },
            _ => match branches.iter().find(|branch| wrong_kind(node, branch).is_none()) {
                Some(branch) => self.value(node, branch, path),
                None => {
                    let expected = match (words.is_empty(), types.is_empty()) {
                        (false, _) => format!("one of {}", words.join(", ")),
                        (_, false) => format!("a table with a type ({})", types.join(", ")),
                        _ => "another kind of value".to_owned(),
                    };
                    self.wrong(path, node, format!("is {}; {expected} is expected", node.kind()));
                }
            },
        }
    }

    fn table(&mut self, node: &mut Node, schema: &'a Value, path: &str) {
        let Data::Table(entries) = &mut node.data else { return };
        let known = schema.get("properties").and_then(Value::as_object);
        let rest = schema.get("additionalProperties");
        for (key, value) in entries.iter_mut().filter(|(_, value)| !value.is_out()) {
            let place = below(path, key);
            match (known.and_then(|known| known.get(key)), rest) {
                (Some(schema), _) => self.value(value, schema, &place),
                (None, Some(Value::Bool(false))) => {
                    let names: Vec<&str> =
                        known.map(|known| known.keys().map(String::as_str).collect()).unwrap_or_default();
                    let hint = match closest(key, &names) {
                        Some(near) => format!("is not known; did you mean {near}?"),
                        None => format!("is not known; known are {}", names.join(", ")),
                    };
                    self.tell(Mistake::new(place, "", hint));
                    value.data = Data::Out;
                }
                (None, Some(schema)) if schema.is_object() => self.value(value, schema, &place),
                (None, _) => {}
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let mut is_whole = true;
        for key in required {
            match node.get(key) {
                None => {
                    is_whole = false;
                    self.tell(Mistake::new(named(path), "", format!("needs {key}")));
                }
                Some(value) => is_whole &= !value.is_out(),
            }
        }
        if !is_whole {
            node.data = Data::Out;
        }
    }

    fn wrong(&mut self, path: &str, node: &mut Node, problem: String) {
        let value = match &node.data {
            Data::Text(text) => text.clone(),
            Data::Bool(value) => value.to_string(),
            Data::Number(number) => number.to_string(),
            _ => String::new(),
        };
        self.tell(Mistake::new(named(path), value, problem));
        node.data = Data::Out;
    }

    fn tell(&mut self, mistake: Mistake) {
        if self.mistakes.len() <= MOST {
            self.mistakes.push(mistake);
        }
    }
}

fn named(path: &str) -> &str {
    if path.is_empty() { "the document" } else { path }
}

/// What is wrong with a text that stands for something else; `name` is that of its type.
fn unreadable(name: &str, node: &Node) -> Option<String> {
    let expected = match name {
        "Timestamp" => "a time such as \"12.5\" or \"00:01:30\"",
        "Rational" => "a fraction such as \"24000/1001\"",
        _ => return None,
    };
    match (name, node.text()) {
        (_, None) => Some(format!("is {}; {expected} is expected, as text", node.kind())),
        ("Timestamp", Some(text)) => text.parse::<Timestamp>().err(),
        (_, Some(text)) => text.parse::<Rational>().err(),
    }
}

/// What kind of value is expected, if this one is of another.
fn wrong_kind(node: &Node, schema: &Value) -> Option<String> {
    let names: Vec<&str> = match schema.get("type")? {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let fits = names.iter().any(|name| match (*name, &node.data) {
        ("null", Data::Null)
        | ("boolean", Data::Bool(_))
        | ("number", Data::Number(_))
        | ("string", Data::Text(_))
        | ("array", Data::List(_))
        | ("object", Data::Table(_)) => true,
        ("integer", Data::Number(number)) => number.is_i64() || number.is_u64(),
        _ => false,
    });
    let words = |name: &str| match name {
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "text",
        "array" => "a list",
        "object" => "a table",
        _ => "nothing",
    };
    let expected: Vec<&str> = names.iter().filter(|name| **name != "null").map(|name| words(name)).collect();
    (!fits).then(|| expected.join(" or "))
}

fn one_of(value: &str, legal: &[&str]) -> String {
    match closest(value, legal) {
        Some(near) => format!("did you mean {near}? Legal are {}", legal.join(", ")),
        None => format!("legal are {}", legal.join(", ")),
    }
}
