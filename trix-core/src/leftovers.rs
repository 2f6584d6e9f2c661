//! Finds what killed jobs left: files and folders under their temporary names.
//!
//! Invariant: what a running job is writing is never touched. The job holds a lock on it, which the system releases with the
//! process.

use std::{
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use trix_model::error::{Error, Result, Stage};

use crate::{mux::part, package::PART as PACKAGE};

/// The ends of temporary names: of files, and of the folders of packages. Each begins with a dot.
const ENDS: [&str; 2] = [part::PART, PACKAGE];

/// The most levels of subfolders that are searched.
const MOST_LEVELS: usize = 32;

/// What a job wrote under a temporary name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// The file, or the folder of a package.
    pub path: PathBuf,
    /// Its size in bytes, with everything in it.
    pub bytes: u64,
    /// True if a job is writing it at this moment.
    pub is_in_use: bool,
}

/// Finds leftovers in `folder`, in the order of their names; also in its subfolders if `recursive`.
///
/// # Errors
/// `Io` if the folder cannot be read.
pub fn leftovers(folder: &Path, recursive: bool) -> Result<Vec<Leftover>> {
    let mut found = Vec::new();
    search(folder, if recursive { MOST_LEVELS } else { 0 }, &mut found)
        .map_err(|error| Error::io(Stage::Mux, folder, "cannot be read", error))?;
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn search(folder: &Path, levels: usize, found: &mut Vec<Leftover>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_symlink() {
            continue;
        }
        if is_temporary(&entry.file_name()) {
            found.push(Leftover { bytes: size(&path)?, is_in_use: lock(&path)?.is_none(), path });
        } else if kind.is_dir() && levels > 0 {
            search(&path, levels - 1, found)?;
        }
    }
    Ok(())
}

fn is_temporary(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b".") && ENDS.iter().any(|end| name.ends_with(end.as_bytes()) && name.len() > end.len() + 1)
}

/// Locks a file or folder. `None` if a job holds the lock.
fn lock(path: &Path) -> std::io::Result<Option<File>> {
    let file = File::open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn size(path: &Path) -> std::io::Result<u64> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() {
        return Ok(metadata.len());
    }
    fs::read_dir(path)?.map(|entry| size(&entry?.path())).sum()
}

impl Leftover {
    /// Removes it. Returns false if a job is writing it at this moment.
    ///
    /// # Errors
    /// `Io`.
    pub fn remove(&self) -> Result<bool> {
        let failed = |error| Error::io(Stage::Mux, &self.path, "cannot be removed", error);
        // The lock is held until the name is gone, so that no job begins to write in between.
        let Some(held) = lock(&self.path).map_err(failed)? else { return Ok(false) };
        let is_folder = held.metadata().map_err(failed)?.is_dir();
        if is_folder { fs::remove_dir_all(&self.path) } else { fs::remove_file(&self.path) }.map_err(failed)?;
        Ok(true)
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
        for (name, bytes) in [
            (".dead.mkv.trix-part", 10),
            (".live.mkv.trix-part", 20),
            ("sub/.vod.trix-package/video/1.m4s", 30),
            ("film.mkv", 40),
            (".trix-part", 50),
        ] {
            fs::write(at(name), vec![0; bytes]).expect("a file");
        }
        let live = lock(&at(".live.mkv.trix-part")).expect("a lock");
        assert!(live.is_some());
        let found = leftovers(folder.path(), true).expect("a folder");
        let all: Vec<_> = found.iter().map(|own| (own.bytes, own.is_in_use, own.remove().expect("removed"))).collect();
        assert_eq!(all, [(10, false, true), (20, true, false), (30, false, true)]);
        assert_eq!(leftovers(folder.path(), true).expect("a folder").len(), 1);
        assert!(at("film.mkv").exists() && at(".trix-part").exists() && at("sub").exists());
        drop(live);
        assert!(leftovers(folder.path(), false).expect("a folder")[0].remove().expect("removed"));
    }
}
