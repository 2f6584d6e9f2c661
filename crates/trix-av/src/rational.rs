//! Conversions between the rational numbers of libav* and Trix.

use std::ffi::c_int;

use ffmpeg_sys_next as av;
use trix_model::time::Rational;

/// Converts a fraction. A zero denominator gives zero, as [`Rational::new`] defines.
pub(crate) fn from_av(value: av::AVRational) -> Rational {
    Rational::new(value.num.into(), value.den.into())
}

/// The nearest `AVRational`. It is exact if both parts fit 32 bits, as all rates and ratios of real files do.
pub(crate) fn rational(value: Rational) -> av::AVRational {
    let (num, den) = nearest(value, i32::MAX.into());
    av::AVRational { num: num as c_int, den: den as c_int }
}

/// A frame rate in the parts that x264 and x265 take. Their default, 25, if the rate is unknown.
pub(crate) fn rate_parts(rate: Rational) -> (u32, u32) {
    let (num, den) = if rate.is_positive() { nearest(rate, u32::MAX.into()) } else { (25, 1) };
    (num as u32, den as u32)
}

/// A sample aspect ratio in parts of 16 bits (H.264 E.1.1, H.265 E.2.1: `sar_width` and `sar_height`).
pub(crate) fn aspect_parts(aspect: Rational) -> (c_int, c_int) {
    let (num, den) = nearest(aspect, u16::MAX.into());
    (num as c_int, den as c_int)
}

/// The numerator and denominator of the nearest ratio whose parts are at most `most`. Only zero becomes zero.
fn nearest(value: Rational, most: i64) -> (i64, i64) {
    if value.num.unsigned_abs() <= most.unsigned_abs() && value.den <= most {
        return (value.num, value.den);
    }
    let (sign, size) = (value.num.signum(), Rational::new(value.num.saturating_abs(), value.den));
    if size.num == 0 {
        return (0, 1);
    }
    if size.num / size.den >= most {
        return (sign * most, 1);
    }
    match size.nearest_within(most) {
        Rational { num: 0, .. } => (sign, most),
        Rational { num, den } => (sign * num, den),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_that_do_not_fit_become_the_nearest_that_do() {
        let most = i64::from(i32::MAX);
        let of = |num: i64, den: i64| {
            let av::AVRational { num, den } = rational(Rational { num, den });
            (i64::from(num), i64::from(den))
        };
        assert_eq!(of(-most, most), (-most, most));
        assert_eq!(of(most * 2 + 1, 1), (most, 1));
        assert_eq!(of(i64::MIN, 1), (-most, 1));
        assert_eq!(of(1, i64::MAX), (1, most));
        // Two thirds, with parts that halving would round away from each other.
        assert_eq!(of(20_000_000_001, 30_000_000_001), (2, 3));
        assert_eq!(of(-20_000_000_001, 30_000_000_001), (-2, 3));
    }

    #[test]
    fn the_parts_of_a_rate_do_not_change_one_without_the_other() {
        assert_eq!(rate_parts(Rational::new(30_000, 1001)), (30_000, 1001));
        let (num, den) = rate_parts(Rational::new(240_000_000_000_000_001, 10_010_000_000_000_000));
        assert!((f64::from(num) / f64::from(den) - 24_000.0 / 1001.0).abs() < 1e-6, "{num}/{den}");
        assert_eq!((rate_parts(Rational::ZERO), rate_parts(Rational::new(1 << 40, 1))), ((25, 1), (u32::MAX, 1)));
        assert_eq!(aspect_parts(Rational::new(1 << 17, 1)), (65_535, 1));
    }
}
