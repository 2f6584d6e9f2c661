//! Compares the size of a file with the size that its container declares: the only sign of a truncation that no decoder
//! shows.
//!
//! Invariant: only declared sizes count. A container that does not declare its end is never reported as truncated.

use std::io::{Read, Result, Seek, SeekFrom};

use trix_bitstream::extent;

/// The size of a file, and the size that it declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Actual size in bytes.
    pub(crate) size: u64,
    /// The least size in bytes that the container declares.
    pub(crate) declared: Option<u64>,
}

impl Extent {
    /// Reads the head of `reader` and rewinds it.
    pub(crate) fn of(reader: &mut (impl Read + Seek)) -> Result<Self> {
        let size = reader.seek(SeekFrom::End(0))?;
        reader.rewind()?;
        let mut head = Vec::new();
        reader.by_ref().take(extent::HEAD).read_to_end(&mut head)?;
        reader.rewind()?;
        Ok(Extent { size, declared: extent::declared(&head) })
    }

    /// The number of missing bytes.
    pub(crate) fn missing(self) -> Option<u64> {
        self.declared?.checked_sub(self.size).filter(|missing| *missing > 0)
    }
}
