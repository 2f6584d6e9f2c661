//! Finds the masters that `trix ingest` is given: files, folders and patterns.
//!
//! Invariant: two masters never have the same name in the same output folder. Names do not depend on the order of the
//! arguments.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use glob::{GlobError, MatchOptions};
use trix_core::{Error, ErrorKind, Result, Stage, media::path_text};

/// The extensions of files with video that are taken from folders. A file that is named is taken whatever its name is.
const EXTENSIONS: [&str; 27] = [
    "3gp", "asf", "avi", "dv", "f4v", "flv", "m2t", "m2ts", "m2v", "m4v", "mj2", "mkv", "mov", "mp4", "mpeg", "mpg",
    "mts", "mxf", "nut", "ogv", "qt", "rm", "ts", "vob", "webm", "wmv", "y4m",
];

/// The most levels of subfolders that are searched.
const MOST_LEVELS: usize = 32;

/// A master to ingest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Master {
    /// The file.
    pub source: PathBuf,
    /// The folder for its copies, below the output folder; empty for that folder itself.
    pub folder: PathBuf,
    /// The name of its copies, in place of `${stem}`.
    pub name: String,
}

/// What the arguments name.
#[derive(Debug)]
pub struct Found {
    /// The masters: as the arguments name them, and those of a folder in the order of their names.
    pub masters: Vec<Master>,
    /// True if the only argument is a file, so that there is nothing to sum up.
    pub is_one_file: bool,
}

/// Finds the masters that `sources` name. Files in `output` are left out of folders.
///
/// # Errors
/// `Io` if a folder cannot be read; `InvalidSpec` if a folder or pattern has no media file.
pub fn find(sources: &[PathBuf], output: &Path, recursive: bool) -> Result<Found> {
    let output = output.canonicalize().ok();
    let mut search = Search { recursive, output, found: Vec::new(), seen: BTreeSet::new() };
    for source in sources {
        search.add(source)?;
    }
    let is_one_file = matches!(sources, [only] if search.found.iter().any(|(source, _)| source == only));
    Ok(Found { masters: named(search.found), is_one_file })
}

struct Search {
    recursive: bool,
    output: Option<PathBuf>,
    /// Each file with the folder for its copies.
    found: Vec<(PathBuf, PathBuf)>,
    seen: BTreeSet<PathBuf>,
}

impl Search {
    fn add(&mut self, source: &Path) -> Result<()> {
        let pattern = source.to_str().filter(|text| text.contains(['*', '?', '[']) && !source.exists());
        let Some(pattern) = pattern else { return self.add_path(source) };
        let wrong = |problem: String| Error::new(ErrorKind::InvalidSpec, Stage::Source, problem).in_file(source);
        // As in a shell, a pattern does not match hidden files.
        let options = MatchOptions { require_literal_leading_dot: true, ..MatchOptions::new() };
        let matches = glob::glob_with(pattern, options).map_err(|error| wrong(format!("is no pattern: {error}")))?;
        let unreadable = |error: GlobError| {
            let path = error.path().to_owned();
            Error::io(Stage::Source, &path, "cannot be read", error.into())
        };
        let paths = matches.map(|path| path.map_err(unreadable)).collect::<Result<Vec<PathBuf>>>()?;
        let before = self.found.len();
        for path in paths {
            if path.is_dir() {
                self.add_folder(&path, Path::new(""), 0)?;
            } else {
                self.take(path, PathBuf::new());
            }
        }
        match self.found.len() > before {
            true => Ok(()),
            false => Err(wrong("no file matches this pattern".into())),
        }
    }

    fn add_path(&mut self, source: &Path) -> Result<()> {
        if !source.is_dir() {
            self.take(source.to_owned(), PathBuf::new());
            return Ok(());
        }
        let before = self.found.len();
        if self.is_output(source) {
            let detail = "the copies would be written beside the masters; use another folder with -o";
            return Err(Error::new(ErrorKind::InvalidSpec, Stage::Source, detail).in_file(source));
        }
        self.add_folder(source, Path::new(""), 0)?;
        if self.found.len() == before {
            let more = if self.recursive { "" } else { "; --recursive searches its subfolders" };
            let detail = format!("the folder has no media file{more}");
            return Err(Error::new(ErrorKind::InvalidSpec, Stage::Source, detail).in_file(source));
        }
        Ok(())
    }

    /// True if `folder` is that of the copies.
    fn is_output(&self, folder: &Path) -> bool {
        self.output.is_some() && folder.canonicalize().ok() == self.output
    }

    fn add_folder(&mut self, folder: &Path, below: &Path, level: usize) -> Result<()> {
        if self.is_output(folder) {
            return Ok(());
        }
        if level > MOST_LEVELS {
            let detail = format!("there are more than {MOST_LEVELS} levels of folders");
            return Err(Error::new(ErrorKind::InvalidSpec, Stage::Source, detail).in_file(folder));
        }
        let failed = |error| Error::io(Stage::Source, folder, "cannot be read", error);
        let entries = std::fs::read_dir(folder).map_err(failed)?;
        let mut entries: Vec<_> = entries.collect::<std::io::Result<_>>().map_err(failed)?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let (path, name) = (entry.path(), entry.file_name());
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            // A link to a folder could lead back to a folder around it.
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if path.is_dir() {
                if self.recursive && !is_link {
                    self.add_folder(&path, &below.join(name), level + 1)?;
                }
                continue;
            }
            let extension = path.extension().and_then(|own| own.to_str()).map(str::to_ascii_lowercase);
            if extension.is_some_and(|own| EXTENSIONS.contains(&own.as_str())) {
                self.take(path, below.to_owned());
            }
        }
        Ok(())
    }

    /// Takes a file, if it was not taken already.
    fn take(&mut self, source: PathBuf, folder: PathBuf) {
        let own = source.canonicalize().unwrap_or_else(|_| source.clone());
        if self.seen.insert(own) {
            self.found.push((source, folder));
        }
    }
}

