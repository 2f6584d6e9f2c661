//! Boxes of ISO/IEC 14496-12: writing them to a buffer and finding them in a buffer.
//!
//! Invariant: every written box holds its own size. Every box that is found lies completely within its buffer.

use std::ops::Range;

/// A buffer to which boxes are written.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// An empty buffer.
    pub fn new() -> Self {
        Writer::default()
    }

    /// The bytes that were written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Bytes written so far.
    pub fn written(&self) -> usize {
        self.0.len()
    }

    /// Appends bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Appends `count` zero bytes.
    pub fn zeros(&mut self, count: usize) {
        self.0.resize(self.0.len() + count, 0);
    }

    /// Appends a number in network byte order.
    pub fn u16(&mut self, value: u16) {
        self.bytes(&value.to_be_bytes());
    }

    /// Appends a number in network byte order.
    pub fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    /// Appends a number in network byte order.
    pub fn i32(&mut self, value: i32) {
        self.bytes(&value.to_be_bytes());
    }

    /// Appends a number in network byte order.
    pub fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    /// Overwrites four bytes at `at`, which were written before, with `value`.
    pub(crate) fn put_u32(&mut self, at: usize, value: u32) {
        self.0[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }

    /// Writes a box. `fill` writes its content.
    pub fn within(&mut self, name: &[u8; 4], fill: impl FnOnce(&mut Self)) {
        let at = self.written();
        self.u32(0);
        self.bytes(name);
        fill(self);
        // Only the media data of a segment come near 4 GiB, and such segments are rejected earlier.
        let size = u32::try_from(self.written() - at).unwrap_or(u32::MAX);
        self.put_u32(at, size);
    }

    /// Writes a box with a version and flags (a full box). `fill` writes its content.
    pub fn full(&mut self, name: &[u8; 4], version: u8, flags: u32, fill: impl FnOnce(&mut Self)) {
        self.within(name, |to| {
            to.u32(u32::from(version) << 24 | flags);
            fill(to);
        });
    }
}

/// The range of the content of the first box `name` within `range` of `data`.
pub fn find(data: &[u8], range: Range<usize>, name: &[u8; 4]) -> Option<Range<usize>> {
    all(data, range).find(|(found, _)| found == name).map(|(_, content)| content)
}

/// The range of the content of the box at the end of `path`. Each box of the path is a child of the one before.
pub fn at_path(data: &[u8], path: &[&[u8; 4]]) -> Option<Range<usize>> {
    path.iter().try_fold(0..data.len(), |range, name| find(data, range, name))
}

/// Names and content ranges of the boxes that follow each other in `range` of `data`. The iterator ends at the first
/// incomplete box.
pub fn all(data: &[u8], range: Range<usize>) -> impl Iterator<Item = ([u8; 4], Range<usize>)> + '_ {
    let mut at = range.start;
    std::iter::from_fn(move || {
        let size = u32_at(data, at)? as usize;
        let name = data.get(at + 4..at + 8)?.try_into().ok()?;
        let end = at.checked_add(size).filter(|end| size >= 8 && *end <= range.end && *end <= data.len())?;
        let content = at + 8..end;
        at = end;
        Some((name, content))
    })
}

/// Reads four bytes in network byte order. `None` past the end of `data`.
pub fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_be_bytes)
}

/// Reads eight bytes in network byte order. `None` past the end of `data`.
pub fn u64_at(data: &[u8], at: usize) -> Option<u64> {
    data.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_found() {
        let mut writer = Writer::new();
        writer.within(b"outr", |to| {
            to.full(b"full", 1, 2, |to| to.u64(7));
            to.within(b"last", |to| to.u32(9));
        });
        let data = writer.into_bytes();
        let full = at_path(&data, &[b"outr", b"full"]).unwrap();
        assert_eq!((u32_at(&data, full.start), u64_at(&data, full.start + 4)), (Some(0x0100_0002), Some(7)));
        assert_eq!(at_path(&data, &[b"outr", b"last"]).and_then(|at| u32_at(&data, at.start)), Some(9));
        for cut in 0..data.len() {
            assert_eq!(at_path(&data[..cut], &[b"outr", b"last"]), None);
        }
    }
}
