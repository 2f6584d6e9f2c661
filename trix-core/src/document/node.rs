//! A document as a tree. Each part of it knows its place in the text and its path in the job.
//!
//! Invariant: a part that is merged into another document keeps its place in the text. A part keeps its path when parts
//! before it are removed.

use serde_json::{Map, Number, Value};
use trix_model::mistake::Mistake;

use crate::document::path::{Path, Step, steps};

/// The place of something in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    /// The number of the document.
    pub(super) document: usize,
    /// Line, from one; 0 in a text that is not a document.
    pub(super) line: usize,
    /// The key in this line. Empty where there is none.
    pub(super) key: Columns,
    /// The value in this line. Empty where it is in another line, or a table or list with a key.
    pub(super) value: Columns,
}

/// A part of a line, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Columns {
    pub(super) fn is_empty(&self) -> bool {
        self.start >= self.end
    }
}

impl Spot {
    /// The start of a document.
    pub(super) fn top(document: usize) -> Spot {
        Spot { document, line: 1, ..Spot::default() }
    }

    /// Sorts places in the order of the texts.
    pub(super) fn order(&self) -> (usize, usize, u32) {
        let first = if self.key.is_empty() { self.value } else { self.key };
        (self.document, self.line, first.start)
    }

    /// The same place without its value, if it has a key.
    pub(super) fn of_key(self) -> Spot {
        if self.key.is_empty() { self } else { Spot { value: Columns::default(), ..self } }
    }
}

/// A mistake and its place in the text.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) spot: Spot,
    pub(super) mistake: Mistake,
}

/// A part of a document.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// The place of the value. The value of a variable has a place of its own.
    pub(super) spot: Spot,
    /// The number of the document that has this part.
    pub(super) layer: usize,
    /// True for an inherited setting of an encoder, if a nearer document changes the encoder. It is left out where only the
    /// change is why it does not fit.
    pub(super) is_of_other_type: bool,
    /// Its path in the job, set by [`Node::locate`].
    pub(super) path: Path,
    pub(super) data: Data,
}

/// The content of a part of a document.
#[derive(Clone, Debug, Default)]
pub(super) enum Data {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    /// In the order of the text.
    Table(Vec<(String, Node)>),
    /// Not part of the job: its mistakes are reported already, or it only controls the job.
    Out,
}

impl Node {
    pub(super) fn new(spot: Spot, data: Data) -> Self {
        Node { spot, layer: spot.document, is_of_other_type: false, path: Path::default(), data }
    }

