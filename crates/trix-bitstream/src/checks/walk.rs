//! Goes through a file piece by piece, for checks that look at one part of a container after the other.
//!
//! Invariant: every byte is shown until it is done with, however the file comes in pieces.

use trix_model::{damage::DamageKind, time::Timestamp};

use super::sign::{Check, Sign};

/// Looks at the parts of a container, one after the other.
pub(super) trait Steps: Send {
    /// Looks at `rest`, which begins at byte `here` of the file and is not empty; returns how many bytes are done with, and
    /// `None` where more are needed.
    fn step(&mut self, rest: &[u8], here: u64, signs: &mut Vec<Sign>) -> Option<usize>;

    /// There are no more bytes than `rest`, which begins at byte `here`.
    fn end(&mut self, rest: &[u8], here: u64, signs: &mut Vec<Sign>);
}

/// A check that goes through a file by steps.
#[derive(Default)]
pub(super) struct Walk<S> {
    steps: S,
    /// Bytes that are not done with.
    rest: Vec<u8>,
    /// The byte of the file at which they begin.
    at: u64,
}

impl<S> Walk<S> {
    /// What looks at the parts.
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

/// Bytes that belong to no part of a container.
#[derive(Default)]
pub(super) struct Lost(Option<u64>);

impl Lost {
    /// Such bytes begin at `here`, or go on.
    pub(super) fn begin(&mut self, here: u64) {
        self.0.get_or_insert(here);
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// They are over at `here`, where a `part` begins.
    pub(super) fn close(&mut self, here: u64, part: &str, time: Option<Timestamp>) -> Option<Sign> {
        let lost = self.0.take()?;
        Some(damaged(format!("bytes {lost} to {here} belong to no {part}"), time))
    }

    /// They run to the end of the file.
    pub(super) fn end(&self, part: &str, time: Option<Timestamp>) -> Option<Sign> {
        let lost = self.0?;
        Some(damaged(format!("from byte {lost} on nothing belongs to a {part}"), time))
    }
}

fn damaged(detail: String, time: Option<Timestamp>) -> Sign {
    Sign { kind: DamageKind::Container, time, detail: format!("the container is damaged: {detail}") }
}

/// A part that the end of the file cuts short, `detail` says how.
pub(super) fn cut_short(detail: String, time: Option<Timestamp>) -> Sign {
    Sign { kind: DamageKind::Container, time, detail }
}

/// What is left of a checksum of 32 bits (ISO/IEC 13818-1, annex A, and RFC 3533, 6) that is `sum` before `bytes`.
pub(super) fn crc(sum: u32, bytes: impl IntoIterator<Item = u8>) -> u32 {
    bytes.into_iter().fold(sum, |sum, byte| {
        (0..8).fold(sum ^ u32::from(byte) << 24, |sum, _| sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 })
    })
}
