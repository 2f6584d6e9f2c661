//! Recognises H.266 streams. FFmpeg versions without H.266 would take them for another format.
//!
//! Invariant: only a stream that begins as the standard requires is recognised as H.266.

/// True if `head` is the start of an H.266 byte stream (ITU-T H.266, annex B). It must begin with a parameter set or a
/// delimiter of the base layer, and a sequence parameter set must precede the first frame.
pub fn is_byte_stream(head: &[u8]) -> bool {
    let Some(start) = head.iter().take(8).position(|byte| *byte != 0) else { return false };
    if start < 2 || head[start] != 1 {
        return false;
    }
    let mut units = head[start - 2..].windows(5).filter(|bytes| bytes.starts_with(&[0, 0, 1]));
    // Table 5 of H.266, 7.4.2.2: option (12), decoding capability (13), video (14) and sequence (15) parameter sets,
    // access unit delimiters (20). The first byte holds the layer, the second the type and the temporal layer + 1.
    const SEQUENCE: u8 = 15;
    let kind = |unit: &[u8]| (unit[3] == 0 && unit[4] & 7 == 1).then_some(unit[4] >> 3);
    units.find_map(|unit| match kind(unit) {
        Some(SEQUENCE) => Some(true),
        Some(12..=14 | 20) => None,
        _ => Some(false),
    }) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::is_byte_stream;

    #[test]
    fn only_h266_is_taken_for_h266() {
        assert!(is_byte_stream(&[0, 0, 0, 1, 0x00, 0x79, 0x00, 0x0d]));
        assert!(is_byte_stream(&[0, 0, 1, 0x00, 0xa1, 0x18, 0, 0, 1, 0x00, 0x71, 1, 0, 0, 1, 0x00, 0x79, 3]));
        // H.264, HEVC, MPEG-2 (a sequence, a frame), nothing.
        assert!(!is_byte_stream(&[0, 0, 0, 1, 0x67, 0x64, 0x00, 0x1f]));
        assert!(!is_byte_stream(&[0, 0, 0, 1, 0x40, 0x01, 0x0c, 0x01]));
        assert!(!is_byte_stream(&[0, 0, 1, 0xb3, 0x14, 0x00, 0xf0, 0x13]));
        assert!(!is_byte_stream(&[0, 0, 1, 0x00, 0x10, 0x17, 0xff, 0xf8]));
        assert!(!is_byte_stream(&[]));
        assert!(!is_byte_stream(&[0; 16]));
    }
}
