//! The size that a container declares for its file.
//!
//! Invariant: only declared sizes count. A container that does not declare its end gives no size.

use crate::ebml;

/// Enough bytes of a file for [`declared`]: a run-in and the first headers of every container that it knows.
pub const HEAD: u64 = 64 * 1024;

/// The least size in bytes of a file that begins with `head`, as Matroska, MXF, RIFF and ASF declare it.
pub fn declared(head: &[u8]) -> Option<u64> {
    [matroska, mxf, riff, asf].iter().find_map(|read| read(head))
}

/// Matroska (RFC 9559): an EBML header, then a segment. Each has a size, which may be unknown during recording. Other
/// elements may stand between them (RFC 8794, 11.3.2).
fn matroska(head: &[u8]) -> Option<u64> {
    head.starts_with(&ebml::id::EBML.to_be_bytes()).then_some(())?;
    let mut at = 0u64;
    loop {
        let (element, size, width) = ebml::head_of(head.get(usize::try_from(at).ok()?..)?)?;
        at = at.checked_add(width as u64)?.checked_add(size?)?;
        if element == ebml::id::SEGMENT {
            return Some(at);
        }
    }
}

/// MXF (SMPTE ST 377-1, 7.1): the header partition states the byte offset of the footer partition, or zero.
fn mxf(head: &[u8]) -> Option<u64> {
    const PARTITION: [u8; 13] = [0x06, 0x0e, 0x2b, 0x34, 0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01];
    let run_in = head.windows(PARTITION.len()).position(|window| window == PARTITION)?;
    let rest = head.get(run_in + 16..)?;
    let length = match *rest.first()? {
        long if long & 0x80 != 0 => 1 + usize::from(long & 0x7f),
        _ => 1,
    };
    // Two versions of 2 bytes, the KAG size of 4, this and the previous partition of 8 each, then the footer.
    let footer = rest.get(length + 24..length + 32)?;
    let footer = u64::from_be_bytes(footer.try_into().ok()?);
    // The footer is at least a partition pack.
    const PACK: u64 = 16 + 1 + 88;
    (footer > 0).then(|| footer.saturating_add(run_in as u64).saturating_add(PACK))
}

/// RIFF (AVI, WAVE): the size of the outermost chunk. Zero and all ones mean "unknown".
fn riff(head: &[u8]) -> Option<u64> {
    let size = head.strip_prefix(b"RIFF")?.get(..4)?;
    let size = u32::from_le_bytes(size.try_into().ok()?);
    (size != 0 && size != u32::MAX).then(|| u64::from(size) + 8)
}

/// ASF (revision 01.20.05, 3.2): the size of the file in its properties, unless it was broadcast while it was written.
fn asf(head: &[u8]) -> Option<u64> {
    const HEADER: [u8; 16] =
        [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, 0xa6, 0xd9, 0x00, 0xaa, 0x00, 0x62, 0xce, 0x6c];
    const PROPERTIES: [u8; 16] =
        [0xa1, 0xdc, 0xab, 0x8c, 0x47, 0xa9, 0xcf, 0x11, 0x8e, 0xe4, 0x00, 0xc0, 0x0c, 0x20, 0x53, 0x65];
    let rest = head.strip_prefix(&HEADER)?;
    let at = rest.windows(PROPERTIES.len()).position(|window| window == PROPERTIES)?;
    // Size of the object, identifier of the file, its size; five numbers of 8 bytes; flags.
    let properties = rest.get(at + 16..at + 16 + 76)?;
    let size = u64::from_le_bytes(properties[24..32].try_into().ok()?);
    let is_broadcast = properties[72] & 1 != 0;
    (size > 0 && !is_broadcast).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_says_where_it_ends() {
        let file = [0x1a, 0x45, 0xdf, 0xa3, 0x82, 9, 9, 0x18, 0x53, 0x80, 0x67, 0x40, 0x64];
        assert_eq!(declared(&file), Some(7 + 4 + 2 + 100));
        let live = [0x1a, 0x45, 0xdf, 0xa3, 0x82, 9, 9, 0x18, 0x53, 0x80, 0x67, 0xff];
        assert_eq!(declared(&live), None);
        let void = [0x1a, 0x45, 0xdf, 0xa3, 0x82, 9, 9, 0xec, 0x81, 0, 0x18, 0x53, 0x80, 0x67, 0x40, 0x64];
        assert_eq!(declared(&void), Some(10 + 4 + 2 + 100));
    }

    #[test]
    fn a_riff_says_where_it_ends() {
        assert_eq!(declared(b"RIFF\x10\0\0\0WAVE"), Some(24));
        assert_eq!(declared(b"RIFF\xff\xff\xff\xffWAVE"), None);
    }

    #[test]
    fn an_mxf_header_says_where_the_footer_starts() {
        let mut file =
            vec![0x06, 0x0e, 0x2b, 0x34, 0x02, 0x05, 0x01, 0x01, 0x0d, 0x01, 0x02, 0x01, 0x01, 0x02, 0x04, 0];
        file.extend([0x83, 0, 0, 0x78]);
        file.extend([0; 24]);
        file.extend(5000u64.to_be_bytes());
        assert_eq!(declared(&file), Some(5000 + 105));
    }

    #[test]
    fn the_properties_of_asf_say_how_large_the_file_is() {
        let mut file = vec![0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, 0xa6, 0xd9, 0, 0xaa, 0, 0x62, 0xce, 0x6c];
        file.extend([0; 14]);
        file.extend([0xa1, 0xdc, 0xab, 0x8c, 0x47, 0xa9, 0xcf, 0x11, 0x8e, 0xe4, 0, 0xc0, 0x0c, 0x20, 0x53, 0x65]);
        file.extend([0; 24]);
        file.extend(70_000u64.to_le_bytes());
        let flags = file.len() + 40;
        file.extend([0; 60]);
        assert_eq!(declared(&file), Some(70_000));
        file[flags] = 1;
        assert_eq!(declared(&file), None);
    }

    #[test]
    fn hostile_heads_are_no_trouble() {
        for head in
            [&[][..], &[0x1a, 0x45, 0xdf, 0xa3], &[0x1a, 0x45, 0xdf, 0xa3, 0x01, 255, 255, 255, 255, 255, 255, 254]]
        {
            assert_eq!(declared(head), None);
        }
    }
}
