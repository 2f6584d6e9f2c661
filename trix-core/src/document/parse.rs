//! Reads TOML, YAML and JSON into one kind of tree.
//!
//! Invariant: an unreadable document is refused with the line of its first mistake. A small document cannot grow into a
//! large tree.

use std::collections::HashSet;

use jsonc_parser::{ast, common::Ranged};
use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use serde_json::Number;
use toml::de::{DeTable, DeValue};

use crate::document::node::{Data, Node, Spot};

/// The largest document, in bytes. The largest profile of the project has three thousand.
pub(super) const MOST_BYTES: usize = 1 << 20;

/// The largest number of nested levels.
const MOST_LEVELS: usize = 64;

/// The language of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// TOML 1.0.
    Toml,
    /// YAML 1.2, one document a file; anchors and aliases are refused.
    Yaml,
    /// JSON (RFC 8259).
    Json,
}

impl Language {
    /// The language that the extension of a file name stands for; TOML for all other names.
    pub fn from_path(path: &std::path::Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("yaml" | "yml") => Language::Yaml,
            Some("json") => Language::Json,
            _ => Language::Toml,
        }
    }
}

/// Why a document cannot be read: the line, from one, and the problem.
pub(super) type Unreadable = (usize, String);

/// Reads `text` as document number `document`.
pub(super) fn parse(text: &str, language: Language, document: usize) -> Result<Node, Unreadable> {
    if text.len() > MOST_BYTES {
        return Err((1, format!("{} bytes; a document has {MOST_BYTES} at the most", text.len())));
    }
    let lines = Lines::new(text, document);
    match language {
        Language::Toml => {
            let table = DeTable::parse(text)
                .map_err(|error| (error.span().map_or(1, |span| lines.line(span.start)), error.message().to_owned()))?;
            let data = toml_table(table.get_ref(), &lines, 0)?;
            Ok(Node::new(Spot { document, line: 1 }, data))
        }
        Language::Yaml => {
            check_events(text)?;
            let unreadable = |error: saphyr::ScanError| (error.marker().line(), error.info().to_owned());
            let mut documents = MarkedYaml::load_from_str(text).map_err(unreadable)?;
            match documents.len() {
                0 => Ok(Node::table(Spot { document, line: 1 })),
                1 => yaml(&documents.swap_remove(0), document, 0),
                count => Err((1, format!("{count} documents in one file; a job is one"))),
            }
        }
        Language::Json => {
            let options = jsonc_parser::ParseOptions {
                allow_comments: false,
                allow_loose_object_property_names: false,
                allow_trailing_commas: false,
                allow_missing_commas: false,
                allow_single_quoted_strings: false,
                allow_hexadecimal_numbers: false,
                allow_unary_plus_numbers: false,
                ..Default::default()
            };
            let parsed = jsonc_parser::parse_to_ast(text, &Default::default(), &options)
                .map_err(|error| (error.line_display(), error.kind().to_string()))?;
            match parsed.value {
                Some(value) => json(&value, &lines, 0),
                None => Ok(Node::table(Spot { document, line: 1 })),
            }
        }
    }
}

/// The places where lines begin.
struct Lines {
    starts: Vec<usize>,
    document: usize,
}

impl Lines {
    fn new(text: &str, document: usize) -> Self {
        let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Lines { starts: std::iter::once(0).chain(after).collect(), document }
    }

    fn line(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte)
    }

    fn spot(&self, byte: usize) -> Spot {
        Spot { document: self.document, line: self.line(byte) }
    }
}

fn deeper(level: usize, line: usize) -> Result<usize, Unreadable> {
    if level >= MOST_LEVELS {
        return Err((line, format!("nested more than {MOST_LEVELS} levels deep")));
    }
    Ok(level + 1)
}

fn toml_table(table: &DeTable<'_>, lines: &Lines, level: usize) -> Result<Data, Unreadable> {
    let mut entries: Vec<(usize, String, Node)> = Vec::new();
    for (key, value) in table.iter() {
        let start = key.span().start;
        let spot = lines.spot(start);
        let data = toml_value(value.get_ref(), lines, deeper(level, spot.line)?)?;
        entries.push((start, key.get_ref().to_string(), Node::new(spot, data)));
    }
    // The parser sorts by name; mistakes are reported in the order of the text.
    entries.sort_by_key(|(start, ..)| *start);
    Ok(Data::Table(entries.into_iter().map(|(_, key, node)| (key, node)).collect()))
}

