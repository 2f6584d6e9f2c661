//! Reads the element Info of a Matroska file.
//!
//! Invariant: it reads a few elements before the first cluster and nothing after it, whatever their sizes say.

use std::io::{Read, Seek, SeekFrom};

use trix_bitstream::{
    ebml,
    segment_info::{self, SegmentInfo},
};

/// Elements of RFC 9559 that lead to Info.
const SEGMENT: u32 = 0x1853_8067;
const SEEK_HEAD: u32 = 0x114d_9b74;
const INFO: u32 = 0x1549_a966;
const CLUSTER: u32 = 0x1f43_b675;

/// Maximum number of elements to look at. Real files have Info among the first five.
const ELEMENTS: usize = 64;
/// Maximum number of bytes of an element to read.
const CONTENT: u64 = 64 << 10;

/// What the first segment states of its origin. `None` if it has no Info before its first cluster, and no list of
/// elements that names the place.
pub(super) fn read(reader: &mut (impl Read + Seek)) -> Option<SegmentInfo> {
    let (mut at, mut start, mut listed) = (0u64, 0u64, None);
    for _ in 0..ELEMENTS {
        let head = bytes(reader, at, 12)?;
        let (element, size, header) = ebml::head_of(&head)?;
        let content = at.checked_add(header as u64)?;
        match element {
            SEGMENT => {
                (start, at) = (content, content);
                continue;
            }
            INFO => return Some(segment_info::read(&bytes(reader, content, size)?)),
            SEEK_HEAD if listed.is_none() => {
                listed = segment_info::position(&bytes(reader, content, size)?, INFO);
            }
            // Only a list of elements leads past the clusters.
            CLUSTER => {
                at = start.checked_add(listed.take()?)?;
                continue;
            }
            _ => {}
        }
        at = content.checked_add(size)?;
    }
    None
}

/// At most `count` bytes from `at` on.
fn bytes(reader: &mut (impl Read + Seek), at: u64, count: u64) -> Option<Vec<u8>> {
    let mut found = Vec::new();
    reader.seek(SeekFrom::Start(at)).ok()?;
    reader.by_ref().take(count.min(CONTENT)).read_to_end(&mut found).ok()?;
    Some(found)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn element(id: u32, content: &[u8]) -> Vec<u8> {
        let size = (content.len() as u32 | 0x1000_0000).to_be_bytes();
        [&id.to_be_bytes()[..], &size, content].concat()
    }

    fn application(content: &[u8]) -> Option<String> {
        let segment = element(SEGMENT, content);
        read(&mut Cursor::new([element(0x1a45_dfa3, &[0x42, 0x82, 0x80]), segment].concat()))?.writing_application
    }

    #[test]
    fn info_is_found_before_the_clusters_and_by_the_list_behind_them() {
        let info = element(INFO, &[0x57, 0x41, 0x83, b'o', b'n', b'e']);
        let cluster = element(CLUSTER, &[0; 500]);
        assert_eq!(application(&[&info[..], &cluster].concat()).as_deref(), Some("one"));
        assert_eq!(application(&[&cluster[..], &info].concat()), None);
        let list = |at: u16| {
            let [high, low] = at.to_be_bytes();
            let seek = [&[0x4d, 0xbb, 0x8c, 0x53, 0xab, 0x84][..], &INFO.to_be_bytes(), &[0x53, 0xac, 0x82, high, low]];
            element(SEEK_HEAD, &seek.concat())
        };
        let place = list(0).len() + cluster.len();
        let late = [&list(place as u16)[..], &cluster, &info].concat();
        assert_eq!(application(&late).as_deref(), Some("one"));
        // A list that leads back to a cluster leads nowhere.
        let astray = [&list(list(0).len() as u16)[..], &cluster, &info].concat();
        assert_eq!(application(&astray), None);
    }
}
