//! Finds elements at the top level of a Matroska segment.
//!
//! Invariant: it reads the headers of a limited number of elements, and the content of those that its caller wants.
//! Sources: RFC 8794, RFC 9559.

use std::io::{Read, Result, Seek, SeekFrom};

use trix_bitstream::{
    ebml::{self, id},
    segment_info::{self, SegmentInfo},
};

/// An element: its identifier and the range of its content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element {
    pub(crate) id: u32,
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// A look at the elements of a file.
pub(crate) struct Look<'a, R> {
    reader: &'a mut R,
    size: u64,
    /// Number of headers left to read.
    budget: usize,
}

/// What the first segment states of its origin. `None` if it has no Info before its first cluster, and no list of
/// elements that names the place.
pub(crate) fn segment_info(reader: &mut (impl Read + Seek)) -> Option<SegmentInfo> {
    /// Maximum number of elements to look at. Real files have Info among the first five elements, and the list has about
    /// ten entries of three elements each.
    const ELEMENTS: usize = 512;
    /// Maximum number of bytes of Info to read.
    const CONTENT: u64 = 64 << 10;
    let mut look = Look::new(reader, ELEMENTS).ok()?;
    let info = look.top(id::INFO).ok()??;
    Some(segment_info::read(&look.content(info, CONTENT).ok()?))
}

impl<'a, R: Read + Seek> Look<'a, R> {
    /// Starts a look at the file in `reader` that reads at most `budget` headers.
    pub(crate) fn new(reader: &'a mut R, budget: usize) -> Result<Self> {
        let size = reader.seek(SeekFrom::End(0))?;
        Ok(Look { reader, size, budget })
    }

    /// The first element `wanted` of the first segment: before the clusters, or where the list of elements says.
    pub(crate) fn top(&mut self, wanted: u32) -> Result<Option<Element>> {
        let Some(head) = self.element(0, self.size)?.filter(|head| head.id == id::EBML) else { return Ok(None) };
        // Other elements may stand between header and segment, such as Void (RFC 8794, 11.3.2).
        let mut segment = head;
        while segment.id != id::SEGMENT {
            let Some(next) = self.element(segment.end, self.size)? else { return Ok(None) };
            segment = next;
        }
        let (mut at, mut listed) = (segment.start, None);
        while let Some(element) = self.element(at, segment.end)? {
            match element.id {
                found if found == wanted => return Ok(Some(element)),
                id::SEEK_HEAD if listed.is_none() => listed = self.listed(element, segment.start, wanted)?,
                // Only a list leads to elements behind the clusters.
                id::CLUSTER => break,
                _ => {}
            }
            at = element.end;
        }
        let Some(at) = listed else { return Ok(None) };
        Ok(self.element(at, segment.end)?.filter(|element| element.id == wanted))
    }

    /// Where `list`, a SeekHead, says that the element `wanted` begins. Its positions count from `origin` on.
    fn listed(&mut self, list: Element, origin: u64, wanted: u32) -> Result<Option<u64>> {
        for entry in self.children(list)?.into_iter().filter(|entry| entry.id == id::SEEK) {
            let (mut named, mut position) = (0, None);
            for part in self.children(entry)? {
                match part.id {
                    id::SEEK_ID => named = self.number(part)?,
                    id::SEEK_POSITION => position = Some(self.number(part)?),
                    _ => {}
                }
            }
            if named == u64::from(wanted) {
                return Ok(position.map(|position| origin.saturating_add(position)));
            }
        }
        Ok(None)
    }

    /// The elements in `parent`.
    pub(super) fn children(&mut self, parent: Element) -> Result<Vec<Element>> {
        let (mut list, mut at) = (Vec::new(), parent.start);
        while let Some(element) = self.element(at, parent.end)? {
            list.push(element);
            at = element.end;
        }
        Ok(list)
    }

