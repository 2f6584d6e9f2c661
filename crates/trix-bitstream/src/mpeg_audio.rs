//! The first frame of an MP3 file, in which encoders state whether the bit rate is constant.
//!
//! Invariant: only known marks at their places count.

/// Number of bytes of the ID3v2 tag (3.1) whose first 10 bytes begin `head`. `None` if no tag begins there.
pub fn tag_size(head: &[u8]) -> Option<u64> {
    // Three bytes of name, two of version, flags, and a size of four times seven bits. A footer repeats these 10 bytes.
    const FOOTER: u8 = 0x10;
    let [_, _, flags, size @ ..] = head.strip_prefix(b"ID3")?.first_chunk::<7>()?;
    let size = size.iter().fold(0u64, |sum, byte| sum << 7 | u64::from(byte & 0x7f));
    Some(10 + size + if flags & FOOTER != 0 { 10 } else { 0 })
}

/// True if the encoder states a constant bit rate (`Info`), false for a variable one (`Xing`, `VBRI`). `audio` is the
/// start of a file behind its tags. `None` without such a mark.
pub fn is_constant(audio: &[u8]) -> Option<bool> {
    let start = audio.windows(2).position(|bytes| bytes[0] == 0xff && bytes[1] & 0xe0 == 0xe0)?;
    let frame = &audio[start..];
    // ISO/IEC 11172-3, 2.4.1.7: the marks follow the side information of layer III.
    let is_mpeg1 = frame.get(1)? >> 3 & 3 == 3;
    let is_mono = frame.get(3)? >> 6 == 3;
    let side = match (is_mpeg1, is_mono) {
        (true, false) => 32,
        (true, true) | (false, false) => 17,
        (false, true) => 9,
    };
    let mark = |at: usize| frame.get(at..at + 4);
    match (mark(4 + side), mark(36)) {
        (Some(b"Xing"), _) | (_, Some(b"VBRI")) => Some(false),
        (Some(b"Info"), _) => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_constant, tag_size};

    #[test]
    fn the_mark_follows_the_side_information() {
        let file = |head: [u8; 4], side: usize, mark: &[u8]| [&head[..], &vec![0; side], mark, &[0; 20]].concat();
        assert_eq!(is_constant(&file([0xff, 0xfb, 0x90, 0x00], 32, b"Xing")), Some(false));
        assert_eq!(is_constant(&file([0xff, 0xfb, 0x90, 0xc0], 17, b"Info")), Some(true));
        assert_eq!(is_constant(&file([0xff, 0xf3, 0x90, 0xc0], 9, b"Info")), Some(true));
        assert_eq!(is_constant(&file([0xff, 0xfb, 0x90, 0xc0], 32, b"VBRI")), Some(false));
        assert_eq!(is_constant(&file([0xff, 0xfb, 0x90, 0x00], 31, b"Xing")), None);
        for bytes in [&b""[..], b"ID3", b"ID3\x04\0\0\x7f\x7f\x7f\x7f", &[0xff, 0xfb]] {
            assert_eq!(is_constant(bytes), None);
        }
    }

    #[test]
    fn a_tag_states_its_size() {
        assert_eq!(tag_size(b"ID3\x04\0\0\0\0\0\x05-----"), Some(15));
        assert_eq!(tag_size(b"ID3\x04\0\x10\0\0\x01\x05"), Some(10 + 133 + 10));
        assert_eq!(tag_size(b"ID3\x04\0\0\x7f\x7f\x7f\x7f"), Some(10 + (1 << 28) - 1));
        for bytes in [&b""[..], b"ID3\x04\0\0\0\0\0", b"TAG\x04\0\0\0\0\0\x05"] {
            assert_eq!(tag_size(bytes), None);
        }
    }
}
