//! Formats of frames and audio: pixel formats, bit depth, chroma subsampling, sample formats.
//!
//! Invariant: every [`PictureFormat`] is planar. Any other format of a decoder is known by name only, until the filter
//! stage converts it to a [`PictureFormat`].

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

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

/// Planar samples of a given bit depth: the formats that encoders take and quality metrics compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PictureFormat {
    /// Subsampling; 4:4:4 for RGB.
    pub chroma: Chroma,
    /// Bits per sample: 8 to 16.
    pub depth: u32,
    /// True if the planes are green, blue and red.
    pub rgb: bool,
    /// True if an alpha plane follows the other planes.
    pub alpha: bool,
}

impl PictureFormat {
    /// Y or YCbCr without alpha.
    pub const fn ycbcr(chroma: Chroma, depth: u32) -> Self {
        PictureFormat { chroma, depth, rgb: false, alpha: false }
    }

    /// True for Y or YCbCr without alpha: the only formats that x264 and x265 take.
    pub fn is_plain(self) -> bool {
        !self.rgb && !self.alpha
    }

    /// Number of planes.
    pub fn planes(self) -> usize {
        self.chroma.planes() + usize::from(self.alpha)
    }

    /// FFmpeg's name of this format in little-endian sample order.
    pub fn name(self) -> Cow<'static, str> {
        let base = match (self.rgb, self.alpha, self.chroma) {
            (true, false, _) => "gbrp",
            (true, true, _) => "gbrap",
            (_, false, Chroma::C400) => "gray",
            (_, false, Chroma::C420) => "yuv420p",
            (_, false, Chroma::C422) => "yuv422p",
            (_, false, Chroma::C444) => "yuv444p",
            // Grey with alpha has no planar format of its own.
            (_, true, Chroma::C400 | Chroma::C420) => "yuva420p",
            (_, true, Chroma::C422) => "yuva422p",
            (_, true, Chroma::C444) => "yuva444p",
        };
        if self.depth <= 8 { base.into() } else { format!("{base}{}le", self.depth).into() }
    }

    /// Size in bytes of the samples of a frame of `width` by `height`.
    pub fn picture_bytes(self, width: usize, height: usize) -> usize {
        let sample = if self.depth > 8 { 2 } else { 1 };
        (0..self.planes())
            .map(|plane| self.plane_size(plane, width, height))
            .map(|(width, height)| width * height * sample)
            .sum()
    }

    /// Width and height of plane `plane` in a frame of `width` by `height`.
    pub fn plane_size(self, plane: usize, width: usize, height: usize) -> (usize, usize) {
        // Alpha, like luma, is never subsampled.
        let (x, y) = if plane == 0 || plane >= self.chroma.planes() { (0, 0) } else { self.chroma.shift() };
        (width.div_ceil(1 << x), height.div_ceil(1 << y))
    }
}

impl fmt::Display for PictureFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rgb {
            true => f.write_str("RGB")?,
            false => self.chroma.fmt(f)?,
        }
        if self.alpha {
            f.write_str(" with alpha")?;
        }
        write!(f, " {} bits", self.depth)
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
    fn odd_sizes_round_chroma_up() {
        let format = PictureFormat::ycbcr(Chroma::C420, 8);
        assert_eq!(format.plane_size(0, 5, 3), (5, 3));
        assert_eq!(format.plane_size(1, 5, 3), (3, 2));
    }
}