    /// The value of an element with an unsigned integer.
    pub(super) fn number(&mut self, element: Element) -> Result<u64> {
        Ok(self.content(element, 8)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// The content of `element`, or its first `most` bytes.
    fn content(&mut self, element: Element, most: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader.seek(SeekFrom::Start(element.start))?;
        self.reader.by_ref().take(most.min(element.end - element.start)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads the header of the element at byte `at`, which ends at `limit` at the latest. Returns `None` if there is no
    /// element.
    fn element(&mut self, at: u64, limit: u64) -> Result<Option<Element>> {
        if at >= limit || self.budget == 0 {
            return Ok(None);
        }
        self.budget -= 1;
        let head = self.content(Element { id: 0, start: at, end: limit }, 12)?;
        Ok(ebml::head_of(&head).map(|(id, size, width)| {
            let start = at + width as u64;
            // An element of unknown size extends up to its limit.
            let end = size.map_or(limit, |size| start.saturating_add(size).min(limit));
            Element { id, start, end }
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn element(id: u32, content: &[u8]) -> Vec<u8> {
        let size = (content.len() as u32 | 0x1000_0000).to_be_bytes();
        [&id.to_be_bytes()[..], &size, content].concat()
    }

    fn file(segments: &[&[u8]]) -> Vec<u8> {
        [&element(id::EBML, &[0x42, 0x82, 0x80])[..], &segments.concat()].concat()
    }

    fn application(segments: &[&[u8]]) -> Option<String> {
        segment_info(&mut Cursor::new(file(segments)))?.writing_application
    }

    /// Info with this application, a cluster, and a list that says where Info begins.
    fn parts() -> (Vec<u8>, Vec<u8>, impl Fn(u16) -> Vec<u8>) {
        let info = element(id::INFO, &[0x57, 0x41, 0x83, b'o', b'n', b'e']);
        let list = |at: u16| {
            let [high, low] = at.to_be_bytes();
            let entry =
                [&[0x4d, 0xbb, 0x8c, 0x53, 0xab, 0x84][..], &id::INFO.to_be_bytes(), &[0x53, 0xac, 0x82, high, low]];
            element(id::SEEK_HEAD, &entry.concat())
        };
        (info, element(id::CLUSTER, &[0; 500]), list)
    }

    #[test]
    fn info_is_found_before_the_clusters_and_by_the_list_behind_them() {
        let (info, cluster, list) = parts();
        let segment = |content: &[&[u8]]| element(id::SEGMENT, &content.concat());
        assert_eq!(application(&[&segment(&[&info, &cluster])]).as_deref(), Some("one"));
        assert_eq!(application(&[&segment(&[&cluster, &info])]), None);
        let place = list(0).len() + cluster.len();
        let late = segment(&[&list(place as u16), &cluster, &info]);
        assert_eq!(application(&[&late]).as_deref(), Some("one"));
        // A list that leads back to a cluster leads nowhere.
        assert_eq!(application(&[&segment(&[&list(list(0).len() as u16), &cluster, &info])]), None);
        // A list of the first segment does not lead into a second one.
        let first = segment(&[&list(place as u16 + 8), &cluster]);
        assert_eq!(application(&[&first, &segment(&[&info])]), None);
        // A segment of unknown size.
        let live = [&id::SEGMENT.to_be_bytes()[..], &[0xff], &info, &cluster].concat();
        assert_eq!(application(&[&live]).as_deref(), Some("one"));
    }

    #[test]
    fn a_void_before_the_segment_hides_nothing() {
        let (info, ..) = parts();
        // RFC 8794, 11.3.2: Void may stand at every level.
        let void = [0xec, 0x83, 0, 0, 0];
        assert_eq!(application(&[&void, &void, &element(id::SEGMENT, &info)]).as_deref(), Some("one"));
        assert_eq!(application(&[&void]), None);
    }

    #[test]
    fn no_more_headers_are_read_than_the_budget() {
        let (info, ..) = parts();
        let bytes = file(&[&element(id::SEGMENT, &[&element(0x1c53_bb6b, &[])[..], &info].concat())]);
        let found = |budget| {
            Look::new(&mut Cursor::new(&bytes), budget).unwrap().top(id::INFO).unwrap().map(|element| element.id)
        };
        assert_eq!((found(3), found(4)), (None, Some(id::INFO)));
    }

    proptest! {
        #[test]
        fn no_bytes_are_trouble(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let endless = [&id::SEGMENT.to_be_bytes()[..], &[0xff], &bytes].concat();
            let list = element(id::SEGMENT, &element(id::SEEK_HEAD, &bytes));
            for content in [bytes, endless, list] {
                segment_info(&mut Cursor::new(file(&[&content])));
            }
        }
    }
}
