//! Compares a document with the schema of a job.
//!
//! Invariant: every key that is not known and every value of the wrong kind is told, with its place and what would be
//! right, however many there are.

use serde_json::Value;

use super::node::{Data, Node};
use crate::spec::mistake::{Mistake, closest};

/// Everything in `node` that `schema` does not allow.
pub(super) fn check(node: &Node, schema: &Value) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    Check { root: schema, mistakes: &mut mistakes }.value(node, schema, "");
    mistakes
}

struct Check<'a> {
    root: &'a Value,
    mistakes: &'a mut Vec<Mistake>,
}

impl<'a> Check<'a> {
    fn value(&mut self, node: &Node, schema: &'a Value, path: &str) {
        let schema = self.resolved(schema);
        if let Some(branches) = schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array) {
            self.branches(node, branches, path);
            return;
        }
        if let Some(expected) = self.wrong_kind(node, schema) {
            self.wrong(path, node, format!("is {}; {expected} is expected", node.kind()));
            return;
        }
        match &node.data {
            Data::Table(entries)
                if schema.get("properties").is_some() || schema.get("additionalProperties").is_some() =>
            {
                self.table(node, entries, schema, path);
            }
            Data::List(items) => {
                if let Some(of) = schema.get("items") {
                    items.iter().enumerate().for_each(|(at, item)| self.value(item, of, &format!("{path}[{at}]")));
                }
            }
            Data::Number(number) => {
                let (value, minimum) = (number.as_f64(), schema.get("minimum").and_then(Value::as_f64));
                let maximum = schema.get("maximum").and_then(Value::as_f64);
                if let (Some(value), Some(minimum)) = (value, minimum)
                    && value < minimum
                {
                    self.wrong(path, node, format!("must be {minimum} or more"));
                }
                if let (Some(value), Some(maximum)) = (value, maximum)
                    && value > maximum
                {
                    self.wrong(path, node, format!("must be {maximum} or less"));
                }
            }
            Data::Text(text) => {
                let legal = schema.get("enum").and_then(Value::as_array);
                let legal: Option<Vec<&str>> = legal.map(|legal| legal.iter().filter_map(Value::as_str).collect());
                if let Some(legal) = legal.filter(|legal| !legal.contains(&text.as_str())) {
                    self.wrong(path, node, one_of(text, &legal));
                }
            }
            _ => {}
        }
    }

    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix("#/$defs/"));
        name.and_then(|name| self.root.get("$defs")?.get(name)).unwrap_or(schema)
    }

    /// One of several: nothing, one of several words, tables that are told apart by their type, or different kinds.
    fn branches(&mut self, node: &Node, branches: &'a [Value], path: &str) {
        let branches: Vec<&'a Value> = branches.iter().map(|branch| self.resolved(branch)).collect();
        let is_null = |schema: &Value| schema.get("type").and_then(Value::as_str) == Some("null");
        if node.data == Data::Null && branches.iter().any(|branch| is_null(branch)) {
            return;
        }
        let branches: Vec<&'a Value> = branches.into_iter().filter(|branch| !is_null(branch)).collect();
        if let [only] = branches.as_slice() {
            return self.value(node, only, path);
        }
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
                    self.wrong(path, node, one_of(text, &words));
                }
            }
            Data::Table(_) if !types.is_empty() => match node.get("type") {
                None => self.wrong(path, node, format!("needs a type: {}", types.join(", "))),
                Some(own) => {
                    let name = own.text().unwrap_or_default();
                    match branches.iter().find(|branch| tag(branch) == Some(name)) {
                        Some(branch) => self.value(node, branch, path),
                        None => self.wrong(&format!("{path}.type"), own, one_of(name, &types)),
                    }
                }
            },
            _ => {
                let fits = branches.iter().find(|branch| self.wrong_kind(node, branch).is_none());
                match fits {
                    Some(branch) => self.value(node, branch, path),
                    None => {
                        let expected = match (words.is_empty(), types.is_empty()) {
                            (false, _) => format!("one of {}", words.join(", ")),
                            (_, false) => format!("a table with a type ({})", types.join(", ")),
                            _ => "another kind of value".to_owned(),
                        };
                        self.wrong(path, node, format!("is {}; {expected} is expected", node.kind()));
                    }
                }
            }
        }
    }

    fn table(&mut self, node: &Node, entries: &[(String, Node)], schema: &'a Value, path: &str) {
        let known = schema.get("properties").and_then(Value::as_object);
        let rest = schema.get("additionalProperties");
        for (key, value) in entries {
            let place = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match (known.and_then(|known| known.get(key)), rest) {
                (Some(schema), _) => self.value(value, schema, &place),
                (None, Some(Value::Bool(false))) => {
                    let names: Vec<&str> =
                        known.map(|known| known.keys().map(String::as_str).collect()).unwrap_or_default();
                    let hint = match closest(key, &names) {
                        Some(near) => format!("is not known; did you mean {near}?"),
                        None => format!("is not known; known are {}", names.join(", ")),
                    };
                    self.mistakes.push(Mistake::new(place, "", hint));
                }
                (None, Some(schema)) if schema.is_object() => self.value(value, schema, &place),
                (None, _) => {}
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        for key in required.filter(|key| node.get(key).is_none()) {
            self.wrong(path, node, format!("needs {key}"));
        }
    }

    /// What kind of value is expected, if this one is of another.
    fn wrong_kind(&self, node: &Node, schema: &Value) -> Option<String> {
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

    fn wrong(&mut self, path: &str, node: &Node, problem: String) {
        let value = match &node.data {
            Data::List(_) | Data::Table(_) | Data::Null => String::new(),
            Data::Text(text) => text.clone(),
            Data::Bool(value) => value.to_string(),
            Data::Number(number) => number.to_string(),
        };
        self.mistakes.push(Mistake::new(if path.is_empty() { "the document" } else { path }, value, problem));
    }
}

fn one_of(value: &str, legal: &[&str]) -> String {
    match closest(value, legal) {
        Some(near) => format!("did you mean {near}? Legal are {}", legal.join(", ")),
        None => format!("legal are {}", legal.join(", ")),
    }
}
