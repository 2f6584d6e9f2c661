//! Handles audio files that were written to a pipe. The writer could not go back to the header and store the length of
//! the audio. The audio ends at the end of the file.
//!
//! Invariant: only sizes that mean "unknown" are replaced, and only in the data for the demuxer. The file stays
//! unchanged. A size that is wrong but possible stays, so that a truncated file is still detected.

use std::io::{self, Read, Seek, SeekFrom};

use trix_av::io::ReadSeek;
use trix_bitstream::boxes::{u32_at, u64_at};
use trix_model::decision::Decision;

/// Bytes that replace others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Patch {
    at: u64,
    bytes: Vec<u8>,
}

/// A reader that replaces some bytes of another reader.
pub(super) struct Patched {
    inner: Box<dyn ReadSeek>,
    position: u64,
    patches: Vec<Patch>,
}

impl Patched {
    /// Wraps `inner`, which is at its start, with `patches`.
    pub(super) fn new(inner: Box<dyn ReadSeek>, patches: Vec<Patch>) -> Self {
        Patched { inner, position: 0, patches }
    }
}

impl Read for Patched {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(to)?;
        for patch in &self.patches {
            for (at, byte) in (patch.at..).zip(&patch.bytes) {
                let place = at.checked_sub(self.position).and_then(|place| usize::try_from(place).ok());
                if let Some(own) = place.and_then(|place| to[..count].get_mut(place)) {
                    *own = *byte;
                }
            }
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Patched {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = self.inner.seek(to)?;
        Ok(self.position)
    }
}

/// The changes for the header of a file of `size` bytes that starts with `head`. Empty if the header states the length
/// of the audio.
pub(super) fn patches(head: &[u8], size: u64) -> Vec<Patch> {
    let found = match head.first_chunk::<4>() {
        Some(b"RIFF" | b"RF64" | b"BW64") => wave(head, size),
        Some(b"riff") => wave64(head, size),
        Some(b"FORM") => aiff(head, size),
        Some(b"caff") => core_audio(head, size),
        Some(b".snd") => au(head, size),
        _ => None,
    };
    found.unwrap_or_default()
}

/// The decision that a report lists for such a file.
pub(super) fn decision() -> Decision {
    let why = "the header does not say how long the audio is, as in a file that was written to a pipe";
    Decision::new("the end of the file is the end of the audio", why)
}

/// The name of the chunk at `at`. `None` if it is not in `head`.
fn name_at(head: &[u8], at: usize) -> Option<&[u8; 4]> {
    head.get(at..)?.first_chunk()
}

fn le32(head: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*head.get(at..)?.first_chunk()?))
}

fn le64(head: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*head.get(at..)?.first_chunk()?))
}

fn be16(head: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*head.get(at..)?.first_chunk()?))
}

fn patch(at: usize, bytes: &[u8]) -> Patch {
    Patch { at: at as u64, bytes: bytes.to_vec() }
}

/// The number of bytes from `start` to the end of the file that form complete blocks of `block` bytes.
fn whole(size: u64, start: usize, block: u64) -> Option<u64> {
    let there = size.checked_sub(start as u64)?;
    Some(there - there % block.max(1)).filter(|whole| *whole > 0)
}

/// True for 32-bit sizes that mean "unknown". Programs that do not know the size write one of several values (FFmpeg
/// all ones, SoX 0x7ffff000, ALSA's recorder 0x7fffffff and 0x80000000). Some of them add or subtract the header size.
fn is_unknown(size: u32) -> bool {
    size >= 0xffff_ff00 || (0x7fff_e000..=0x8000_0100).contains(&size)
}

