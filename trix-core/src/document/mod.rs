//! A job as a user writes it: TOML, YAML or JSON, with profiles to inherit from, variables, and conditions.
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
//! Invariant: all mistakes of a document are reported at once, each with its document, its line and what is wrong in it. A document without
//! mistakes becomes the same [`Job`] in every language.

mod check;
mod deciding;
mod inherit;
mod keys;
mod node;
mod parse;
mod path;
mod profiles;
mod readers;
mod schema;
mod shorthand;
mod sources;
mod traits;
mod variables;

use std::path::{Path, PathBuf};

use serde_json::Value;
use trix_model::{
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    mistake::Mistake,
    path_text,
};

use inherit::Merge;
use node::{Data, Node, Placed};
use profiles::NamedText;
use sources::{COMMAND_LINE, Texts};

pub use crate::document::{
    keys::{Key, keys, table as key_table},
    parse::Language,
    profiles::{PROFILES, Profile, user_folder, user_profiles},
    schema::schema,
    traits::Traits,
};
use crate::{
    settings::{
        job::{Job, SourceSettings},
        track::TrackSettings,
    },
    source::Source,
};

/// The variable that every document has: the name of the source without its extension, or what the command line sets.
const STEM: &str = "stem";

/// A job as a user writes it.
#[derive(Clone, Debug)]
pub struct Document {
    tree: Node,
    /// The tree before variables had their values.
    merged: Node,
    texts: Texts,
    description: Option<String>,
    notes: Vec<Decision>,
}

impl Document {
    /// Reads a file, and sets each `key` to its `value`. A key is the name of a variable, or a place in the job such as
    /// `outputs[0].video.rate.value`.
    ///
    /// # Errors
    /// `Io` when the file cannot be read; `InvalidSpec` with all mistakes of the document.
    pub fn open(path: &Path, set: &[(String, String)]) -> Result<Self> {
        Self::of_text(&profiles::read(path)?, set)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// As [`Document::open`].
    pub fn parse(text: &str, language: Language, set: &[(String, String)]) -> Result<Self> {
        Self::load(&NamedText::without_file("the job", text.to_owned(), language), None, set)
    }

    /// Reads a profile, by name or file.
    ///
    /// # Errors
    /// As [`Document::open`].
    pub fn of_profile(name: &str) -> Result<Self> {
        Self::of_text(&profiles::find(name, None, "")?, &[])
    }

    fn of_text(found: &NamedText, set: &[(String, String)]) -> Result<Self> {
        let mut document = Self::load(found, None, set)?;
        document.texts.files.extend(found.path.clone());
        Ok(document)
    }

    /// Makes a document of one or more profiles, by name or file, for `source` and the external audio `tracks`.
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
        Self::load(&NamedText::without_file(COMMAND_LINE, own.to_string(), Language::Json), Some(source), set)
    }

