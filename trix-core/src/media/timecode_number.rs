//! Numbers of time codes: the number that a tape or a file gave each of its pictures (SMPTE ST 12-1).
//!
//! Invariant: a time code and the number of a picture since midnight stand for each other, also where two numbers a
//! minute are skipped.

use std::fmt;

use super::time::Rational;

/// A time code at a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberedTimecode {
    /// Pictures since midnight.
    number: i64,
    /// Pictures in a second, as they are counted: 30 for 29.97.
    nominal: i64,
    /// Whether numbers are skipped so that the time code keeps up with the clock.
    drop_frame: bool,
}

impl NumberedTimecode {
    /// Reads `HH:MM:SS:FF`, with `;` or `.` before the frames where numbers are dropped, for pictures at `rate`; `None`
    /// for anything else, and for numbers that do not exist at that rate.
    pub fn parse(text: &str, rate: Rational) -> Option<Self> {
        if !rate.is_positive() {
            return None;
        }
        let nominal = (rate.num + rate.den / 2) / rate.den;
        let (clock, frames) = text.split_at_checked(8)?;
        let drop_frame = frames.starts_with([';', '.']);
        let frames = frames.strip_prefix([':', ';', '.'])?;
        let part = |text: &str| -> Option<i64> {
            let digits = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        };
        let mut parts = clock.split([':', ';']);
        let (hours, minutes, seconds) = (part(parts.next()?)?, part(parts.next()?)?, part(parts.next()?)?);
        let frames = part(frames)?;
        // Only the multiples of 29.97 have numbers to drop (ST 12-1, 5.2.3): two a minute at 30, four at 60.
        let can_drop = rate.den == 1001 && nominal % 30 == 0;
        let exists = parts.next().is_none() && hours < 24 && minutes < 60 && seconds < 60 && frames < nominal;
        let dropped = nominal / 15;
        let is_skipped = drop_frame && minutes % 10 != 0 && seconds == 0 && frames < dropped;
        if !exists || (drop_frame && !can_drop) || is_skipped {
            return None;
        }
        let mut number = ((hours * 60 + minutes) * 60 + seconds) * nominal + frames;
        if drop_frame {
            let minutes = hours * 60 + minutes;
            number -= dropped * (minutes - minutes / 10);
        }
        Some(NumberedTimecode { number, nominal, drop_frame })
    }

    /// The time code `pictures` later; after midnight it starts anew.
    pub fn later(self, pictures: i64) -> Self {
        let dropped = if self.drop_frame { self.nominal / 15 } else { 0 };
        let day = 24 * 3600 * self.nominal - dropped * (24 * 60 - 24 * 6);
        NumberedTimecode { number: (self.number + pictures).rem_euclid(day), ..self }
    }
}

impl fmt::Display for NumberedTimecode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NumberedTimecode { mut number, nominal, drop_frame } = *self;
        if drop_frame {
            let dropped = nominal / 15;
            let (in_minute, in_ten) = (60 * nominal - dropped, 600 * nominal - 9 * dropped);
            let (tens, rest) = (number / in_ten, number % in_ten);
            // The first minute of ten is whole; each of the others lacks its first numbers.
            let minutes = if rest < 60 * nominal { 0 } else { 1 + (rest - 60 * nominal) / in_minute };
            number += dropped * (9 * tens + minutes);
        }
        let (seconds, frames) = (number / nominal, number % nominal);
        let separator = if drop_frame { ';' } else { ':' };
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}{separator}{frames:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NTSC: Rational = Rational { num: 30_000, den: 1001 };

    #[test]
    fn numbers_are_dropped_as_the_standard_says() {
        // Worked examples of SMPTE ST 12-1: 1 minute, 10 minutes, 1 hour.
        for (from, pictures, to) in [
            ("00:00:59;29", 1, "00:01:00;02"),
            ("00:00:00;00", 1800, "00:01:00;02"),
            ("00:09:59;29", 1, "00:10:00;00"),
            ("00:00:00;00", 17_982, "00:10:00;00"),
            ("00:00:00;00", 107_892, "01:00:00;00"),
            ("23:59:59;29", 1, "00:00:00;00"),
        ] {
            assert_eq!(
                NumberedTimecode::parse(from, NTSC).unwrap().later(pictures).to_string(),
                to,
                "{from} + {pictures}"
            );
        }
        let double = Rational::new(60_000, 1001);
        assert_eq!(NumberedTimecode::parse("00:00:59;59", double).unwrap().later(1).to_string(), "00:01:00;04");
        assert_eq!(
            NumberedTimecode::parse("01:00:00:00", Rational::new(25, 1)).unwrap().later(26).to_string(),
            "01:00:01:01"
        );
        let film = Rational::new(24_000, 1001);
        assert_eq!(NumberedTimecode::parse("00:59:59:23", film).unwrap().later(1).to_string(), "01:00:00:00");
    }

    #[test]
    fn every_number_of_a_day_has_one_time_code() {
        let mut code = NumberedTimecode::parse("00:00:00;00", NTSC).unwrap();
        let mut before = String::new();
        for _ in 0..107_892 {
            let text = code.to_string();
            assert!(text > before, "{text} after {before}");
            assert_eq!(NumberedTimecode::parse(&text, NTSC), Some(code));
            (code, before) = (code.later(1), text);
        }
    }

    #[test]
    fn what_is_no_time_code_is_refused() {
        let pal = Rational::new(25, 1);
        for text in ["", "x", "00:00:00", "00:00:00:25", "24:00:00:00", "00:60:00:00", "00:00:00;00", "+1:00:00:00"] {
            assert_eq!(NumberedTimecode::parse(text, pal), None, "{text}");
        }
        assert_eq!(NumberedTimecode::parse("00:01:00;01", NTSC), None, "this number is skipped");
        assert!(NumberedTimecode::parse("00:10:00;01", NTSC).is_some());
    }
}
