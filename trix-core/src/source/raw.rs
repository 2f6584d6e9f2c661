//! The geometry of frames in a file without a header: raw planes only.
//!
//! Invariant: with a geometry that passed [`RawGeometry::check`], the size of a frame is known before a byte is read.

use std::{fmt, str::FromStr};

use trix_av::pixel::PixelFormat;
use trix_model::{mistake::Mistake, time::Rational};

use crate::spec::source::RawGeometry;

impl RawGeometry {
    /// Checks the geometry and returns the bytes of one frame, with unpadded planes.
    ///
    /// # Errors
    /// All mistakes in the geometry.
    pub(crate) fn check(&self) -> Result<u64, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        for (place, value) in [("source.raw.width", self.width), ("source.raw.height", self.height)] {
            if value == 0 || value > i32::MAX as u32 {
                mistakes.push(Mistake::new(place, value, "must be above 0"));
            }
        }
        mistakes.extend(check_rate("source.raw.rate", self.rate));
        let format = PixelFormat::from_name(&self.pixel_format).filter(|format| !format.is_hardware());
        if format.is_none() {
            let problem = "is no pixel format that FFmpeg knows; a format such as yuv420p or yuv422p10le";
            mistakes.push(Mistake::new("source.raw.pixel_format", &self.pixel_format, problem));
        }
        let bytes = format.and_then(|format| format.image_bytes(self.width, self.height));
        match bytes {
            Some(bytes) if mistakes.is_empty() => Ok(bytes),
            _ if mistakes.is_empty() => {
                let size = format!("{}x{}", self.width, self.height);
                Err(vec![Mistake::new("source.raw", size, "is larger than a frame can be")])
            }
            _ => Err(mistakes),
        }
    }
}

/// Checks a frame rate. A rate above 1000 frames per second is a mistake in the units.
pub(super) fn check_rate(place: &str, rate: Rational) -> Option<Mistake> {
    let fits = i32::try_from(rate.num).is_ok() && i32::try_from(rate.den).is_ok();
    let usable = rate.is_positive() && rate <= Rational::new(1000, 1) && fits;
    (!usable).then(|| Mistake::new(place, rate, "must be above 0 and not above 1000"))
}

impl fmt::Display for RawGeometry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}:{}:{}", self.width, self.height, self.pixel_format, self.rate)
    }
}

/// ```
/// use trix_core::spec::source::RawGeometry;
/// let raw: RawGeometry = "480x270:yuv420p10le:24000/1001".parse()?;
/// assert_eq!((raw.width, raw.height, raw.pixel_format.as_str()), (480, 270, "yuv420p10le"));
/// assert_eq!(raw.to_string().parse(), Ok(raw));
/// # Ok::<(), String>(())
/// ```
impl FromStr for RawGeometry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not WIDTHxHEIGHT:FORMAT:RATE such as 1920x1080:yuv422p10le:25");
        let mut parts = text.splitn(3, ':');
        let (size, format, rate) = match (parts.next(), parts.next(), parts.next()) {
            (Some(size), Some(format), Some(rate)) => (size, format, rate),
            _ => return Err(wrong()),
        };
        let (width, height) = size.split_once('x').ok_or_else(wrong)?;
        Ok(RawGeometry {
            width: width.parse().map_err(|_| wrong())?,
            height: height.parse().map_err(|_| wrong())?,
            pixel_format: format.to_owned(),
            rate: rate.parse()?,
        })
    }
}
