//! A file on its way to its final name.
//!
//! Invariant: the final name appears in one step, for a file that is complete and synced to disk. A process that dies
//! leaves at most a hidden part file, which the next job for the same output reuses. A lock prevents two jobs for one
//! output; the system releases it with the process.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions},
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, RenameFlags, flock, renameat_with},
    io::Errno,
};
use trix_model::error::{Error, ErrorKind, Result, Stage};

/// The end of the temporary name of a file.
pub(crate) const PART: &str = ".trix-part";

/// Message for a file that vanished while it was written.
pub(super) const GONE: &str = "its folder, or the file that is written there, is gone";

/// The part file, which is written beside the final name.
pub struct PartFile {
    file: File,
    part: PathBuf,
    target: PathBuf,
    overwrite: bool,
    committed: bool,
}

impl PartFile {
    /// Creates the part file beside `target`.
    ///
    /// # Errors
    /// `Io` if the folder is missing or read-only, if the name exists and may not be overwritten, or if another job
    /// writes the same output.
    pub fn create(target: &Path, overwrite: bool) -> Result<Self> {
        let io = |doing: &str, error: std::io::Error| Error::io(Stage::Mux, target, doing, error);
        let refuse = |detail: &str| Err(Error::new(ErrorKind::Io, Stage::Mux, detail).in_file(target));
        let Some(name) = target.file_name() else {
            return refuse("is no name for a file");
        };
        match fs::metadata(target) {
            Ok(metadata) if metadata.is_dir() => return refuse("is a directory"),
            Ok(metadata) if !metadata.is_file() => return refuse("is no regular file"),
            // A link to a file that is missing takes the name too.
            found if !overwrite && (found.is_ok() || fs::symlink_metadata(target).is_ok()) => {
                return refuse("exists already; `overwrite` replaces it").map_err(Error::as_taken);
            }
            _ => {}
        }
        let part = target.with_file_name(part_name(name));
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&part)
                .map_err(|error| io("cannot be created", error))?;
            if !try_lock(&file).map_err(|error| io("cannot be locked", error))? {
                return refuse("another job is writing this output");
            }
            // Between open and lock, the job that held the lock may have given the file its final name.
            if is_same(&file, &part) {
                file.set_len(0).map_err(|error| io("cannot be emptied", error))?;
                let target = target.to_owned();
                return Ok(PartFile { file, part, target, overwrite, committed: false });
            }
        }
    }

    /// Path of the part file.
    pub fn path(&self) -> &Path {
        &self.part
    }

    /// Checks that the file can still get its final name: it exists at its original place.
    ///
    /// # Errors
    /// `Io` if the file or its folder is gone.
    pub fn is_there(&self) -> Result<()> {
        match is_same(&self.file, &self.part) {
            true => Ok(()),
            false => Err(Error::io(Stage::Mux, &self.target, GONE, Errno::NOENT.into())),
        }
    }

    /// Syncs all written data to disk.
    ///
    /// # Errors
    /// `Io` if the disk fails.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(|error| Error::io(Stage::Mux, &self.target, "cannot be brought to disk", error))
    }

    /// Gives the file its final name.
    ///
    /// # Errors
    /// `Io` if the name appeared meanwhile and may not be overwritten, or if the disk fails.
    pub fn commit(mut self) -> Result<Committed> {
        let io = |doing: &str, error: std::io::Error| Error::io(Stage::Mux, &self.target, doing, error);
        let named = if self.overwrite { self.exchange() } else { self.rename_unless_taken().map(|()| Before::Nothing) };
        let before = named.map_err(|error| io("cannot be named", error))?;
        self.committed = true;
        let done = Committed { part: self.part.clone(), target: self.target.clone(), before };
        match sync_parent(&self.target) {
            Ok(()) => Ok(done),
            Err(error) => {
                let error = io("is whole, but its folder cannot be brought to disk", error);
                done.take_back();
                Err(error)
            }
        }
    }

    /// Takes the final name, even if another file has it.
    fn exchange(&self) -> std::io::Result<Before> {
        let here = rustix::fs::CWD;
        match renameat_with(here, &self.part, here, &self.target, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(Before::Kept),
            Err(Errno::NOENT) => fs::rename(&self.part, &self.target).map(|()| Before::Nothing),
            // The file system does not support this rename.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                let before = if self.target.exists() { Before::Lost } else { Before::Nothing };
                fs::rename(&self.part, &self.target).map(|()| before)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn rename_unless_taken(&self) -> std::io::Result<()> {
        let here = rustix::fs::CWD;
        match renameat_with(here, &self.part, here, &self.target, RenameFlags::NOREPLACE) {
            // Some network file systems do not support this rename. A hard link also fails if the name exists.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                fs::hard_link(&self.part, &self.target)?;
                fs::remove_file(&self.part)
            }
            result => Ok(result?),
        }
    }
}

