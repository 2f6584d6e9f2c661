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

/// The elements in `content`, one after the other.
fn children(mut content: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        let (element, size, header) = ebml::head_of(content)?;
        let end = header.checked_add(usize::try_from(size?).ok()?)?;
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

    proptest! {
        #[test]
        fn no_content_is_trouble(content in prop::collection::vec(any::<u8>(), 0..200)) {
            read(&content);
        }
    }
}
