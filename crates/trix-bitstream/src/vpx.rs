//! Frames of VP8 and VP9.
//!
//! Invariant: bytes that are no frame are not called hidden.

/// True if a packet of `codec` (FFmpeg's name) holds a frame that is only a reference and is never shown. VP8 and VP9 have
/// such frames, with times of their own.
pub fn is_hidden(codec: &str, data: &[u8]) -> bool {
    let (Some(first), Some(last)) = (data.first(), data.last()) else { return false };
    match codec {
        // RFC 6386, 9.1: show_frame is bit 4 of the frame tag.
        "vp8" => first & 0x10 == 0,
        // VP9 bitstream specification, 6.2 and annex B: show_existing_frame, frame_type and show_frame follow a marker
        // of 2 and the profile (with a third bit for profile 3). A superframe shows one of its frames.
        "vp9" => {
            let is_superframe = last & 0xe0 == 0xc0;
            let flags = if first & 0x30 == 0x30 { *first } else { first >> 1 };
            !is_superframe && flags & 0b100 == 0 && flags & 0b001 == 0
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_frames_differ_from_shown_ones() {
        // Profile 0: 10 0 0, show_existing_frame, frame_type, show_frame, error_res.
        assert!(is_hidden("vp9", &[0b1000_0100, 0]));
        assert!(!is_hidden("vp9", &[0b1000_0110, 0]));
        assert!(!is_hidden("vp9", &[0b1000_1000, 0]));
        assert!(!is_hidden("vp9", &[0b1000_0100, 0xc1]));
        // Profile 3: 10 1 1 0, then the same.
        assert!(is_hidden("vp9", &[0b1011_0010, 0]));
        assert!(!is_hidden("vp9", &[0b1011_0011, 0]));
        assert!(is_hidden("vp8", &[0b0000_0000]));
        assert!(!is_hidden("vp8", &[0b0001_0000]));
        assert!(!is_hidden("h264", &[0]));
        assert!(!is_hidden("vp9", &[]));
    }
}
