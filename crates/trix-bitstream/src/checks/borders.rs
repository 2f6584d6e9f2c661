//! Where a demuxer has to begin anew, since it would go on with what it knows and lose what follows: a table of a transport
//! stream that gives a stream another codec, and the header of another recording in FLV and Matroska.
//!
//! Invariant: bytes are looked at once, in their order.

use super::{
    matroska::Matroska,
    sign::{Check, TableChange},
    tags::Tags,
    transport::Transport,
    walk::Walk,
};

/// Such a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Border {
    /// The byte of the file at which what is new begins.
    pub at: u64,
    /// The table that makes it one.
    pub change: Option<TableChange>,
}

/// Looks for such places.
pub struct Borders {
    watch: Watch,
    /// Where the bytes that are looked at begin in the file.
    start: u64,
}

enum Watch {
    Tables(Transport),
    Tags(Walk<Tags>),
    Elements(Box<Matroska>),
}

impl Borders {
    /// For a file that begins with `head`, from byte `start` on; `None` where it can have no such place.
    pub fn of(head: &[u8], start: u64) -> Option<Self> {
        let watch = match head {
            [b'F', b'L', b'V', 1, ..] => Watch::Tags(Walk::default()),
            [0x1a, 0x45, 0xdf, 0xa3, ..] => Watch::Elements(Box::default()),
            _ if Transport::is_in(head) => Watch::Tables(Transport::default()),
            _ => return None,
        };
        Some(Borders { watch, start })
    }

    /// Takes the next bytes; the first such place in them.
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

    /// What of `bytes`, which begin at the place that was found, still belongs to what came before.
    pub fn remainder(&self, bytes: Vec<u8>) -> Vec<u8> {
        match &self.watch {
            Watch::Tables(tables) => tables.remainder(bytes),
            _ => Vec::new(),
        }
    }
}
