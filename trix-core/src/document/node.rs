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
    /// Something that is no part of the job: what is wrong with it is told already, or it is not wanted. It stays where
    /// it is, so that the places of others do not move.
    Out,
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
        let mut node = self;
        for step in steps(path) {
            match node.step(&step) {
                Some(next) => node = next,
                None => break,
            }
        }
        node
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

    fn step(&self, step: &Step) -> Option<&Node> {
        match step {
            Step::Key(key) => self.get(key),
            Step::Index(index) => self.items().get(*index),
        }
    }

    /// The part at `path`, such as `outputs[1].video.depth`.
    pub(super) fn find(&self, path: &str) -> Option<&Node> {
        steps(path).iter().try_fold(self, |node, step| node.step(step))
    }

    /// The same, to be changed.
    pub(super) fn find_mut(&mut self, path: &str) -> Option<&mut Node> {
        steps(path).iter().try_fold(self, |node, step| match step {
            Step::Key(key) => node.get_mut(key),
            Step::Index(index) => node.items_mut().get_mut(*index),
        })
    }

    /// Whether it is no part of the job.
    pub(super) fn is_out(&self) -> bool {
        self.data == Data::Out
    }

    /// Where that stands which is at `path` of [`Node::to_json`]: there, what is out has no number.
    pub(super) fn place(&self, path: &str) -> String {
        let (mut node, mut place) = (Some(self), String::new());
        for step in steps(path) {
            match &step {
                Step::Key(key) => place = below(&place, key),
                Step::Index(index) => {
                    let items = node.map(Node::items).unwrap_or_default().iter().enumerate();
                    let number =
                        items.filter(|(_, item)| !item.is_out()).nth(*index).map_or(*index, |(number, _)| number);
                    place.push_str(&format!("[{number}]"));
                    node = node.and_then(|node| node.items().get(number));
                    continue;
                }
            }
            node = node.and_then(|node| node.step(&step));
        }
        place
    }

    /// The same without places, and without what is out.
    pub(super) fn to_json(&self) -> Value {
        match &self.data {
            Data::Null | Data::Out => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Number(value) => Value::Number(value.clone()),
            Data::Text(value) => Value::String(value.clone()),
            Data::List(items) => Value::Array(items.iter().filter(|node| !node.is_out()).map(Node::to_json).collect()),
            Data::Table(entries) => {
                let entries = entries.iter().filter(|(_, node)| !node.is_out());
                Value::Object(entries.map(|(key, node)| (key.clone(), node.to_json())).collect::<Map<_, _>>())
            }
        }
    }

    /// What it is, in words.
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

/// The path of `key` in the table at `path`. A key that looks like more than one step stands in quotes, as in TOML.
pub(super) fn below(path: &str, key: &str) -> String {
    let is_bare = !key.is_empty() && !key.contains(['.', '[', ']', '"']);
    let key = if is_bare { key.to_owned() } else { format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\"")) };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// A step of a path.
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// The steps of a path such as `outputs[1].video.depth`.
pub(super) fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (mut key, mut escaped, mut end) = (String::new(), false, quoted.len());
            for (at, letter) in quoted.char_indices() {
                match letter {
                    '\\' if !escaped => escaped = true,
                    '"' if !escaped => {
                        end = at;
                        break;
                    }
                    letter => {
                        key.push(letter);
                        escaped = false;
                    }
                }
            }
            steps.push(Step::Key(key));
            rest = quoted.get(end + 1..).unwrap_or_default();
        } else if let Some(index) = rest.strip_prefix('[') {
            let (number, after) = index.split_once(']').unwrap_or((index, ""));
            // What is no number is no place either: the last index that there could be.
            steps.push(Step::Index(number.parse().unwrap_or(usize::MAX)));
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end > 0 {
                steps.push(Step::Key(rest[..end].to_owned()));
            }
            rest = &rest[end..];
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    steps
}
