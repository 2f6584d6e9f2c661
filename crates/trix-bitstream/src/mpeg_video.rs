//! What an MPEG-2 video stream states about its bit rate (ISO/IEC 13818-2).
//!
//! Invariant: fields are read at fixed places after start codes, and only if they are there.

use crate::bits::Bits;

/// What the start of a stream states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Bits per second: the rate if it is constant, or else the largest one (6.3.3).
    pub bit_rate: Option<u64>,
    /// True if the fullness of the buffer is stated, as it is for a constant bit rate; false if the rate is variable
    /// (6.3.9).
    pub is_constant: Option<bool>,
}

/// Reads the headers of `frame`, a coded frame.
pub fn rates(frame: &[u8]) -> Rates {
    let mut found = Rates::default();
    let mut low = None;
    for (at, _) in frame.windows(4).enumerate().filter(|(_, code)| code.starts_with(&[0, 0, 1])) {
        let body = &frame[at + 4..];
        let mut bits = Bits::new(body);
        match frame[at + 3] {
            // Sequence header: 12 bits of width, 12 of height, 4 of aspect, 4 of frame rate, 18 of bit rate.
            0xb3 => low = bits.skip(32).and_then(|()| bits.take(18)),
            // Sequence extension (1): the upper bits of the rate after profile, scan, chroma and size.
            0xb5 if bits.take(4) == Some(1) => {
                let high = bits.skip(15).and_then(|()| bits.take(12));
                let steps = high.zip(low).map(|(high, low)| u64::from(high) << 18 | u64::from(low));
                found.bit_rate = steps.map(|steps| steps * 400).filter(|rate| *rate > 0);
            }
            // Picture header: 10 bits of reference, 3 of type, 16 of delay.
            0x00 => {
                let delay = bits.skip(13).and_then(|()| bits.take(16));
                found.is_constant = delay.map(|delay| delay != 0xffff);
                return found;
            }
            // A slice: no header follows that matters here.
            0x01..=0xaf => return found,
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::rates;

    /// A sequence header of 720x512 at 30 Mbit/s (75 000 steps of 400), its extension, and a picture header.
    fn frame(delay: [u8; 3]) -> Vec<u8> {
        let sequence = [0, 0, 1, 0xb3, 0x2d, 0x02, 0x00, 0x24, 0x49, 0x3e, 0x23, 0x80];
        let extension = [0, 0, 1, 0xb5, 0x15, 0x86, 0x00, 0x01, 0x00, 0x00];
        let picture = [&[0, 0, 1, 0x00, 0x00][..], &delay, &[0x80]].concat();
        [&sequence[..], &extension, &picture].concat()
    }

    #[test]
    fn the_rate_and_its_kind_are_read() {
        let constant = rates(&frame([0x09, 0x1d, 0x30]));
        assert_eq!((constant.bit_rate, constant.is_constant), (Some(75_000 * 400), Some(true)));
        let variable = rates(&frame([0x0f, 0xff, 0xf8]));
        assert_eq!(variable.is_constant, Some(false));
    }

    #[test]
    fn cut_headers_state_what_is_whole() {
        let whole = frame([0x0f, 0xff, 0xf8]);
        // The upper bits of the rate end in byte 19, the delay in byte 29.
        for end in 0..whole.len() {
            let found = rates(&whole[..end]);
            assert_eq!((found.bit_rate.is_some(), found.is_constant.is_some()), (end >= 20, end >= 30), "{end}");
        }
        // The sequence header is cut.
        assert_eq!(rates(&[&whole[..8], &whole[12..]].concat()).bit_rate, None);
        assert_eq!(rates(&[0, 0, 1, 0]).is_constant, None);
        assert_eq!(rates(&[]), super::Rates::default());
    }
}
