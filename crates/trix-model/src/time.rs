//! Time as rational numbers: a count of ticks and the length of a tick.
//!
//! Invariant: no arithmetic on times loses a tick to floating point. Rescaling rounds once, to the nearest tick, and
//! saturates instead of wrapping.

use std::{borrow::Cow, cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeStruct};

/// A fraction with a positive denominator. `0/1` also means "unknown", as in FFmpeg.
///
/// ```
/// use trix_model::time::Rational;
/// assert_eq!("24000/1001".parse(), Ok(Rational::new(24000, 1001)));
/// assert_eq!(Rational::new(50, 2), Rational::new(25, 1));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Rational {
    /// Numerator.
    pub num: i64,
    /// Denominator, above zero.
    pub den: i64,
}

/// The length of a tick in seconds.
pub type TimeBase = Rational;

impl Rational {
    /// Zero, which also means "unknown".
    pub const ZERO: Rational = Rational { num: 0, den: 1 };

    /// `num / den` in lowest terms. A zero or negative denominator, which broken files do contain, gives zero.
    pub const fn new(num: i64, den: i64) -> Self {
        if den <= 0 {
            return Rational::ZERO;
        }
        let (mut a, mut b) = (num.unsigned_abs(), den.unsigned_abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        if a == 0 || a > i64::MAX as u64 {
            return Rational::ZERO;
        }
        Rational { num: num / a as i64, den: den / a as i64 }
    }

    /// True if this is above zero, as every usable rate, ratio and time base is.
    pub const fn is_positive(self) -> bool {
        self.num > 0
    }

    /// `1 / self`, or zero.
    pub const fn inverse(self) -> Self {
        Rational::new(self.den, self.num)
    }

    /// The nearest ratio whose numerator and denominator are at most `most`, by continued fraction. For positive
    /// ratios.
    ///
    /// ```
    /// use trix_model::time::Rational;
    /// assert_eq!(Rational::new(314_159, 100_000).nearest_within(1000), Rational::new(355, 113));
    /// assert_eq!(Rational::new(16, 15).nearest_within(1000), Rational::new(16, 15));
    /// ```
    pub fn nearest_within(self, most: i64) -> Self {
        let (mut num, mut den) = (self.num, self.den);
        let (mut last, mut this) = ((0i64, 1i64), (1i64, 0i64));
        while den != 0 {
            let whole = num / den;
            let next = |before: i64, now: i64| whole.checked_mul(now).and_then(|product| product.checked_add(before));
            match (next(last.0, this.0), next(last.1, this.1)) {
                (Some(n), Some(d)) if n <= most && d <= most => (last, this) = (this, (n, d)),
                _ => break,
            }
            (num, den) = (den, num % den);
        }
        Rational::new(this.0, this.1)
    }

    /// The value as a float: only for display and metrics, never for arithmetic on times.
    pub fn to_f64(self) -> f64 {
        self.num as f64 / self.den as f64
    }
}

impl PartialEq for Rational {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Rational {}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = i128::from(self.num) * i128::from(other.den);
        left.cmp(&(i128::from(other.num) * i128::from(self.den)))
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

impl FromStr for Rational {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a ratio such as 25, 30000/1001 or 16:9");
        let (num, den) = text.split_once(['/', ':']).unwrap_or((text, "1"));
        let num: i64 = num.trim().parse().map_err(|_| wrong())?;
        let den: i64 = den.trim().parse().map_err(|_| wrong())?;
        if den <= 0 {
            return Err(wrong());
        }
        Ok(Rational::new(num, den))
    }
}

impl Serialize for Rational {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rational {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Rational {
    fn schema_name() -> Cow<'static, str> {
        "Rational".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^-?[0-9]+([/:]0*[1-9][0-9]*)?$",
            "description": "A fraction such as 24000/1001"
        })
    }
}