/// Names the masters. Usually the name is that of the file without its extension. Masters of one folder that would have the
/// same name get the extension too (`film-mov`), then the name of the folder around them (`reel1-film-mov`), then a number.
fn named(found: Vec<(PathBuf, PathBuf)>) -> Vec<Master> {
    let text = |part: Option<&std::ffi::OsStr>| path_text::to_text(part.unwrap_or_default());
    let stem = |source: &Path| text(source.file_stem());
    let extended = |source: &Path| format!("{}-{}", stem(source), text(source.extension()));
    let around = |source: &Path| {
        let parent = source.canonicalize().ok().and_then(|own| own.parent().map(|parent| text(parent.file_name())));
        format!("{}-{}", parent.unwrap_or_default(), extended(source))
    };
    let rules: [&dyn Fn(&Path) -> String; 3] = [&stem, &extended, &around];
    let mut masters: Vec<Master> =
        found.into_iter().map(|(source, folder)| Master { name: stem(&source), source, folder }).collect();
    for rule in &rules[1..] {
        for at in alike(&masters) {
            masters[at].name = rule(&masters[at].source);
        }
    }
    let mut rest = alike(&masters);
    rest.sort_by(|one, other| masters[*one].source.cmp(&masters[*other].source));
    let mut taken: BTreeSet<(PathBuf, String)> =
        masters.iter().map(|own| (own.folder.clone(), own.name.clone())).collect();
    for at in rest {
        let Master { folder, name, .. } = &masters[at];
        let numbered = (1..).map(|number| format!("{name}-{number}"));
        let free = numbered.map(|name| (folder.clone(), name)).find(|own| !taken.contains(own));
        if let Some((folder, name)) = free {
            masters[at].name.clone_from(&name);
            taken.insert((folder, name));
        }
    }
    masters
}

/// The masters whose name another master of the same folder has.
fn alike(masters: &[Master]) -> Vec<usize> {
    let mut counts: BTreeMap<(&Path, &str), usize> = BTreeMap::new();
    masters.iter().for_each(|own| *counts.entry((&own.folder, &own.name)).or_insert(0) += 1);
    let is_alike =
        |own: &Master| counts.get(&(own.folder.as_path(), own.name.as_str())).is_some_and(|count| *count > 1);
    masters.iter().enumerate().filter(|(_, own)| is_alike(own)).map(|(at, _)| at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[&str]) -> trix_fixtures::TempDir {
        let folder = trix_fixtures::folder();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, file).expect("a file");
        }
        folder
    }

    fn names(folder: &Path, sources: &[&str], recursive: bool) -> Vec<String> {
        let sources: Vec<PathBuf> = sources.iter().map(|source| folder.join(source)).collect();
        let found = find(&sources, &folder.join("out"), recursive).expect("masters");
        let name = |own: &Master| own.folder.join(&own.name).display().to_string();
        found.masters.iter().map(name).collect()
    }

    #[test]
    fn masters_of_one_stem_get_names_that_tell_them_apart() {
        let folder =
            folder_with(&["a/film.mov", "a/film.mxf", "b/film.mov", "b/short.MXF", "b/notes.txt", "b/.film.mov"]);
        assert_eq!(names(folder.path(), &["a"], false), ["film-mov", "film-mxf"]);
        assert_eq!(names(folder.path(), &["a", "b"], false), ["a-film-mov", "film-mxf", "b-film-mov", "short"]);
        // In other words: the order of the arguments changes no name.
        assert_eq!(names(folder.path(), &["b", "a"], false), ["b-film-mov", "short", "a-film-mov", "film-mxf"]);
        assert_eq!(names(folder.path(), &["."], true), ["a/film-mov", "a/film-mxf", "b/film", "b/short"]);
        // The same file twice, and a file that is named whatever its extension is.
        assert_eq!(names(folder.path(), &["b", "b/short.MXF", "b/notes.txt"], false), ["film", "short", "notes"]);
    }

    #[test]
    fn patterns_and_folders_without_media_are_mistakes_and_outputs_are_no_masters() {
        let folder = folder_with(&["x1.mov", "x2.mov", "y.mov", "out/x1.mkv", "empty/a.txt", "[z].mov"]);
        assert_eq!(names(folder.path(), &["x*.mov"], false), ["x1", "x2"]);
        assert_eq!(names(folder.path(), &["[z].mov"], false), ["[z]"]);
        assert_eq!(names(folder.path(), &["."], true), ["[z]", "x1", "x2", "y"]);
        let problem =
            |source: &str| find(&[folder.path().join(source)], Path::new("out"), false).expect_err("a mistake");
        assert!(problem("empty").to_string().contains("no media file; --recursive"), "{}", problem("empty"));
        assert!(problem("q*.mov").to_string().contains("no file matches"), "{}", problem("q*.mov"));
        let one = find(&[folder.path().join("y.mov")], Path::new("out"), false).expect("a master");
        assert!(one.is_one_file);
        assert!(!find(&[folder.path().join("y*.mov")], Path::new("out"), false).expect("a master").is_one_file);
    }
}
