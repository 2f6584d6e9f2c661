//! Reads bits, most significant bit first.
//!
//! Invariant: reading past the end gives nothing.

/// A position in a block of bytes.
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    /// Starts at the first bit of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Bits { bytes, at: 0 }
    }

    /// Reads a number of at most 32 bits.
    pub(crate) fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// Skips bits.
    pub(crate) fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count)?;
        (self.at <= self.bytes.len().saturating_mul(8)).then_some(())
    }

    /// Reads one bit.
    pub(crate) fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// Reads an Exp-Golomb code (`ue(v)`).
    pub(crate) fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }

    /// Reads `count` Exp-Golomb codes that do not matter.
    pub(crate) fn golombs(&mut self, count: u32) -> Option<()> {
        for _ in 0..count {
            self.golomb()?;
        }
        Some(())
    }

    /// Reads a signed Exp-Golomb code (`se(v)`).
    pub(crate) fn signed_golomb(&mut self) -> Option<i64> {
        let code = i64::from(self.golomb()?);
        Some(if code % 2 == 1 { (code + 1) / 2 } else { -(code / 2) })
    }
}

/// Bytes of fields that are written as zeros and ones, filled up with zeros.
#[cfg(test)]
pub(crate) fn packed(fields: &[&str]) -> Vec<u8> {
    let bits: Vec<u8> = fields.concat().bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
    bits.chunks(8).map(|chunk| chunk.iter().enumerate().fold(0, |byte, (at, bit)| byte | bit << (7 - at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_flags_are_read_from_the_highest_bit_on() {
        let bytes = [0b1010_0110, 0xff];
        let mut bits = Bits::new(&bytes);
        assert_eq!((bits.take(3), bits.flag(), bits.take(0)), (Some(0b101), Some(false), Some(0)));
        assert_eq!((bits.take(8), bits.take(4)), (Some(0b0110_1111), Some(0b1111)));
        assert_eq!((bits.flag(), bits.take(1)), (None, None));
        assert_eq!(Bits::new(&[0x12, 0x34, 0x56, 0x78]).take(32), Some(0x1234_5678));
    }

    #[test]
    fn codes_of_exp_golomb_are_those_of_the_standards() {
        // H.264 and H.265, 9.1 and 9.2: the table of codes, and of their values with a sign.
        for (code, value, signed) in
            [("1", 0, 0), ("010", 1, 1), ("011", 2, -1), ("00100", 3, 2), ("00101", 4, -2), ("0001000", 7, 4)]
        {
            let bytes = packed(&[code]);
            assert_eq!(Bits::new(&bytes).golomb(), Some(value), "{code}");
            assert_eq!(Bits::new(&bytes).signed_golomb(), Some(signed), "{code}");
        }
        let zeros = |count: usize| "0".repeat(count);
        let largest = packed(&[&zeros(31), "1", &"1".repeat(31)]);
        assert_eq!(Bits::new(&largest).golomb(), Some(u32::MAX - 1));
        assert_eq!(Bits::new(&packed(&[&zeros(32), "1", &zeros(32)])).golomb(), None);
        assert_eq!(Bits::new(&[0, 0]).golomb(), None);
        let several = packed(&["1 010 00101 011"]);
        let mut bits = Bits::new(&several);
        assert_eq!((bits.golombs(3), bits.golomb()), (Some(()), Some(2)));
        assert_eq!(Bits::new(&[0xff]).golombs(9), None);
    }

    #[test]
    fn nothing_is_skipped_past_the_end() {
        let mut bits = Bits::new(&[0, 0x80]);
        assert_eq!((bits.skip(8), bits.flag(), bits.skip(7)), (Some(()), Some(true), Some(())));
        assert_eq!((bits.skip(1), bits.flag()), (None, None));
        assert_eq!(Bits::new(&[0; 4]).skip(33), None);
        let mut far = Bits::new(&[0; 4]);
        assert_eq!((far.skip(usize::MAX), far.skip(usize::MAX), far.take(1)), (None, None, None));
    }
}
