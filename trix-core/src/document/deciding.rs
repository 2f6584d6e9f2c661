//! What is decided by the traits of a source: whether an element of a list is wanted, and how.
//!
//! Invariant: what is decided about one element never moves the place of another.

use std::collections::HashSet;

use serde_json::Value;
use trix_model::mistake::Mistake;

use crate::document::{
    LISTS,
    check::{self, resolved},
    inherit,
    node::{Data, Node},
    traits::{self, Traits},
};

/// Keys of an element that decide whether and how it is wanted, and are no part of a job.
const DECIDING: [&str; 3] = ["id", "when", "cases"];

/// Cases of one element.
const MOST_CASES: usize = 100;

/// The tree of a job: without variables, and without what decides.
pub(super) fn without(tree: &Node) -> Node {
    let mut bare = tree.clone();
    bare.take("variables");
    for list in LISTS {
        let items = bare.get_mut(list).map(Node::items_mut).unwrap_or_default();
        items.iter_mut().for_each(undecided);
    }
    bare
}

fn undecided(item: &mut Node) {
    DECIDING.iter().for_each(|key| drop(item.take(key)));
}

/// What is wrong with what decides in `tree`; `schema` is that of a job.
pub(super) fn check(tree: &Node, schema: &Value) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for list in LISTS {
        let of = resolved(schema, &schema["properties"][list])["items"].clone();
        let items = tree.get(list).map(Node::items).unwrap_or_default();
        for (number, item) in items.iter().enumerate().take(check::MOST) {
            let path = format!("{list}[{number}]");
            if let Some(id) = item.get("id").filter(|id| id.text().is_none() && !id.is_out()) {
                let problem = format!("is {}; text is expected", id.kind());
                mistakes.push(Mistake::new(format!("{path}.id"), "", problem));
            }
            if let Some(condition) = item.get("when") {
                mistakes.extend(traits::check(condition, &format!("{path}.when")));
            }
            if let Some(cases) = item.get("cases") {
                mistakes.extend(check_cases(item, cases, schema, &of, &path));
            }
        }
    }
    mistakes
}

fn check_cases(item: &Node, cases: &Node, schema: &Value, of: &Value, path: &str) -> Vec<Mistake> {
    let (mut mistakes, place) = (Vec::new(), format!("{path}.cases"));
    if !matches!(cases.data, Data::List(_) | Data::Out) {
        mistakes.push(Mistake::new(&place, "", "a list of cases is expected"));
    }
    if cases.items().len() > MOST_CASES {
        mistakes.push(Mistake::new(&place, "", format!("has more than {MOST_CASES} cases")));
    }
    let mut base = item.clone();
    undecided(&mut base);
    for (at, case) in cases.items().iter().enumerate().take(MOST_CASES) {
        let place = format!("{place}[{at}]");
        let Data::Table(_) = case.data else {
            if !case.is_out() {
                mistakes.push(Mistake::new(place, "", format!("is {}; a table is expected", case.kind())));
            }
            continue;
        };
        match case.get("when") {
            Some(condition) => mistakes.extend(traits::check(condition, &format!("{place}.when"))),
            None => mistakes.push(Mistake::new(&place, "", "a case needs a condition: when")),
        }
        let mut change = case.clone();
        change.take("when");
        let mut merged = inherit::merge(base.clone(), change.clone(), "");
        for mut mistake in check::check(&mut merged, schema, of, path) {
            // What the case does not say is the element's, and what it lacks another case may bring.
            let own = mistake.place.strip_prefix(path).and_then(|own| own.strip_prefix('.')).unwrap_or_default();
            if change.find(own).is_some() && !own.is_empty() && !mistake.problem.starts_with("needs ") {
                mistake.place = format!("{place}.{own}");
                mistakes.push(mistake);
            }
        }
    }
    mistakes
}

/// The tree for a source with these `traits`: what is not wanted is out, and cases that hold are applied.
pub(super) fn decided(tree: &Node, traits: &Traits) -> Node {
    let mut tree = tree.clone();
    for list in LISTS {
        for item in tree.get_mut(list).map(Node::items_mut).unwrap_or_default() {
            if item.take("when").is_some_and(|condition| !traits.meet(&condition)) {
                item.data = Data::Out;
                continue;
            }
            let Some(cases) = item.take("cases") else { continue };
            for case in cases.items() {
                let mut change = case.clone();
                if change.take("when").is_none_or(|condition| traits.meet(&condition)) {
                    let before = std::mem::replace(item, Node { spot: case.spot, data: Data::Null });
                    *item = inherit::merge(before, change, "");
                }
            }
        }
    }
    tree
}

/// Gives elements of `bare` names of their own where those that share one in `tree` may not be wanted together.
pub(super) fn rename(tree: &Node, bare: &mut Node) {
    let mut known = HashSet::new();
    for list in LISTS {
        let decides = tree.get(list).map(Node::items).unwrap_or_default().iter();
        let decides: Vec<bool> = decides.map(|item| item.get("when").is_some()).collect();
        let items = bare.get_mut(list).map(Node::items_mut).unwrap_or_default();
        for (number, item) in items.iter_mut().enumerate() {
            let Some(path) = item.get_mut("path") else { continue };
            let Some(name) = path.text().map(str::to_owned) else { continue };
            if decides.get(number) == Some(&true) && !known.insert(name.clone()) {
                path.data = Data::Text(format!("{number}/{name}"));
            }
        }
    }
}
