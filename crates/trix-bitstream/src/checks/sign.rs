//! What a check is, and what it finds.

use trix_model::{damage::DamageKind, time::Timestamp};

/// One sign of damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    /// What is damaged.
    pub kind: DamageKind,
    /// When, in the time of the file; `None` where it is not known.
    pub time: Option<Timestamp>,
    /// What was found, in words.
    pub detail: String,
}

/// A table of a transport stream that gives a stream another codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableChange {
    /// The byte of its packet.
    pub at: u64,
    /// The packet identifier of the stream.
    pub pid: u16,
    /// The codec in words.
    pub to: &'static str,
}

/// Looks at a file's bytes, piece by piece.
pub trait Check: Send {
    /// Takes the next bytes.
    fn feed(&mut self, bytes: &[u8], signs: &mut Vec<Sign>);
    /// Whether what it finds is needed before the packets that follow are handed on.
    fn leads(&self) -> bool {
        false
    }
    /// There are no more.
    fn end(&mut self, signs: &mut Vec<Sign>);
}
