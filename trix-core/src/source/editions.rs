//! Ordered chapters of Matroska: an edition that plays parts of this file, or of other files, in its own order.
//!
//! Invariant: only the chapters and the headers of a segment's elements are read. Source: RFC 9559, 5.1.7 and 20.1.

use std::io::{Read, Result, Seek, SeekFrom};

/// The ordered chapters of a file, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ordered {
    /// Chapters in ordered editions.
    pub(crate) chapters: u32,
    /// Those of them that refer to other files.
    pub(crate) elsewhere: u32,
}

const EBML: u32 = 0x1a45_dfa3;
const SEGMENT: u32 = 0x1853_8067;
const SEEK_HEAD: u32 = 0x114d_9b74;
const SEEK: u32 = 0x4dbb;
const SEEK_ID: u32 = 0x53ab;
const SEEK_POSITION: u32 = 0x53ac;
const CLUSTER: u32 = 0x1f43_b675;
const CHAPTERS: u32 = 0x1043_a770;
const EDITION: u32 = 0x45b9;
const IS_ORDERED: u32 = 0x45dd;
const CHAPTER: u32 = 0xb6;
const OTHER_SEGMENT: u32 = 0x6e67;

/// Maximum number of elements to examine in one file.
const ELEMENTS: usize = 20_000;

#[derive(Clone, Copy)]
struct Element {
    id: u32,
    start: u64,
    end: u64,
}

/// Counts the ordered chapters of the Matroska file in `reader`. Returns `None` if there are none.
pub(super) fn ordered(reader: &mut (impl Read + Seek)) -> Option<Ordered> {
    let mut look = Look { size: reader.seek(SeekFrom::End(0)).ok()?, reader, budget: ELEMENTS };
    look.ordered().ok().flatten().filter(|found| found.chapters > 0)
}

struct Look<'a, R> {
    reader: &'a mut R,
    size: u64,
    budget: usize,
}