    fn load(own: &NamedText, source: Option<&Path>, set: &[(String, String)]) -> Result<Self> {
        let (mut texts, mut notes) = (Texts::default(), Vec::new());
        let (schema, merging) = (schema::of_job(), schema::of_merging());
        let mut tree = inherit::load(&mut texts, &mut notes, &merging, own, own.near(), &mut Vec::new())?;
        if let Some(source) = source {
            let spot = texts.add(COMMAND_LINE);
            if let Some(place) = tree.reach("source.path", spot) {
                *place = Node::new(spot, Data::Text(path_text::to_text(source)));
            }
        }
        let own_stem = set.iter().rev().find(|(key, _)| key == STEM).map(|(_, stem)| stem.clone());
        let mut mistakes: Vec<Placed> = Vec::new();
        for (key, value) in set.iter().filter(|(key, _)| key != STEM) {
            let spot = texts.add_option(key, value);
            let mut merge = Merge { texts: &texts, notes: &mut notes, schema: &merging };
            mistakes.extend(variables::set(&mut tree, key, value, spot, &mut merge).err().map(|placed| *placed));
        }
        tree.locate(Default::default());
        let merged = tree.clone();
        let description = tree.take("description");
        if let Some(node) = description.as_ref().filter(|node| node.text().is_none()) {
            mistakes.push(node.mistake("", format!("is {}; text is expected", node.kind())));
        }
        let stem = tree.get("source").and_then(|source| source.get("path")?.text()).map(Path::new);
        let stem = stem.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
        let stem = own_stem.or(stem).unwrap_or_default();
        mistakes.extend(variables::substitute(&mut tree, &[(STEM, stem)]));
        mistakes.extend(deciding::check(&tree, &schema, &merging, &texts));
        let mut bare = tree.clone();
        deciding::spread(&mut bare);
        let mut bare = deciding::without(bare);
        let found = check::check(&mut bare, &schema, &schema, &texts);
        mistakes.extend(found.mistakes);
        notes.extend(found.notes);
        if mistakes.is_empty() {
            let description = description.and_then(|node| node.text().map(str::to_owned));
            return Ok(Document { tree, merged, texts, description, notes });
        }
        // The readable rest is checked too, so that all mistakes are reported at once.
        mistakes.extend(further(&bare, &schema)?);
        Err(texts.error(mistakes))
    }

    /// The document's own description of its purpose.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The files that the document was read from: itself and all that it inherits, without the profiles of Trix.
    pub fn files(&self) -> &[PathBuf] {
        &self.texts.files
    }

    /// What happened when documents were merged, and may surprise: an encoder in place of another, a setting that was left
    /// out. A job of the document has it in [`Job::merging`].
    pub fn notes(&self) -> &[Decision] {
        &self.notes
    }

    /// The document with everything that it inherits, in TOML. Its variables have no values yet.
    ///
    /// # Errors
    /// `InvalidSpec` if TOML cannot hold a value: a whole number from 2^63 on.
    pub fn merged(&self) -> Result<String> {
        let unwritable = |problem: String| {
            Error::new(ErrorKind::InvalidSpec, Stage::Plan, format!("cannot be written in TOML: {problem}"))
        };
        let value = self.merged.to_toml().map_err(unwritable)?;
        toml::to_string_pretty(&value).map_err(|error| unwritable(error.to_string()))
    }

    /// The source that the document names.
    ///
    /// # Errors
    /// `InvalidSpec` when it names none.
    pub fn source(&self) -> Result<SourceSettings> {
        let own = self.tree.get("source").map_or(serde_json::Value::Null, Node::to_json);
        let source: SourceSettings = serde_json::from_value(own).unwrap_or_default();
        if source.path.as_os_str().is_empty() {
            let mistake = Mistake::new("source.path", "", "the job names no source");
            return Err(self.texts.error(vec![Placed { spot: self.tree.nearest("source.path").0.spot, mistake }]));
        }
        Ok(source)
    }

    /// Returns the job for a source with these `traits`. Outputs whose condition does not hold are left out. Cases that
    /// hold are applied in the order of the document.
    ///
    /// # Errors
    /// `InvalidSpec` when a case makes the job unreadable.
    pub fn job(&self, traits: &Traits) -> Result<Job> {
        let mut bare = deciding::without(self.decided(traits));
        let schema = schema::of_job();
        let mistakes = check::check(&mut bare, &schema, &schema, &self.texts).mistakes;
        if !mistakes.is_empty() {
            return Err(self.texts.error(mistakes));
        }
        Ok(Job { merging: self.notes.clone(), ..read(&bare)? })
    }

    fn decided(&self, traits: &Traits) -> Node {
        let mut tree = deciding::decided(&self.tree, traits, &self.texts, &schema::of_merging());
        deciding::spread(&mut tree);
        tree
    }

    /// Adds the lines of its mistakes to an error about the job for `traits`.
    pub fn explain(&self, traits: &Traits, error: Error) -> Error {
        if error.mistakes().is_empty() {
            return error;
        }
        self.located(&self.decided(traits), &error)
    }

