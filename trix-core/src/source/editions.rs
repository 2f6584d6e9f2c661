//! Ordered chapters of Matroska: an edition that plays parts of this file, or of other files, in its own order.
//!
//! Invariant: only the chapters and the headers of a segment's elements are read. Source: RFC 9559, 5.1.7 and 20.1.

use std::io::{Read, Result, Seek};

use trix_bitstream::ebml::id;

use super::matroska::{Element, Look};

/// The ordered chapters of a file, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ordered {
    /// Chapters in ordered editions.
    pub(crate) chapters: u32,
    /// Those of them that refer to other files.
    pub(crate) elsewhere: u32,
}

const EDITION: u32 = 0x45b9;
const IS_ORDERED: u32 = 0x45dd;
const CHAPTER: u32 = 0xb6;
const OTHER_SEGMENT: u32 = 0x6e67;

/// Maximum number of elements to examine in one file.
const ELEMENTS: usize = 20_000;

/// Counts the ordered chapters of the Matroska file in `reader`. Returns `None` if there are none.
pub(super) fn ordered(reader: &mut (impl Read + Seek)) -> Option<Ordered> {
    let mut look = Look::new(reader, ELEMENTS).ok()?;
    let chapters = look.top(id::CHAPTERS).ok()??;
    editions(&mut look, chapters).ok().filter(|found| found.chapters > 0)
}

fn editions<R: Read + Seek>(look: &mut Look<'_, R>, chapters: Element) -> Result<Ordered> {
    let mut found = Ordered::default();
    for edition in look.children(chapters)?.into_iter().filter(|edition| edition.id == EDITION) {
        let parts = look.children(edition)?;
        let mut is_ordered = false;
        for flag in parts.iter().filter(|part| part.id == IS_ORDERED) {
            is_ordered |= look.number(*flag)? == 1;
        }
        for chapter in parts.into_iter().filter(|part| is_ordered && part.id == CHAPTER) {
            found.chapters += 1;
            let is_elsewhere = look.children(chapter)?.iter().any(|part| part.id == OTHER_SEGMENT);
            found.elsewhere += u32::from(is_elsewhere);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn made(id: u32, content: &[u8]) -> Vec<u8> {
        let id: Vec<u8> = id.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        let size = (0x0100_0000_0000_0000 | content.len() as u64).to_be_bytes();
        [&id[..], &size, content].concat()
    }

    fn file(ordered: u8, behind_clusters: bool) -> Vec<u8> {
        let chapters = [made(CHAPTER, &[]), made(CHAPTER, &made(OTHER_SEGMENT, &[1; 16]))].concat();
        let edition = made(EDITION, &[made(IS_ORDERED, &[ordered]), chapters].concat());
        let chapters = made(id::CHAPTERS, &edition);
        let cluster = made(id::CLUSTER, &[0; 100]);
        let list = |position: u64| {
            let entry =
                [made(id::SEEK_ID, &id::CHAPTERS.to_be_bytes()), made(id::SEEK_POSITION, &position.to_be_bytes())]
                    .concat();
            made(id::SEEK_HEAD, &made(id::SEEK, &entry))
        };
        let content = match behind_clusters {
            true => [list((list(0).len() + cluster.len()) as u64), cluster, chapters].concat(),
            false => [chapters, cluster].concat(),
        };
        [made(id::EBML, &[]), made(id::SEGMENT, &content)].concat()
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

    proptest! {
        #[test]
        fn no_chapters_are_trouble(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let edition = made(EDITION, &[&made(IS_ORDERED, &[1])[..], &bytes].concat());
            for content in [&bytes[..], &made(id::CHAPTERS, &bytes), &made(id::CHAPTERS, &edition)] {
                ordered(&mut Cursor::new([made(id::EBML, &[]), made(id::SEGMENT, content)].concat()));
            }
        }
    }
}
