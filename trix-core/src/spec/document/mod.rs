//! A job as it is written: TOML, YAML or JSON, with profiles to inherit from, variables, and conditions.
//!
//! ```
//! use trix_core::spec::document::{Document, Language};
//! let document = Document::parse(
//!     r#"
//!     inherits = "preview"
//!     [source]
//!     path = "master.mov"
//!     "#,
//!     Language::Toml,
//!     &[],
//! )?;
//! assert_eq!(document.source()?.path.to_str(), Some("master.mov"));
//! # Ok::<(), trix_core::Error>(())
//! ```
//!
//! Invariant: whatever is wrong with a document is told at once, each mistake with the document and the line where it
//! stands; what is not wrong becomes a [`Job`], the same one whichever language it was written in.

mod check;
mod inherit;
mod node;
mod parse;
mod profiles;
mod schema;
mod sources;
mod traits;

use std::path::Path;

use node::{Data, Node};
use sources::Texts;

pub use self::{
    parse::Language,
    profiles::{PROFILES, Profile},
    schema::schema,
    traits::Traits,
};
use super::{
    job::{Job, SourceSettings},
    mistake::Mistake,
    plan,
    track::TrackSettings,
};
use crate::error::{Error, ErrorKind, Result, Stage};

/// Keys of an output that decide whether and how it is wanted, and are no part of a job.
const DECIDING: [&str; 3] = ["id", "when", "cases"];

/// Lists of a job whose elements may be decided about.
const LISTS: [&str; 4] = ["outputs", "packages", "stills", "tracks"];

/// A job as it is written.
#[derive(Clone, Debug)]
pub struct Document {
    tree: Node,
    texts: Texts,
    description: Option<String>,
}

