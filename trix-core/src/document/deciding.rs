//! Conditions and cases: the traits of a source decide if an element of a list is used, and with which settings.
//!
//! Invariant: a decision about one element never changes the path of another.

use serde_json::Value;

use crate::{
    document::{
        check,
        inherit::merge,
        node::{Data, Node, Placed},
        schema::resolved,
        traits::{self, Traits},
    },
    settings::job::Job,
};

/// The keys of an element that control its use. They are no part of a job.
const DECIDING: [&str; 3] = ["id", "when", "cases"];

/// The largest number of cases of one element.
const MOST_CASES: usize = 100;

/// Returns the tree of a job: variables, conditions, cases and ids are out.
pub(super) fn without(mut tree: Node) -> Node {
    leave_out(&mut tree, &["variables"]);
    for list in Job::LISTS {
        let items = tree.get_mut(list).map(Node::items_mut).unwrap_or_default();
        items.iter_mut().for_each(|item| leave_out(item, &DECIDING));
    }
    tree
}

fn leave_out(table: &mut Node, keys: &[&str]) {
    for key in keys {
        if let Some(node) = table.get_mut(key) {
            node.data = Data::Out;
        }
    }
}

/// Returns the mistakes in conditions, cases and ids of `tree`. `schema` is the schema of a job.
pub(super) fn check(tree: &Node, schema: &Value) -> Vec<Placed> {
    let mut mistakes = Vec::new();
    for list in Job::LISTS {
        let of = &resolved(schema, &schema["properties"][list])["items"];
        for item in tree.get(list).map(Node::items).unwrap_or_default() {
            if mistakes.len() > check::MOST {
                return mistakes;
            }
            if let Some(id) = item.get("id").filter(|id| id.text().is_none() && !id.is_out()) {
                mistakes.push(id.mistake("", format!("is {}; text is expected", id.kind())));
            }
            if let Some(condition) = item.get("when") {
                mistakes.extend(traits::check(condition));
            }
            if let Some(cases) = item.get("cases") {
                mistakes.extend(check_cases(item, cases, schema, of));
            }
        }
    }
    mistakes
}

fn check_cases(item: &Node, cases: &Node, schema: &Value, of: &Value) -> Vec<Placed> {
    let mut mistakes = Vec::new();
    if !matches!(cases.data, Data::List(_) | Data::Out) {
        mistakes.push(cases.mistake("", "a list of cases is expected"));
    }
    if cases.items().len() > MOST_CASES {
        mistakes.push(cases.mistake("", format!("has more than {MOST_CASES} cases")));
    }
    let mut base = item.clone();
    leave_out(&mut base, &DECIDING);
    for case in cases.items().iter().take(MOST_CASES).filter(|case| !case.is_out()) {
        let Data::Table(_) = case.data else {
            mistakes.push(case.mistake("", format!("is {}; a table is expected", case.kind())));
            continue;
        };
        match case.get("when") {
            Some(condition) => mistakes.extend(traits::check(condition)),
            None => mistakes.push(case.mistake("", "a case needs a condition: when")),
        }
        let mut change = case.clone();
        change.take("when");
        let mut merged = merge(base.clone(), change);
        // A case is checked together with its element: only mistakes inside the case count, and another case may add a
        // missing key.
        let within = format!("{}.", case.path);
        let own = |Placed { mistake, .. }: &Placed| {
            mistake.place.starts_with(&within) && !mistake.problem.starts_with("needs ")
        };
        mistakes.extend(check::check(&mut merged, schema, of).into_iter().filter(own));
    }
    mistakes
}

/// Returns the tree for a source with these `traits`: unwanted elements are removed, and cases that hold are applied.
pub(super) fn decided(tree: &Node, traits: &Traits) -> Node {
    let mut tree = tree.clone();
    for list in Job::LISTS {
        let Some(Node { data: Data::List(items), .. }) = tree.get_mut(list) else { continue };
        items.retain(|item| item.get("when").is_none_or(|condition| traits.meet(condition)));
        for item in items.iter_mut() {
            let Some(cases) = item.take("cases") else { continue };
            let path = item.path.clone();
            for case in cases.items() {
                let mut change = case.clone();
                if change.take("when").is_none_or(|condition| traits.meet(&condition)) {
                    *item = merge(std::mem::take(item), change);
                }
            }
            item.locate(path);
        }
    }
    tree
}
