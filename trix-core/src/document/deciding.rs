//! Conditions and cases: the traits of a source decide if an element of a list is used, and with which settings.
//!
//! Invariant: a decision about one element never changes the path of another.

use serde_json::Value;

use crate::{
    document::{
        check,
        inherit::changed_type,
        node::{Data, Node, Placed},
        schema::{self, Kind},
        shorthand,
        sources::Texts,
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

/// Returns the mistakes in conditions, cases and ids of `tree`. `schema` is the schema of a job, and `merging` the same with
/// the settings that packages share.
pub(super) fn check(tree: &Node, schema: &Value, merging: &Value, texts: &Texts) -> Vec<Placed> {
    let mut mistakes = Vec::new();
    for list in Job::LISTS {
        let items = |root| schema::at(root, list).and_then(|of| of.get("items")).unwrap_or(&Value::Null);
        let (of, own) = ((schema, items(schema)), (merging, items(merging)));
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
                mistakes.extend(check_cases(item, cases, of, own, texts));
            }
        }
    }
    mistakes
}

/// A schema, and its part for an element of a list.
type Of<'a> = (&'a Value, &'a Value);

/// Returns the mistakes in the cases of `item`. They are merged by `merging` and checked by `schema`.
fn check_cases(item: &Node, cases: &Node, schema: Of<'_>, merging: Of<'_>, texts: &Texts) -> Vec<Placed> {
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
        let mut merged = overlaid(base.clone(), change, texts, merging.0, Some(merging.1));
        spread_package(&mut merged);
        // A case is checked together with its element: only mistakes inside the case count, and another case may add a
        // missing key.
        let within = format!("{}.", case.path);
        let own = |Placed { mistake, .. }: &Placed| {
            mistake.place.starts_with(&within) && !mistake.problem.starts_with("needs ")
        };
        mistakes.extend(check::check(&mut merged, schema.0, schema.1, texts).mistakes.into_iter().filter(own));
    }
    mistakes
}

/// Returns the tree for a source with these `traits`: unwanted elements are removed, and cases that hold are applied.
/// `schema` is the schema of a job, with the settings that packages share.
pub(super) fn decided(tree: &Node, traits: &Traits, texts: &Texts, schema: &Value) -> Node {
    let mut tree = tree.clone();
    for list in Job::LISTS {
        let of = schema::at(schema, list).and_then(|of| of.get("items"));
        let Some(Node { data: Data::List(items), .. }) = tree.get_mut(list) else { continue };
        items.retain(|item| item.get("when").is_none_or(|condition| traits.meet(condition)));
        for item in items.iter_mut() {
            let Some(cases) = item.take("cases") else { continue };
            let path = item.path.clone();
            for case in cases.items() {
                let mut change = case.clone();
                if change.take("when").is_none_or(|condition| traits.meet(&condition)) {
                    *item = overlaid(std::mem::take(item), change, texts, schema, of);
                }
            }
            item.locate(path);
        }
    }
    tree
}

/// Applies the values of a case to those of its element. Values of a document that is nearer to the user than that of the
/// case stay. A table whose type the case changes has only the values of the case, and the nearer ones. `schema`, a part of
/// `root`, describes the tables; `None` if it does not know them.
fn overlaid(mut under: Node, mut case: Node, texts: &Texts, root: &Value, schema: Option<&Value>) -> Node {
    if !matches!((&under.data, &case.data), (Data::Table(_), Data::Table(_))) {
        return if texts.is_nearer(under.layer, case.layer) { under } else { case };
    }
    let kind = schema.map_or(Kind::Keys, |schema| schema::kind(root, schema));
    if kind == Kind::Encoder {
        shorthand::give_way(&mut under, &case, texts);
    }
    let changes = changed_type(&under, &case).filter(|_| kind != Kind::Keys);
    let changes = changes.map(|(old, new)| (!texts.is_nearer(old.layer, new.layer), new.layer));
    let (Data::Table(entries), Data::Table(others)) = (&mut under.data, &mut case.data) else { return case };
    if let Some((true, layer)) = changes {
        entries.retain(|(_, node)| texts.is_nearer(node.layer, layer));
    }
    for (key, node) in std::mem::take(others) {
        match entries.iter_mut().find(|(own, _)| *own == key) {
            Some((_, own)) => {
                let schema = schema.and_then(|schema| schema::member(root, schema, &key));
                *own = overlaid(std::mem::take(own), node, texts, root, schema);
            }
            None => entries.push((key, node)),
        }
    }
    under
}

/// Gives each rung of each package the settings that the package states for all of its rungs.
pub(super) fn spread(tree: &mut Node) {
    let packages = tree.get_mut("packages").map(Node::items_mut).unwrap_or_default();
    packages.iter_mut().for_each(spread_package);
}

fn spread_package(package: &mut Node) {
    // A rung is needed to say what the settings are for.
    if package.get("ladder").is_none() {
        return;
    }
    let Some(shared) = package.take("video") else { return };
    for rung in package.get_mut("ladder").map(Node::items_mut).unwrap_or_default() {
        let Data::Table(entries) = &mut rung.data else { continue };
        match entries.iter_mut().find(|(key, _)| key == "video") {
            Some((_, own)) => *own = below(&shared, std::mem::take(own)),
            None => entries.push(("video".to_owned(), shared.clone())),
        }
    }
}

/// The values of `own`, and those of `shared` that it does not set.
fn below(shared: &Node, mut own: Node) -> Node {
    let (Data::Table(others), Data::Table(entries)) = (&shared.data, &mut own.data) else { return own };
    for (key, node) in others {
        match entries.iter_mut().find(|(own, _)| own == key) {
            Some((_, own)) => *own = below(node, std::mem::take(own)),
            None => entries.push((key.clone(), node.clone())),
        }
    }
    own
}