    pub(super) fn table(spot: Spot) -> Self {
        Node::new(spot, Data::Table(Vec::new()))
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn entries(&self) -> &[(String, Node)] {
        match &self.data {
            Data::Table(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn items(&self) -> &[Node] {
        match &self.data {
            Data::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn items_mut(&mut self) -> &mut [Node] {
        match &mut self.data {
            Data::List(items) => items,
            _ => &mut [],
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(own, _)| own == key).map(|(_, node)| node)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.data {
            Data::Table(entries) => entries.iter_mut().find(|(own, _)| own == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// Removes an entry from a table and returns it.
    pub(super) fn take(&mut self, key: &str) -> Option<Node> {
        let Data::Table(entries) = &mut self.data else { return None };
        let at = entries.iter().position(|(own, _)| own == key)?;
        Some(entries.remove(at).1)
    }

    /// Returns the part at `place`, and creates it if it is missing. `None` if a value of another kind is in its path.
    pub(super) fn reach(&mut self, place: &str, spot: Spot) -> Option<&mut Node> {
        let mut node = self;
        for step in steps(place) {
            node = match step {
                Step::Key(key) => {
                    if matches!(node.data, Data::Null) {
                        node.data = Data::Table(Vec::new());
                    }
                    let Data::Table(entries) = &mut node.data else { return None };
                    let at = entries.iter().position(|(own, _)| *own == key).unwrap_or(entries.len());
                    if at == entries.len() {
                        entries.push((key, Node::new(spot, Data::Null)));
                    }
                    &mut entries[at].1
                }
                Step::Index(index) => node.items_mut().get_mut(index)?,
            };
        }
        Some(node)
    }

    /// The part at `place`, such as `outputs[1].video.depth`, or the nearest part around it; and the path of `place`.
    pub(super) fn nearest(&self, place: &str) -> (&Node, Path) {
        let (mut node, mut beyond) = (self, None);
        for step in steps(place) {
            let next = match &step {
                _ if beyond.is_some() => None,
                Step::Key(key) => node.get(key),
                Step::Index(index) => node.items().get(*index),
            };
            match next {
                Some(next) => node = next,
                None => beyond = Some(beyond.unwrap_or_else(|| node.path.clone()).below(step)),
            }
        }
        (node, beyond.unwrap_or_else(|| node.path.clone()))
    }

    /// Sets the path of each part. `path` is that of this part.
    pub(super) fn locate(&mut self, path: Path) {
        match &mut self.data {
            Data::List(items) => {
                items.iter_mut().enumerate().for_each(|(at, item)| item.locate(path.below(Step::Index(at))));
            }
            Data::Table(entries) => {
                entries.iter_mut().for_each(|(key, node)| node.locate(path.below(Step::Key(key.clone()))));
            }
            _ => {}
        }
        self.path = path;
    }

    /// True if the part does not belong to the job.
    pub(super) fn is_out(&self) -> bool {
        matches!(self.data, Data::Out)
    }

    /// A mistake of this part with the value `value`.
    pub(super) fn mistake(&self, value: &str, problem: impl Into<String>) -> Placed {
        Placed { spot: self.spot, mistake: Mistake::new(self.path.to_string(), value, problem) }
    }

    /// The value in words; empty for lists and tables.
    pub(super) fn shown(&self) -> String {
        match &self.data {
            Data::Text(text) => text.clone(),
            Data::Bool(value) => value.to_string(),
            Data::Number(number) => number.to_string(),
            _ => String::new(),
        }
    }

    /// Moves this and all of its parts to `spot`.
    pub(super) fn put_at(&mut self, spot: Spot) {
        (self.spot, self.layer) = (spot, spot.document);
        match &mut self.data {
            Data::List(items) => items.iter_mut().for_each(|item| item.put_at(spot)),
            Data::Table(entries) => entries.iter_mut().for_each(|(_, node)| node.put_at(spot)),
            _ => {}
        }
    }

    /// Returns the same as JSON, without places and without parts that are out.
    pub(super) fn to_json(&self) -> Value {
        match &self.data {
            Data::Null | Data::Out => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Number(value) => Value::Number(value.clone()),
            Data::Text(value) => Value::String(value.clone()),
            Data::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Data::Table(entries) => {
                let entries = entries.iter().filter(|(_, node)| !node.is_out());
                Value::Object(entries.map(|(key, node)| (key.clone(), node.to_json())).collect::<Map<_, _>>())
            }
        }
    }

    /// Returns the same as TOML, which has no nulls. The error is what TOML cannot hold.
    pub(super) fn to_toml(&self) -> Result<toml::Value, String> {
        Ok(match &self.data {
            Data::Null | Data::Out => toml::Value::String(String::new()),
            Data::Bool(value) => toml::Value::Boolean(*value),
            Data::Number(value) => match value.as_i64() {
                Some(whole) => toml::Value::Integer(whole),
                None if value.is_u64() => return Err(format!("{value} is above the largest number, {}", i64::MAX)),
                None => toml::Value::Float(value.as_f64().unwrap_or(f64::NAN)),
            },
            Data::Text(value) => toml::Value::String(value.clone()),
            Data::List(items) => toml::Value::Array(items.iter().map(Node::to_toml).collect::<Result<_, _>>()?),
            Data::Table(entries) => {
                let entries = entries.iter().filter(|(_, node)| !matches!(node.data, Data::Null | Data::Out));
                let entries = entries.map(|(key, node)| Ok((key.clone(), node.to_toml()?)));
                toml::Value::Table(entries.collect::<Result<_, String>>()?)
            }
        })
    }

    /// The kind of the value, in words.
    pub(super) fn kind(&self) -> &'static str {
        match self.data {
            Data::Null | Data::Out => "nothing",
            Data::Bool(_) => "true or false",
            Data::Number(_) => "a number",
            Data::Text(_) => "text",
            Data::List(_) => "a list",
            Data::Table(_) => "a table",
        }
    }
}
