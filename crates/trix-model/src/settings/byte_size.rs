//! A number of bytes with a unit.
//!
//! Invariant: a number that is written and read again is the same number.

use std::{fmt, str::FromStr};

/// A number of bytes: `4 GiB`, `1500 MB`, or the plain number.
///
/// ```
/// use trix_model::settings::byte_size::ByteSize;
/// assert_eq!("1.5 GiB".parse(), Ok(ByteSize(1_610_612_736)));
/// assert_eq!("2000kb".parse::<ByteSize>().map(|size| size.to_string()), Ok("2000000".to_owned()));
/// assert_eq!(ByteSize(768 << 20).to_string(), "768 MiB");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

/// Units and their bytes (IEC 80000-13, and those of the SI), the largest of each kind first.
const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a number of bytes such as 4 GiB, 1500 MB or 1073741824");
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = (&text[..digits], text[digits..].trim());
        let unit = match unit {
            "" => 1,
            _ => UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(wrong)?.1,
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() || (number.contains('.') && part.is_empty()) || part.contains('.') || part.len() > 9 {
            return Err(wrong());
        }
        let whole = whole.parse::<u64>().ok().and_then(|whole| whole.checked_mul(unit)).ok_or_else(wrong)?;
        let below = part.parse::<u64>().unwrap_or(0) as u128 * u128::from(unit) / 10_u128.pow(part.len() as u32);
        whole.checked_add(below as u64).map(ByteSize).ok_or_else(wrong)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = UNITS[..4].iter().find(|(_, bytes)| self.0 >= *bytes && self.0.is_multiple_of(*bytes));
        match exact {
            Some((name, bytes)) => write!(f, "{} {name}", self.0 / bytes),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written_exactly() {
        let read = |text: &str| text.parse::<ByteSize>().map(|size| size.0);
        assert_eq!(read("0"), Ok(0));
        assert_eq!(read("300 MiB"), Ok(300 << 20));
        assert_eq!(read("0.5gib"), Ok(1 << 29));
        assert_eq!(read("18446744073709551615"), Ok(u64::MAX));
        for text in
            ["", "GiB", "-1", "1,5 GiB", "1.", ".5 GB", "1.2.3", "5 gigs", "18446744073709551616", "99999999 TiB"]
        {
            assert!(read(text).is_err(), "{text}");
        }
        for size in [0, 1, 1023, 1024, 1_000_000, 300 << 20, (1 << 30) + 1, u64::MAX] {
            assert_eq!(read(&ByteSize(size).to_string()), Ok(size));
        }
    }
}
