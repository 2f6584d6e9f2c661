//! Where the entries of a store are: in a folder. Another place that holds named bytes fits behind the same trait.
//!
//! Invariant: an entry is whole or absent. It gets its name after it was written and synced.

use std::{
    fmt, fs,
    io::{self, BufWriter, Read, Seek, Write},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};
use tempfile::NamedTempFile;

/// A place for named bytes.
pub(super) trait Place: fmt::Debug + Send + Sync {
    /// Begins to read the entry `name`. `None` if there is none.
    fn read(&self, name: &str) -> io::Result<Option<Box<dyn Bytes>>>;
    /// Begins to write the entry `name`, in place of one that is there.
    fn create(&self, name: &str) -> io::Result<Box<dyn NewEntry>>;
    /// Number of bytes of the entry `name`. `None` if there is none.
    fn size(&self, name: &str) -> Option<u64>;
    /// How messages name the entry.
    fn label(&self, name: &str) -> PathBuf;
}

/// An entry that is read.
pub(super) trait Bytes: Read + Seek + Send {}

impl<T: Read + Seek + Send> Bytes for T {}

/// An entry that is written. It leaves nothing if it is dropped.
pub(super) trait NewEntry: Write + Send {
    /// Gives the entry its name, when its bytes are safe.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// The prefix of parts that only the next opening of the folder removes. The dot hides them.
pub(super) const ANY: &str = ".";

/// The ending of the names of files that are not whole, and of folders for the time of one encode.
pub(super) const PART: &str = ".part";

/// Removes the parts whose names begin with `prefix`. The processes that wrote them have ended.
pub(super) fn remove_parts(folder: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if !name.starts_with(prefix.as_bytes()) || !name.ends_with(PART.as_bytes()) {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path())?,
            false => fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}

/// A folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// What the names of parts begin with.
    prefix: String,
    /// The folder, locked: `trix clean` leaves a store alone that a job uses.
    _lock: Option<fs::File>,
}

impl Folder {
    /// Opens the folder `path`, which is made if it is missing. Removes what killed processes were writing in it, unless another
    /// one uses it. The names of parts begin with `prefix`.
    pub(super) fn open(path: &Path, prefix: &str) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let lock = fs::File::open(path)?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            remove_parts(path, "")?;
        }
        flock(&lock, FlockOperation::LockShared)?;
        Ok(Folder { path: path.to_owned(), prefix: prefix.to_owned(), _lock: Some(lock) })
    }

    /// The folder `path`, which is not used, but looked at.
    pub(super) fn looking_at(path: &Path) -> Self {
        Folder { path: path.to_owned(), prefix: ANY.to_owned(), _lock: None }
    }
}

impl Place for Folder {
    fn read(&self, name: &str) -> io::Result<Option<Box<dyn Bytes>>> {
        match fs::File::open(self.label(name)) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn NewEntry>> {
        let part = tempfile::Builder::new().prefix(&self.prefix).suffix(PART).tempfile_in(&self.path)?;
        Ok(Box::new(NewFile { path: self.label(name), part: BufWriter::new(part) }))
    }

    fn size(&self, name: &str) -> Option<u64> {
        fs::metadata(self.label(name)).ok().map(|metadata| metadata.len())
    }

    fn label(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// A file that gets its name at the end.
struct NewFile {
    path: PathBuf,
    part: BufWriter<NamedTempFile>,
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.part.flush()
    }
}

impl NewEntry for NewFile {
    fn finish(self: Box<Self>) -> io::Result<()> {
        let NewFile { path, part } = *self;
        let part = part.into_inner().map_err(io::IntoInnerError::into_error)?;
        part.as_file().sync_all()?;
        part.persist(&path).map_err(|error| error.error)?;
        // The name is safe when the folder is.
        fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_killed_processes_were_writing_is_removed_when_nobody_uses_the_folder() {
        let temporary = tempfile::tempdir().expect("a folder");
        let names = || {
            let mut names: Vec<_> = fs::read_dir(temporary.path())
                .expect("a folder")
                .map(|entry| entry.expect("an entry").file_name())
                .collect();
            names.sort();
            names
        };
        let first = Folder::open(temporary.path(), ANY).expect("a folder");
        let mut entry = first.create("a").expect("an entry");
        entry.write_all(b"whole").expect("room");
        let second = Folder::open(temporary.path(), ANY).expect("a folder");
        entry.finish().expect("a part that the second opening left alone");
        assert_eq!(names(), ["a"]);
        // What a killed process leaves.
        fs::write(temporary.path().join(format!(".xyz{PART}")), b"half").expect("room");
        let scratch = temporary.path().join(format!(".abc{PART}"));
        fs::create_dir(&scratch).expect("room");
        fs::write(scratch.join("stats"), b"in:0").expect("room");
        drop((first, second));
        let again = Folder::open(temporary.path(), ANY).expect("a folder");
        assert_eq!(names(), ["a"]);
        let mut read = String::new();
        again.read("a").expect("readable").expect("an entry").read_to_string(&mut read).expect("text");
        assert_eq!(read, "whole");
        assert!(again.read("b").expect("readable").is_none());
        assert_eq!((again.size("a"), again.size("b")), (Some(5), None));
    }
}
