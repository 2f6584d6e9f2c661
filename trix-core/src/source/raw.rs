//! The geometry of frames in a file without a header: raw planes only.
//!
//! Invariant: with a geometry that passed [`check`], the size of a frame is known before a byte is read.

use trix_av::pixel::PixelFormat;
use trix_model::{mistake::Mistake, time::Rational};

use crate::settings::source::RawGeometry;

/// Checks the geometry and returns the bytes of one frame, with unpadded planes.
///
/// # Errors
/// All mistakes in the geometry.
pub(super) fn check(raw: &RawGeometry) -> Result<u64, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    for (place, value) in [("source.raw.width", raw.width), ("source.raw.height", raw.height)] {
        if value == 0 || value > i32::MAX as u32 {
            mistakes.push(Mistake::new(place, value, "must be above 0"));
        }
    }
    mistakes.extend(check_rate("source.raw.rate", raw.rate));
    let format = PixelFormat::from_name(&raw.pixel_format).filter(|format| !format.is_hardware());
    if format.is_none() {
        let problem = "is no pixel format that FFmpeg knows; a format such as yuv420p or yuv422p10le";
        mistakes.push(Mistake::new("source.raw.pixel_format", &raw.pixel_format, problem));
    }
    let bytes = format.and_then(|format| format.image_bytes(raw.width, raw.height));
    match bytes {
        Some(bytes) if mistakes.is_empty() => Ok(bytes),
        _ if mistakes.is_empty() => {
            let size = format!("{}x{}", raw.width, raw.height);
            Err(vec![Mistake::new("source.raw", size, "is larger than a frame can be")])
        }
        _ => Err(mistakes),
    }
}

/// Checks a frame rate. A rate above 1000 frames per second is a mistake in the units.
pub(super) fn check_rate(place: &str, rate: Rational) -> Option<Mistake> {
    let fits = i32::try_from(rate.num).is_ok() && i32::try_from(rate.den).is_ok();
    let usable = rate.is_positive() && rate <= Rational::new(1000, 1) && fits;
    (!usable).then(|| Mistake::new(place, rate, "must be above 0 and not above 1000"))
}
