//! A folder on its way to its final name.
//!
//! Invariant, as for a file ([`crate::mux::part`]): the final name appears in one step, for a folder that is complete
//! and synced to disk. A process that dies leaves at most a hidden folder, which the next job for the same output
//! reuses.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};
use trix_bitstream::manifest::names::{MANIFEST, MASTER, PLAYLIST};
use trix_model::error::{Error, ErrorKind, Result, Stage};

use crate::mux::part::{hidden_beside, is_same, sync_parent, try_lock};

/// The end of the temporary name of the folder of a package.
pub(crate) const PART: &str = ".trix-package";

/// Checks, without writing, that a package may get the name `target`.
///
/// # Errors
/// `Io` if the parent folder is missing, if the name exists and may not be overwritten, or if something other than a
/// package has the name.
pub(crate) fn refuse_taken(target: &Path, overwrite: bool) -> Result<()> {
    let io = |doing: &str, error: io::Error| Error::io(Stage::Mux, target, doing, error);
    let refuse = |detail: &str| Err(Error::new(ErrorKind::Io, Stage::Mux, detail).in_file(target));
    let parent = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::metadata(parent).map_err(|error| io("cannot be created", error))?;
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io("cannot be looked at", error)),
        Ok(metadata) if !metadata.is_dir() => refuse("exists already and is no folder").map_err(Error::as_taken),
        Ok(_) if !overwrite => refuse("exists already; `overwrite` replaces it").map_err(Error::as_taken),
        Ok(_) if !is_package(target).map_err(|error| io("cannot be looked at", error))? => {
            refuse("is a folder with other things in it than a package, which is never replaced")
        }
        Ok(_) => Ok(()),
    }
}

/// The hidden folder that is filled beside the final name.
pub(super) struct PartFolder {
    part: PathBuf,
    target: PathBuf,
    overwrite: bool,
    committed: bool,
    /// The lock on the folder.
    _lock: File,
}

impl PartFolder {
    /// Creates the hidden folder beside `target`.
    ///
    /// # Errors
    /// `Io` if the parent folder is missing or read-only, if the name exists and may not be overwritten, if something
    /// other than a package has the name, or if another job writes the same output.
    pub(super) fn create(target: &Path, overwrite: bool) -> Result<Self> {
        let io = |doing: &str, error: io::Error| Error::io(Stage::Mux, target, doing, error);
        let refuse = |detail: &str| Err(Error::new(ErrorKind::Io, Stage::Mux, detail).in_file(target));
        let Some(name) = target.file_name() else { return refuse("is no name for a folder") };
        refuse_taken(target, overwrite)?;
        let part = target.with_file_name(part_name(name));
        let lock = loop {
            match fs::create_dir(&part) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(io("cannot be created", error));
                }
                _ => {}
            }
            let lock = match File::open(&part) {
                // The job that held it has just given it its final name.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened.map_err(|error| io("cannot be created", error))?,
            };
            if !try_lock(&lock).map_err(|error| io("cannot be locked", error))? {
                return refuse("another job is writing this output");
            }
            // Between open and lock, the job that held the lock may have given the folder its final name.
            if is_same(&lock, &part) {
                break lock;
            }
        };
        empty(&part).map_err(|error| io("cannot be emptied", error))?;
        Ok(PartFolder { part, target: target.to_owned(), overwrite, committed: false, _lock: lock })
    }

    /// Path of the hidden folder.
    pub(super) fn path(&self) -> &Path {
        &self.part
    }

    /// The final name.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// Syncs all written data to disk.
    ///
    /// # Errors
    /// `Io` if the disk fails.
    pub(super) fn sync(&self) -> Result<()> {
        sync_all(&self.part).map_err(|error| Error::io(Stage::Mux, &self.target, "cannot be brought to disk", error))
    }

    /// Gives the folder its final name.
    ///
    /// # Errors
    /// `Io` if the name appeared meanwhile and may not be overwritten, or if the disk fails.
    pub(super) fn commit(mut self) -> Result<CommittedPackage> {
        let io = |doing: &str, error: io::Error| Error::io(Stage::Mux, &self.target, doing, error);
        let mut old = None;
        match renameat_with(CWD, &self.part, CWD, &self.target, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(Errno::EXIST) if self.overwrite => {
                old = Some(self.exchange().map_err(|error| io("cannot be named", error))?);
            }
            // Some network file systems do not support this rename. A plain rename never replaces a folder that is not
            // empty.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if !self.target.exists() => {
                fs::rename(&self.part, &self.target).map_err(|error| io("cannot be named", error))?;
            }
            Err(error) => return Err(io("cannot be named", error.into())),
        }
        self.committed = true;
        let done = CommittedPackage { part: self.part.clone(), target: self.target.clone(), old };
        match sync_parent(&self.target) {
            Ok(()) => Ok(done),
            Err(error) => {
                let error = io("is whole, but the folder above it cannot be brought to disk", error);
                done.take_back();
                Err(error)
            }
        }
    }

    /// Exchanges names with the existing package and returns that package, locked.
    fn exchange(&self) -> io::Result<File> {
        if !is_package(&self.target)? {
            return Err(Errno::EXIST.into());
        }
        // Without the lock, another job could reuse the old package under its hidden name.
        let old = File::open(&self.target)?;
        if !try_lock(&old)? {
            return Err(Errno::BUSY.into());
        }
        renameat_with(CWD, &self.part, CWD, &self.target, RenameFlags::EXCHANGE)?;
        Ok(old)
    }
}

