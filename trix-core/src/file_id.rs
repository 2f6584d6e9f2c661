//! Tells whether paths name the same file.
//!
//! Invariant: a file has one identity under all of its names: other spellings, symbolic links and hard links.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

/// What tells a file or folder from all others of this machine. A file that is not there yet has an identity too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId {
    device: u64,
    inode: u64,
    /// What is missing below that file or folder. Empty for a path that is there.
    rest: PathBuf,
}

impl FileId {
    /// The identity of what `path` names, or would name once it is made.
    ///
    /// ```
    /// use std::path::Path;
    /// use trix_core::FileId;
    ///
    /// assert_eq!(FileId::of(Path::new("new/copy.mkv")), FileId::of(Path::new("./new/../new/copy.mkv")));
    /// assert_ne!(FileId::of(Path::new("new/copy.mkv")), FileId::of(Path::new("copy.mkv")));
    /// ```
    pub fn of(path: &Path) -> Self {
        let whole = absolute(path);
        for there in whole.ancestors() {
            let Ok(found) = fs::metadata(there) else { continue };
            let rest = whole.strip_prefix(there).unwrap_or(Path::new(""));
            let plain = without_returns(rest);
            if plain != rest {
                return FileId::of(&there.join(plain));
            }
            return FileId { device: found.dev(), inode: found.ino(), rest: plain };
        }
        FileId { device: 0, inode: 0, rest: whole }
    }

    /// The identities of `path` and of all folders around it.
    pub fn with_folders(path: &Path) -> impl Iterator<Item = Self> {
        let whole = absolute(path);
        let around: Vec<PathBuf> = whole.ancestors().map(Path::to_owned).collect();
        around.into_iter().map(|path| FileId::of(&path))
    }
}

/// `path` from the root on, without a slash at its end: nothing that is no folder has a name with one. An empty path stays as it
/// is.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components().collect()
}

/// `rest` without `NAME/..`. The folders of `rest` are missing, so none of them can be a link.
fn without_returns(rest: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in rest.components() {
        match part {
            Component::ParentDir if plain.file_name().is_some() => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_name_of_a_file_has_its_identity() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        fs::write(at("folder/film"), "").unwrap();
        fs::write(at("other"), "").unwrap();
        fs::hard_link(at("folder/film"), at("hard")).unwrap();
        symlink(at("folder/film"), at("soft")).unwrap();
        symlink(at("folder"), at("door")).unwrap();
        let film = FileId::of(&at("folder/film"));
        for name in [
            "hard",
            "soft",
            "door/film",
            "folder/film/",
            "./folder/../folder/film",
            "gone/../hard",
            "gone/gone/../../soft",
        ] {
            assert_eq!(FileId::of(&at(name)), film, "{name}");
        }
        for name in ["other", "folder", "film", "folder/film2", "gone/film"] {
            assert_ne!(FileId::of(&at(name)), film, "{name}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_has_an_identity() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("folder")).unwrap();
        symlink(at("folder"), at("door")).unwrap();
        let new = FileId::of(&at("folder/new/copy"));
        for name in
            ["door/new/copy", "door/new/copy/", "folder/./new/copy", "folder/new/x/../copy", "folder/x/../new/copy"]
        {
            assert_eq!(FileId::of(&at(name)), new, "{name}");
        }
        assert_ne!(FileId::of(&at("new/copy")), new);
        assert_ne!(FileId::of(Path::new("")), new);
        let all: Vec<FileId> = FileId::with_folders(&at("door/new/copy")).collect();
        assert_eq!(all[..3], [new, FileId::of(&at("folder/new")), FileId::of(&at("folder"))]);
    }
}