/// A point in time, or a duration: `ticks` times `base` seconds.
///
/// In JSON, a timestamp is an object: the exact `ticks` and `time_base`, and `seconds` for human readers.
#[derive(Clone, Copy, Debug)]
pub struct Timestamp {
    /// Number of ticks. Negative before the start of the programme.
    pub ticks: i64,
    /// Seconds in a tick.
    pub base: TimeBase,
}

impl Timestamp {
    /// Number of whole `interval`s between zero and this time, rounded down. `interval` must be longer than zero.
    pub fn multiple_of(self, interval: Timestamp) -> i64 {
        let product = |time: Timestamp, other: TimeBase| {
            (i128::from(time.ticks) * i128::from(time.base.num)).checked_mul(other.den.into())
        };
        let (one, other) = match (product(self, interval.base), product(interval, self.base)) {
            (Some(one), Some(other)) => (one, other),
            // Only absurd time bases come here.
            _ => {
                let nano = Rational::new(1, 1_000_000_000);
                (self.rescale(nano).into(), interval.rescale(nano).into())
            }
        };
        one.div_euclid(other.max(1)).clamp(i64::MIN.into(), i64::MAX.into()) as i64
    }

    /// `ticks` ticks of `base`.
    pub const fn new(ticks: i64, base: TimeBase) -> Self {
        Timestamp { ticks, base }
    }

    /// The same time in ticks of `base`, rounded to the nearest (halves away from zero), saturating.
    ///
    /// ```
    /// use trix_model::time::{Rational, Timestamp};
    /// let time = Timestamp::new(3003, Rational::new(1, 90_000));
    /// assert_eq!(time.rescale(Rational::new(1, 1000)), 33);
    /// assert_eq!(time.rescale(Rational::new(1001, 30_000)), 1);
    /// ```
    pub fn rescale(self, base: TimeBase) -> i64 {
        // Each factor has at most 63 bits and the fractions are in lowest terms, so products of two fit i128.
        let num = i128::from(self.base.num) * i128::from(base.den);
        let den = i128::from(self.base.den) * i128::from(base.num);
        if den == 0 {
            return 0;
        }
        let ticks = i128::from(self.ticks);
        let (value, exact) = match ticks.checked_mul(num) {
            Some(product) => (product, den),
            // Only absurd time bases come here. Drop the low bits of the ratio rather than the result.
            None => match (ticks.checked_mul(num >> 64), den >> 64) {
                (Some(product), den) if den != 0 => (product, den),
                _ => return if (ticks < 0) == (num < 0) { i64::MAX } else { i64::MIN },
            },
        };
        let half = exact.abs() / 2;
        let rounded = if value >= 0 { value.saturating_add(half) } else { value.saturating_sub(half) } / exact;
        rounded.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }

    /// The sum. It is exact if the ticks of both fit a common tick; otherwise it is rounded to the nanosecond.
    ///
    /// ```
    /// use trix_model::time::{Rational, Timestamp};
    /// let sum = Timestamp::new(1, Rational::new(1, 3)).plus(Timestamp::new(1, Rational::new(1, 6)));
    /// assert_eq!(sum, Timestamp::new(1, Rational::new(1, 2)));
    /// ```
    pub fn plus(self, other: Timestamp) -> Timestamp {
        let exact = || {
            let (a, b) = (i128::from(self.base.den), i128::from(other.base.den));
            let (mut gcd, mut rest) = (a, b);
            while rest != 0 {
                (gcd, rest) = (rest, gcd % rest);
            }
            let den = a.checked_div(gcd)?.checked_mul(b)?;
            let part = |time: Timestamp| {
                let ticks = i128::from(time.ticks).checked_mul(time.base.num.into())?;
                ticks.checked_mul(den.checked_div(time.base.den.into())?)
            };
            let ticks = part(self)?.checked_add(part(other)?)?;
            Some(Timestamp::new(i64::try_from(ticks).ok()?, Rational::new(1, i64::try_from(den).ok()?)))
        };
        exact().unwrap_or_else(|| {
            let nano = Rational::new(1, 1_000_000_000);
            Timestamp::new(self.rescale(nano).saturating_add(other.rescale(nano)), nano)
        })
    }

