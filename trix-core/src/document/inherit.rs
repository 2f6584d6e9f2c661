//! Merges a document with the documents that it inherits.
//!
//! Invariant: the document nearer to the user wins, key by key. A change of the encoder is noted.

use std::{collections::HashMap, path::Path};

use serde_json::Value;
use trix_model::{
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
};

use crate::{
    document::{
        node::{Data, Node, Spot},
        profiles::{self, NamedText},
        schema::{self, Kind},
        shorthand,
        sources::{COMMAND_LINE, Texts},
    },
    settings::job::Job,
};

/// The largest number of levels of inheritance.
const MOST_LEVELS: usize = 16;

/// The largest number of documents that one is merged from. Two levels that each inherit two documents are already
/// seven.
const MOST_DOCUMENTS: usize = 64;

/// Reads a document with everything that it inherits. It looks for other files in the folder `near`. `notes` receives
/// what the user should know about the merging. `schema` is that of a job.
pub(super) fn load(
    texts: &mut Texts,
    notes: &mut Vec<Decision>,
    schema: &Value,
    document: &NamedText,
    near: Option<&Path>,
    heirs: &mut Vec<String>,
) -> Result<Node> {
    let label = document.label.as_str();
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
    let number = texts.count();
    let mut own = texts.parse(label, &document.text, document.language)?;
    if !matches!(own.data, Data::Table(_)) {
        return Err(refuse(label, "is no table of settings".into()));
    }
    shorthand::write_out(&mut own);
    heirs.push(label.to_owned());
    let mut merged = Node::table(own.spot);
    if let Some(inherits) = own.take("inherits") {
        for (name, spot) in names(&inherits).ok_or_else(|| {
            let detail = format!("line {}: inherits: a name, or a list of names, is expected", inherits.spot.line);
            refuse(label, detail).showing(texts.excerpt(inherits.spot, true))
        })? {
            let found = profiles::find(name, near, label).map_err(|error| {
                let by = match label {
                    COMMAND_LINE => "named on the command line".to_owned(),
                    _ => format!("inherited by {label}, line {}", inherits.spot.line),
                };
                error.and(&by).showing(texts.excerpt(spot, true))
            })?;
            texts.files.extend(found.path.clone());
            let other = load(texts, notes, schema, &found, found.near().or(near), heirs)?;
            merged = Merge { texts, notes, schema }.jobs(merged, other);
        }
    }
    heirs.pop();
    texts.complete(number);
    // The description of a document is not inherited.
    merged.take("description");
    Ok(Merge { texts, notes, schema }.jobs(merged, own))
}

fn refuse(label: &str, detail: String) -> Error {
    Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(Path::new(label))
}

/// The names in `inherits`, with their places.
fn names(node: &Node) -> Option<Vec<(&str, Spot)>> {
    match &node.data {
        Data::Text(name) => Some(vec![(name, node.spot)]),
        Data::List(items) => items.iter().map(|item| Some((item.text()?, item.spot))).collect(),
        _ => None,
    }
}

/// Keys whose values only one encoder knows. They do not go along to another.
const OF_ONE_ENCODER: [&str; 3] = ["tune", "profile", "params"];

/// Merges the parts of documents.
pub(super) struct Merge<'a> {
    pub(super) texts: &'a Texts,
    pub(super) notes: &'a mut Vec<Decision>,
    /// The schema of a job, with the settings that packages share.
    pub(super) schema: &'a Value,
}

