//! A job as it is written: TOML, YAML or JSON, with profiles to inherit from, variables, and conditions.
//!
//! ```
//! use trix_core::document::{Document, Language};
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
mod deciding;
mod inherit;
mod node;
mod parse;
mod profiles;
mod schema;
mod sources;
mod traits;
mod variables;

use std::{collections::HashSet, path::Path};

use serde_json::Value;
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    mistake::Mistake,
    path_text,
};

use node::{Data, Node, below};
use sources::Texts;

pub use crate::document::{
    parse::Language,
    profiles::{PROFILES, Profile},
    schema::schema,
    traits::Traits,
};
use crate::{
    source::Source,
    spec::{
        job::{Job, SourceSettings},
        track::TrackSettings,
    },
};

/// Lists of a job whose elements may be decided about.
const LISTS: [&str; 4] = ["outputs", "packages", "stills", "tracks"];

/// A job as it is written.
#[derive(Clone, Debug)]
pub struct Document {
    tree: Node,
    texts: Texts,
    description: Option<String>,
}

/// What stands in the place of a name for what was typed.
const COMMAND_LINE: &str = "the command line";

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
        Self::load(COMMAND_LINE, &text, Language::Json, None, Some(source), set)
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
        let description = tree.take("description");
        let spot = texts.add(COMMAND_LINE);
        let schema = schema::of_job();
        let mut mistakes = Vec::new();
        if let Some(node) = description.as_ref().filter(|node| node.text().is_none()) {
            mistakes.push(Mistake::new("description", "", format!("is {}; text is expected", node.kind())));
        }
        if let Some(source) = source {
            let path = Node { spot, data: Data::Text(path_text::to_text(source)) };
            if let Some(place) = tree.reach("source.path", spot) {
                *place = path;
            }
        }
        for (key, value) in set {
            mistakes.extend(variables::set(&mut tree, key, value, spot, &schema).err());
        }
        let stem = tree.find("source.path").and_then(Node::text).map(Path::new).and_then(Path::file_stem);
        let stem = stem.map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        mistakes.extend(variables::substitute(&mut tree, &[("stem", stem)]));
        mistakes.extend(deciding::check(&tree, &schema));
        let mut bare = deciding::without(&tree);
        mistakes.extend(check::check(&mut bare, &schema, &schema, ""));
        mistakes.extend(unreadable(&mut bare, &schema));
        let description = description.and_then(|node| node.text().map(str::to_owned));
        let document = Document { tree, texts, description };
        if mistakes.is_empty() {
            return Ok(document);
        }
        // What is left is judged too, so that all is told at once.
        deciding::rename(&document.tree, &mut bare);
        if let Ok(job) = serde_json::from_value::<Job>(bare.to_json()) {
            for mut mistake in crate::planner::mistakes_alone(&job) {
                mistake.place = bare.place(&rooted(&mistake, &bare, &schema));
                if !told_already(&bare, &mistake.place) {
                    if let Some(text) = document.tree.find(&mistake.place).and_then(Node::text) {
                        mistake.value = text.to_owned();
                    }
                    mistakes.push(mistake);
                }
            }
        }
        Err(document.told(mistakes))
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
        let tree = deciding::decided(&self.tree, traits);
        let mut bare = deciding::without(&tree);
        let schema = schema::of_job();
        let mut mistakes = check::check(&mut bare, &schema, &schema, "");
        mistakes.extend(unreadable(&mut bare, &schema));
        if mistakes.is_empty() {
            return serde_json::from_value(bare.to_json()).map_err(|error| {
                Error::new(ErrorKind::InvalidSpec, Stage::Plan, format!("the job cannot be read: {error}"))
            });
        }
        Err(told(&tree, &self.texts, mistakes))
    }

    /// Adds to an error about the job for `traits` where its mistakes stand.
    pub fn explain(&self, traits: &Traits, error: Error) -> Error {
        if error.mistakes().is_empty() {
            return error;
        }
        let tree = deciding::decided(&self.tree, traits);
        let schema = schema::of_job();
        let placed = error.mistakes().iter().cloned().map(|mistake| {
            let place = tree.place(&rooted(&mistake, &tree, &schema));
            Mistake { place, ..mistake }
        });
        told(&tree, &self.texts, placed.collect())
    }

    /// Opens the source and makes the job for it. Outputs with relative names go into `folder`.
    ///
    /// # Errors
    /// As [`Document::source`], [`Source::open_as`] and [`Document::job`].
    pub fn resolve(&self, folder: Option<&Path>) -> Result<Resolved> {
        let settings = self.source()?;
        let source = settings.open()?;
        let tracks = self.tree.get("tracks").map(Node::items).unwrap_or_default();
        let tracks: Vec<TrackSettings> =
            tracks.iter().filter_map(|track| serde_json::from_value(track.to_json()).ok()).collect();
        let traits = Traits::of(&source, &tracks);
        let mut job = self.job(&traits)?;
        if let Some(folder) = folder {
            job.write_into(folder);
        }
        // A condition can change how the source is read.
        let is_read_so = (&settings.path, settings.reading()) == (&job.source.path, job.source.reading());
        let source = if is_read_so { source } else { job.source.open()? };
        Ok(Resolved { job, traits, source })
    }

    fn told(&self, mistakes: Vec<Mistake>) -> Error {
        told(&self.tree, &self.texts, mistakes)
    }
}

