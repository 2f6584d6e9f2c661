//! Sizes of frames as a user writes them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Width and height; -2 stands for the even number that keeps the aspect ratio of the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Width in samples, or -2.
    pub width: i32,
    /// Height in rows, or -2.
    pub height: i32,
}

impl Size {
    /// The size for a source of `width` by `height`. `None` unless both sides are positive, or one is positive and the
    /// other is -2.
    pub fn resolve(self, width: usize, height: usize) -> Option<(usize, usize)> {
        // Rounded to the nearest even number, as subsampled chroma needs it.
        let scaled = |side: i32, this: usize, other: usize| {
            let exact = u128::from(side.unsigned_abs()) * this as u128;
            let even = (exact + other as u128) / (2 * other as u128) * 2;
            usize::try_from(even.max(2)).ok()
        };
        match (self.width, self.height) {
            (w, h) if w > 0 && h > 0 => Some((w as usize, h as usize)),
            (w, -2) if w > 0 => Some((w as usize, scaled(w, height, width.max(1))?)),
            (-2, h) if h > 0 => Some((scaled(h, width, height.max(1))?, h as usize)),
            _ => None,
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a size such as 1280x720, 1280x-2 or -2x720");
        let (width, height) = text.split_once('x').ok_or_else(wrong)?;
        let size = Size { width: width.parse().map_err(|_| wrong())?, height: height.parse().map_err(|_| wrong())? };
        size.resolve(16, 16).map(|_| size).ok_or_else(wrong)
    }
}
