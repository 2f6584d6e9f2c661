//! A part of a file, read like a whole file.
//!
//! Invariant: no byte outside the part is delivered.

use std::{
    io::{ErrorKind, Read, Result, Seek, SeekFrom},
    ops::Range,
};

use trix_av::io::ReadSeek;

pub(super) struct Window<R> {
    inner: R,
    part: Range<u64>,
    /// The next byte of the file to read.
    at: u64,
    /// True if `inner` is at the position `at`.
    is_placed: bool,
}

impl<R: Read + Seek> Window<R> {
    /// The bytes of `part` of `inner`.
    pub(super) fn new(inner: R, part: Range<u64>) -> Self {
        let at = part.start;
        Window { inner, part, at, is_placed: false }
    }
}

impl<R: Read + Seek> Read for Window<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if !self.is_placed {
            self.stream_position()?;
        }
        let left = usize::try_from(self.part.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = buffer.len().min(left);
        let read = self.inner.read(&mut buffer[..count])?;
        self.at += read as u64;
        Ok(read)
    }
}

impl<R: Seek> Seek for Window<R> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => self.part.start.checked_add(at),
            SeekFrom::End(offset) => self.part.end.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        let at = at.filter(|at| *at >= self.part.start).ok_or(ErrorKind::InvalidInput)?;
        self.at = self.inner.seek(SeekFrom::Start(at))?;
        self.is_placed = true;
        Ok(self.at - self.part.start)
    }
}

/// Limits `reader` to the bytes before `content`, if that is set.
pub(super) fn limited(reader: impl ReadSeek + 'static, content: Option<u64>) -> Box<dyn ReadSeek> {
    match content {
        Some(content) => Box::new(Window::new(reader, 0..content)),
        None => Box::new(reader),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn nothing_outside_of_the_part_is_read() {
        let mut window = Window::new(Cursor::new((0..20).collect::<Vec<u8>>()), 5..12);
        let mut all = Vec::new();
        window.read_to_end(&mut all).unwrap();
        assert_eq!(all, (5..12).collect::<Vec<u8>>());
        for (to, place, byte) in [(SeekFrom::Start(2), 2, 7), (SeekFrom::End(-1), 6, 11), (SeekFrom::Current(-3), 4, 9)]
        {
            assert_eq!(window.seek(to).unwrap(), place);
            let mut one = [0];
            window.read_exact(&mut one).unwrap();
            assert_eq!(one, [byte]);
        }
        assert!(window.seek(SeekFrom::End(-8)).is_err());
        assert_eq!(window.seek(SeekFrom::Start(50)).unwrap(), 50);
        assert_eq!(window.read(&mut [0]).unwrap(), 0);
    }
}
