//! Times with a unit for options of external audio tracks: `40 ms`.

use crate::time::{Rational, Timestamp};

/// A finite number in decimals.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    text.parse().ok().filter(|_| is_plain)
}

/// Reads a time: a number with the unit `s`, `ms` or `us`, or `MM:SS`, `HH:MM:SS` or a ratio such as `-1920/48000`. A bare
/// number other than 0 is refused, because it could mean seconds or milliseconds.
#[doc(hidden)]
pub fn read_moment(text: &str) -> Result<Timestamp, String> {
    let wrong = || format!("'{text}' is no time such as 1.5s, -40ms, 00:00:02 or -1920/48000");
    let (number, digits) = match text {
        _ if text.ends_with("ms") => (text.strip_suffix("ms"), 3),
        _ if text.ends_with("us") => (text.strip_suffix("us"), 6),
        _ if text.ends_with('s') => (text.strip_suffix('s'), 0),
        _ if decimal(text) == Some(0.0) => return Ok(Timestamp::new(0, Rational::new(1, 1))),
        _ if decimal(text).is_some() => return Err(format!("'{text}' has no unit; write {text}s or {text}ms")),
        _ => return text.parse().map_err(|_| wrong()),
    };
    let number = number.unwrap_or_default();
    let (sign, number) = number.strip_prefix('-').map_or((1, number), |rest| (-1, rest));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || fraction.len() + digits > 9 {
        return Err(wrong());
    }
    let ticks: i64 = format!("{whole}{fraction}").parse().map_err(|_| wrong())?;
    Ok(Timestamp::new(sign * ticks, Rational::new(1, 10i64.pow((fraction.len() + digits) as u32))))
}

/// Writes a time that [`read_moment`] reads as exactly the same: in milliseconds if they are exact.
pub(super) fn write_moment(time: Timestamp) -> String {
    let millis = time.rescale(Rational::new(1, 1000));
    if Timestamp::new(millis, Rational::new(1, 1000)) == time {
        return format!("{millis}ms");
    }
    let text = time.as_spec();
    // A ratio has no unit.
    if text.contains('/') { text } else { format!("{text}s") }
}