impl Document {
    /// Reads a file, and sets each `key` to its `value`: a variable, or a place in the job such as
    /// `outputs[0].video.rate.value`.
    ///
    /// # Errors
    /// `Io` when the file cannot be read; `InvalidSpec` with everything that is wrong with it.
    pub fn open(path: &Path, set: &[(String, String)]) -> Result<Self> {
        let found = profiles::read(path)?;
        Self::load(&found.label, &found.text, found.language, found.near.as_deref(), None, set)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// As [`Document::open`].
    pub fn parse(text: &str, language: Language, set: &[(String, String)]) -> Result<Self> {
        Self::load("the job", text, language, None, None, set)
    }

    /// Takes one or more profiles, by name or file, for `source` and the sound `tracks` from beside it.
    ///
    /// # Errors
    /// As [`Document::open`].
    pub fn of_profiles(
        names: &[String],
        source: &Path,
        tracks: &[TrackSettings],
        set: &[(String, String)],
    ) -> Result<Self> {
        let mut own = serde_json::json!({ "inherits": names });
        if !tracks.is_empty() {
            let unreadable = |error| Error::bug(Stage::Plan, format!("a track cannot be written: {error}"));
            own["tracks"] = serde_json::to_value(tracks).map_err(unreadable)?;
        }
        let text = own.to_string();
        Self::load("the command line", &text, Language::Json, None, Some(source), set)
    }

    fn load(
        label: &str,
        text: &str,
        language: Language,
        near: Option<&Path>,
        source: Option<&Path>,
        set: &[(String, String)],
    ) -> Result<Self> {
        let mut texts = Texts::default();
        let mut tree = inherit::load(&mut texts, label, text, language, near, &mut Vec::new())?;
        let description = tree.take("description").and_then(|node| node.text().map(str::to_owned));
        let spot = texts.add("the command line");
        let mut mistakes = Vec::new();
        if let Some(source) = source {
            let path = Node { spot, data: Data::Text(source.display().to_string()) };
            if let Some(place) = tree.reach("source.path", spot) {
                *place = path;
            }
        }
        for (key, value) in set {
            mistakes.extend(inherit::set(&mut tree, key, value, spot).err());
        }
        let stem = tree.get("source").and_then(|source| source.get("path")).and_then(Node::text).map(Path::new);
        let stem = stem.and_then(Path::file_stem).map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        mistakes.extend(inherit::substitute(&mut tree, &[("stem".to_owned(), Data::Text(stem))]));
        let mut document = Document { tree, texts, description };
        mistakes.extend(document.conditions());
        let mut bare = document.tree.clone();
        for list in LISTS {
            each(&mut bare, list, |node| DECIDING.iter().for_each(|key| drop(node.take(key))));
        }
        let wrong = check::check(&bare, &schema::of_job());
        for mistake in wrong.iter().rev() {
            bare.remove(&mistake.place);
        }
        mistakes.extend(wrong);
        mistakes.extend(unreadable(&mut bare));
        if !mistakes.is_empty() {
            // What is left is judged too, so that all is told at once.
            if let Ok(job) = serde_json::from_value::<Job>(bare.to_json()) {
                mistakes.extend(plan::mistakes_alone(&job));
            }
            return Err(document.told(mistakes));
        }
        Ok(document)
    }

    /// What the document says that it is for.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The source that the document names.
    ///
    /// # Errors
    /// `InvalidSpec` when it names none.
    pub fn source(&self) -> Result<SourceSettings> {
        let own = self.tree.get("source").map_or(serde_json::Value::Null, Node::to_json);
        let source: SourceSettings = serde_json::from_value(own).unwrap_or_default();
        if source.path.as_os_str().is_empty() {
            return Err(self.told(vec![Mistake::new("source.path", "", "the job names no source")]));
        }
        Ok(source)
    }

    /// The job for a source with these `traits`: outputs whose condition does not hold are left out, and cases that hold
    /// are applied, in the order in which they are written.
    ///
    /// # Errors
    /// `InvalidSpec` when a case makes something of the job that cannot be read.
    pub fn job(&self, traits: &Traits) -> Result<Job> {
        let tree = self.for_traits(traits);
        let mut bare = tree.clone();
        for list in LISTS {
            each(&mut bare, list, |node| drop(node.take("id")));
        }
        let mut mistakes = check::check(&bare, &schema::of_job());
        mistakes.extend(unreadable(&mut bare));
        if mistakes.is_empty() {
            return serde_json::from_value(bare.to_json()).map_err(|error| {
                Error::new(ErrorKind::InvalidSpec, Stage::Plan, format!("the job cannot be read: {error}"))
            });
        }
        Err(told(&tree, &self.texts, mistakes))
    }

    /// Adds to an error about the job for `traits` where its mistakes stand.
    pub fn explain(&self, traits: &Traits, error: Error) -> Error {
        match error.mistakes() {
            [] => error,
            mistakes => told(&self.for_traits(traits), &self.texts, mistakes.to_vec()),
        }
    }

    /// Opens the source, and makes the job for it; outputs with relative names go into `folder`.
    ///
    /// # Errors
    /// As [`Document::source`], [`Source::open_as`](crate::Source::open_as) and [`Document::job`].
    pub fn resolve(&self, folder: Option<&Path>) -> Result<(Job, Traits)> {
        let source = self.source()?.open()?;
        let tracks = self.tree.get("tracks").map(Node::items).unwrap_or_default();
        let tracks: Vec<TrackSettings> =
            tracks.iter().filter_map(|track| serde_json::from_value(track.to_json()).ok()).collect();
        let traits = Traits::of(&source, &tracks);
        let mut job = self.job(&traits)?;
        if let Some(folder) = folder {
            job.write_into(folder);
        }
        Ok((job, traits))
    }

    fn told(&self, mistakes: Vec<Mistake>) -> Error {
        told(&self.tree, &self.texts, mistakes)
    }

    /// The tree with what is decided by traits.
    fn for_traits(&self, traits: &Traits) -> Node {
        let mut tree = self.tree.clone();
        for list in LISTS {
            let Some(Node { data: Data::List(items), .. }) = tree.get_mut(list) else { continue };
            items.retain_mut(|node| node.take("when").is_none_or(|condition| traits.meet(&condition)));
            for node in items {
                let Some(cases) = node.take("cases") else { continue };
                for case in cases.items() {
                    let mut change = case.clone();
                    if change.take("when").is_none_or(|condition| traits.meet(&condition)) {
                        let before = std::mem::replace(node, Node { spot: case.spot, data: Data::Null });
                        *node = inherit::merge(before, change, "");
                    }
                }
            }
        }
        tree
    }

    /// What is wrong with conditions and cases.
    fn conditions(&mut self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for list in LISTS {
            let items = self.tree.get(list).map(Node::items).unwrap_or_default();
            for (number, node) in items.iter().enumerate() {
                let path = format!("{list}[{number}]");
                let own = node.get("when").map(|condition| traits::check(condition, &format!("{path}.when")));
                mistakes.extend(own.into_iter().flatten());
                for (at, case) in node.get("cases").map(Node::items).unwrap_or_default().iter().enumerate() {
                    let path = format!("{path}.cases[{at}]");
                    match case.get("when") {
                        Some(condition) => mistakes.extend(traits::check(condition, &format!("{path}.when"))),
                        None => mistakes.push(Mistake::new(path, "", "a case needs a condition: when")),
                    }
                }
            }
        }
        mistakes
    }
}

fn each(tree: &mut Node, list: &str, change: impl FnMut(&mut Node)) {
    if let Some(node) = tree.get_mut(list) {
        node.items_mut().iter_mut().for_each(change);
    }
}

/// Texts that look right and cannot be read: times, ratios. Each is taken out of `tree`.
fn unreadable(tree: &mut Node) -> Vec<Mistake> {
    const MOST: usize = 100;
    let mut mistakes = Vec::new();
    while let Err(error) = serde_json::from_value::<Job>(tree.to_json()) {
        let told = error.to_string();
        let (mut leaves, mut culprit) = (Vec::new(), None);
        texts(tree, "", &mut leaves);
        // Such a text is the one without which the reader complains of nothing, or of something else; best one that the
        // complaint quotes, since a table that lacks what it needs is something else to complain of.
        let quoted = |value: &str| ['\'', '"', '`'].iter().any(|mark| told.contains(&format!("{mark}{value}{mark}")));
        leaves.sort_by_key(|(_, value)| !quoted(value));
        for (path, value) in leaves {
            let mut without = tree.clone();
            without.remove(&path);
            let other = serde_json::from_value::<Job>(without.to_json()).err().map(|other| other.to_string());
            if other.is_none_or(|other| other != told && (quoted(&value) || !other.contains("missing field"))) {
                culprit = Some((path, value));
                break;
            }
        }
        let Some((path, value)) = culprit else {
            mistakes.push(Mistake::new("the document", "", told));
            return mistakes;
        };
        tree.remove(&path);
        mistakes.push(Mistake::new(path, value, told));
        if mistakes.len() >= MOST {
            return mistakes;
        }
    }
    mistakes
}

/// Every text in `node`, with its path.
fn texts(node: &Node, path: &str, found: &mut Vec<(String, String)>) {
    match &node.data {
        Data::Text(text) => found.push((path.to_owned(), text.clone())),
        Data::List(items) => {
            items.iter().enumerate().for_each(|(at, item)| texts(item, &format!("{path}[{at}]"), found))
        }
        Data::Table(entries) => {
            for (key, value) in entries {
                let place = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                texts(value, &place, found);
            }
        }
        _ => {}
    }
}

/// An error that tells every mistake with the line where it stands.
fn told(tree: &Node, texts: &Texts, mut mistakes: Vec<Mistake>) -> Error {
    for mistake in &mut mistakes {
        let spot = match mistake.place.strip_prefix("--set ") {
            Some(_) => continue,
            None => tree.nearest(&mistake.place).spot,
        };
        mistake.line = Some(texts.told(spot));
    }
    mistakes.sort_by_cached_key(|mistake| {
        let spot = tree.nearest(&mistake.place).spot;
        (spot.document, spot.line)
    });
    Mistake::into_error(mistakes)
}
