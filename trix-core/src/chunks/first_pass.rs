//! What the first of two passes finds out about the frames of a chunk: the statistics files of x264 and x265.
//!
//! Invariant: the statistics list the frames of the chunk, and none after it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use trix_model::error::{Error, ErrorKind, Result, Stage};

use super::{
    folder::PART,
    store::{ChunkKey, Store},
};

/// Endings of the names of the files with the macroblock tree, beside that with the statistics: x264's and x265's.
const TREES: [&str; 2] = [".mbtree", ".cutree"];

/// The bits of a frame in the first pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FrameBits {
    /// Bits of coefficients.
    pub(super) texture: f64,
    /// Bits of motion vectors.
    pub(super) motion: f64,
    /// All other bits.
    pub(super) other: f64,
}

/// A folder for the statistics files of one encode. It is removed when this is dropped.
pub(super) struct Scratch(TempDir);

impl Scratch {
    /// Makes a folder in that of the store, the only place where an isolated process can write.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn new(store: &Store) -> Result<Self> {
        let made = tempfile::Builder::new().prefix(store.prefix()).suffix(PART).tempdir_in(store.folder());
        made.map(Scratch).map_err(|error| Error::io(Stage::Encode, store.folder(), "cannot be written", error))
    }

    /// The file of the statistics.
    pub(super) fn path(&self) -> PathBuf {
        self.0.path().join("stats")
    }

    /// Keeps what the encoder wrote about its first `frames` frames under `key`. The encoder is closed.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn keep(self, frames: usize, key: &ChunkKey, store: &Store) -> Result<()> {
        let path = self.path();
        let unreadable = |error| Error::io(Stage::Encode, &path, "cannot be read", error);
        let text = within(&fs::read_to_string(&path).map_err(unreadable)?, frames);
        store.write_bytes(&tree_of(key), &tree(&path).map_err(unreadable)?)?;
        store.write_bytes(key, text.as_bytes())
    }

    /// Puts the statistics that [`Scratch::keep`] kept where an encoder reads them. Returns the number of frames.
    ///
    /// # Errors
    /// `MalformedInput` if they are missing; `Io`.
    pub(super) fn fill(&self, key: &ChunkKey, store: &Store) -> Result<usize> {
        let text = read(key, store)?;
        let path = self.path();
        let unwritable = |error| Error::io(Stage::Encode, &path, "cannot be written", error);
        fs::write(&path, &text).map_err(unwritable)?;
        let tree = store.read_bytes(&tree_of(key)).ok_or_else(|| wrong("its first pass is missing"))?;
        for ending in TREES.iter().filter(|_| !tree.is_empty()) {
            fs::write(beside(&path, ending), &tree).map_err(unwritable)?;
        }
        Ok(entries(&text).count())
    }
}

/// True if the statistics of a chunk are in the store.
pub(super) fn is_kept(key: &ChunkKey, store: &Store) -> bool {
    store.read_bytes(key).is_some() && store.read_bytes(&tree_of(key)).is_some()
}

/// The key of the macroblock tree that belongs to statistics. It is empty for an encode without one.
fn tree_of(key: &ChunkKey) -> ChunkKey {
    key.part("tree")
}

/// The bits of the frames of a chunk.
///
/// # Errors
/// `MalformedInput` if there are no statistics, or if they are not in the form of the encoders.
pub(super) fn bits(key: &ChunkKey, store: &Store) -> Result<Vec<FrameBits>> {
    let text = read(key, store)?;
    let found: Option<Vec<FrameBits>> = entries(&text).map(FrameBits::of).collect();
    found.ok_or_else(|| wrong("its first pass is not what was written"))
}

fn read(key: &ChunkKey, store: &Store) -> Result<String> {
    let text = store.read_bytes(key).and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| wrong("its first pass is missing"))
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::MalformedInput, Stage::Encode, what)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The macroblock tree beside the statistics in `path`.
fn tree(path: &Path) -> io::Result<Vec<u8>> {
    for ending in TREES {
        match fs::read(beside(path, ending)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
    }
    Ok(Vec::new())
}

/// The lines about frames, one for each.
fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.starts_with("in:"))
}

/// The statistics without those of frames that the encoder only looked at.
fn within(text: &str, frames: usize) -> String {
    let is_own =
        |line: &&str| !line.starts_with("in:") || value(line, "in").is_some_and(|number| number < frames as f64);
    text.lines().filter(is_own).fold(String::new(), |all, line| all + line + "\n")
}

/// The number after `name:`.
fn value(line: &str, name: &str) -> Option<f64> {
    let found = line.split_whitespace().filter_map(|word| word.split_once(':')).find(|(own, _)| *own == name);
    found?.1.parse().ok()
}

impl FrameBits {
    fn of(line: &str) -> Option<Self> {
        let value = |name| value(line, name).filter(|number: &f64| number.is_finite());
        Some(FrameBits { texture: value("tex")?, motion: value("mv")?, other: value("misc")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATS: &str = "#options: 1920x1080 fps=25/1 bitrate=900\n\
        in:0 out:0 type:I dur:2 cpbdur:2 q:18.50 aq:14.06 tex:1200 mv:130 misc:21 imb:99 ;\n\
        in:2 out:1 type:P dur:2 cpbdur:2 q:20.00 aq:15.00 tex:800 mv:90 misc:11 imb:9 ;\n\
        in:1 out:2 type:b dur:2 cpbdur:2 q:22.00 aq:17.00 tex:80 mv:50 misc:10 imb:1 ;\n\
        in:3 out:3 type:P dur:2 cpbdur:2 q:20.00 aq:15.00 tex:800 mv:90 misc:11 imb:9 ;\n";

    #[test]
    fn frames_after_the_chunk_are_left_out() {
        let own = within(STATS, 3);
        assert_eq!(own.lines().count(), 4);
        assert!(own.starts_with("#options") && !own.contains("in:3"));
        let bits: Vec<_> = entries(&own).map(|line| FrameBits::of(line).expect("an entry")).collect();
        assert_eq!(bits[0], FrameBits { texture: 1200.0, motion: 130.0, other: 21.0 });
        assert_eq!(FrameBits::of("in:0 out:0 tex:nan mv:1 misc:1"), None);
    }
}
