//! Writes a job in each language, independently of how Trix reads it, and returns the line of each part.

use std::collections::BTreeMap;

use serde_json::Value;
use trix_core::document::Language;

pub const LANGUAGES: [Language; 3] = [Language::Toml, Language::Yaml, Language::Json];

/// A text, and the line of each place in it.
pub struct Written {
    pub text: String,
    pub lines: BTreeMap<String, usize>,
    /// The number of bytes that were counted, and the number of lines that end in them.
    counted: (usize, usize),
}

/// Writes the table `job`. TOML has no null, so keys with null are left out.
pub fn written(job: &Value, language: Language) -> Written {
    let mut written = Written { text: String::new(), lines: BTreeMap::new(), counted: (0, 0) };
    match language {
        Language::Toml => written.toml(job),
        Language::Yaml => written.yaml(job, "", 0),
        Language::Json => written.json(job, "", 0),
    }
    written
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn below(place: &str, key: &str) -> String {
    let key = if key.is_empty() || key.contains(['.', '[', ']', '"']) { quoted(key) } else { key.to_owned() };
    if place.is_empty() { key } else { format!("{place}.{key}") }
}

/// The parts of a table or list, with their places and, in a table, their keys.
fn parts<'a>(value: &'a Value, place: &str) -> Vec<(String, Option<&'a String>, &'a Value)> {
    match value {
        Value::Object(entries) => entries.iter().map(|(key, own)| (below(place, key), Some(key), own)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, own)| (format!("{place}[{n}]"), None, own)).collect(),
        _ => Vec::new(),
    }
}

impl Written {
    fn here(&mut self, place: String) {
        let (from, before) = self.counted;
        self.counted = (self.text.len(), before + self.text[from..].matches('\n').count());
        self.lines.insert(place, 1 + self.counted.1);
    }

    fn json(&mut self, value: &Value, place: &str, level: usize) {
        let (open, close) = match value {
            Value::Object(_) => ('{', '}'),
            Value::Array(_) => ('[', ']'),
            _ => return self.text.push_str(&value.to_string()),
        };
        self.text.push(open);
        for (number, (place, key, own)) in parts(value, place).into_iter().enumerate() {
            self.text.push_str(if number > 0 { ",\n" } else { "\n" });
            self.here(place.clone());
            self.text.push_str(&"  ".repeat(level + 1));
            key.into_iter().for_each(|key| self.text.push_str(&format!("{}: ", quoted(key))));
            self.json(own, &place, level + 1);
        }
        self.text.push_str(&format!("\n{}{close}", "  ".repeat(level)));
    }

    fn yaml(&mut self, value: &Value, place: &str, level: usize) {
        let parts = parts(value, place);
        if parts.is_empty() {
            return self.text.push_str(&format!("{value}\n"));
        }
        if level > 0 {
            self.text.push('\n');
        }
        for (place, key, own) in parts {
            self.here(place.clone());
            self.text.push_str(&"  ".repeat(level));
            self.text.push_str(&key.map_or("- ".to_owned(), |key| format!("{}: ", quoted(key))));
            self.yaml(own, &place, level + 1);
        }
    }

    fn toml(&mut self, job: &Value) {
        let is_block = |own: &Value| match own {
            Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_object),
            own => own.is_object(),
        };
        let (blocks, plain): (Vec<_>, Vec<_>) = parts(job, "").into_iter().partition(|(.., own)| is_block(own));
        self.toml_keys(plain);
        for (place, key, own) in blocks {
            let key = quoted(key.expect("a key"));
            let (open, tables) = match own {
                Value::Array(_) => (format!("[[{key}]]\n"), parts(own, &place)),
                _ => (format!("[{key}]\n"), vec![(place, None, own)]),
            };
            for (place, _, table) in tables {
                self.here(place.clone());
                self.text.push_str(&open);
                self.toml_keys(parts(table, &place));
            }
        }
    }

    fn toml_keys(&mut self, entries: Vec<(String, Option<&String>, &Value)>) {
        for (place, key, own) in entries.into_iter().filter(|(.., own)| !own.is_null()) {
            self.here(place.clone());
            self.text.push_str(&format!("{} = ", quoted(key.expect("a key"))));
            self.toml_inline(own, &place);
            self.text.push('\n');
        }
    }

    fn toml_inline(&mut self, value: &Value, place: &str) {
        let (open, close) = match value {
            Value::Object(_) => ('{', '}'),
            Value::Array(_) => ('[', ']'),
            _ => return self.text.push_str(&value.to_string()),
        };
        self.text.push(open);
        let parts = parts(value, place).into_iter().filter(|(.., own)| !own.is_null());
        for (number, (place, key, own)) in parts.enumerate() {
            self.text.push_str(if number > 0 { ", " } else { "" });
            self.here(place.clone());
            key.into_iter().for_each(|key| self.text.push_str(&format!("{} = ", quoted(key))));
            self.toml_inline(own, &place);
        }
        self.text.push(close);
    }
}
