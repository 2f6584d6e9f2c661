//! The profiles that come with Trix, and those of users.
//!
//! Invariant: a profile is a document like any other; those that come with Trix are readable files.

use std::path::{Path, PathBuf};

use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    mistake::closest,
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
pub const PROFILES: [Profile; 5] = [
    Profile { name: "archive", text: include_str!("../../profiles/archive.toml") },
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
    /// The folder of the document.
    pub(super) near: Option<PathBuf>,
}

/// Finds a profile by its name, or a file: relative to the folder of the document that names it, then as named.
pub(super) fn find(name: &str, near: Option<&Path>) -> Result<NamedText> {
    if let Some(profile) = PROFILES.iter().find(|profile| profile.name == name) {
        let label = format!("profile {name}");
        return Ok(NamedText { label, text: profile.text.to_owned(), language: Language::Toml, near: None });
    }
    let path = Path::new(name);
    let beside = near.map(|near| near.join(path));
    let places: Vec<&Path> = beside.as_deref().into_iter().chain([path]).collect();
    match places.into_iter().find(|place| place.is_file()) {
        Some(place) => read(place),
        None => {
            let names: Vec<&str> = PROFILES.iter().map(|profile| profile.name).collect();
            let hint = closest(name, &names).map_or(String::new(), |near| format!("did you mean {near}? "));
            let detail = format!("there is no profile and no file '{name}'; {hint}profiles are {}", names.join(", "));
            Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail))
        }
    }
}

/// Reads a document from a file.
pub(super) fn read(path: &Path) -> Result<NamedText> {
    let io = |error| Error::io(Stage::Plan, path, "cannot be read", error);
    let metadata = std::fs::metadata(path).map_err(io)?;
    if !metadata.is_file() || metadata.len() > MOST_BYTES as u64 {
        let detail = format!("is no document: a regular file of {MOST_BYTES} bytes at the most is expected");
        return Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(path));
    }
    let text = std::fs::read_to_string(path).map_err(io)?;
    Ok(NamedText {
        label: path.display().to_string(),
        text,
        language: Language::from_path(path),
        near: path.parent().map(Path::to_path_buf),
    })
}
