//! Puts documents together: what one inherits from others, what is set from outside, and variables.
//!
//! Invariant: what stands nearer to the user wins; nothing is merged that is of another type.

use std::path::Path;

use super::{
    node::{Data, Node, Spot},
    parse::Language,
    profiles, schema,
    sources::Texts,
};
use crate::{
    error::{Error, ErrorKind, Result, Stage},
    spec::mistake::{Mistake, closest},
};

/// Levels of inheritance.
const MOST_LEVELS: usize = 16;

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
            let found = profiles::find(name, near)
                .map_err(|error| error.and(&format!("inherited by {label}, line {}", inherits.spot.line)))?;
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
            for (key, node) in over {
                match entries.iter_mut().find(|(own, _)| *own == key) {
                    Some((_, own)) => {
                        let before = std::mem::replace(own, Node { spot, data: Data::Null });
                        *own = merge(before, node, &key);
                    }
                    None => entries.push((key, node)),
                }
            }
            Node { spot, data: Data::Table(entries) }
        }
        (Data::List(under), Data::List(over)) if NAMED.contains(&key) => {
            let mut items = under;
            for node in over {
                let id = node.get("id").and_then(Node::text).map(str::to_owned);
                let same = |own: &&mut Node| id.is_some() && own.get("id").and_then(Node::text) == id.as_deref();
                match items.iter_mut().find(same) {
                    Some(own) => {
                        let before = std::mem::replace(own, Node { spot, data: Data::Null });
                        *own = merge(before, node, "");
                    }
                    None => items.push(node),
                }
            }
            Node { spot, data: Data::List(items) }
        }
        (_, data) => Node { spot, data },
    }
}

/// Sets `key` to `value` as from the command line: a variable, if there is one of that name, or a place in the job.
pub(super) fn set(tree: &mut Node, key: &str, value: &str, spot: Spot) -> std::result::Result<(), Mistake> {
    let data = literal(value);
    if let Some(variable) = tree.get_mut("variables").and_then(|variables| variables.get_mut(key)) {
        *variable = Node { spot, data };
        return Ok(());
    }
    let first = key.split(['.', '[']).next().unwrap_or_default();
    let schema = schema::of_job();
    let places = schema["properties"].as_object().into_iter().flatten();
    let known: Vec<&str> = places.map(|(name, _)| name.as_str()).collect();
    if !known.contains(&first) {
        let variables = tree.get("variables").map(Node::entries).unwrap_or_default();
        let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).chain(known.iter().copied()).collect();
        let hint = closest(key, &names).map_or(String::new(), |near| format!("did you mean {near}? "));
        let problem = format!("is no variable and no place in a job; {hint}known are {}", names.join(", "));
        return Err(Mistake::new(format!("--set {key}"), value, problem));
    }
    match tree.reach(key, spot) {
        Some(node) => {
            *node = Node { spot, data };
            Ok(())
        }
        None => Err(Mistake::new(format!("--set {key}"), value, "is no place in this job")),
    }
}

/// A value as it is typed: a number or true and false where it looks like one, else text.
fn literal(text: &str) -> Data {
    match text {
        "true" => Data::Bool(true),
        "false" => Data::Bool(false),
        _ => match serde_json::from_str::<serde_json::Number>(text) {
            Ok(number) => Data::Number(number),
            Err(_) => Data::Text(text.to_owned()),
        },
    }
}

/// Puts the values of variables in their places: `${name}`. A text that is nothing but a variable becomes its value,
/// whatever kind that has.
pub(super) fn substitute(tree: &mut Node, given: &[(String, Data)]) -> Vec<Mistake> {
    let own = tree.take("variables");
    let mut mistakes = Vec::new();
    let mut variables: Vec<(String, Data)> = given.to_vec();
    if let Some(own) = own {
        if !matches!(own.data, Data::Table(_)) {
            mistakes.push(Mistake::new("variables", "", "a table of names and values is expected"));
        }
        for (name, node) in own.entries() {
            if matches!(node.data, Data::List(_) | Data::Table(_)) {
                let problem = "a variable is text, a number, or true or false";
                mistakes.push(Mistake::new(format!("variables.{name}"), "", problem));
            }
            variables.push((name.clone(), node.data.clone()));
        }
    }
    fill(tree, &variables, "", &mut mistakes);
    mistakes
}

fn fill(node: &mut Node, variables: &[(String, Data)], path: &str, mistakes: &mut Vec<Mistake>) {
    match &mut node.data {
        Data::Text(text) => match filled(text, variables) {
            Ok(Some(data)) => node.data = data,
            Ok(None) => {}
            Err(problem) => mistakes.push(Mistake::new(path, text.clone(), problem)),
        },
        Data::List(items) => {
            items
                .iter_mut()
                .enumerate()
                .for_each(|(at, item)| fill(item, variables, &format!("{path}[{at}]"), mistakes));
        }
        Data::Table(entries) => {
            for (key, value) in entries {
                let place = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                fill(value, variables, &place, mistakes);
            }
        }
        _ => {}
    }
}

fn filled(text: &str, variables: &[(String, Data)]) -> std::result::Result<Option<Data>, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { return Err("a variable without its closing brace".into()) };
        let name = &rest[start + 2..start + length];
        let Some((_, value)) = variables.iter().find(|(own, _)| own == name) else {
            let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
            let hint = closest(name, &names).map_or(String::new(), |near| format!("did you mean {near}? "));
            return Err(format!("there is no variable {name}; {hint}known are {}", names.join(", ")));
        };
        if start == 0 && start + length + 1 == text.len() && out.is_empty() {
            return Ok(Some(value.clone()));
        }
        out.push_str(&rest[..start]);
        match value {
            Data::Text(text) => out.push_str(text),
            Data::Number(number) => out.push_str(&number.to_string()),
            Data::Bool(value) => out.push_str(&value.to_string()),
            _ => {}
        }
        rest = &rest[start + length + 1..];
    }
    if out.is_empty() && rest.len() == text.len() {
        return Ok(None);
    }
    out.push_str(rest);
    Ok(Some(Data::Text(out)))
}
