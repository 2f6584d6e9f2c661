//! Where the bytes of a source come from.

use std::{path::PathBuf, sync::Arc};

use super::{edits::Edits, sequence::Files, shared_reader::SharedFile};
use crate::settings::shape::Shape;

#[derive(Clone)]
pub(super) enum Origin {
    /// A file. All readers share `store`.
    File {
        path: PathBuf,
        store: Arc<SharedFile>,
        /// The end of the content, if zeros follow it.
        content: Option<u64>,
        /// The edit lists of all tracks, and the bytes that hide parts of them from libavformat.
        edits: Arc<Edits>,
    },
    /// A pattern that stands for several files.
    Sequence {
        path: PathBuf,
        files: Arc<Files>,
    },
    Memory(Arc<[u8]>),
    /// A program gives frames and audio of this shape.
    Given(Arc<Shape>),
}