/// WAVE (Microsoft, Multimedia Programming Interface 1.0), and RF64 and BW64 (ITU-R BS.2088). RF64 and BW64 store their
/// sizes in a separate chunk.
fn wave(head: &[u8], size: u64) -> Option<Vec<Patch>> {
    if head.get(8..12)? != b"WAVE" {
        return None;
    }
    let riff = le32(head, 4)?;
    let (mut at, mut block, mut sizes) = (12, 1, None);
    loop {
        let (id, length) = (name_at(head, at)?, le32(head, at + 4)?);
        match id {
            b"ds64" => sizes = Some(at + 8),
            b"fmt " => block = u64::from(u16::from_le_bytes(*head.get(at + 20..)?.first_chunk()?)),
            b"data" => {
                let start = at + 8;
                let bytes = whole(size, start, block)?;
                if let Some(sizes) = sizes.filter(|_| length == u32::MAX || length == 0) {
                    if !matches!(le64(head, sizes + 8)?, 0 | u64::MAX) {
                        return None;
                    }
                    let samples = bytes / block.max(1);
                    return Some(vec![
                        patch(at + 4, &[0xff; 4]),
                        patch(sizes, &(size - 8).to_le_bytes()),
                        patch(sizes + 8, &bytes.to_le_bytes()),
                        patch(sizes + 16, &samples.to_le_bytes()),
                    ]);
                }
                // The outer size of a complete but empty file states that nothing follows the header, and nothing does.
                let ends_here = riff == 0 || is_unknown(riff) || u64::from(riff) + 8 <= start as u64;
                let is_open =
                    (is_unknown(length) && size < start as u64 + u64::from(length)) || (length == 0 && ends_here);
                if !is_open {
                    return None;
                }
                // Above 4 GiB, only "unknown" can be stored.
                let said = u32::try_from(bytes).unwrap_or(u32::MAX);
                let outer = u32::try_from(size - 8).unwrap_or(u32::MAX);
                return Some(vec![patch(4, &outer.to_le_bytes()), patch(at + 4, &said.to_le_bytes())]);
            }
            _ => {}
        }
        let length = usize::try_from(length).ok()?;
        at = at.checked_add(8)?.checked_add(length)?.checked_add(length % 2)?;
    }
}

/// Sony Wave64: names of 128 bits and sizes of 64 bits. A size includes its header.
fn wave64(head: &[u8], size: u64) -> Option<Vec<Patch>> {
    if head.get(24..28)? != b"wave" {
        return None;
    }
    let (mut at, mut block) = (40, 1);
    loop {
        let (id, length) = (name_at(head, at)?, le64(head, at + 16)?);
        match id {
            b"fmt " => block = u64::from(u16::from_le_bytes(*head.get(at + 36..)?.first_chunk()?)),
            b"data" => {
                let bytes = whole(size, at + 24, block)?;
                let is_open = length <= 24 || length >= i64::MAX as u64;
                return is_open
                    .then(|| vec![patch(16, &size.to_le_bytes()), patch(at + 16, &(bytes + 24).to_le_bytes())]);
            }
            _ => {}
        }
        let length = usize::try_from(length).ok()?.checked_next_multiple_of(8)?;
        at = at.checked_add(length.max(24))?;
    }
}

/// AIFF and AIFF-C (Apple, 1989 and 1991).
fn aiff(head: &[u8], size: u64) -> Option<Vec<Patch>> {
    if !matches!(head.get(8..12)?, b"AIFF" | b"AIFC") {
        return None;
    }
    let form = u32_at(head, 4)?;
    let (mut at, mut block, mut common) = (12, 1, None);
    loop {
        let (id, length) = (name_at(head, at)?, u32_at(head, at + 4)?);
        match id {
            b"COMM" => {
                block = u64::from(be16(head, at + 8)?) * u64::from(be16(head, at + 14)?.div_ceil(8));
                common = Some(at + 10);
            }
            b"SSND" => {
                let bytes = whole(size, at + 16, block)?;
                let ends_here = form == 0 || is_unknown(form) || u64::from(form) + 8 <= at as u64 + 16;
                let is_open = is_unknown(length) || (length <= 8 && ends_here);
                if !is_open {
                    return None;
                }
                let frames = u32::try_from(bytes / block.max(1)).ok()?;
                let said = [u32::try_from(size - 8).ok()?, u32::try_from(bytes + 8).ok()?];
                let mut all = vec![patch(4, &said[0].to_be_bytes()), patch(at + 4, &said[1].to_be_bytes())];
                all.extend(common.map(|common| patch(common, &frames.to_be_bytes())));
                return Some(all);
            }
            _ => {}
        }
        let length = usize::try_from(length).ok()?;
        at = at.checked_add(8)?.checked_add(length)?.checked_add(length % 2)?;
    }
}