/// State of the name before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// A file that now has the name of the part file.
    Kept,
    /// A file that no longer exists.
    Lost,
}

/// A file with its final name. On drop, the file that it replaced is removed.
pub struct Committed {
    part: PathBuf,
    target: PathBuf,
    before: Before,
}

/// Brings the folder of `target` to disk. A new name is only safe after that.
pub(crate) fn sync_parent(target: &Path) -> std::io::Result<()> {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

impl Committed {
    /// Reverts the commit because the job failed after all, and restores the previous file. If that is not possible,
    /// the new file stays; it is complete.
    pub fn take_back(mut self) {
        match std::mem::replace(&mut self.before, Before::Nothing) {
            Before::Nothing => drop(fs::remove_file(&self.target)),
            Before::Kept => drop(fs::rename(&self.part, &self.target)),
            Before::Lost => {}
        }
    }
}

impl Drop for Committed {
    fn drop(&mut self) {
        if self.before == Before::Kept {
            // If the file cannot be removed, the next job for this output reuses it.
            let _ = fs::remove_file(&self.part);
        }
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.committed {
            // If the part file cannot be removed, the next job reuses it.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// A hidden name beside `name`, within the limit of 255 bytes of file systems.
fn part_name(name: impl AsRef<OsStr>) -> OsString {
    hidden_beside(name.as_ref(), PART)
}

/// A hidden name beside `name` that ends in `end`, within the limit of 255 bytes of file systems.
pub(crate) fn hidden_beside(name: &OsStr, end: &str) -> OsString {
    let mut part = OsString::from(".");
    part.push(name);
    part.push(end);
    if part.len() > 255 {
        part = format!(".{:016x}{end}", xxhash_rust::xxh3::xxh3_64(name.as_bytes())).into();
    }
    part
}

/// Locks an open file or folder. False if a job holds the lock.
pub(crate) fn try_lock(open: &File) -> std::io::Result<bool> {
    match flock(open, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// True if `open` still has the name `path`.
pub(crate) fn is_same(open: &File, path: &Path) -> bool {
    let (Ok(ours), Ok(now)) = (open.metadata(), fs::metadata(path)) else { return false };
    (now.dev(), now.ino()) == (ours.dev(), ours.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_file_gets_its_name_or_vanishes() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.mp4");
        let part = PartFile::create(&target, false).unwrap();
        fs::write(part.path(), b"whole").unwrap();
        assert!(!target.exists());
        part.sync().unwrap();
        part.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        drop(PartFile::create(&target, true).unwrap());
        assert_eq!(fs::read(&target).unwrap(), b"whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        let part = PartFile::create(&target, true).unwrap();
        fs::write(part.path(), b"newer").unwrap();
        drop(part.commit().unwrap());
        assert_eq!(fs::read(&target).unwrap(), b"newer");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_name_can_be_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        for before in [None, Some(b"before")] {
            let target = folder.path().join("out.mp4");
            if let Some(before) = before {
                fs::write(&target, before).unwrap();
            }
            let part = PartFile::create(&target, true).unwrap();
            fs::write(part.path(), b"new").unwrap();
            part.commit().unwrap().take_back();
            assert_eq!(fs::read(&target).ok().as_deref(), before.map(|before| before.as_slice()));
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), usize::from(before.is_some()));
        }
    }

    #[test]
    fn two_jobs_for_one_output_exclude_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.mp4");
        let first = PartFile::create(&target, false).unwrap();
        let second = PartFile::create(&target, false).err().expect("the place is taken");
        assert_eq!(second.kind(), ErrorKind::Io);
        drop(first);
        drop(PartFile::create(&target, false).unwrap());
    }

    #[test]
    fn a_name_that_was_taken_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.mp4");
        let part = PartFile::create(&target, false).unwrap();
        fs::write(&target, b"another's").unwrap();
        assert_eq!(part.commit().err().expect("taken").kind(), ErrorKind::Io);
        assert_eq!(fs::read(&target).unwrap(), b"another's");
    }

    #[test]
    fn what_a_dead_process_left_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out.mp4");
        fs::write(folder.path().join(part_name("out.mp4")), b"half of something").unwrap();
        let part = PartFile::create(&target, false).unwrap();
        assert_eq!(fs::metadata(part.path()).unwrap().len(), 0);
    }

    #[test]
    fn long_names_stay_within_what_file_systems_allow() {
        assert!(part_name("x".repeat(250)).len() <= 255);
        assert_ne!(part_name("x".repeat(250)), part_name("x".repeat(251)));
    }
}