    /// Seconds as a float: only for display and metrics.
    pub fn to_f64(self) -> f64 {
        self.ticks as f64 * self.base.to_f64()
    }

    /// Text that [`FromStr`] reads back as exactly this time: decimals where they suffice, otherwise a ratio.
    pub fn as_spec(self) -> String {
        let nano = Rational::new(1, 1_000_000_000);
        let nanos = self.rescale(nano);
        if Timestamp::new(nanos, nano) != self
            && let Some(ticks) = self.ticks.checked_mul(self.base.num)
        {
            return format!("{ticks}/{}", self.base.den);
        }
        let (sign, nanos) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
        format!("{sign}{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
    }

    /// This time in whole microseconds.
    pub fn micros(self) -> i64 {
        self.rescale(Rational::new(1, 1_000_000))
    }
}

impl PartialEq for Timestamp {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Timestamp {}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timestamp {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.base == other.base {
            return self.ticks.cmp(&other.ticks);
        }
        let product = |a: Timestamp, b: Timestamp| {
            i128::from(a.ticks).saturating_mul(i128::from(a.base.num)).saturating_mul(i128::from(b.base.den))
        };
        product(*self, *other).cmp(&product(*other, *self))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.rescale(Rational::new(1, 1000));
        let sign = if millis < 0 { "-" } else { "" };
        let millis = millis.unsigned_abs();
        let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
        write!(f, "{sign}{hours:02}:{minutes:02}:{:02}.{:03}", millis / 1000 % 60, millis % 1000)
    }
}

impl FromStr for Timestamp {
    type Err = String;

    /// Reads `SS`, `SS.fraction`, `MM:SS.fraction` or `HH:MM:SS.fraction`, each to the nanosecond, or a ratio such as
    /// `300/25`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a time such as 12.5, 01:30, 00:01:30.040 or 300/25");
        if let Some((ticks, rate)) = text.split_once('/') {
            let ticks: i64 = ticks.parse().map_err(|_| wrong())?;
            let rate: i64 = rate.parse().map_err(|_| wrong())?;
            if rate <= 0 {
                return Err(wrong());
            }
            return Ok(Timestamp::new(ticks, Rational::new(1, rate)));
        }
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if fraction.len() > 9 || whole.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let mut seconds: i64 = 0;
        let parts: Vec<&str> = whole.split(':').collect();
        if parts.len() > 3 {
            return Err(wrong());
        }
        for (at, part) in parts.iter().enumerate() {
            if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(wrong());
            }
            let value: i64 = part.parse().map_err(|_| wrong())?;
            if at > 0 && value > 59 {
                return Err(wrong());
            }
            seconds = seconds.checked_mul(60).and_then(|sum| sum.checked_add(value)).ok_or_else(wrong)?;
        }
        let nanos: i64 = format!("{fraction:0<9}").parse().map_err(|_| wrong())?;
        let total = seconds.checked_mul(1_000_000_000).and_then(|sum| sum.checked_add(nanos)).ok_or_else(wrong)?;
        Ok(Timestamp::new(if negative { -total } else { total }, Rational::new(1, 1_000_000_000)))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Timestamp", 3)?;
        object.serialize_field("ticks", &self.ticks)?;
        object.serialize_field("time_base", &self.base)?;
        object.serialize_field("seconds", &(self.micros() as f64 / 1e6))?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    /// Reads both forms: text as for [`FromStr`], so that a job file can say `start = "00:01:30"`, and the object that
    /// [`Serialize`] writes.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Form;

        impl<'de> de::Visitor<'de> for Form {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Timestamp, A::Error> {
                let (mut ticks, mut base) = (None, None);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "ticks" => ticks = Some(map.next_value()?),
                        "time_base" => base = Some(map.next_value()?),
                        // For people; the other two are exact.
                        "seconds" => drop(map.next_value::<de::IgnoredAny>()?),
                        _ => return Err(de::Error::unknown_field(&key, &["ticks", "time_base", "seconds"])),
                    }
                }
                let ticks = ticks.ok_or_else(|| de::Error::missing_field("ticks"))?;
                let base = base.ok_or_else(|| de::Error::missing_field("time_base"))?;
                Ok(Timestamp { ticks, base })
            }
        }

        deserializer.deserialize_any(Form)
    }
}

