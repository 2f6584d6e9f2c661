//! Variables of a document, and values that are set from outside.
//!
//! Invariant: a text that is only a variable takes the variable's kind. Variables add at most as many bytes as a
//! document may have.

use std::collections::HashMap;

use serde_json::Value;
use trix_model::mistake::{Mistake, hint};

use crate::document::{
    check::MOST,
    inherit::Merge,
    node::{Data, Node, Placed, Spot},
    parse::{self, Language, MOST_BYTES},
    schema::{self, Kind},
    shorthand,
    sources::OPTION,
};

/// The largest number of names that are compared and listed in a message.
const MOST_NAMES: usize = 50;

/// Sets `key` to `value`, as the command line does: a variable of this name if there is one, else a place in the job.
/// `merge` joins a table that is set by its `type` or by a short form with what stands there.
pub(super) fn set(
    tree: &mut Node,
    key: &str,
    value: &str,
    spot: Spot,
    merge: &mut Merge<'_>,
) -> Result<(), Box<Placed>> {
    let at = |spot: Spot, problem: String| {
        Box::new(Placed { spot, mistake: Mistake::new(format!("{OPTION}{key}"), value, problem) })
    };
    let data = literal(value, spot).map_err(|problem| at(spot, problem))?;
    // What is wrong from here on is the key.
    let refused = |problem: String| at(spot.of_key(), problem);
    if let Some(variable) = tree.get_mut("variables").and_then(|variables| variables.get_mut(key)) {
        *variable = Node::new(spot, data);
        return Ok(());
    }
    let known = merge.schema["properties"].as_object();
    let known: Vec<&str> = known.map(|known| known.keys().map(String::as_str).collect()).unwrap_or_default();
    let first = key.split(['.', '[']).next().unwrap_or_default();
    if !known.contains(&first) {
        let variables = tree.get("variables").map(Node::entries).unwrap_or_default();
        let names = variables.iter().map(|(name, _)| name.as_str()).chain(known);
        return Err(refused(format!(
            "is neither a variable of this job nor one of its keys; {}",
            known_are(key, names)
        )));
    }
    let unknown = || refused("is not a key of this job".to_owned());
    if let Some((parent, last)) = key.rsplit_once('.') {
        let of = schema::at(merge.schema, parent);
        let is_type = last == "type" && of.is_some_and(|of| schema::kind(merge.schema, of) != Kind::Keys);
        if is_type || shorthand::stands_for(parent, last) {
            let table = tree.reach(parent, spot).ok_or_else(unknown)?;
            if !matches!(table.data, Data::Table(_) | Data::Null) {
                return Err(unknown());
            }
            let mut over = Node::new(spot, Data::Table(vec![(last.to_owned(), Node::new(spot, data))]));
            shorthand::write_out_table(&mut over, parent);
            *table = merge.tables(std::mem::take(table), over, &format!("{parent}."), of);
            return Ok(());
        }
    }
    let place = tree.reach(key, spot).ok_or_else(unknown)?;
    *place = Node::new(spot, data);
    // A text or a table can be a short form.
    shorthand::write_out(tree);
    Ok(())
}

/// A value as a user types it: a number, `true` or `false` where it looks like one, else text. Quoted text is always
/// text. What begins with a bracket or brace is a list or table in JSON or TOML.
fn literal(text: &str, spot: Spot) -> Result<Data, String> {
    let trimmed = text.trim_start();
    if trimmed.starts_with(['[', '{']) {
        let written = [(text.to_owned(), Language::Json), (format!("value = {text}"), Language::Toml)];
        let [json, toml] = written.map(|(text, language)| parse::parse(&text, language, spot.document));
        let toml = toml.map(|mut table| table.take("value").unwrap_or_default());
        let mut node = json.or(toml).map_err(|(_, problem)| {
            format!("is no list or table in JSON or TOML: {problem}; for text, quote it twice: '\"...\"'")
        })?;
        node.put_at(spot);
        return Ok(node.data);
    }
    Ok(match serde_json::from_str::<Value>(text) {
        Ok(Value::Bool(value)) => Data::Bool(value),
        Ok(Value::Number(number)) => Data::Number(number),
        Ok(Value::String(quoted)) => Data::Text(quoted),
        _ => Data::Text(text.to_owned()),
    })
}

/// Returns the end of a message: the most similar name, and the known names.
fn known_are<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.take(MOST_NAMES + 1).collect();
    let more = if known.len() > MOST_NAMES { " and more" } else { "" };
    known.truncate(MOST_NAMES);
    format!("{}known are {}{more}", hint(name, &known), known.join(", "))
}

