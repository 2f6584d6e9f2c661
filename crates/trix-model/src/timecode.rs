//! Time codes: the clock that a camera or a tape deck wrote beside its frames (SMPTE ST 12-1).
//!
//! Invariant: a time code is a label, never a time. Trix computes only the label of a later frame from it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::time::Rational;

/// The time code of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timecode {
    /// 0 to 23; MPEG-2 and SMPTE allow no more.
    pub hours: u8,
    /// 0 to 59.
    pub minutes: u8,
    /// 0 to 59.
    pub seconds: u8,
    /// Frame number within the second, from 0.
    pub frames: u8,
    /// Drop-frame counting: most minutes skip two (or four) frame numbers, so that 29.97 frames a second keep pace with
    /// the clock.
    pub drop_frame: bool,
}

/// The highest number of frames in a second for which time codes are counted. Numbers of frames in a day stay far below
/// the range of `i64`.
const MOST_RATE: i64 = 1_000_000;

impl Timecode {
    /// Reads the time code of a group of pictures (ISO/IEC 13818-2, 6.3.8): 25 bits, one of which is a marker bit.
    pub fn from_gop(bits: u32) -> Self {
        let field = |shift: u32, mask: u32| (bits >> shift & mask) as u8;
        Timecode {
            drop_frame: field(24, 1) == 1,
            hours: field(19, 0x1f),
            minutes: field(13, 0x3f),
            seconds: field(6, 0x3f),
            frames: field(0, 0x3f),
        }
    }

    /// Reads a time code from the 32 bits of libavutil (`timecode.h`). From the lowest byte on: hours, minutes, seconds
    /// and frames, each as two decimal digits. If `rate` is above 30 frames a second, the frame number counts pairs of
    /// frames, and a flag marks the second frame of a pair. The place of this flag differs between 50 and 60 frames a
    /// second (SMPTE ST 12-1, 12.1).
    pub fn from_smpte(bits: u32, rate: Option<Rational>) -> Self {
        let digits = |shift: u32, mask: u32| {
            let value = bits >> shift & mask;
            (value >> 4) as u8 * 10 + (value & 0xf) as u8
        };
        let mut frames = digits(24, 0x3f);
        if let Some(rate) = rate.filter(|rate| *rate > Rational::new(30, 1)) {
            let flag = if rate == Rational::new(50, 1) { 7 } else { 23 };
            frames = frames * 2 + (bits >> flag & 1) as u8;
        }
        Timecode {
            hours: digits(0, 0x3f),
            minutes: digits(8, 0x7f),
            seconds: digits(16, 0x7f),
            frames,
            drop_frame: bits >> 30 & 1 == 1,
        }
    }

    /// Returns the frame numbers in a second at `rate`, and how many of them most minutes skip at their start. `None`
    /// if this time code does not exist at `rate`. Only multiples of 29.97 skip numbers (ST 12-1, 5.2.3): two a minute
    /// at 30, four at 60.
    fn counting(self, rate: Rational) -> Option<(i64, i64)> {
        if !rate.is_positive() {
            return None;
        }
        let nominal = rate.num.checked_add(rate.den / 2)? / rate.den;
        if nominal > MOST_RATE {
            return None;
        }
        let dropped = if self.drop_frame { nominal / 15 } else { 0 };
        // A container that counts milliseconds gives no exact rate, so the nearer of the two candidates is used.
        let is_slow = i128::from(rate.num) * 2002 < i128::from(rate.den) * i128::from(nominal) * 2001;
        let can_drop = is_slow && nominal % 30 == 0;
        let left_out = !self.minutes.is_multiple_of(10) && self.seconds == 0 && i64::from(self.frames) < dropped;
        let exists = self.hours < 24 && self.minutes < 60 && self.seconds < 60 && i64::from(self.frames) < nominal;
        (exists && !left_out && (can_drop || !self.drop_frame)).then_some((nominal, dropped))
    }

    /// True if a frame of video at `rate` can have this time code.
    pub fn exists_at(self, rate: Rational) -> bool {
        self.counting(rate).is_some()
    }

    /// The time code `count` frames later at `rate`. It wraps around at midnight. `None` if this time code does not
    /// exist at `rate`.
    pub fn later(self, count: i64, rate: Rational) -> Option<Self> {
        let (nominal, dropped) = self.counting(rate)?;
        let [hours, minutes, seconds, frames] = [self.hours, self.minutes, self.seconds, self.frames].map(i64::from);
        let all_minutes = hours * 60 + minutes;
        let number = (all_minutes * 60 + seconds) * nominal + frames - dropped * (all_minutes - all_minutes / 10);
        let (in_minute, in_ten) = (60 * nominal - dropped, 600 * nominal - 9 * dropped);
        let number = number.checked_add(count)?.rem_euclid(144 * in_ten);
        // The first of ten minutes is complete. The other nine skip their first numbers.
        let (tens, rest) = (number / in_ten, number % in_ten);
        let minute = if rest < 60 * nominal { 0 } else { 1 + (rest - 60 * nominal) / in_minute };
        let number = number + dropped * (9 * tens + minute);
        let (seconds, frames) = (number / nominal, number % nominal);
        let part = |value: i64| u8::try_from(value).ok();
        Some(Timecode {
            hours: part(seconds / 3600)?,
            minutes: part(seconds / 60 % 60)?,
            seconds: part(seconds % 60)?,
            frames: part(frames)?,
            drop_frame: self.drop_frame,
        })
    }
}

