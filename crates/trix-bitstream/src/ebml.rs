//! Elements of Matroska (RFC 8794).
//!
//! Invariant: no length is trusted beyond the bytes that are present.

/// Identifiers of elements with their length marker (RFC 8794, 11.2; RFC 9559, 5.1).
pub mod id {
    /// The header of a file.
    pub const EBML: u32 = 0x1a45_dfa3;
    /// The segment: all that follows the header.
    pub const SEGMENT: u32 = 0x1853_8067;
    /// The list of elements of a segment.
    pub const SEEK_HEAD: u32 = 0x114d_9b74;
    /// An entry of that list.
    pub const SEEK: u32 = 0x4dbb;
    /// The identifier of the element that an entry names.
    pub const SEEK_ID: u32 = 0x53ab;
    /// The number of bytes from the start of the content of the segment to that element.
    pub const SEEK_POSITION: u32 = 0x53ac;
    /// Which programs wrote the file, and when.
    pub const INFO: u32 = 0x1549_a966;
    /// The descriptions of all tracks.
    pub const TRACKS: u32 = 0x1654_ae6b;
    /// The description of one track.
    pub const TRACK_ENTRY: u32 = 0xae;
    /// Frames and blocks of audio.
    pub const CLUSTER: u32 = 0x1f43_b675;
    /// The time of a cluster.
    pub const TIMESTAMP: u32 = 0xe7;
    /// Chapters.
    pub const CHAPTERS: u32 = 0x1043_a770;
    /// Bytes without meaning.
    pub const VOID: u32 = 0xec;
    /// The checksum of the elements that follow it.
    pub const CRC_32: u32 = 0xbf;
}

/// Identifier and content length of the element at the start of `bytes`, and the size of this header in bytes (RFC
/// 8794, 4 and 5). The length is absent if the element does not state it, as in an unfinished recording.
pub fn head_of(bytes: &[u8]) -> Option<(u32, Option<u64>, usize)> {
    let id_width = bytes.first()?.leading_zeros() as usize + 1;
    if id_width > 4 {
        return None;
    }
    let element = bytes.get(..id_width)?.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    let size_width = bytes.get(id_width)?.leading_zeros() as usize + 1;
    let raw = bytes.get(id_width..id_width + size_width).filter(|_| size_width <= 8)?;
    let marker = 1 << (7 * size_width);
    let size = raw.iter().fold(0u64, |size, byte| size << 8 | u64::from(*byte)) & !marker;
    // All bits set: the size is unknown (RFC 8794, 6.2).
    Some((element, Some(size).filter(|size| *size != marker - 1), id_width + size_width))
}

#[cfg(test)]
mod tests {
    use super::{head_of, id};

    #[test]
    fn sizes_of_every_width_are_read_and_may_be_unknown() {
        let cluster = id::CLUSTER.to_be_bytes();
        let head = |size: &[u8]| head_of(&[&cluster[..], size].concat());
        assert_eq!(head(&[0x81]), Some((id::CLUSTER, Some(1), 5)));
        assert_eq!(head(&[0x40, 0x81]), Some((id::CLUSTER, Some(0x81), 6)));
        assert_eq!(head(&[1, 0, 0, 0, 0, 0, 0, 9]), Some((id::CLUSTER, Some(9), 12)));
        assert_eq!(head(&[0xff]), Some((id::CLUSTER, None, 5)));
        assert_eq!(head(&[0x7f, 0xff]), Some((id::CLUSTER, None, 6)));
        assert_eq!(head(&[1, 255, 255, 255, 255, 255, 255, 255]), Some((id::CLUSTER, None, 12)));
        assert_eq!(head(&[0x7f, 0xfe]), Some((id::CLUSTER, Some(0x3ffe), 6)));
        for cut in [&[][..], &[0x40], &[0, 1, 2, 3, 4, 5, 6, 7, 8]] {
            assert_eq!(head(cut), None);
        }
        assert_eq!(head_of(&[0x08, 1, 2, 3, 4, 0x81]), None);
    }
}
