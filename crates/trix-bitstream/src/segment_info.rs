//! The element Info of a Matroska segment (RFC 9559, 5.1.2): which programs wrote the file, and when.
//!
//! Invariant: no length is trusted beyond the bytes that are present.

use crate::ebml;

/// What Info states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentInfo {
    /// The library that wrote the container (MuxingApp).
    pub muxing_application: Option<String>,
    /// The program that used it (WritingApp).
    pub writing_application: Option<String>,
    /// When the file was written: nanoseconds since 2001-01-01 00:00 UTC (DateUTC).
    pub date: Option<i64>,
}

/// Reads the content of an Info element.
pub fn read(content: &[u8]) -> SegmentInfo {
    let mut found = SegmentInfo::default();
    for (element, value) in children(content) {
        match element {
            0x4d80 => found.muxing_application = text(value),
            0x5741 => found.writing_application = text(value),
            // A signed integer of 8 bytes.
            0x4461 => found.date = value.try_into().ok().map(i64::from_be_bytes),
            _ => {}
        }
    }
    found
}

/// Where the content of a SeekHead element says that element `wanted` begins: the number of bytes after the start of
/// the content of the segment (RFC 9559, 5.1.1).
pub fn position(content: &[u8], wanted: u32) -> Option<u64> {
    let number = |value: &[u8]| value.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    children(content).filter(|(element, _)| *element == 0x4dbb).find_map(|(_, seek)| {
        let child =
            |wanted: u32| children(seek).find(|(element, _)| *element == wanted).map(|(_, value)| number(value));
        (child(0x53ab)? == u64::from(wanted)).then(|| child(0x53ac)).flatten()
    })
}

/// The elements in `content`, one after the other.
fn children(mut content: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        let (element, size, header) = ebml::head_of(content)?;
        let end = header.checked_add(usize::try_from(size).ok()?)?;
        let value = content.get(header..end)?;
        content = content.get(end..)?;
        Some((element, value))
    })
}

/// Text in UTF-8. Zeros may follow it (RFC 8794, 7.4 and 7.5).
fn text(value: &[u8]) -> Option<String> {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    let text = String::from_utf8_lossy(&value[..end]).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_applications_and_the_date_are_read() {
        let content = [
            &[0x2a, 0xd7, 0xb1, 0x83, 0x0f, 0x42, 0x40, 0x4d, 0x80, 0x84][..],
            b"libm",
            &[0x57, 0x41, 0x86],
            b"tool\0\0",
            &[0x44, 0x61, 0x88, 0, 0, 0, 0, 0x3b, 0x9a, 0xca, 0],
        ];
        let found = read(&content.concat());
        assert_eq!(found.muxing_application.as_deref(), Some("libm"));
        assert_eq!(found.writing_application.as_deref(), Some("tool"));
        assert_eq!(found.date, Some(1_000_000_000));
    }

    #[test]
    fn the_place_of_an_element_is_found_in_the_list() {
        // The identifier with its head has 7 bytes, the position 4.
        let entry =
            |id: [u8; 4], at: u8| [&[0x4d, 0xbb, 0x8b, 0x53, 0xab, 0x84][..], &id, &[0x53, 0xac, 0x81, at]].concat();
        let list = [entry([0x16, 0x54, 0xae, 0x6b], 9), entry([0x15, 0x49, 0xa9, 0x66], 77)].concat();
        assert_eq!(position(&list, 0x1549_a966), Some(77));
        assert_eq!(position(&list, 0x1043_a770), None);
    }

    proptest! {
        #[test]
        fn no_content_is_trouble(content in prop::collection::vec(any::<u8>(), 0..200)) {
            read(&content);
            position(&content, 0x1549_a966);
        }
    }
}
