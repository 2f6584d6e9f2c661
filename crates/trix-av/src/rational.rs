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
    let (mut num, mut den) = (value.num, value.den);
    while num.abs() > i32::MAX.into() || den > i32::MAX.into() {
        (num, den) = (num / 2, (den / 2).max(1));
    }
    av::AVRational { num: num as c_int, den: den as c_int }
}
