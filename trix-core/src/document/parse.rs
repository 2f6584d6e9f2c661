//! Reads TOML, YAML and JSON into one kind of tree.
//!
//! Invariant: an unreadable document is refused with the place of its first mistake. A small document cannot grow into a
//! large tree.

use std::{collections::HashSet, ops::Range};

use jsonc_parser::{ast, common::Ranged};
use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use saphyr_parser::Span;
use serde_json::Number;
use toml::de::{DeTable, DeValue};

use crate::document::node::{Columns, Data, Node, Spot};

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

/// Why a document cannot be read: the place, and the problem.
pub(super) type Unreadable = (Spot, String);

/// Reads `text` as document number `document`.
pub(super) fn parse(text: &str, language: Language, document: usize) -> Result<Node, Unreadable> {
    let top = Spot::top(document);
    if text.len() > MOST_BYTES {
        return Err((top, format!("{} bytes; a document has {MOST_BYTES} at the most", text.len())));
    }
    let lines = Lines::new(text, document);
    match language {
        Language::Toml => {
            let table = DeTable::parse(text).map_err(|error| {
                (error.span().map_or(top, |span| lines.spot(None, Some(span))), error.message().to_owned())
            })?;
            Ok(Node::new(top, toml_table(table.get_ref(), &lines, 0)?))
        }
        Language::Yaml => {
            let lines = Characters::new(lines);
            check_events(text, &lines)?;
            let unreadable = |error: saphyr::ScanError| lines.unreadable(&error);
            let mut documents = MarkedYaml::load_from_str(text).map_err(unreadable)?;
            match documents.len() {
                0 => Ok(Node::table(top)),
                1 => yaml(&documents.swap_remove(0), None, &lines, 0),
                count => Err((top, format!("{count} documents in one file; a job is one"))),
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
            let parsed = jsonc_parser::parse_to_ast(text, &Default::default(), &options).map_err(|error| {
                let range = error.range();
                (
                    Spot { line: error.line_display(), ..lines.spot(None, Some(range.start..range.end)) },
                    error.kind().to_string(),
                )
            })?;
            match parsed.value {
                Some(value) => json(&value, None, &lines, 0),
                None => Ok(Node::table(top)),
            }
        }
    }
}

/// The places where lines begin.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    document: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str, document: usize) -> Self {
        let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Lines { text, starts: std::iter::once(0).chain(after).collect(), document }
    }

    fn line(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte)
    }

    /// The place of a key and its value, in bytes of the text. The line is that of the key, or of the value if there is
    /// no key.
    fn spot(&self, key: Option<Range<usize>>, value: Option<Range<usize>>) -> Spot {
        let line = key.as_ref().or(value.as_ref()).map_or(1, |part| self.line(part.start));
        let columns = |part: Option<Range<usize>>| part.map_or(Columns::default(), |part| self.columns(line, &part));
        Spot { document: self.document, line, key: columns(key), value: columns(value) }
    }

    /// The columns of `part` in `line`. They are empty if it begins in another line. A part that has no length gets one.
    fn columns(&self, line: usize, part: &Range<usize>) -> Columns {
        let Some(first) = self.starts.get(line - 1).copied().filter(|_| self.line(part.start) == line) else {
            return Columns::default();
        };
        let after = self.starts.get(line).map_or(self.text.len(), |next| next - 1);
        let end = match part.end > after {
            // Only what goes on in the next line is cut: in a long line, each part would look for the end otherwise.
            true => first + self.text.get(first..after).unwrap_or_default().trim_end().len(),
            false => part.end,
        };
        let column = |at: usize| u32::try_from(at - first).unwrap_or(u32::MAX);
        Columns { start: column(part.start), end: column(end.max(part.start + 1)) }
    }
}

/// Places that are counted in characters, as the parser of YAML does.
struct Characters<'a> {
    lines: Lines<'a>,
    /// The byte of each character. Empty if every character is one byte.
    bytes: Vec<usize>,
}

impl<'a> Characters<'a> {
    fn new(lines: Lines<'a>) -> Self {
        let bytes = match lines.text.is_ascii() {
            true => Vec::new(),
            false => lines.text.char_indices().map(|(at, _)| at).collect(),
        };
        Characters { lines, bytes }
    }

    fn byte(&self, character: usize) -> usize {
        let end = self.lines.text.len();
        if self.bytes.is_empty() { character.min(end) } else { self.bytes.get(character).copied().unwrap_or(end) }
    }

    /// The place of a key and its value.
    fn spot(&self, key: Option<Span>, value: Span) -> Spot {
        let range = |span: Span| {
            let (start, end) = (self.byte(span.start.index()), self.byte(span.end.index()));
            start..start + bare(self.lines.text.get(start..end).unwrap_or_default())
        };
        let line = key.unwrap_or(value).start.line();
        Spot { line, ..self.lines.spot(key.map(range), Some(range(value))) }
    }

    fn unreadable(&self, error: &saphyr_parser::ScanError) -> Unreadable {
        (self.spot(None, Span::empty(*error.marker())), error.info().to_owned())
    }
}

fn deeper(level: usize, spot: Spot) -> Result<usize, Unreadable> {
    if level >= MOST_LEVELS {
        return Err((spot, format!("nested more than {MOST_LEVELS} levels deep")));
    }
    Ok(level + 1)
}

