//! Numbers as libav* and Trix have them.

use std::ffi::c_int;

use ffmpeg_sys_next as av;
use trix_model::time::Rational;

/// The same number; one that is divided by zero stays so.
pub(crate) fn from_av(value: av::AVRational) -> Rational {
    Rational::new(value.num.into(), value.den.into())
}

/// The nearest `AVRational`; exact whenever both parts fit 32 bits, as all rates and ratios of real files do.
pub(crate) fn rational(value: Rational) -> av::AVRational {
    let (mut num, mut den) = (value.num, value.den);
    while num.abs() > i32::MAX.into() || den > i32::MAX.into() {
        (num, den) = (num / 2, (den / 2).max(1));
    }
    av::AVRational { num: num as c_int, den: den as c_int }
}