    /// The mistakes of `error` with their places in the texts of `tree`.
    fn located(&self, tree: &Node, error: &Error) -> Error {
        let schema = schema::of_job();
        let placed = error.mistakes().iter().map(|mistake| placed(mistake, tree, &schema).0);
        self.texts.error(placed.collect())
    }

    /// Opens the source and makes the job for it. Outputs with relative names are placed in `folder`.
    ///
    /// # Errors
    /// As [`Document::source`], [`Source::open_as`] and [`Document::job`].
    pub fn resolve(&self, folder: Option<&Path>) -> Result<Resolved> {
        let settings = self.source()?;
        let source = Source::of(&settings).map_err(|error| match error.mistakes() {
            [] => error,
            _ => self.located(&self.tree, &error).in_file(&settings.path),
        })?;
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
        let source = if is_read_so { source } else { Source::of(&job.source)? };
        Ok(Resolved { job, traits, source })
    }
}

/// A document with its source.
pub struct Resolved {
    /// The job for this source.
    pub job: Job,
    /// The properties of the source that conditions ask about.
    pub traits: Traits,
    /// The source, opened with the settings of the job. [`run_opened`](crate::run_opened) takes it.
    pub source: Source,
}

/// Makes a job of a tree without mistakes.
fn read(tree: &Node) -> Result<Job> {
    serde_json::from_value(tree.to_json())
        .map_err(|error| Error::bug(Stage::Plan, format!("a job that was checked cannot be read: {error}")))
}

/// Returns the mistakes that the job in `tree` has with every source. Unreadable parts of the tree are out already.
fn further(tree: &Node, schema: &Value) -> Result<Vec<Placed>> {
    let is_certain = |element: &str| tree.nearest(element).0.get("when").is_none();
    let mut found = Vec::new();
    for mistake in crate::planner::mistakes_alone(&read(tree)?, &is_certain) {
        let (mut placed, node) = placed(&mistake, tree, schema);
        // Mistakes of a node that is out are reported already.
        if node.is_out() {
            continue;
        }
        if let Some(text) = node.text().filter(|_| node.path.to_string() == placed.mistake.place) {
            placed.mistake.value = text.to_owned();
        }
        found.push(placed);
    }
    Ok(found)
}

/// Returns a mistake of a plan as a mistake of the document whose job is in `tree`, and the part of the tree that it is
/// about, or the nearest one. A plan gives no number for the only output.
fn placed<'a>(mistake: &Mistake, tree: &'a Node, schema: &Value) -> (Placed, &'a Node) {
    let place = mistake.place.as_str();
    let first = place.split(['.', '[']).next().unwrap_or_default();
    // `threads` is the only key that both a job and an output can have.
    let is_of_output = || match tree.get("outputs").map(Node::items) {
        Some([only]) => {
            matches!(only.get("threads"), Some(Node { data: Data::Number(own), .. }) if own.to_string() == mistake.value)
        }
        _ => false,
    };
    let is_of_job = schema["properties"].get(first).is_some() && !(place == "threads" && is_of_output());
    let (node, path) = match place.strip_prefix("output.") {
        None if is_of_job => tree.nearest(place),
        own => tree.nearest(&format!("outputs[0].{}", own.unwrap_or(place))),
    };
    // A plan can have another name for a key, such as `rate.crf` for `rate.value`: then its value says which is meant. The
    // type of a table in the same line stands for the table.
    let is_beyond = node.path.to_string() != path.to_string();
    let is_in_line = |own: &Node| (own.spot.document, own.spot.line) == (node.spot.document, node.spot.line);
    let is_meant = |(key, own): &&(String, Node)| {
        own.shown() == mistake.value && !mistake.value.is_empty() && (is_beyond || (key == "type" && is_in_line(own)))
    };
    let spot = node.entries().iter().find(is_meant).map_or(node.spot, |(_, own)| own.spot);
    (Placed { spot, mistake: Mistake { place: path.to_string(), ..mistake.clone() } }, node)
}
