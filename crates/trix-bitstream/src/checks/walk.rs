//! Walks through a file piece by piece, for checks that read the parts of a container one after the other.
//!
//! Invariant: bytes are presented again until a step has consumed them, however the file is divided into pieces.

use trix_model::{damage::DamageKind, time::Timestamp};

use super::sign::{Check, Sign};

/// Checks the parts of a container, one after the other.
pub(super) trait Steps: Send {
    /// Checks `rest`, which begins at byte `here` of the file and is not empty. Returns the number of bytes consumed,
    /// or `None` if more bytes are needed.
    fn step(&mut self, rest: &[u8], here: u64, signs: &mut Vec<Sign>) -> Option<usize>;

    /// Ends the check. `rest` holds the last bytes, which begin at byte `here`.
    fn end(&mut self, rest: &[u8], here: u64, signs: &mut Vec<Sign>);
}

/// A check that walks through a file in steps.
#[derive(Default)]
pub(super) struct Walk<S> {
    steps: S,
    /// Bytes that are not consumed yet.
    rest: Vec<u8>,
    /// Offset of these bytes in the file.
    at: u64,
}

impl<S> Walk<S> {
    /// The object that checks the parts.
    pub(super) fn steps(&self) -> &S {
        &self.steps
    }
}

impl<S: Steps> Check for Walk<S> {
    fn feed(&mut self, bytes: &[u8], signs: &mut Vec<Sign>) {
        self.rest.extend_from_slice(bytes);
        let mut from = 0;
        while from < self.rest.len()
            && let Some(count) = self.steps.step(&self.rest[from..], self.at + from as u64, signs)
        {
            from += count;
        }
        self.at += from as u64;
        self.rest.drain(..from);
    }

    fn end(&mut self, signs: &mut Vec<Sign>) {
        self.steps.end(&self.rest, self.at, signs);
    }
}

/// Bytes that belong to no part of a container, from the stored offset on.
#[derive(Default)]
pub(super) struct Lost(Option<u64>);

impl Lost {
    /// Starts a range of lost bytes at `here`, unless one is open.
    pub(super) fn begin(&mut self, here: u64) {
        self.0.get_or_insert(here);
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Ends the range at `here`, where a `part` begins, and reports it.
    pub(super) fn close(&mut self, here: u64, part: &str, time: Option<Timestamp>) -> Option<Sign> {
        let lost = self.0.take()?;
        Some(damaged(format!("bytes {lost} to {here} belong to no {part}"), time))
    }

    /// Reports a range that extends to the end of the file.
    pub(super) fn end(&self, part: &str, time: Option<Timestamp>) -> Option<Sign> {
        let lost = self.0?;
        Some(damaged(format!("from byte {lost} on nothing belongs to a {part}"), time))
    }
}

fn damaged(detail: String, time: Option<Timestamp>) -> Sign {
    Sign { kind: DamageKind::Container, time, detail: format!("the container is damaged: {detail}") }
}

/// Reports that the end of the file truncates a part. `detail` says how.
pub(super) fn cut_short(detail: String, time: Option<Timestamp>) -> Sign {
    Sign { kind: DamageKind::Container, time, detail }
}

/// Continues a CRC-32 (ISO/IEC 13818-1, annex A, and RFC 3533, 6) whose value is `sum` before `bytes`.
pub(super) fn crc(sum: u32, bytes: impl IntoIterator<Item = u8>) -> u32 {
    bytes.into_iter().fold(sum, |sum, byte| {
        (0..8).fold(sum ^ u32::from(byte) << 24, |sum, _| sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 })
    })
}
