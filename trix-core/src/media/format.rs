//! Shapes of pictures and sound: pixel formats, bit depth, chroma subsampling, sample formats.
//!
//! Invariant: every [`PictureFormat`] is planar Y or YCbCr that x264 or x265 takes as it is; anything else a decoder
//! yields is a [`PixelFormat`] by name until the filter stage turned it into one.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

pub use crate::ffi::pixel::PixelFormat;

/// Chroma subsampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Chroma {
    /// No chroma.
    #[serde(rename = "400")]
    C400,
    /// Halved in width and height.
    #[serde(rename = "420")]
    C420,
    /// Halved in width.
    #[serde(rename = "422")]
    C422,
    /// Full.
    #[serde(rename = "444")]
    C444,
}

impl Chroma {
    /// Every subsampling that x264 and x265 encode.
    pub const ALL: [Chroma; 4] = [Chroma::C400, Chroma::C420, Chroma::C422, Chroma::C444];

    /// Binary logarithm of the horizontal and vertical subsampling.
    pub fn shift(self) -> (u32, u32) {
        match self {
            Chroma::C400 | Chroma::C444 => (0, 0),
            Chroma::C420 => (1, 1),
            Chroma::C422 => (1, 0),
        }
    }

    /// Number of planes.
    pub fn planes(self) -> usize {
        if self == Chroma::C400 { 1 } else { 3 }
    }
}

impl fmt::Display for Chroma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Chroma::C400 => "4:0:0",
            Chroma::C420 => "4:2:0",
            Chroma::C422 => "4:2:2",
            Chroma::C444 => "4:4:4",
        })
    }
}

impl FromStr for Chroma {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.replace(':', "").as_str() {
            "400" => Ok(Chroma::C400),
            "420" => Ok(Chroma::C420),
            "422" => Ok(Chroma::C422),
            "444" => Ok(Chroma::C444),
            _ => Err(format!("'{text}' is not a chroma subsampling; known are 400, 420, 422 and 444")),
        }
    }
}

/// Planar YCbCr at a depth: what encoders take and scores compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PictureFormat {
    /// Subsampling.
    pub chroma: Chroma,
    /// Bits in a sample: 8, 10, 12, 14 or 16.
    pub depth: u32,
}

impl PictureFormat {
    /// FFmpeg's name of this format in little-endian sample order.
    pub fn name(self) -> Cow<'static, str> {
        let base = match self.chroma {
            Chroma::C400 => "gray",
            Chroma::C420 => "yuv420p",
            Chroma::C422 => "yuv422p",
            Chroma::C444 => "yuv444p",
        };
        if self.depth <= 8 { base.into() } else { format!("{base}{}le", self.depth).into() }
    }

    /// Bytes of the samples of a picture of `width` by `height`.
    pub fn picture_bytes(self, width: usize, height: usize) -> usize {
        let sample = if self.depth > 8 { 2 } else { 1 };
        (0..self.chroma.planes())
            .map(|plane| self.plane_size(plane, width, height))
            .map(|(width, height)| width * height * sample)
            .sum()
    }

    /// Width and height of plane `plane` of a picture of `width` by `height`.
    pub fn plane_size(self, plane: usize, width: usize, height: usize) -> (usize, usize) {
        let (x, y) = if plane == 0 { (0, 0) } else { self.chroma.shift() };
        (width.div_ceil(1 << x), height.div_ceil(1 << y))
    }
}

impl fmt::Display for PictureFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} bits", self.chroma, self.depth)
    }
}

impl Serialize for PictureFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl schemars::JsonSchema for PictureFormat {
    fn schema_name() -> Cow<'static, str> {
        "PictureFormat".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "examples": ["yuv420p", "yuv422p10le"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_format_is_one_that_libavutil_knows_the_same_way() {
        for chroma in Chroma::ALL {
            for depth in [8, 10, 12] {
                let format = PictureFormat { chroma, depth };
                let pixel = PixelFormat::from_name(&format.name()).expect("libavutil knows the name");
                assert_eq!(pixel.picture(), Some(format));
            }
        }
    }

    #[test]
    fn odd_sizes_round_chroma_up() {
        let format = PictureFormat { chroma: Chroma::C420, depth: 8 };
        assert_eq!(format.plane_size(0, 5, 3), (5, 3));
        assert_eq!(format.plane_size(1, 5, 3), (3, 2));
    }
}
