//! Boxes of ISO/IEC 14496-12, written into and found in blocks of memory.
//!
//! Invariant: a box that was written holds its own size; a box that is found lies whole within its block.

use std::ops::Range;

/// A block of memory to which boxes are written.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// A block with nothing in it.
    pub fn new() -> Self {
        Writer::default()
    }

    /// What was written.
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

    /// Appends so many zeros.
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

    /// Puts `value` in the place of four bytes that were written before.
    pub fn put_u32(&mut self, at: usize, value: u32) {
        self.0[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }

    /// A box whose content `fill` writes.
    pub fn within(&mut self, name: &[u8; 4], fill: impl FnOnce(&mut Self)) {
        let at = self.written();
        self.u32(0);
        self.bytes(name);
        fill(self);
        // Only the media data of a segment come near 4 GiB, and those are refused before.
        let size = u32::try_from(self.written() - at).unwrap_or(u32::MAX);
        self.put_u32(at, size);
    }

    /// A box with a version and flags.
    pub fn full(&mut self, name: &[u8; 4], version: u8, flags: u32, fill: impl FnOnce(&mut Self)) {
        self.within(name, |to| {
            to.u32(u32::from(version) << 24 | flags);
            fill(to);
        });
    }
}

/// Where the content of the first box `name` within `range` of `data` stands.
pub fn find(data: &[u8], range: Range<usize>, name: &[u8; 4]) -> Option<Range<usize>> {
    all(data, range).find(|(found, _)| found == name).map(|(_, content)| content)
}

/// The content of the box at the end of `path`, each box within the one before.
pub fn at_path(data: &[u8], path: &[&[u8; 4]]) -> Option<Range<usize>> {
    path.iter().try_fold(0..data.len(), |range, name| find(data, range, name))
}

/// Names and contents of the boxes that follow each other in `range` of `data`; what is no whole box ends the walk.
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

/// Four bytes as a number.
pub fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_be_bytes)
}

/// Eight bytes as a number.
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