impl fmt::Display for Timecode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Timecode { hours, minutes, seconds, frames, drop_frame } = self;
        let separator = if *drop_frame { ';' } else { ':' };
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}{separator}{frames:02}")
    }
}

impl FromStr for Timecode {
    type Err = String;

    /// Reads `HH:MM:SS:FF`. A semicolon or a point before the frames means drop frame, as containers write it.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a time code such as 01:00:00:00 or 01:00:00;00");
        let parts: Vec<&str> = text.split([':', ';', '.']).collect();
        let [hours, minutes, seconds, frames] = parts[..] else { return Err(wrong()) };
        let part = |part: &str| match part.len() {
            1..=3 if part.bytes().all(|byte| byte.is_ascii_digit()) => part.parse().map_err(|_| wrong()),
            _ => Err(wrong()),
        };
        Ok(Timecode {
            hours: part(hours)?,
            minutes: part(minutes)?,
            seconds: part(seconds)?,
            frames: part(frames)?,
            drop_frame: text.contains([';', '.']),
        })
    }
}

impl Serialize for Timecode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timecode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl schemars::JsonSchema for Timecode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timecode".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9]{1,3}:[0-9]{1,3}:[0-9]{1,3}[:;.][0-9]{1,3}$",
            "description": "HH:MM:SS:FF; a semicolon or a point before the frames means drop frame"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_codes_are_read_from_each_of_their_homes() {
        for text in ["01:02:03:04", "23:59:59;29", "00:00:00:00"] {
            assert_eq!(text.parse::<Timecode>().map(|code| code.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("10:00:00.12".parse::<Timecode>().map(|code| code.to_string()).as_deref(), Ok("10:00:00;12"));
        for text in ["", "1:2:3", "a:b:c:d", "1:2:3:4:5", "::: ", "1234:0:0:0", "999:00:00:00"] {
            assert!(text.parse::<Timecode>().is_err(), "{text}");
        }
        // 23:58:30:00 as ISO/IEC 13818-2 packs it: drop flag, 5 bits, 6 bits, a marker bit, 6 bits and 6 bits.
        let gop = 23 << 19 | 58 << 13 | 1 << 12 | 30 << 6;
        assert_eq!(Timecode::from_gop(gop).to_string(), "23:58:30:00");
        let smpte = 0x12 | 0x34 << 8 | 0x56 << 16 | 0x21 << 24 | 1 << 30;
        assert_eq!(Timecode::from_smpte(smpte, None).to_string(), "12:34:56;21");
        let second = 0x24 << 24 | 1 << 7;
        assert_eq!(Timecode::from_smpte(second, Some(Rational::new(50, 1))).to_string(), "00:00:00:49");
    }

    #[test]
    fn no_rate_is_too_high_to_be_refused() {
        let code: Timecode = "23:59:59:00".parse().unwrap();
        for rate in [i64::MAX, i64::MAX / 2, i64::MAX / 600, 1_000_001] {
            assert_eq!(code.later(i64::MAX, Rational::new(rate, 1)), None, "{rate}");
        }
        assert!(code.exists_at(Rational::new(1_000_000, 1)));
    }

    const NTSC: Rational = Rational { num: 30_000, den: 1001 };

    #[test]
    fn numbers_are_dropped_as_the_standard_says() {
        let pal = Rational::new(25, 1);
        let film = Rational::new(24_000, 1001);
        let double = Rational::new(60_000, 1001);
        for (from, rate, count, to) in [
            ("00:00:59;29", NTSC, 1, "00:01:00;02"),
            ("00:00:00;00", NTSC, 1800, "00:01:00;02"),
            ("00:09:59;29", NTSC, 1, "00:10:00;00"),
            ("00:00:00;00", NTSC, 17_982, "00:10:00;00"),
            ("00:00:00;00", NTSC, 107_892, "01:00:00;00"),
            ("23:59:59;29", NTSC, 1, "00:00:00;00"),
            ("00:00:59;59", double, 1, "00:01:00;04"),
            ("01:00:00:00", pal, 26, "01:00:01:01"),
            ("00:59:59:23", film, 1, "01:00:00:00"),
        ] {
            let later = from.parse::<Timecode>().unwrap().later(count, rate);
            assert_eq!(later.map(|code| code.to_string()).as_deref(), Some(to), "{from} + {count}");
        }
    }

    #[test]
    fn every_number_of_an_hour_has_one_time_code() {
        let mut code: Timecode = "00:00:00;00".parse().unwrap();
        let mut before = String::new();
        for _ in 0..107_892 {
            let text = code.to_string();
            assert!(text > before && code.exists_at(NTSC), "{text} after {before}");
            (code, before) = (code.later(1, NTSC).unwrap(), text);
        }
        assert_eq!(code.to_string(), "01:00:00;00");
    }

    #[test]
    fn what_is_no_time_code_at_a_rate_is_refused() {
        let pal = Rational::new(25, 1);
        for (text, rate, exists) in [
            ("00:00:00:24", pal, true),
            ("00:00:00:25", pal, false),
            ("24:00:00:00", pal, false),
            ("00:60:00:00", pal, false),
            ("00:00:00;00", pal, false),
            ("00:01:00;01", NTSC, false),
            ("00:10:00;01", NTSC, true),
            ("00:10:00;01", Rational::new(30, 1), false),
            // 59.94 frames a second, measured in milliseconds over 24 frames.
            ("00:00:00;59", Rational::new(19_001, 317), true),
        ] {
            assert_eq!(text.parse::<Timecode>().unwrap().exists_at(rate), exists, "{text}");
        }
    }
}