/// A document with its source.
pub struct Resolved {
    /// The job for this source.
    pub job: Job,
    /// The properties of the source that conditions ask about.
    pub traits: Traits,
    /// The source, opened as the job says. [`run_opened`](crate::run_opened) takes it.
    pub source: Source,
}

/// Where in a job that stands which a plan finds fault with: of the only output it says no number.
fn rooted(mistake: &Mistake, tree: &Node, schema: &Value) -> String {
    let place = mistake.place.as_str();
    let first = place.split(['.', '[']).next().unwrap_or_default();
    if first == "threads" {
        // The one number that both a job and an output can have.
        let value = serde_json::from_str::<Value>(&mistake.value).ok();
        let items = tree.get("outputs").map(Node::items).unwrap_or_default();
        let mut outputs = items.iter().filter(|output| !output.is_out());
        let own = outputs.position(|output| output.get("threads").map(Node::to_json) == value && value.is_some());
        return own.map_or_else(|| place.to_owned(), |number| format!("outputs[{number}].threads"));
    }
    match place.strip_prefix("output.") {
        Some(own) => format!("outputs[0].{own}"),
        None if schema["properties"].get(first).is_some() => place.to_owned(),
        None => format!("outputs[0].{place}"),
    }
}

/// Whether that which stands at `place`, or what it is a part of, is out.
fn told_already(tree: &Node, place: &str) -> bool {
    tree.find(place).unwrap_or_else(|| tree.nearest(place)).is_out()
}

/// Texts that look right and cannot be read, of kinds that the schema does not tell from others. Each is out afterwards.
fn unreadable(tree: &mut Node, schema: &Value) -> Vec<Mistake> {
    const MOST: usize = 20;
    const MOST_LEAVES: usize = 500;
    let read = |tree: &Node| serde_json::from_value::<Job>(tree.to_json()).err().map(|error| error.to_string());
    let mut mistakes = Vec::new();
    while let Some(told) = read(tree) {
        // Such a text is the one without which the reader complains of nothing, or of something else; best one that the
        // complaint quotes, since a table that lacks what it needs is something else to complain of.
        let quoted = |value: &str| ['\'', '"', '`'].iter().any(|mark| told.contains(&format!("{mark}{value}{mark}")));
        let mut leaves = Vec::new();
        texts(tree, "", &mut leaves);
        leaves.sort_by_key(|(_, value)| !quoted(value));
        let culprit = leaves.into_iter().take(MOST_LEAVES).find(|(path, value)| {
            let Some(node) = tree.find_mut(path) else { return false };
            let before = std::mem::replace(&mut node.data, Data::Out);
            let other = read(tree);
            let is_better =
                other.is_none_or(|other| other != told && (quoted(value) || !other.contains("missing field")));
            if let Some(node) = tree.find_mut(path).filter(|_| !is_better) {
                node.data = before;
            }
            is_better
        });
        let Some((path, value)) = culprit else {
            mistakes.push(Mistake::new("the document", "", told));
            break;
        };
        mistakes.push(Mistake::new(path, value, told));
        if mistakes.len() >= MOST {
            break;
        }
        // A table that lacks what it needs now is out with it.
        check::check(tree, schema, schema, "");
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
        Data::Table(entries) => entries.iter().for_each(|(key, value)| texts(value, &below(path, key), found)),
        _ => {}
    }
}

/// An error that tells mistakes in the order of their lines, each once; the first hundred of them, in so many letters
/// as somebody may read.
fn told(tree: &Node, texts: &Texts, mut mistakes: Vec<Mistake>) -> Error {
    const MOST: usize = 100;
    const MOST_LETTERS: usize = 1000;
    let mut known = HashSet::new();
    mistakes.retain(|mistake| known.insert((mistake.place.clone(), mistake.value.clone(), mistake.problem.clone())));
    for mistake in mistakes.iter_mut().filter(|mistake| !mistake.place.starts_with("--set ")) {
        mistake.line = Some(texts.told(tree.nearest(&mistake.place).spot));
    }
    mistakes.sort_by_cached_key(|mistake| {
        let spot = tree.nearest(&mistake.place).spot;
        (spot.document, spot.line)
    });
    if mistakes.len() > MOST {
        mistakes.truncate(MOST);
        mistakes.push(Mistake::new("the document", "", format!("has more mistakes than these {MOST}")));
    }
    for Mistake { place, value, problem, .. } in &mut mistakes {
        for text in [place, value, problem] {
            if let Some((end, _)) = text.char_indices().nth(MOST_LETTERS) {
                text.replace_range(end.., "...");
            }
        }
    }
    Error::of_mistakes(mistakes)
}