/// Core Audio Format (Apple): the size of the last chunk is -1 if unknown.
fn core_audio(head: &[u8], size: u64) -> Option<Vec<Patch>> {
    let (mut at, mut block) = (8, 1);
    loop {
        let (id, length) = (name_at(head, at)?, u64_at(head, at + 4)?);
        match id {
            b"desc" => block = u64::from(u32_at(head, at + 28)?),
            b"data" => {
                let bytes = whole(size, at + 16, block)?;
                return (length == u64::MAX).then(|| vec![patch(at + 4, &(bytes + 4).to_be_bytes())]);
            }
            _ => {}
        }
        at = at.checked_add(12)?.checked_add(usize::try_from(length).ok()?)?;
    }
}

/// AU (Sun): the size is all ones if unknown.
fn au(head: &[u8], size: u64) -> Option<Vec<Patch>> {
    let (start, length) = (usize::try_from(u32_at(head, 4)?).ok()?, u32_at(head, 8)?);
    let sample = match u32_at(head, 12)? {
        3 => 2,
        4 => 3,
        5 | 6 => 4,
        7 => 8,
        _ => 1,
    };
    let bytes = whole(size, start, sample * u64::from(u32_at(head, 20)?))?;
    let said = u32::try_from(bytes).ok()?;
    (length == u32::MAX).then(|| vec![patch(8, &said.to_be_bytes())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A WAVE header of 44 bytes for 24-bit stereo.
    fn wave_header(riff: u32, data: u32) -> Vec<u8> {
        let mut head = b"RIFF".to_vec();
        head.extend(riff.to_le_bytes());
        head.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
        head.extend(48_000u32.to_le_bytes());
        head.extend(288_000u32.to_le_bytes());
        head.extend([6, 0, 24, 0]);
        head.extend(b"data");
        head.extend(data.to_le_bytes());
        head
    }

    #[test]
    fn unknown_sizes_become_those_of_the_file_in_whole_samples() {
        for (riff, data) in
            [(u32::MAX, u32::MAX), (0, 0), (36, 0), (0x7fff_f024, 0x7fff_f000), (0x8000_0024, 0x8000_0000)]
        {
            let found = patches(&wave_header(riff, data), 44 + 6 * 1000 + 4);
            assert_eq!(found[0], patch(4, &6040u32.to_le_bytes()), "{riff:x}");
            assert_eq!(found[1], patch(40, &6000u32.to_le_bytes()), "{riff:x}");
        }
    }

    #[test]
    fn sizes_that_are_known_stay() {
        // Complete; truncated; empty and complete.
        for (riff, data, size) in [(6036, 6000, 6044), (60_036, 60_000, 6044), (36, 0, 44), (200, 0, 208)] {
            assert_eq!(patches(&wave_header(riff, data), size), [], "{riff} {data}");
        }
    }

    #[test]
    fn a_chunk_that_ends_at_the_last_possible_byte_is_passed() {
        for length in [u64::MAX - 21, u64::MAX - 23, i64::MAX as u64] {
            let head = [&b"caff\0\x01\0\0free"[..], &length.to_be_bytes(), &[0; 40]].concat();
            assert_eq!(patches(&head, 1000), [], "{length}");
        }
    }

    #[test]
    fn a_reader_shows_the_patches_wherever_it_reads() {
        let data: Vec<u8> = (0..100).collect();
        let list = vec![Patch { at: 10, bytes: vec![200, 201, 202] }];
        let mut reader = Patched::new(Box::new(io::Cursor::new(data)), list);
        let mut two = [0; 2];
        reader.seek(SeekFrom::Start(9)).unwrap();
        reader.read_exact(&mut two).unwrap();
        assert_eq!(two, [9, 200]);
        reader.read_exact(&mut two).unwrap();
        assert_eq!(two, [201, 202]);
        reader.read_exact(&mut two).unwrap();
        assert_eq!(two, [13, 14]);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(
            start in prop::sample::select(vec!["RIFF", "RF64", "riff", "FORM", "caff", ".snd"]),
            bytes in prop::collection::vec(any::<u8>(), 0..200), size in any::<u64>(),
        ) {
            let mut head = start.as_bytes().to_vec();
            head.extend(bytes);
            patches(&head, size);
            if head.len() > 12 {
                head[8..12].copy_from_slice(if start == "FORM" { b"AIFF" } else { b"WAVE" });
                patches(&head, size);
            }
        }
    }
}