impl schemars::JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "oneOf": [
                {
                    "type": "object",
                    "description": "A time as Trix writes it: exact ticks, and seconds for the eye",
                    "properties": {
                        "ticks": { "type": "integer" },
                        "time_base": { "type": "string" },
                        "seconds": { "type": "number" }
                    },
                    "required": ["ticks", "time_base", "seconds"],
                    "additionalProperties": false
                },
                { "type": "string", "description": "A time as a job says it: 12.5, 01:30, 00:01:30.040 or 300/25" }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multiples_are_rounded_down_and_saturate() {
        let (ms, second) = (Rational::new(1, 1000), Timestamp::new(1, Rational::new(1, 1)));
        assert_eq!(Timestamp::new(1999, ms).multiple_of(second), 1);
        assert_eq!(Timestamp::new(-1, ms).multiple_of(second), -1);
        let (wide, narrow) = (Rational::new(1 << 62, 1), Rational::new(1, 1 << 62));
        assert_eq!(Timestamp::new(1 << 62, wide).multiple_of(Timestamp::new(1, narrow)), i64::MAX);
        assert_eq!(Timestamp::new(-(1 << 62), wide).multiple_of(Timestamp::new(1, narrow)), i64::MIN);
    }

    #[test]
    fn rescaling_rounds_to_the_nearest_tick_and_saturates() {
        let ms = Rational::new(1, 1000);
        assert_eq!(Timestamp::new(1, Rational::new(1, 2000)).rescale(ms), 1);
        assert_eq!(Timestamp::new(-1, Rational::new(1, 2000)).rescale(ms), -1);
        assert_eq!(Timestamp::new(1, Rational::new(1, 2001)).rescale(ms), 0);
        assert_eq!(Timestamp::new(i64::MAX, Rational::new(1, 1)).rescale(ms), i64::MAX);
        assert_eq!(Timestamp::new(i64::MIN, Rational::new(i64::MAX, 1)).rescale(Rational::new(1, i64::MAX)), i64::MIN);
        assert_eq!(Timestamp::new(5, Rational::ZERO).rescale(ms), 0);
        assert_eq!(Timestamp::new(5, ms).rescale(Rational::ZERO), 0);
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, millis) in [
            ("0", 0),
            ("12.5", 12_500),
            ("01:30", 90_000),
            ("1:00:00.04", 3_600_040),
            ("300/25", 12_000),
            ("-2", -2000),
        ] {
            assert_eq!(
                text.parse::<Timestamp>().map(|time| time.rescale(Rational::new(1, 1000))),
                Ok(millis),
                "{text}"
            );
        }
        for text in ["", "x", "1:60", "1:2:3:4", "1.", "--1", "1/0", ".5", "99999999999999999999", "1e5", "+1"] {
            assert_eq!(text.parse::<Timestamp>().is_ok(), text == "1.", "{text}");
        }
    }

    #[test]
    fn broken_fractions_become_unknown() {
        assert_eq!(Rational::new(5, 0), Rational::ZERO);
        assert_eq!(Rational::new(5, -1), Rational::ZERO);
        assert_eq!(Rational::new(0, 7), Rational::ZERO);
        assert_eq!(Rational::new(i64::MIN, i64::MAX).num, i64::MIN);
    }

    #[test]
    fn order_is_exact_across_bases() {
        let third = Timestamp::new(1, Rational::new(1, 3));
        assert!(third > Timestamp::new(333_333_333, Rational::new(1, 1_000_000_000)));
        assert!(third < Timestamp::new(333_333_334, Rational::new(1, 1_000_000_000)));
        assert_eq!(third, Timestamp::new(30_000, Rational::new(1, 90_000)));
    }
}