/// A package with its final name. On drop, the package that it replaced is removed.
pub struct CommittedPackage {
    part: PathBuf,
    target: PathBuf,
    /// The lock on the replaced package, which now has the hidden name.
    old: Option<File>,
}

impl CommittedPackage {
    /// Reverts the commit because the job failed after all, and restores the previous package.
    pub(crate) fn take_back(mut self) {
        let taken = match self.old.take() {
            // If the old package cannot be restored, the new one stays; it is complete.
            Some(_) => renameat_with(CWD, &self.part, CWD, &self.target, RenameFlags::EXCHANGE),
            None => renameat_with(CWD, &self.target, CWD, &self.part, RenameFlags::NOREPLACE),
        };
        if taken.is_ok() {
            let _ = fs::remove_dir_all(&self.part);
        }
    }
}

impl Drop for CommittedPackage {
    fn drop(&mut self) {
        if self.old.is_some() {
            // If the old package cannot be removed, the next job reuses the folder.
            let _ = fs::remove_dir_all(&self.part);
        }
    }
}

impl Drop for PartFolder {
    fn drop(&mut self) {
        if !self.committed {
            // As for a file: if the folder cannot be removed, the next job reuses it.
            let _ = fs::remove_dir_all(&self.part);
        }
    }
}

/// True if a folder is empty or holds only a package.
pub(crate) fn is_package(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_ours = match entry.file_type()?.is_dir() {
            true => entry.path().join(PLAYLIST).is_file(),
            false => entry.file_name() == MASTER || entry.file_name() == MANIFEST,
        };
        if !is_ours {
            return Ok(false);
        }
    }
    Ok(true)
}

fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

/// Syncs files first, then the folders that contain them.
fn sync_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => sync_all(&entry.path())?,
            false => File::open(entry.path())?.sync_all()?,
        }
    }
    File::open(folder)?.sync_all()
}

/// A hidden name beside `name`, within the limit of 255 bytes of file systems.
fn part_name(name: impl AsRef<OsStr>) -> OsString {
    hidden_beside(name.as_ref(), PART)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(part: &PartFolder, text: &str) {
        fs::write(part.path().join(MASTER), text).unwrap();
        fs::create_dir(part.path().join("v")).unwrap();
        fs::write(part.path().join("v").join(PLAYLIST), text).unwrap();
        part.sync().unwrap();
    }

    #[test]
    fn a_part_folder_gets_its_name_or_vanishes() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("film");
        let part = PartFolder::create(&target, false).unwrap();
        fill(&part, "first");
        assert!(!target.exists());
        part.commit().unwrap();
        assert_eq!(fs::read_to_string(target.join(MASTER)).unwrap(), "first");

        assert_eq!(PartFolder::create(&target, false).err().unwrap().kind(), ErrorKind::Io);
        let part = PartFolder::create(&target, true).unwrap();
        fill(&part, "second");
        assert_eq!(fs::read_to_string(target.join(MASTER)).unwrap(), "first");
        part.commit().unwrap();
        assert_eq!(fs::read_to_string(target.join("v").join(PLAYLIST)).unwrap(), "second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        drop(PartFolder::create(&target, true).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn two_jobs_for_one_folder_exclude_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("film");
        let first = PartFolder::create(&target, false).unwrap();
        assert_eq!(PartFolder::create(&target, false).err().unwrap().kind(), ErrorKind::Io);
        drop(first);
        drop(PartFolder::create(&target, false).unwrap());
    }

    #[test]
    fn what_a_dead_process_left_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("film");
        let left = folder.path().join(part_name("film"));
        fs::create_dir_all(left.join("v")).unwrap();
        fs::write(left.join("v/00001.m4s"), b"half of something").unwrap();
        let part = PartFolder::create(&target, false).unwrap();
        assert_eq!(fs::read_dir(part.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_of_other_things_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("films");
        fs::create_dir(&target).unwrap();
        fs::write(target.join("diary.txt"), b"dear").unwrap();
        assert!(PartFolder::create(&target, true).err().unwrap().to_string().contains("other things"));
        fs::remove_file(target.join("diary.txt")).unwrap();
        let part = PartFolder::create(&target, true).unwrap();
        fill(&part, "new");
        fs::write(target.join("diary.txt"), b"dear").unwrap();
        assert!(part.commit().is_err());
        assert_eq!(fs::read(target.join("diary.txt")).unwrap(), b"dear");
    }

    #[test]
    fn a_name_that_was_taken_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("film");
        let part = PartFolder::create(&target, false).unwrap();
        fill(&part, "ours");
        fs::create_dir(&target).unwrap();
        assert_eq!(part.commit().err().unwrap().kind(), ErrorKind::Io);
        assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
    }
}
