//! A document as a tree that remembers where each part of it stands.
//!
//! Invariant: whatever is taken from one document into another keeps the place where it was written.

use serde_json::{Map, Number, Value};

/// Where something is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spot {
    /// Number of the document.
    pub(super) document: usize,
    /// Line, from one.
    pub(super) line: usize,
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) spot: Spot,
    pub(super) data: Data,
}

/// What a part of a document holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Data {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    /// In the order in which it is written.
    Table(Vec<(String, Node)>),
}

impl Node {
    pub(super) fn table(spot: Spot) -> Self {
        Node { spot, data: Data::Table(Vec::new()) }
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

    /// Takes an entry out of a table.
    pub(super) fn take(&mut self, key: &str) -> Option<Node> {
        let Data::Table(entries) = &mut self.data else { return None };
        let at = entries.iter().position(|(own, _)| own == key)?;
        Some(entries.remove(at).1)
    }

    /// Puts an entry into a table, in the place of one of the same name.
    pub(super) fn put(&mut self, key: &str, node: Node) {
        match self.get_mut(key) {
            Some(own) => *own = node,
            None => {
                if let Data::Table(entries) = &mut self.data {
                    entries.push((key.to_owned(), node));
                }
            }
        }
    }

    /// The part at `path`, such as `outputs[1].video.depth`; or the nearest part around it.
    pub(super) fn nearest(&self, path: &str) -> &Node {
        steps(path)
            .iter()
            .fold((self, true), |(node, found), step| {
                let next = match step {
                    Step::Key(key) => node.get(key),
                    Step::Index(index) => node.items().get(*index),
                };
                match next.filter(|_| found) {
                    Some(next) => (next, true),
                    None => (node, false),
                }
            })
            .0
    }

    /// The part at `path`, made where it is missing; `None` where something else stands in the way.
    pub(super) fn reach(&mut self, path: &str, spot: Spot) -> Option<&mut Node> {
        let mut node = self;
        for step in steps(path) {
            node = match step {
                Step::Key(key) => {
                    if node.data == Data::Null {
                        node.data = Data::Table(Vec::new());
                    }
                    if !matches!(node.data, Data::Table(_)) {
                        return None;
                    }
                    if node.get(&key).is_none() {
                        node.put(&key, Node { spot, data: Data::Null });
                    }
                    node.get_mut(&key)?
                }
                Step::Index(index) => node.items_mut().get_mut(index)?,
            };
        }
        Some(node)
    }

    /// Takes away what is at `path`.
    pub(super) fn remove(&mut self, path: &str) {
        let steps = steps(path);
        let Some((last, before)) = steps.split_last() else { return };
        let mut node = self;
        for step in before {
            let next = match step {
                Step::Key(key) => node.get_mut(key),
                Step::Index(index) => node.items_mut().get_mut(*index),
            };
            let Some(next) = next else { return };
            node = next;
        }
        match (last, &mut node.data) {
            (Step::Key(key), _) => drop(node.take(key)),
            (Step::Index(index), Data::List(items)) if *index < items.len() => drop(items.remove(*index)),
            _ => {}
        }
    }

    /// The same without places.
    pub(super) fn to_json(&self) -> Value {
        match &self.data {
            Data::Null => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Number(value) => Value::Number(value.clone()),
            Data::Text(value) => Value::String(value.clone()),
            Data::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Data::Table(entries) => {
                Value::Object(entries.iter().map(|(key, node)| (key.clone(), node.to_json())).collect::<Map<_, _>>())
            }
        }
    }

    /// What it is, in words.
    pub(super) fn kind(&self) -> &'static str {
        match self.data {
            Data::Null => "nothing",
            Data::Bool(_) => "true or false",
            Data::Number(_) => "a number",
            Data::Text(_) => "text",
            Data::List(_) => "a list",
            Data::Table(_) => "a table",
        }
    }
}

/// A step of a path.
enum Step {
    Key(String),
    Index(usize),
}

/// The steps of a path such as `outputs[1].video.depth`.
fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let (key, indices) = part.split_once('[').unwrap_or((part, ""));
        if !key.is_empty() {
            steps.push(Step::Key(key.to_owned()));
        }
        let indices = indices.split(['[', ']']).filter_map(|index| index.parse().ok());
        steps.extend(indices.map(Step::Index));
    }
    steps
}
