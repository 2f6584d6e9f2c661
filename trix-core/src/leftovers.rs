//! Finds what killed jobs left: files and folders under their temporary names.
//!
//! Invariant: what a running job is writing is never touched. The job holds a lock on it, which the system releases with the
//! process.

use std::{
    ffi::OsStr,
    fs::{self, File, FileType},
    io,
    path::{Path, PathBuf},
};

use trix_model::error::{Error, Result, Stage};

use crate::{
    chunks,
    mux::part::{self, is_same, try_lock},
    package,
};

/// The most levels of subfolders that are searched.
const MOST_LEVELS: usize = 32;

/// What a job wrote under a temporary name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The file, the folder of a package, or the folder of the chunks of a film.
    pub path: PathBuf,
    /// Its size in bytes, with everything in it.
    pub bytes: u64,
    /// True if a job is writing it at this moment.
    pub is_in_use: bool,
}

/// What [`Leftover::remove`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The leftover is removed.
    Done,
    /// A job is writing it at this moment.
    InUse,
    /// It was gone already.
    Gone,
}

/// Finds leftovers in `folder`, in the order of their names; also in its subfolders if `recursive`.
///
/// # Errors
/// `Io` if a folder or a leftover cannot be read.
pub fn leftovers(folder: &Path, recursive: bool) -> Result<Vec<Leftover>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
    search(folder, entries, if recursive { MOST_LEVELS } else { 0 }, &mut found)?;
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn search(folder: &Path, entries: fs::ReadDir, levels: usize, found: &mut Vec<Leftover>) -> Result<()> {
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(folder, error))?;
        let (path, name) = (entry.path(), entry.file_name());
        // A job can give what it wrote its final name at any moment, and a user can remove a folder.
        let Some(kind) = there(entry.file_type()).map_err(|error| unreadable(&path, error))? else { continue };
        if is_temporary(&name, kind) {
            found.extend(there(leftover(&path)).map_err(|error| unreadable(&path, error))?.flatten());
        } else if kind.is_dir()
            && levels > 0
            && let Some(entries) = there(fs::read_dir(&path)).map_err(|error| unreadable(&path, error))?
        {
            search(&path, entries, levels - 1, found)?;
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::io(Stage::Mux, path, "cannot be read", error)
}

/// `None` in place of an error that says that a file is gone.
fn there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

/// True for the temporary name of a file, of the folder of a package, or of a folder of chunks.
fn is_temporary(name: &OsStr, kind: FileType) -> bool {
    let ends: &[&str] = match () {
        () if kind.is_file() => &[part::PART],
        () if kind.is_dir() => &[package::PART, chunks::FOLDER],
        () => &[],
    };
    let name = name.as_encoded_bytes();
    let has_end = |end: &&str| name.ends_with(end.as_bytes()) && name.len() > end.len() + 1;
    name.starts_with(b".") && ends.iter().any(has_end)
}

/// A file or folder with a temporary name. `None` if a job has just given it its final name.
fn leftover(path: &Path) -> io::Result<Option<Leftover>> {
    let is_in_use = match lock(path)? {
        Lock::Held(_) => false,
        Lock::InUse => true,
        Lock::Gone => return Ok(None),
    };
    Ok(Some(Leftover { bytes: size(path)?, is_in_use, path: path.to_owned() }))
}

enum Lock {
    Held(File),
    InUse,
    Gone,
}

/// Locks what has the name `path`.
fn lock(path: &Path) -> io::Result<Lock> {
    let Some(file) = there(File::open(path))? else { return Ok(Lock::Gone) };
    Ok(match try_lock(&file)? {
        false => Lock::InUse,
        // Between open and lock, a job may have given it its final name.
        true if !is_same(&file, path) => Lock::Gone,
        true => Lock::Held(file),
    })
}

fn size(path: &Path) -> io::Result<u64> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    let mut sizes = fs::read_dir(path)?.map(|entry| Ok(there(size(&entry?.path()))?.unwrap_or(0)));
    sizes.try_fold(0, |sum: u64, size: io::Result<u64>| Ok(sum.saturating_add(size?)))
}

impl Leftover {
    /// Removes it, if no job is writing it.
    ///
    /// # Errors
    /// `Io`.
    pub fn remove(&self) -> Result<Removal> {
        let failed = |error| Error::io(Stage::Mux, &self.path, "cannot be removed", error);
        // The lock is held until the name is gone, so that no job begins to write in between.
        let held = match lock(&self.path).map_err(failed)? {
            Lock::Held(held) => held,
            Lock::InUse => return Ok(Removal::InUse),
            Lock::Gone => return Ok(Removal::Gone),
        };
        let is_folder = held.metadata().map_err(failed)?.is_dir();
        if is_folder { fs::remove_dir_all(&self.path) } else { fs::remove_file(&self.path) }.map_err(failed)?;
        Ok(Removal::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_job_writes_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("sub/.vod.trix-package/video")).expect("folders");
        fs::create_dir(at(".film.mkv.trix-chunks")).expect("a folder");
        for (name, bytes) in [
            (".dead.mkv.trix-part", 10),
            (".live.mkv.trix-part", 20),
            ("sub/.vod.trix-package/video/1.m4s", 30),
            ("film.mkv", 40),
            (".trix-part", 50),
            (".film.mkv.trix-chunks/0a.chunk", 60),
        ] {
            fs::write(at(name), vec![0; bytes]).expect("a file");
        }
        // A folder of a user, and a file, whose names end like the other kind's.
        fs::create_dir(at(".notes.trix-part")).expect("a folder");
        fs::write(at(".notes.trix-package"), "text").expect("a file");
        let live = lock(&at(".live.mkv.trix-part")).expect("a lock");
        assert!(matches!(live, Lock::Held(_)));
        let found = leftovers(folder.path(), true).expect("a folder");
        let all: Vec<_> = found.iter().map(|own| (own.bytes, own.is_in_use, own.remove().expect("removed"))).collect();
        let (done, in_use) = (Removal::Done, Removal::InUse);
        assert_eq!(all, [(10, false, done), (60, false, done), (20, true, in_use), (30, false, done)]);
        assert_eq!(found[0].remove().expect("nothing"), Removal::Gone);
        assert_eq!(leftovers(folder.path(), true).expect("a folder").len(), 1);
        for kept in ["film.mkv", ".trix-part", "sub", ".notes.trix-part", ".notes.trix-package"] {
            assert!(at(kept).exists(), "{kept}");
        }
        drop(live);
        let last = &leftovers(folder.path(), false).expect("a folder")[0];
        assert_eq!(last.remove().expect("removed"), Removal::Done);
    }
}