fn toml_table(table: &DeTable<'_>, lines: &Lines<'_>, level: usize) -> Result<Data, Unreadable> {
    let mut entries: Vec<(usize, String, Node)> = Vec::new();
    for (key, value) in table.iter() {
        let spot = lines.spot(Some(key.span()), Some(value.span()));
        let data = toml_value(value.get_ref(), lines, deeper(level, spot)?)?;
        entries.push((key.span().start, key.get_ref().to_string(), Node::new(with_parts(spot, &data), data)));
    }
    // The parser sorts by name; mistakes are reported in the order of the text.
    entries.sort_by_key(|(start, ..)| *start);
    Ok(Data::Table(entries.into_iter().map(|(_, key, node)| (key, node)).collect()))
}

/// A mistake of a table or list with a key is shown at the key.
fn with_parts(spot: Spot, data: &Data) -> Spot {
    if matches!(data, Data::Table(_) | Data::List(_)) { spot.of_key() } else { spot }
}

fn toml_value(value: &DeValue<'_>, lines: &Lines<'_>, level: usize) -> Result<Data, Unreadable> {
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
                let spot = lines.spot(None, Some(item.span()));
                list.push(Node::new(spot, toml_value(item.get_ref(), lines, deeper(level, spot)?)?));
            }
            Data::List(list)
        }
        DeValue::Table(table) => toml_table(table, lines, level)?,
    })
}

/// The length of a scalar of YAML without the comment behind it, which its parser counts too.
fn bare(text: &str) -> usize {
    let mut letters = text.char_indices().peekable();
    let quote = match letters.next() {
        Some((_, quote @ ('"' | '\''))) => quote,
        _ => return text.find(" #").unwrap_or(text.len()),
    };
    while let Some((at, letter)) = letters.next() {
        let is_doubled = |next: Option<&(usize, char)>| quote == '\'' && matches!(next, Some((_, '\'')));
        if (letter == '\\' && quote == '"') || (letter == quote && is_doubled(letters.peek())) {
            letters.next();
        } else if letter == quote {
            return at + 1;
        }
    }
    text.len()
}

/// Infinity and NaN become text: a job treats them neither as numbers nor as null.
fn number_or_text(value: f64, text: &str) -> Data {
    Number::from_f64(value).map_or_else(|| Data::Text(text.to_owned()), Data::Number)
}

/// Refuses what the parser would load without a bound. An alias repeats a part of the document, an alias of aliases
/// repeats that, and so on. The parser calls itself for each level of a list or table.
fn check_events(text: &str, lines: &Characters<'_>) -> Result<(), Unreadable> {
    use saphyr_parser::Event;
    let mut level = 0usize;
    for event in saphyr_parser::Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| lines.unreadable(&error))?;
        match event {
            Event::Alias(_) => {
                let problem = "aliases are not allowed; use variables or inherit a profile";
                return Err((lines.spot(None, span), problem.into()));
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => level = deeper(level, lines.spot(None, span))?,
            Event::SequenceEnd | Event::MappingEnd => level = level.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

fn yaml(node: &MarkedYaml<'_>, key: Option<Span>, lines: &Characters<'_>, level: usize) -> Result<Node, Unreadable> {
    let spot = lines.spot(key, node.span);
    let level = deeper(level, spot)?;
    let data = match &node.data {
        YamlData::Value(Scalar::Null) => Data::Null,
        YamlData::Value(Scalar::Boolean(value)) => Data::Bool(*value),
        YamlData::Value(Scalar::Integer(value)) => Data::Number((*value).into()),
        YamlData::Value(Scalar::FloatingPoint(value)) => number_or_text(value.into_inner(), &value.to_string()),
        YamlData::Value(Scalar::String(text)) => Data::Text(text.to_string()),
        YamlData::Sequence(items) => {
            Data::List(items.iter().map(|item| yaml(item, None, lines, level)).collect::<Result<_, _>>()?)
        }
        YamlData::Mapping(entries) => {
            let mut table = Vec::new();
            for (key, value) in entries {
                let YamlData::Value(Scalar::String(name)) = &key.data else {
                    return Err((lines.spot(None, key.span), "a key must be text".into()));
                };
                table.push((name.to_string(), yaml(value, Some(key.span), lines, level)?));
            }
            Data::Table(table)
        }
        _ => return Err((spot, "cannot be read; tags are not allowed".into())),
    };
    Ok(Node::new(with_parts(spot, &data), data))
}

fn json(
    value: &ast::Value<'_>,
    key: Option<Range<usize>>,
    lines: &Lines<'_>,
    level: usize,
) -> Result<Node, Unreadable> {
    let bytes = |part: &dyn Ranged| part.range().start..part.range().end;
    let spot = lines.spot(key, Some(bytes(value)));
    let level = deeper(level, spot)?;
    let data = match value {
        ast::Value::NullKeyword(_) => Data::Null,
        ast::Value::BooleanLit(own) => Data::Bool(own.value),
        ast::Value::NumberLit(own) => match serde_json::from_str(own.value) {
            Ok(number) => Data::Number(number),
            Err(_) => return Err((spot, format!("'{}' is no number", own.value))),
        },
        ast::Value::StringLit(own) => Data::Text(own.value.to_string()),
        ast::Value::Array(own) => {
            Data::List(own.elements.iter().map(|item| json(item, None, lines, level)).collect::<Result<_, _>>()?)
        }
        ast::Value::Object(own) => {
            let (mut table, mut names) = (Vec::new(), HashSet::new());
            for property in &own.properties {
                let (name, key) = (property.name.as_str().to_owned(), bytes(&property.name));
                if !names.insert(name.clone()) {
                    return Err((lines.spot(Some(key), None), format!("'{name}' occurs twice")));
                }
                table.push((name, json(&property.value, Some(key), lines, level)?));
            }
            Data::Table(table)
        }
    };
    Ok(Node::new(with_parts(spot, &data), data))
}
