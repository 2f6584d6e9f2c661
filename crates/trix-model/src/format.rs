//! Formats of frames and audio: pixel formats, bit depth, chroma subsampling, sample formats.
//!
//! Invariant: every [`FrameFormat`] is planar. Any other format of a decoder is known by name only, until the filter
//! stage converts it to a [`FrameFormat`].

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
pub struct FrameFormat {
    /// Subsampling; 4:4:4 for RGB.
    pub chroma: Chroma,
    /// Bits per sample: 8 to 16.
    pub depth: u32,
    /// True if the planes are green, blue and red.
    pub rgb: bool,
    /// True if an alpha plane follows the other planes.
    pub alpha: bool,
}

impl FrameFormat {
    /// Y or YCbCr without alpha.
    pub const fn ycbcr(chroma: Chroma, depth: u32) -> Self {
        FrameFormat { chroma, depth, rgb: false, alpha: false }
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
    pub fn frame_bytes(self, width: usize, height: usize) -> usize {
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

impl fmt::Display for FrameFormat {
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

impl FromStr for FrameFormat {
    type Err = String;

    /// Reads FFmpeg's name of a format, as [`FrameFormat::name`] writes it.
    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text.strip_suffix("le").unwrap_or(text);
        let base = bare.trim_end_matches(|digit: char| digit.is_ascii_digit());
        // The digits of "yuv420p10" end the name; those in the middle of it belong to the base.
        let depth = match &bare[base.len()..] {
            "" => 8,
            digits => digits.parse().map_err(|_| format!("'{text}' has a depth of too many digits"))?,
        };
        let (rgb, alpha, chroma) = match base {
            "gbrp" => (true, false, Chroma::C444),
            "gbrap" => (true, true, Chroma::C444),
            "gray" => (false, false, Chroma::C400),
            "yuv420p" => (false, false, Chroma::C420),
            "yuv422p" => (false, false, Chroma::C422),
            "yuv444p" => (false, false, Chroma::C444),
            "yuva420p" => (false, true, Chroma::C420),
            "yuva422p" => (false, true, Chroma::C422),
            "yuva444p" => (false, true, Chroma::C444),
            _ => return Err(format!("'{text}' is not a planar format")),
        };
        let format = FrameFormat { chroma, depth, rgb, alpha };
        match format.name() == text {
            true => Ok(format),
            false => Err(format!("'{text}' is not a planar format")),
        }
    }
}

impl<'de> Deserialize<'de> for FrameFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for FrameFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

impl schemars::JsonSchema for FrameFormat {
    fn schema_name() -> Cow<'static, str> {
        "PictureFormat".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "examples": ["yuv420p", "yuv422p10le"] })
    }
}

/// The type of an audio sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SampleType {
    /// Unsigned, 8 bits; 128 is silence.
    U8,
    /// Signed, 16 bits.
    I16,
    /// Signed, 32 bits.
    I32,
    /// Signed, 64 bits.
    I64,
    /// Floating point, 32 bits; full scale is 1.
    F32,
    /// Floating point, 64 bits; full scale is 1.
    F64,
}

impl SampleType {
    /// Every type of sample.
    pub const ALL: [SampleType; 6] =
        [SampleType::U8, SampleType::I16, SampleType::I32, SampleType::I64, SampleType::F32, SampleType::F64];

    /// Bytes of one sample.
    pub fn bytes(self) -> usize {
        match self {
            SampleType::U8 => 1,
            SampleType::I16 => 2,
            SampleType::I32 | SampleType::F32 => 4,
            SampleType::I64 | SampleType::F64 => 8,
        }
    }

    /// FFmpeg's name of the interleaved format of this type.
    fn ffmpeg(self) -> &'static str {
        match self {
            SampleType::U8 => "u8",
            SampleType::I16 => "s16",
            SampleType::I32 => "s32",
            SampleType::I64 => "s64",
            SampleType::F32 => "flt",
            SampleType::F64 => "dbl",
        }
    }
}

impl fmt::Display for SampleType {
    /// Rust's name of the type.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SampleType::U8 => "u8",
            SampleType::I16 => "i16",
            SampleType::I32 => "i32",
            SampleType::I64 => "i64",
            SampleType::F32 => "f32",
            SampleType::F64 => "f64",
        })
    }
}

/// How the samples of audio lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SampleFormat {
    /// The type of each sample.
    pub sample: SampleType,
    /// True if each channel has a plane of its own. Otherwise the samples of all channels take turns in one plane.
    pub planar: bool,
}

impl fmt::Display for SampleFormat {
    /// FFmpeg's name, such as `s16` or `fltp`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.sample.ffmpeg(), if self.planar { "p" } else { "" })
    }
}

impl FromStr for SampleFormat {
    type Err = String;

    /// Reads FFmpeg's name.
    fn from_str(text: &str) -> Result<Self, String> {
        let all = SampleType::ALL.into_iter().flat_map(|sample| [(sample, false), (sample, true)]);
        let mut all = all.map(|(sample, planar)| SampleFormat { sample, planar });
        all.find(|format| format.to_string() == text).ok_or_else(|| format!("'{text}' is not a sample format"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sample_formats_have_the_names_of_ffmpeg() {
        for (name, sample, planar) in
            [("u8", SampleType::U8, false), ("s16p", SampleType::I16, true), ("dblp", SampleType::F64, true)]
        {
            assert_eq!(name.parse(), Ok(SampleFormat { sample, planar }));
        }
        for name in ["", "s24", "f32", "pcm_s16le"] {
            assert!(name.parse::<SampleFormat>().is_err(), "{name}");
        }
    }

    #[test]
    fn odd_sizes_round_chroma_up() {
        let format = FrameFormat::ycbcr(Chroma::C420, 8);
        assert_eq!(format.plane_size(0, 5, 3), (5, 3));
        assert_eq!(format.plane_size(1, 5, 3), (3, 2));
    }

    #[test]
    fn the_name_of_every_format_reads_back() {
        let chromas = [Chroma::C400, Chroma::C420, Chroma::C422, Chroma::C444];
        for (depth, alpha) in [8, 9, 10, 12, 14, 16].into_iter().flat_map(|depth| [(depth, false), (depth, true)]) {
            // Grey with alpha has the name of 4:2:0 with alpha.
            for chroma in chromas.into_iter().filter(|chroma| !alpha || *chroma != Chroma::C400) {
                let format = FrameFormat { chroma, depth, rgb: false, alpha };
                assert_eq!(format.name().parse(), Ok(format));
            }
            let format = FrameFormat { chroma: Chroma::C444, depth, rgb: true, alpha };
            assert_eq!(format.name().parse(), Ok(format));
        }
        for name in ["nv12", "yuv420p8", "yuv420p10be", "yuv420p08le", "", "gray10"] {
            assert!(name.parse::<FrameFormat>().is_err(), "{name}");
        }
    }
}
