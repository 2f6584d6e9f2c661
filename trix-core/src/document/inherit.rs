//! Merges a document with the documents that it inherits.
//!
//! Invariant: the document nearer to the user wins; tables of different types are never merged.

use std::{collections::HashMap, path::Path};

use trix_model::error::{Error, ErrorKind, Result, Stage};

use crate::{
    document::{
        node::{Data, Node},
        parse::Language,
        profiles,
        sources::{COMMAND_LINE, Texts},
    },
    settings::job::Job,
};

/// The largest number of levels of inheritance.
const MOST_LEVELS: usize = 16;

/// The largest number of documents that one is merged from. Two levels that each inherit two documents are already
/// seven.
const MOST_DOCUMENTS: usize = 64;

/// Reads a document with everything that it inherits. It looks for other files in the folder `near`.
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
            merged = merge_jobs(merged, other);
        }
    }
    heirs.pop();
    // The description of a document is not inherited.
    merged.take("description");
    Ok(merge_jobs(merged, own))
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

/// Merges two documents: the values of `over`, and those of `under` that `over` does not set. Elements of lists are
/// matched by their `id`.
fn merge_jobs(mut under: Node, mut over: Node) -> Node {
    for list in Job::LISTS {
        if let (Some(Data::List(under)), Some(Data::List(over))) =
            (under.get_mut(list).map(|node| &mut node.data), over.get_mut(list).map(|node| &mut node.data))
        {
            *over = merge_lists(std::mem::take(under), std::mem::take(over));
        }
    }
    merge(under, over)
}

fn merge_lists(mut items: Vec<Node>, over: Vec<Node>) -> Vec<Node> {
    let id = |node: &Node| node.get("id").and_then(Node::text).map(str::to_owned);
    let mut known: HashMap<String, usize> = HashMap::new();
    for (at, node) in items.iter().enumerate() {
        if let Some(id) = id(node) {
            known.entry(id).or_insert(at);
        }
    }
    for node in over {
        match id(&node).and_then(|id| known.get(&id)) {
            Some(at) => items[*at] = merge(std::mem::take(&mut items[*at]), node),
            None => items.push(node),
        }
    }
    items
}

/// Merges two nodes: the values of `over`, and those of `under` that `over` does not set.
pub(super) fn merge(mut under: Node, mut over: Node) -> Node {
    let kind = |node: &Node| node.get("type").and_then(Node::text).map(str::to_owned);
    let (old, new) = (kind(&under), kind(&over));
    // Settings of one encoder mean nothing to another.
    let is_other = old.is_some() && new.is_some() && old != new;
    let (Data::Table(entries), Data::Table(others), false) = (&mut under.data, &mut over.data, is_other) else {
        return over;
    };
    let mut entries = std::mem::take(entries);
    let known: HashMap<String, usize> = entries.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect();
    for (key, node) in std::mem::take(others) {
        match known.get(&key) {
            Some(at) => entries[*at].1 = merge(std::mem::take(&mut entries[*at].1), node),
            None => entries.push((key, node)),
        }
    }
    Node { data: Data::Table(entries), ..over }
}