fn toml_value(value: &DeValue<'_>, lines: &Lines, level: usize) -> Result<Data, Unreadable> {
    Ok(match value {
        DeValue::String(text) => Data::Text(text.to_string()),
        DeValue::Boolean(value) => Data::Bool(*value),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Data::Number(number.into()),
            Err(_) => Data::Text(number.as_str().to_owned()),
        },
        DeValue::Float(number) => {
            let text = number.as_str();
            number_or_text(text.parse().unwrap_or(f64::NAN), text)
        }
        // A time in a job can look like a time of day: 00:01:30.5.
        DeValue::Datetime(time) => Data::Text(time.to_string()),
        DeValue::Array(items) => {
            let mut list = Vec::new();
            for item in items.iter() {
                let spot = lines.spot(item.span().start);
                list.push(Node::new(spot, toml_value(item.get_ref(), lines, deeper(level, spot.line)?)?));
            }
            Data::List(list)
        }
        DeValue::Table(table) => toml_table(table, lines, level)?,
    })
}

/// Infinity and NaN become text: a job treats them neither as numbers nor as null.
fn number_or_text(value: f64, text: &str) -> Data {
    Number::from_f64(value).map_or_else(|| Data::Text(text.to_owned()), Data::Number)
}

/// Refuses what the parser would load without a bound. An alias repeats a part of the document, an alias of aliases
/// repeats that, and so on. The parser calls itself for each level of a list or table.
fn check_events(text: &str) -> Result<(), Unreadable> {
    use saphyr_parser::Event;
    let mut level = 0usize;
    for event in saphyr_parser::Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| (error.marker().line(), error.info().to_owned()))?;
        let line = span.start.line();
        match event {
            Event::Alias(_) => {
                return Err((line, "aliases are not allowed; use variables or inherit a profile".into()));
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => level = deeper(level, line)?,
            Event::SequenceEnd | Event::MappingEnd => level = level.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

fn yaml(node: &MarkedYaml<'_>, document: usize, level: usize) -> Result<Node, Unreadable> {
    let spot = Spot { document, line: node.span.start.line() };
    let level = deeper(level, spot.line)?;
    let data = match &node.data {
        YamlData::Value(Scalar::Null) => Data::Null,
        YamlData::Value(Scalar::Boolean(value)) => Data::Bool(*value),
        YamlData::Value(Scalar::Integer(value)) => Data::Number((*value).into()),
        YamlData::Value(Scalar::FloatingPoint(value)) => number_or_text(value.into_inner(), &value.to_string()),
        YamlData::Value(Scalar::String(text)) => Data::Text(text.to_string()),
        YamlData::Sequence(items) => {
            Data::List(items.iter().map(|item| yaml(item, document, level)).collect::<Result<_, _>>()?)
        }
        YamlData::Mapping(entries) => {
            let mut table = Vec::new();
            for (key, value) in entries {
                let line = key.span.start.line();
                let YamlData::Value(Scalar::String(name)) = &key.data else {
                    return Err((line, "a key must be text".into()));
                };
                let mut node = yaml(value, document, level)?;
                node.spot.line = line;
                table.push((name.to_string(), node));
            }
            Data::Table(table)
        }
        _ => return Err((spot.line, "cannot be read; tags are not allowed".into())),
    };
    Ok(Node::new(spot, data))
}

fn json(value: &ast::Value<'_>, lines: &Lines, level: usize) -> Result<Node, Unreadable> {
    let spot = lines.spot(value.range().start);
    let level = deeper(level, spot.line)?;
    let data = match value {
        ast::Value::NullKeyword(_) => Data::Null,
        ast::Value::BooleanLit(own) => Data::Bool(own.value),
        ast::Value::NumberLit(own) => match serde_json::from_str(own.value) {
            Ok(number) => Data::Number(number),
            Err(_) => return Err((spot.line, format!("'{}' is no number", own.value))),
        },
        ast::Value::StringLit(own) => Data::Text(own.value.to_string()),
        ast::Value::Array(own) => {
            Data::List(own.elements.iter().map(|item| json(item, lines, level)).collect::<Result<_, _>>()?)
        }
        ast::Value::Object(own) => {
            let (mut table, mut names) = (Vec::new(), HashSet::new());
            for property in &own.properties {
                let (name, line) = (property.name.as_str().to_owned(), lines.line(property.range.start));
                if !names.insert(name.clone()) {
                    return Err((line, format!("'{name}' occurs twice")));
                }
                let mut node = json(&property.value, lines, level)?;
                node.spot.line = line;
                table.push((name, node));
            }
            Data::Table(table)
        }
    };
    Ok(Node::new(spot, data))
}