impl Merge<'_> {
    /// Merges two documents: the values of `over`, and those of `under` that `over` does not set. Elements of lists are
    /// matched by their `id`.
    fn jobs(&mut self, mut under: Node, mut over: Node) -> Node {
        for list in Job::LISTS {
            if let (Some(Data::List(under)), Some(Data::List(over))) =
                (under.get_mut(list).map(|node| &mut node.data), over.get_mut(list).map(|node| &mut node.data))
            {
                let of = schema::at(self.schema, list).and_then(|of| of.get("items"));
                *over = self.lists(std::mem::take(under), std::mem::take(over), of);
            }
        }
        self.tables(under, over, "", Some(self.schema))
    }

    fn lists(&mut self, mut items: Vec<Node>, over: Vec<Node>, schema: Option<&Value>) -> Vec<Node> {
        let id = |node: &Node| node.get("id").and_then(Node::text).map(str::to_owned);
        let mut known: HashMap<String, usize> = HashMap::new();
        for (at, node) in items.iter().enumerate() {
            if let Some(id) = id(node) {
                known.entry(id).or_insert(at);
            }
        }
        for node in over {
            let own = id(&node);
            match own.as_ref().and_then(|id| known.get(id)) {
                Some(at) => {
                    let place = format!("{}.", own.unwrap_or_default());
                    items[*at] = self.tables(std::mem::take(&mut items[*at]), node, &place, schema);
                }
                None => items.push(node),
            }
        }
        items
    }

    /// Merges two nodes: the values of `over`, and those of `under` that `over` does not set. `place` is where they are, in
    /// words, for the notes. `schema` describes them; `None` if it does not know them.
    pub(super) fn tables(&mut self, mut under: Node, mut over: Node, place: &str, schema: Option<&Value>) -> Node {
        if !matches!((&under.data, &over.data), (Data::Table(_), Data::Table(_))) {
            return over;
        }
        let kind = schema.map_or(Kind::Keys, |schema| schema::kind(self.schema, schema));
        if kind == Kind::Encoder {
            shorthand::give_way(&mut under, &over, self.texts);
        }
        let changed = changed_type(&under, &over).map(|(old, new)| (old.clone(), new.clone()));
        match (kind, changed) {
            (Kind::Encoder, Some((old, new))) => {
                let note = self.changed(place, &old, &new, &mut under);
                self.notes.push(note);
            }
            (Kind::Typed, Some(_)) => self.keep_options(&mut under, |_| true),
            _ => {}
        }
        let (Data::Table(entries), Data::Table(others)) = (&mut under.data, &mut over.data) else { return over };
        let mut entries = std::mem::take(entries);
        let known: HashMap<String, usize> =
            entries.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect();
        for (key, node) in std::mem::take(others) {
            match known.get(&key) {
                Some(at) => {
                    let old = std::mem::take(&mut entries[*at].1);
                    let schema = schema.and_then(|schema| schema::member(self.schema, schema, &key));
                    entries[*at].1 = self.tables(old, node, &format!("{place}{key}."), schema);
                }
                None => entries.push((key, node)),
            }
        }
        Node { data: Data::Table(entries), ..over }
    }

    /// Prepares the settings `under` of an encoder for another one. Returns the note.
    fn changed(&self, place: &str, old: &Node, new: &Node, under: &mut Node) -> Decision {
        let (was, is) = (self.texts.name(old.spot), self.texts.name(new.spot));
        let (old, new) = (old.text().unwrap_or_default(), new.text().unwrap_or_default());
        let count = under.entries().len();
        let keys: Vec<String> = under.entries().iter().map(|(key, _)| key.clone()).collect();
        self.keep_options(under, |key| OF_ONE_ENCODER.contains(&key));
        let gone: Vec<&str> = keys.iter().filter(|key| under.get(key).is_none()).map(String::as_str).collect();
        if let Data::Table(entries) = &mut under.data {
            let of_documents = entries.iter_mut().filter(|(_, node)| !self.texts.is_option(node.layer));
            of_documents.for_each(|(_, node)| node.is_of_other_type = true);
        }
        let mut what = format!("{}: {new} in place of {old}", place.trim_end_matches('.'));
        if !gone.is_empty() {
            what.push_str(&format!(" without its {}", gone.join(", ")));
        }
        if count > gone.len() + 1 {
            what.push_str(&format!("; the settings that {new} has too stay"));
        }
        Decision::new(what, format!("{is} sets it, and {was} is farther"))
    }

    /// Removes the entries of `table` whose keys `goes` names, except those of options of the command line.
    fn keep_options(&self, table: &mut Node, goes: impl Fn(&str) -> bool) {
        if let Data::Table(entries) = &mut table.data {
            entries.retain(|(key, node)| !goes(key) || self.texts.is_option(node.layer));
        }
    }
}

/// The two `type` keys of tables of different types.
pub(super) fn changed_type<'a>(under: &'a Node, over: &'a Node) -> Option<(&'a Node, &'a Node)> {
    let kinds = under.get("type").zip(over.get("type"));
    kinds.filter(|(old, new)| old.text().is_some() && new.text().is_some() && old.text() != new.text())
}