impl<R: Read + Seek> Look<'_, R> {
    fn ordered(&mut self) -> Result<Option<Ordered>> {
        let Some(head) = self.element(0, self.size)?.filter(|head| head.id == EBML) else { return Ok(None) };
        let Some(segment) = self.element(head.end, self.size)?.filter(|segment| segment.id == SEGMENT) else {
            return Ok(None);
        };
        let mut at = segment.start;
        let mut listed = None;
        while let Some(element) = self.element(at, segment.end)? {
            match element.id {
                CHAPTERS => return self.editions(element).map(Some),
                SEEK_HEAD => listed = listed.or(self.chapters_in(element, segment.start)?),
                // Elements after the clusters are found only through the SeekHead.
                CLUSTER => break,
                _ => {}
            }
            at = element.end;
        }
        let Some(at) = listed else { return Ok(None) };
        match self.element(at, segment.end)?.filter(|element| element.id == CHAPTERS) {
            Some(chapters) => self.editions(chapters).map(Some),
            None => Ok(None),
        }
    }

    /// The position of the chapters according to a SeekHead.
    fn chapters_in(&mut self, list: Element, origin: u64) -> Result<Option<u64>> {
        for entry in self.children(list)?.into_iter().filter(|entry| entry.id == SEEK) {
            let (mut id, mut position) = (0, None);
            for part in self.children(entry)? {
                match part.id {
                    SEEK_ID => id = self.number(part)?,
                    SEEK_POSITION => position = Some(self.number(part)?),
                    _ => {}
                }
            }
            if id == u64::from(CHAPTERS) {
                return Ok(position.map(|position| origin.saturating_add(position)));
            }
        }
        Ok(None)
    }

    fn editions(&mut self, chapters: Element) -> Result<Ordered> {
        let mut found = Ordered::default();
        for edition in self.children(chapters)?.into_iter().filter(|edition| edition.id == EDITION) {
            let parts = self.children(edition)?;
            let mut is_ordered = false;
            for flag in parts.iter().filter(|part| part.id == IS_ORDERED) {
                is_ordered |= self.number(*flag)? == 1;
            }
            for chapter in parts.into_iter().filter(|part| is_ordered && part.id == CHAPTER) {
                found.chapters += 1;
                let is_elsewhere = self.children(chapter)?.iter().any(|part| part.id == OTHER_SEGMENT);
                found.elsewhere += u32::from(is_elsewhere);
            }
        }
        Ok(found)
    }

    fn children(&mut self, parent: Element) -> Result<Vec<Element>> {
        let (mut list, mut at) = (Vec::new(), parent.start);
        while let Some(element) = self.element(at, parent.end)? {
            list.push(element);
            at = element.end;
        }
        Ok(list)
    }

    fn number(&mut self, element: Element) -> Result<u64> {
        let mut bytes = Vec::new();
        self.reader.seek(SeekFrom::Start(element.start))?;
        self.reader.by_ref().take(8.min(element.end - element.start)).read_to_end(&mut bytes)?;
        Ok(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// Reads the header of the element at byte `at`, which ends at `limit` at the latest. Returns `None` if there is no
    /// element.
    fn element(&mut self, at: u64, limit: u64) -> Result<Option<Element>> {
        if at >= limit || self.budget == 0 {
            return Ok(None);
        }
        self.budget -= 1;
        let mut head = Vec::new();
        self.reader.seek(SeekFrom::Start(at))?;
        self.reader.by_ref().take(12.min(limit - at)).read_to_end(&mut head)?;
        // An identifier has up to four bytes, a size up to eight. The first set bit of each gives its length.
        let Some(length) = head.first().map(|byte| byte.leading_zeros() as usize + 1).filter(|length| *length <= 4)
        else {
            return Ok(None);
        };
        let Some(id) = head.get(..length) else { return Ok(None) };
        let id = id.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
        let rest = head.get(length..).unwrap_or_default();
        let Some(count) = rest.first().map(|byte| byte.leading_zeros() as usize + 1).filter(|count| *count <= 8) else {
            return Ok(None);
        };
        let Some(size) = rest.get(..count) else { return Ok(None) };
        let all = size.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        let mask = (1u64 << (7 * count)) - 1;
        let start = at + (length + count) as u64;
        // All ones: the size is unknown, and the element extends up to its limit.
        let end = if all & mask == mask { limit } else { start.saturating_add(all & mask).min(limit) };
        Ok(Some(Element { id, start, end }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn made(id: u32, content: &[u8]) -> Vec<u8> {
        let id: Vec<u8> = id.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        let size = (0x0100_0000_0000_0000 | content.len() as u64).to_be_bytes();
        [&id[..], &size, content].concat()
    }

    fn file(ordered: u8, behind_clusters: bool) -> Vec<u8> {
        let chapters = [made(CHAPTER, &[]), made(CHAPTER, &made(OTHER_SEGMENT, &[1; 16]))].concat();
        let edition = made(EDITION, &[made(IS_ORDERED, &[ordered]), chapters].concat());
        let chapters = made(CHAPTERS, &edition);
        let cluster = made(CLUSTER, &[0; 100]);
        let list = |position: u64| {
            let entry = [made(SEEK_ID, &CHAPTERS.to_be_bytes()), made(SEEK_POSITION, &position.to_be_bytes())].concat();
            made(SEEK_HEAD, &made(SEEK, &entry))
        };
        let content = match behind_clusters {
            true => [list((list(0).len() + cluster.len()) as u64), cluster, chapters].concat(),
            false => [chapters, cluster].concat(),
        };
        [made(EBML, &[]), made(SEGMENT, &content)].concat()
    }

    #[test]
    fn ordered_chapters_are_counted_wherever_they_stand() {
        for behind in [false, true] {
            let found = ordered(&mut Cursor::new(file(1, behind)));
            assert_eq!(found, Some(Ordered { chapters: 2, elsewhere: 1 }), "{behind}");
            assert_eq!(ordered(&mut Cursor::new(file(0, behind))), None);
        }
    }

    #[test]
    fn a_file_that_was_cut_anywhere_is_no_trouble() {
        let whole = file(1, true);
        for length in 0..whole.len() {
            ordered(&mut Cursor::new(&whole[..length]));
        }
    }
}
