//! The interface of a check, and what it finds.

use trix_model::{damage::DamageKind, time::Timestamp};

/// One sign of damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    /// Kind of damage.
    pub kind: DamageKind,
    /// Time in the file. `None` if it is unknown.
    pub time: Option<Timestamp>,
    /// Description of the damage.
    pub detail: String,
}

/// A table of a transport stream that changes the codec of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableChange {
    /// Offset of the packet with the table.
    pub at: u64,
    /// Packet identifier (PID) of the stream.
    pub pid: u16,
    /// Name of the new codec.
    pub to: &'static str,
}

/// Checks the bytes of a file piece by piece.
pub trait Check: Send {
    /// Checks the next bytes, and appends signs of damage to `signs`.
    fn feed(&mut self, bytes: &[u8], signs: &mut Vec<Sign>);
    /// True if a reader needs the results for some bytes before it passes on the packets in them.
    fn leads(&self) -> bool {
        false
    }
    /// Ends the check after the last byte of the file.
    fn end(&mut self, signs: &mut Vec<Sign>);
}
