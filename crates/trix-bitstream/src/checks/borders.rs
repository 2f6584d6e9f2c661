//! Finds places where a demuxer must start again, because it would continue with outdated parameters and lose what
//! follows. Such a place is a transport stream table that changes the codec of a stream, or the header of another
//! recording in FLV and Matroska.
//!
//! Invariant: bytes are read once, in order.

use super::{
    matroska::Matroska,
    sign::{Check, TableChange},
    tags::Tags,
    transport::Transport,
    walk::Walk,
};

/// A place where a demuxer must start again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Border {
    /// Offset of the first new byte in the file.
    pub at: u64,
    /// The table that causes the change.
    pub change: Option<TableChange>,
}

/// Searches for borders.
pub struct Borders {
    watch: Watch,
    /// Offset in the file of the first byte that is searched.
    start: u64,
}

enum Watch {
    Tables(Transport),
    Tags(Walk<Tags>),
    Elements(Box<Matroska>),
}

impl Borders {
    /// Creates a search from byte `start` on, for a file that begins with `head`. `None` if such a file has no borders.
    pub fn of(head: &[u8], start: u64) -> Option<Self> {
        let watch = match head {
            [b'F', b'L', b'V', 1, ..] => Watch::Tags(Walk::default()),
            [0x1a, 0x45, 0xdf, 0xa3, ..] => Watch::Elements(Box::default()),
            _ if Transport::is_in(head) => Watch::Tables(Transport::default()),
            _ => return None,
        };
        Some(Borders { watch, start })
    }

    /// Searches the next bytes. Returns the first border found so far.
    pub fn feed(&mut self, bytes: &[u8]) -> Option<Border> {
        let mut signs = Vec::new();
        let (at, change) = match &mut self.watch {
            Watch::Tables(tables) => {
                tables.feed(bytes, &mut signs);
                let change = tables.changes().into_iter().next()?;
                (change.at, Some(change))
            }
            Watch::Tags(tags) => {
                tags.feed(bytes, &mut signs);
                (tags.steps().next_recording()?, None)
            }
            Watch::Elements(elements) => {
                elements.feed(bytes, &mut signs);
                (elements.next_recording()?, None)
            }
        };
        let at = self.start + at;
        Some(Border { at, change: change.map(|change| TableChange { at, ..change }) })
    }

    /// Keeps the part of `bytes`, which begin at the border, that still belongs to the content before it.
    pub fn remainder(&self, bytes: Vec<u8>) -> Vec<u8> {
        match &self.watch {
            Watch::Tables(tables) => tables.remainder(bytes),
            _ => Vec::new(),
        }
    }
}
