//! Puts documents together: what one inherits from others.
//!
//! Invariant: what stands nearer to the user wins; nothing is merged that is of another type.

use std::{collections::HashMap, path::Path};

use trix_model::error::{Error, ErrorKind, Result, Stage};

use crate::document::{
    COMMAND_LINE,
    node::{Data, Node},
    parse::Language,
    profiles,
    sources::Texts,
};

/// Levels of inheritance.
const MOST_LEVELS: usize = 16;

/// Documents that one is put together from. Two that each inherit another one twice are already seven.
const MOST_DOCUMENTS: usize = 64;

/// Lists whose elements have names, by which those of a heir meet those that they change.
const NAMED: [&str; 4] = ["outputs", "packages", "stills", "tracks"];

/// Reads a document with everything that it inherits. `near` is the folder in which it looks for other files.
pub(super) fn load(
    texts: &mut Texts,
    label: &str,
    text: &str,
    language: Language,
    near: Option<&Path>,
    heirs: &mut Vec<String>,
) -> Result<Node> {
    if let Some(at) = heirs.iter().position(|heir| heir == label) {
        let chain = heirs[at..].join(" -> ");
        return Err(refuse(label, format!("inherits itself: {chain} -> {label}")));
    }
    if heirs.len() >= MOST_LEVELS {
        return Err(refuse(label, format!("is inherited through more than {MOST_LEVELS} documents")));
    }
    if texts.count() >= MOST_DOCUMENTS {
        return Err(refuse(label, format!("is one of more than {MOST_DOCUMENTS} documents that are inherited")));
    }
    let mut own = texts.parse(label, text, language)?;
    if !matches!(own.data, Data::Table(_)) {
        return Err(refuse(label, "is no table of settings".into()));
    }
    heirs.push(label.to_owned());
    let mut merged = Node::table(own.spot);
    if let Some(inherits) = own.take("inherits") {
        for name in names(&inherits).ok_or_else(|| {
            refuse(label, format!("line {}: inherits: a name, or a list of names, is expected", inherits.spot.line))
        })? {
            let found = profiles::find(name, near).map_err(|error| {
                error.and(&match label {
                    COMMAND_LINE => "named on the command line".to_owned(),
                    _ => format!("inherited by {label}, line {}", inherits.spot.line),
                })
            })?;
            let near = found.near.as_deref().or(near);
            let other = load(texts, &found.label, &found.text, found.language, near, heirs)?;
            merged = merge(merged, other, "");
        }
    }
    heirs.pop();
    // A description is that of the document itself.
    merged.take("description");
    Ok(merge(merged, own, ""))
}

fn refuse(label: &str, detail: String) -> Error {
    Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(Path::new(label))
}

fn names(node: &Node) -> Option<Vec<&str>> {
    match &node.data {
        Data::Text(name) => Some(vec![name]),
        Data::List(items) => items.iter().map(Node::text).collect(),
        _ => None,
    }
}

/// What `over` says, and of `under` what it does not say.
pub(super) fn merge(under: Node, over: Node, key: &str) -> Node {
    let spot = over.spot;
    match (under.data, over.data) {
        (Data::Table(under), Data::Table(over)) => {
            let of_type = |entries: &[(String, Node)]| {
                entries.iter().find(|(key, _)| key == "type").and_then(|(_, node)| node.text().map(str::to_owned))
            };
            let (old, new) = (of_type(&under), of_type(&over));
            if old.is_some() && new.is_some() && old != new {
                // Settings of one encoder mean nothing to another.
                return Node { spot, data: Data::Table(over) };
            }
            let mut entries = under;
            let known: HashMap<String, usize> =
                entries.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect();
            for (key, node) in over {
                match known.get(&key) {
                    Some(at) => {
                        let before = std::mem::replace(&mut entries[*at].1, Node { spot, data: Data::Null });
                        entries[*at].1 = merge(before, node, &key);
                    }
                    None => entries.push((key, node)),
                }
            }
            Node { spot, data: Data::Table(entries) }
        }
        (Data::List(under), Data::List(over)) if NAMED.contains(&key) => {
            let mut items = under;
            let id = |node: &Node| node.get("id").and_then(Node::text).map(str::to_owned);
            let mut known: HashMap<String, usize> = HashMap::new();
            for (at, node) in items.iter().enumerate() {
                if let Some(id) = id(node) {
                    known.entry(id).or_insert(at);
                }
            }
            for node in over {
                match id(&node).and_then(|id| known.get(&id)) {
                    Some(at) => {
                        let before = std::mem::replace(&mut items[*at], Node { spot, data: Data::Null });
                        items[*at] = merge(before, node, "");
                    }
                    None => items.push(node),
                }
            }
            Node { spot, data: Data::List(items) }
        }
        (_, data) => Node { spot, data },
    }
}
