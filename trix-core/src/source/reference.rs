//! QuickTime reference movies: files that refer to other files for their media.
//!
//! Invariant: the files in references are reported, never opened. Source: QuickTime File Format (Apple, 2016),
//! "Reference Movies" and "Data References".

use std::io::{Read, Result, Seek, SeekFrom};

/// A box: its type and the range of its content.
#[derive(Clone, Copy)]
struct BoxRange {
    kind: [u8; 4],
    start: u64,
    end: u64,
}

/// Maximum number of boxes to examine in one level.
const SIBLINGS: usize = 1024;
/// Maximum number of bytes to read from a data reference: more than the longest path.
const REFERENCE: u64 = 16 << 10;

/// The files that the movie in `reader` refers to for its media; empty for every other file.
pub(super) fn named_files(reader: &mut (impl Read + Seek)) -> Vec<String> {
    find(reader).unwrap_or_default()
}

fn find(reader: &mut (impl Read + Seek)) -> Result<Vec<String>> {
    let size = reader.seek(SeekFrom::End(0))?;
    let mut head = [0; 8];
    reader.seek(SeekFrom::Start(0))?;
    let known = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"];
    if size < 8 || reader.read_exact(&mut head).is_err() || !known.iter().any(|kind| head.ends_with(*kind)) {
        return Ok(Vec::new());
    }
    let file = BoxRange { kind: *b"file", start: 0, end: size };
    let Some(moov) = inside(reader, file)?.into_iter().find(|place| &place.kind == b"moov") else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    let mut stack = vec![moov];
    let mut budget = SIBLINGS * 8;
    while let Some(parent) = stack.pop() {
        for place in inside(reader, parent)? {
            budget = budget.saturating_sub(1);
            if budget == 0 {
                return Ok(files);
            }
            match &place.kind {
                b"trak" | b"mdia" | b"minf" | b"dinf" | b"rmra" | b"rmda" => stack.push(place),
                // Flags, the type of the reference, and its length.
                b"rdrf" => {
                    let content = bytes(reader, place)?;
                    let kind = content.get(4..8).unwrap_or_default();
                    files.push(name_in(kind, content.get(12..).unwrap_or_default()));
                }
                // Flags and a count, then boxes.
                b"dref" => {
                    let entries = BoxRange { start: place.start.saturating_add(8), ..place };
                    for entry in inside(reader, entries)? {
                        let content = bytes(reader, entry)?;
                        let (flags, reference) =
                            (content.get(3).copied().unwrap_or(1), content.get(4..).unwrap_or_default());
                        // Flag 1: the media are in this same file. Some writers forget the flag, but name no file.
                        if flags & 1 == 0 && !reference.iter().all(|byte| *byte == 0) {
                            files.push(name_in(&entry.kind, reference));
                        }
                    }
                }
                _ => {}
            }
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

/// The name in a data reference.
fn name_in(kind: &[u8], reference: &[u8]) -> String {
    let name = match kind {
        // A Macintosh alias record holds the file name as a string of 64 bytes, with its length first.
        b"alis" => {
            let length = usize::from(reference.get(50).copied().unwrap_or(0)).min(63);
            reference.get(51..51 + length).unwrap_or_default()
        }
        _ => reference.split(|byte| *byte == 0).find(|part| !part.is_empty()).unwrap_or_default(),
    };
    let name: String = String::from_utf8_lossy(name).chars().filter(|c| !c.is_control()).take(200).collect();
    if name.is_empty() { "a file without a name".to_owned() } else { name }
}

fn inside(reader: &mut (impl Read + Seek), parent: BoxRange) -> Result<Vec<BoxRange>> {
    let mut places = Vec::new();
    let mut at = parent.start;
    while at.saturating_add(8) <= parent.end && places.len() < SIBLINGS {
        let mut head = [0; 16];
        let count = usize::try_from(parent.end - at).unwrap_or(16).min(16);
        reader.seek(SeekFrom::Start(at))?;
        reader.read_exact(&mut head[..count])?;
        let word = |from: usize| u32::from_be_bytes([head[from], head[from + 1], head[from + 2], head[from + 3]]);
        let (length, size) = match word(0) {
            0 => (8, parent.end - at),
            1 => (16, u64::from(word(8)) << 32 | u64::from(word(12))),
            size => (8, u64::from(size)),
        };
        if size < length {
            break;
        }
        let end = at.saturating_add(size);
        places.push(BoxRange {
            kind: [head[4], head[5], head[6], head[7]],
            start: at + length,
            end: end.min(parent.end),
        });
        at = end;
    }
    Ok(places)
}

fn bytes(reader: &mut (impl Read + Seek), place: BoxRange) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.seek(SeekFrom::Start(place.start))?;
    reader.by_ref().take(REFERENCE.min(place.end.saturating_sub(place.start))).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn made(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len() + 8).unwrap();
        [&size.to_be_bytes()[..], kind, content].concat()
    }

    fn named(file: &[u8]) -> Vec<String> {
        named_files(&mut Cursor::new(file))
    }

    #[test]
    fn references_are_named_and_own_media_are_not() {
        let of_url = |flags: u8, url: &[u8]| {
            let entry = made(b"url ", &[&[0, 0, 0, flags][..], url].concat());
            let dref = made(b"dref", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &entry].concat());
            let track = made(b"trak", &made(b"mdia", &made(b"minf", &made(b"dinf", &dref))));
            made(b"moov", &track)
        };
        assert_eq!(named(&of_url(0, b"file:///clip.mov\0")), ["file:///clip.mov"]);
        assert!(named(&of_url(1, b"")).is_empty());
        assert!(named(&of_url(0, b"")).is_empty());
        let rdrf = made(b"rdrf", b"\0\0\0\0url \0\0\0\x09clip.mov\0");
        assert_eq!(named(&made(b"moov", &made(b"rmra", &made(b"rmda", &rdrf)))), ["clip.mov"]);
        let mut alias = vec![0; 150];
        alias[50..59].copy_from_slice(b"\x08clip.mov");
        assert_eq!(name_in(b"alis", &alias), "clip.mov");
    }

    #[test]
    fn hostile_boxes_end() {
        for file in [&b""[..], b"\0\0\0\x08moov", b"\0\0\0\x10moov\0\0\0\x01trak", b"\xff\xff\xff\xffmoov\0\0\0\0dref"]
        {
            assert!(named(file).is_empty());
        }
    }
}