/// Puts the values of variables in place of `${name}`. A text that is only a variable becomes its value, of any kind.
/// Values with unknown variables are out afterwards.
pub(super) fn substitute(tree: &mut Node, given: &[(&str, String)]) -> Vec<Placed> {
    let mut filling = Filling::default();
    for (name, value) in given {
        filling.add(name, Node::new(tree.spot, Data::Text(value.clone())));
    }
    match tree.get_mut("variables") {
        Some(Node { data: Data::Table(entries), .. }) => filling.variables(entries),
        Some(other) if !other.is_out() => {
            filling.refuse(other.mistake("", "a table of names and values is expected"));
        }
        _ => {}
    }
    if let Data::Table(entries) = &mut tree.data {
        entries.iter_mut().filter(|(key, _)| key != "variables").for_each(|(_, node)| filling.fill(node));
    }
    filling.mistakes
}

/// A text with the values of its variables.
enum Filled {
    /// The text was only a variable. A mistake in the value is where the variable has its value.
    Alone(Node),
    /// The value stands within other text.
    Within(String),
}

#[derive(Default)]
struct Filling {
    known: HashMap<String, Node>,
    /// In the order in which they were added.
    names: Vec<String>,
    /// Variables of the document, by number.
    own: HashMap<String, usize>,
    /// The number of bytes that variables added.
    bytes: usize,
    mistakes: Vec<Placed>,
}

impl Filling {
    fn add(&mut self, name: &str, value: Node) {
        if self.known.insert(name.to_owned(), value).is_none() {
            self.names.push(name.to_owned());
        }
    }

    fn refuse(&mut self, mistake: Placed) {
        if self.mistakes.len() <= MOST {
            self.mistakes.push(mistake);
        }
    }

    /// Reads the variables in an order in which each comes after those that it uses.
    fn variables(&mut self, entries: &mut [(String, Node)]) {
        #[derive(Clone, Copy, PartialEq)]
        enum Turn {
            New,
            Waits,
            Done,
        }
        self.own = entries.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect();
        let mut turns = vec![Turn::New; entries.len()];
        for first in 0..entries.len() {
            let mut stack = vec![first];
            while let Some(at) = stack.last().copied() {
                if turns[at] == Turn::New {
                    turns[at] = Turn::Waits;
                    let uses = entries[at].1.text().map(used).unwrap_or_default();
                    let others = uses.iter().filter_map(|name| self.own.get(*name));
                    stack.extend(others.filter(|other| turns[**other] == Turn::New));
                    continue;
                }
                stack.pop();
                if std::mem::replace(&mut turns[at], Turn::Done) == Turn::Waits {
                    let (name, node) = &mut entries[at];
                    let name = name.clone();
                    self.variable(&name, node);
                }
            }
        }
    }

    fn variable(&mut self, name: &str, node: &mut Node) {
        if matches!(node.data, Data::List(_) | Data::Table(_) | Data::Null) {
            self.refuse(node.mistake("", "a variable is text, a number, or true or false"));
            node.data = Data::Out;
        } else {
            self.fill(node);
        }
        self.add(name, node.clone());
    }

    fn fill(&mut self, node: &mut Node) {
        match &mut node.data {
            Data::Text(text) => match self.filled(text) {
                Ok(Some(Filled::Alone(value))) => (node.data, node.spot) = (value.data, value.spot),
                Ok(Some(Filled::Within(text))) => node.data = Data::Text(text),
                Ok(None) => {}
                Err(problem) => {
                    self.refuse(node.mistake(node.text().unwrap_or_default(), problem));
                    node.data = Data::Out;
                }
            },
            Data::List(items) => items.iter_mut().for_each(|item| self.fill(item)),
            Data::Table(entries) => entries.iter_mut().for_each(|(_, value)| self.fill(value)),
            _ => {}
        }
    }

    fn filled(&mut self, text: &str) -> Result<Option<Filled>, String> {
        let (mut out, mut rest) = (String::new(), text);
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start..].find('}') else {
                return Err("a variable without its closing brace".into());
            };
            let name = &rest[start + 2..start + length];
            let Some(value) = self.known.get(name) else {
                if self.own.contains_key(name) {
                    return Err(format!("variable {name} is made of itself"));
                }
                let names = self.names.iter().map(String::as_str);
                return Err(format!("there is no variable {name}; {}", known_are(name, names)));
            };
            if value.is_out() {
                return Ok(Some(Filled::Alone(value.clone())));
            }
            let is_alone = start == 0 && start + length + 1 == text.len();
            let (value, written) = match &value.data {
                Data::Number(number) => (value.clone(), number.to_string()),
                Data::Bool(flag) => (value.clone(), flag.to_string()),
                Data::Text(text) => (value.clone(), text.clone()),
                _ => (value.clone(), String::new()),
            };
            self.bytes += written.len();
            if self.bytes > MOST_BYTES {
                return Err(format!("variables put more than {MOST_BYTES} bytes into the job"));
            }
            if is_alone {
                return Ok(Some(Filled::Alone(value)));
            }
            out.push_str(&rest[..start]);
            out.push_str(&written);
            rest = &rest[start + length + 1..];
        }
        if rest.len() == text.len() {
            return Ok(None);
        }
        out.push_str(rest);
        Ok(Some(Filled::Within(out)))
    }
}

/// The names of the variables in `text`.
fn used(text: &str) -> Vec<&str> {
    let after = text.split("${").skip(1);
    after.filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
}
