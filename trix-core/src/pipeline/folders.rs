//! Folders that a job makes for what it writes.
//!
//! Invariant: a job that fails leaves none of them behind, unless something is in it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustix::io::Errno;
use trix_model::error::{Error, Result, Stage};

use crate::mux::part::sync_parent;

/// The folders that a job made, each after the one around it. Those that are empty when it is dropped are removed.
#[derive(Default)]
pub(super) struct MadeFolders(Vec<PathBuf>);

impl MadeFolders {
    /// Makes the folders that are missing for files of these names, and brings their names to disk.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn make_for(paths: impl Iterator<Item = PathBuf>) -> Result<Self> {
        let mut made = MadeFolders::default();
        for path in paths {
            let folder = path.parent().map_or(Ok(()), |folder| made.make(folder));
            folder.map_err(|error| Error::io(Stage::Mux, &path, "its folder cannot be made", error))?;
        }
        Ok(made)
    }

    fn make(&mut self, folder: &Path) -> io::Result<()> {
        if folder.as_os_str().is_empty() || folder.is_dir() {
            return Ok(());
        }
        if let Some(around) = folder.parent() {
            self.make(around)?;
        }
        match fs::create_dir(folder) {
            // Another job can make it at the same time. It is not ours then.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return if folder.is_dir() { Ok(()) } else { Err(Errno::NOTDIR.into()) };
            }
            made => made?,
        }
        self.0.push(folder.to_owned());
        sync_parent(folder)
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        // This fails for a folder that has something in it.
        self.0.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_stay_only_with_something_in_them() {
        let root = tempfile::tempdir().expect("a folder");
        let at = |name: &str| root.path().join(name);
        fs::create_dir(at("old")).expect("a folder");
        let made = || MadeFolders::make_for(["new/sub/a.mkv", "new/b.mkv", "old/c.mkv", "d.mkv"].map(at).into_iter());
        drop(made().expect("folders"));
        assert!(!at("new").exists() && at("old").is_dir());
        let folders = made().expect("folders");
        assert!(at("new/sub").is_dir());
        fs::write(at("new/b.mkv"), "a copy").expect("a file");
        drop(folders);
        assert!(at("new/b.mkv").is_file() && !at("new/sub").exists());
        fs::write(at("file"), "").expect("a file");
        let error =
            MadeFolders::make_for([at("other/deep/x.mkv"), at("file/x.mkv")].into_iter()).err().expect("an error");
        assert!(error.to_string().contains("its folder cannot be made"), "{error}");
        assert!(!at("other").exists());
    }
}
