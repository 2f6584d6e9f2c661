//! The header and the segments of a rendition as one reader.
//!
//! Invariant: each byte of a file is read from disk once, for the check of its segment, for its packets and for its hash.
//! Only a reader that goes back to an earlier segment reads that one again.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use trix_model::{
    control::cancel::Token,
    error::{Error, Result, Stage},
};

use crate::source::FileHash;

/// A file, or a part of one.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) path: PathBuf,
    pub(super) from: u64,
    pub(super) length: u64,
}

impl Part {
    fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.length).unwrap_or(0));
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.from))?;
        file.take(self.length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// The hashes of files whose parts are read in their order.
#[derive(Default)]
struct Hashes(BTreeMap<PathBuf, FileHash>);

impl Hashes {
    /// Adds a part, and the bytes between it and the part before.
    fn add(&mut self, part: &Part, bytes: &[u8]) -> io::Result<()> {
        let hash = self.0.entry(part.path.clone()).or_default();
        if hash.bytes() < part.from {
            hash.read(&part.path, part.from)?;
        }
        // A file that became shorter ends before the part.
        let known = hash.bytes().checked_sub(part.from).ok_or(io::ErrorKind::UnexpectedEof)?;
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        hash.update(bytes.get(known..).unwrap_or_default());
        Ok(())
    }

    /// Adds the bytes behind the last parts.
    fn finish(self) -> io::Result<BTreeMap<PathBuf, String>> {
        let ended = self.0.into_iter().map(|(path, mut hash)| {
            hash.read(&path, u64::MAX)?;
            Ok((path, hash.finish()))
        });
        ended.collect()
    }
}

/// A check of a part, called once for each part, in their order.
type Check = Box<dyn FnMut(usize, &Part, &[u8]) -> Result<()> + Send>;

/// The reader. Clones share their position.
#[derive(Clone)]
pub(super) struct Parts(Arc<Mutex<State>>);

struct State {
    parts: Vec<Part>,
    position: u64,
    /// The part that was read last.
    loaded: Option<(usize, Vec<u8>)>,
    /// The number of parts that were checked.
    checked: usize,
    check: Check,
    failed: Option<Error>,
    hashes: Option<Hashes>,
    token: Token,
}

impl Parts {
    /// Reads `parts` until `token` is cancelled. `hash` states whether their files are hashed, too.
    pub(super) fn new(parts: Vec<Part>, hash: bool, token: &Token, check: Check) -> Self {
        Parts(Arc::new(Mutex::new(State {
            parts,
            position: 0,
            loaded: None,
            checked: 0,
            check,
            failed: None,
            hashes: hash.then(Hashes::default),
            token: token.clone(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks the parts that nothing has read, and returns the hashes of all files.
    ///
    /// # Errors
    /// The first error of a check, or `unreadable` if a file cannot be read.
    pub(super) fn finish(&self, unreadable: impl Fn(&Path, io::Error) -> Error) -> Result<BTreeMap<PathBuf, String>> {
        let mut state = self.state();
        while state.failed.is_none() && state.checked < state.parts.len() {
            let next = state.checked;
            if let Err(error) = state.load(next)
                && state.failed.is_none()
            {
                return Err(unreadable(&state.parts[next].path, error));
            }
        }
        if let Some(error) = state.failed.take() {
            return Err(error);
        }
        let last = state.parts.last().map(|part| part.path.clone()).unwrap_or_default();
        let hashes = state.hashes.take().unwrap_or_default();
        hashes.finish().map_err(|error| unreadable(&last, error))
    }
}

impl State {
    /// Reads part `index`. At its first time, checks and hashes it and those before it.
    fn load(&mut self, index: usize) -> io::Result<()> {
        while self.checked <= index {
            if self.token.is_set() {
                self.failed.get_or_insert_with(|| Error::cancelled(Stage::Verify));
                // Readers try again after `Interrupted`.
                return Err(io::Error::other("cancelled"));
            }
            // One part at a time lies in memory.
            self.loaded = None;
            let (next, part) = (self.checked, &self.parts[self.checked]);
            let bytes = part.read()?;
            if let Some(hashes) = &mut self.hashes {
                hashes.add(part, &bytes)?;
            }
            if let Err(error) = (self.check)(next, part, &bytes) {
                self.failed.get_or_insert(error);
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.loaded = Some((next, bytes));
            self.checked += 1;
        }
        if self.loaded.as_ref().is_none_or(|(loaded, _)| *loaded != index) {
            self.loaded = None;
            self.loaded = Some((index, self.parts[index].read()?));
        }
        Ok(())
    }
}

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        let mut start = 0;
        for index in 0..state.parts.len() {
            let length = state.parts[index].length;
            if state.position >= start + length {
                start += length;
                continue;
            }
            state.load(index)?;
            let within = usize::try_from(state.position - start).unwrap_or(usize::MAX);
            let Some((_, bytes)) = &state.loaded else { return Ok(0) };
            let rest = bytes.get(within..).unwrap_or_default();
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            state.position += count as u64;
            return Ok(count);
        }
        Ok(0)
    }
}

impl Seek for Parts {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let mut state = self.state();
        let size: u64 = state.parts.iter().map(|part| part.length).sum();
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => state.position.checked_add_signed(by),
            SeekFrom::End(by) => size.checked_add_signed(by),
        };
        state.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(state.position)
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};
    use trix_model::{control::cancel::Cancel, error::ErrorKind};

    use super::*;

    fn token() -> Token {
        Token::new(&Cancel::default())
    }

    fn unreadable(path: &Path, error: io::Error) -> Error {
        Error::io(Stage::Verify, path, "cannot be read", error)
    }

    #[test]
    fn parts_are_checked_once_in_order_and_files_hashed_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("whole.mp4");
        let bytes: Vec<u8> = (0..1000u32).map(|number| (number * 7) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        // Bytes 100 to 149, and those from 900 on, belong to no part.
        let ranges = [(0, 100), (150, 350), (500, 400)];
        let parts: Vec<Part> = ranges.iter().map(|&(from, length)| Part { path: path.clone(), from, length }).collect();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&seen);
        let check: Check = Box::new(move |index, _, bytes| {
            list.lock().unwrap().push((index, bytes.len()));
            Ok(())
        });
        let mut reader = Parts::new(parts, true, &token(), check);
        // From the last part back to the first, and then all.
        let mut some = [0; 10];
        reader.seek(SeekFrom::Start(600)).unwrap();
        reader.read_exact(&mut some).unwrap();
        assert_eq!(some, bytes[650..660]);
        reader.rewind().unwrap();
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        assert_eq!(all, [&bytes[..100], &bytes[150..500], &bytes[500..900]].concat());
        let expected: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(reader.finish(unreadable).unwrap(), BTreeMap::from([(path, expected)]));
        assert_eq!(*seen.lock().unwrap(), [(0, 100), (1, 350), (2, 400)]);
    }

    #[test]
    fn the_error_of_a_check_is_the_error_of_the_parts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.m4s");
        std::fs::write(&path, [0; 100]).unwrap();
        let parts = vec![Part { path: path.clone(), from: 0, length: 50 }, Part { path, from: 50, length: 50 }];
        let check: Check = Box::new(|index, _, _| match index {
            0 => Ok(()),
            _ => Err(Error::new(ErrorKind::Verification, Stage::Verify, "is no whole segment")),
        });
        let mut reader = Parts::new(parts, false, &token(), check);
        assert!(reader.read_to_end(&mut Vec::new()).is_err());
        assert!(reader.finish(unreadable).unwrap_err().to_string().contains("is no whole segment"));
    }

    #[test]
    fn a_cancelled_job_reads_no_further_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.m4s");
        std::fs::write(&path, [0; 100]).unwrap();
        let parts = vec![Part { path: path.clone(), from: 0, length: 50 }, Part { path, from: 50, length: 50 }];
        let cancel = Cancel::default();
        let own = cancel.clone();
        // Cancelled while the first part is checked.
        let check: Check = Box::new(move |index, _, _| {
            assert_eq!(index, 0);
            own.cancel();
            Ok(())
        });
        let mut reader = Parts::new(parts, false, &Token::new(&cancel), check);
        assert_eq!(reader.read(&mut [0; 100]).unwrap(), 50);
        assert_eq!(reader.read(&mut [0; 100]).unwrap_err().kind(), io::ErrorKind::Other);
        assert_eq!(reader.finish(unreadable).unwrap_err().kind(), ErrorKind::Cancelled);
    }
}
