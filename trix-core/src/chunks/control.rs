//! How the chunks of a film are encoded on this machine.
//!
//! Invariant: nothing of it changes a byte of an output.

use std::{ffi::OsString, path::PathBuf, time::Duration};

/// How the chunks of a film are encoded on this machine. Nothing of it changes a byte of an output.
#[derive(Clone, Debug)]
pub struct ChunkControl {
    /// The folder in which the chunks are kept. `None`: beside the first output, until the job is done. A folder that is given
    /// keeps its chunks, for other jobs of the same film.
    pub store: Option<PathBuf>,
    /// The most chunks that are encoded at the same time. `None`: as many as the cores and the free memory of this machine take.
    pub units: Option<usize>,
    /// How often a chunk that failed is tried again.
    pub retries: u32,
    /// A chunk of which no frame was encoded for this time has failed.
    pub patience: Duration,
    /// Which chunks are encoded in processes of their own.
    pub isolate: Isolate,
    /// A program and its arguments. It has to read a [`ChunkRequest`](crate::ChunkRequest) from its standard input, and to serve it. Without
    /// one, no chunk is isolated.
    pub program: Option<Vec<OsString>>,
}

impl Default for ChunkControl {
    fn default() -> Self {
        ChunkControl {
            store: None,
            units: None,
            retries: 2,
            patience: Duration::from_secs(600),
            isolate: Isolate::default(),
            program: None,
        }
    }
}

/// Which chunks are encoded in processes of their own, so that a codec that crashes, hangs or takes too much memory ends no more
/// than the encode of one chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolate {
    /// Those of a source whose container and streams disagree.
    #[default]
    Auto,
    /// All.
    On,
    /// None.
    Off,
}
