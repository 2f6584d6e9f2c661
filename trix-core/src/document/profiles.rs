//! The profiles that come with Trix, and those of users.
//!
//! Invariant: a profile is a document like any other; those that come with Trix are readable files.

use std::{
    io,
    path::{Path, PathBuf},
};

use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    mistake::hint,
};

use crate::document::parse::{Language, MOST_BYTES};

/// A profile that comes with Trix.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    /// Its text, in TOML.
    pub text: &'static str,
}

/// The profiles that come with Trix.
pub const PROFILES: [Profile; 6] = [
    Profile { name: "archive", text: include_str!("../../profiles/archive.toml") },
    Profile { name: "archive-fast", text: include_str!("../../profiles/archive-fast.toml") },
    Profile { name: "archive-lossless", text: include_str!("../../profiles/archive-lossless.toml") },
    Profile { name: "mezzanine", text: include_str!("../../profiles/mezzanine.toml") },
    Profile { name: "vod", text: include_str!("../../profiles/vod.toml") },
    Profile { name: "preview", text: include_str!("../../profiles/preview.toml") },
];

/// A document that was found by its name.
pub(super) struct NamedText {
    pub(super) label: String,
    pub(super) text: String,
    pub(super) language: Language,
    /// The file of the document. `None` for a profile that comes with Trix.
    pub(super) path: Option<PathBuf>,
}

impl NamedText {
    /// A text that is not read from a file.
    pub(super) fn without_file(label: &str, text: String, language: Language) -> Self {
        Self { label: label.to_owned(), text, language, path: None }
    }

    /// The folder of the document.
    pub(super) fn near(&self) -> Option<&Path> {
        self.path.as_deref()?.parent()
    }
}

/// The folder for profiles of the user: `$XDG_CONFIG_HOME/trix/profiles`, by default `~/.config/trix/profiles`. `None` if
/// neither variable is set.
pub fn user_folder() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(config.join("trix").join("profiles"))
}

/// The names and files of the user's profiles, in the order of their names. A name is that of a file without its
/// extension.
pub fn user_profiles() -> Vec<(String, PathBuf)> {
    let entries = user_folder().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut found: Vec<(String, PathBuf)> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.is_file() && EXTENSIONS.iter().any(|known| path.extension().is_some_and(|own| own == *known))
        })
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path)))
        .collect();
    found.sort();
    found
}

/// The extensions of documents.
const EXTENSIONS: [&str; 4] = ["toml", "yaml", "yml", "json"];

/// Finds a profile by its name, or a file: relative to the folder of the document that names it, then as named. A profile
/// of the user comes before one of Trix that has the same name. `by` is the label of the document that names it: a profile
/// of the user can inherit one of Trix with its own name.
pub(super) fn find(name: &str, near: Option<&Path>, by: &str) -> Result<NamedText> {
    let own = user_profiles();
    if let Some((_, path)) = own.iter().find(|(own, path)| own == name && path.display().to_string() != by) {
        return read(path);
    }
    if let Some(profile) = PROFILES.iter().find(|profile| profile.name == name) {
        let label = format!("profile {name}");
        return Ok(NamedText::without_file(&label, profile.text.to_owned(), Language::Toml));
    }
    let path = Path::new(name);
    let beside = near.map(|near| near.join(path));
    let places: Vec<&Path> = beside.as_deref().into_iter().chain([path]).collect();
    match places.into_iter().find(|place| place.is_file()) {
        Some(place) => read(place),
        None => {
            let names = own.iter().map(|(name, _)| name.as_str()).chain(PROFILES.iter().map(|profile| profile.name));
            let names: Vec<&str> = names.collect();
            let hint = hint(name, &names);
            let detail = format!("there is no profile and no file '{name}'; {hint}profiles are {}", names.join(", "));
            Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail))
        }
    }
}

/// Reads a document from a file.
pub(super) fn read(path: &Path) -> Result<NamedText> {
    let io = |error: io::Error| Error::io(Stage::Plan, path, "cannot be read", error);
    let metadata = std::fs::metadata(path).map_err(io)?;
    let no_document = || {
        let detail = format!(
            "is no document: a regular file of {MOST_BYTES} bytes of text at the most is expected; for a film, use \
             `trix ingest`, or `trix plan` with --profile"
        );
        Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(path)
    };
    if !metadata.is_file() || metadata.len() > MOST_BYTES as u64 {
        return Err(no_document());
    }
    let text = std::fs::read_to_string(path)
        .map_err(|error| if error.kind() == io::ErrorKind::InvalidData { no_document() } else { io(error) })?;
    Ok(NamedText {
        label: path.display().to_string(),
        text,
        language: Language::from_path(path),
        path: Some(path.to_owned()),
    })
}
