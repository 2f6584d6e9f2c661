//! What is done to frames between the decoder and the encoder.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::size::Size;
use crate::{
    color::{Color, Matrix, Primaries, Range, Standard, Transfer},
    mistake::none_of,
    time::Rational,
};

/// What is done to frames. By default, frames get the conversions that a viewer would miss, and the report names them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PictureSettings {
    /// What is done to interlaced frames.
    pub deinterlace: Deinterlace,
    /// True to apply inverse telecine: film at 30000/1001 frames per second with 3:2 pulldown is restored to
    /// 24000/1001.
    pub inverse_telecine: bool,
    /// What is cropped at the edges.
    pub crop: Crop,
    /// Whether frames are rotated and mirrored as the container specifies.
    pub rotate: Rotate,
    /// The size after cropping; the side -2 follows from the other and the aspect ratio. Default: the source's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// How samples are computed if the size changes.
    pub resampler: Resampler,
    /// The size of a black frame in which frames are centred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pad: Option<Size>,
    /// Frames per second; frames are repeated or dropped. Default: the times of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<FrameRate>,
    /// How high dynamic range is converted to standard dynamic range.
    pub tonemap: Tonemap,
    /// Colour properties that replace those of the source.
    pub source_color: ColorOverride,
    /// The target of colour conversion. Default: the colour of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Standard>,
    /// The target range of values. Default: the range of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
    /// What is done to an alpha channel.
    pub alpha: Alpha,
    /// What is done to HDR10+ and Dolby Vision metadata.
    pub dynamic_hdr: DynamicHdr,
    /// What is done when the source changes its size or format in mid-stream.
    pub on_change: OnChange,
}

/// What is done to interlaced frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Deinterlace {
    /// Decided by the flags of container and bitstream, and by a measurement if they indicate fields. FFV1 and ProRes
    /// keep fields.
    #[default]
    Auto,
    /// One frame from each frame.
    On,
    /// One frame from each field: motion stays as smooth as it was.
    Fields,
    /// Fields stay, and the output is flagged as interlaced.
    Off,
}

/// What is cropped at the edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Crop {
    /// Nothing.
    #[default]
    None,
    /// Black borders, measured at several places of the source.
    Auto,
    /// The 32 rows of the vertical blanking interval that D-10 (IMX) stores above the picture. Other sources stay whole.
    Vbi,
    /// Everything but this rectangle of the coded frame.
    Rectangle(Rectangle),
}

/// A part of a frame, in samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rectangle {
    /// Width in samples.
    pub width: usize,
    /// Height in rows.
    pub height: usize,
    /// Samples to the left of it.
    pub left: usize,
    /// Rows above it.
    pub top: usize,
}

impl FromStr for Crop {
    type Err = String;

    /// Reads `auto`, `vbi`, `none` or `WIDTHxHEIGHT+LEFT+TOP`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not auto, vbi, none or a rectangle such as 1920x800+0+140");
        match text {
            "auto" => return Ok(Crop::Auto),
            "vbi" => return Ok(Crop::Vbi),
            "none" => return Ok(Crop::None),
            _ => {}
        }
        let (size, place) = text.split_once('+').ok_or_else(wrong)?;
        let (width, height) = size.split_once('x').ok_or_else(wrong)?;
        let (left, top) = place.split_once('+').ok_or_else(wrong)?;
        let number = |text: &str| text.parse::<usize>().map_err(|_| wrong());
        Ok(Crop::Rectangle(Rectangle {
            width: number(width)?,
            height: number(height)?,
            left: number(left)?,
            top: number(top)?,
        }))
    }
}

/// Whether frames are rotated upright.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rotate {
    /// As the container specifies.
    #[default]
    Auto,
    /// Frames are not rotated; MP4 and MOV pass the rotation on to players.
    Off,
}

/// How high dynamic range is converted to standard dynamic range.
///
/// Light is scaled so that reference white (203 cd/m2, ITU-R BT.2408) is 1, primaries are converted to those of BT.709,
/// and the operator compresses brighter values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tonemap {
    /// `mobius` if the output has 8 bits, else none.
    #[default]
    Auto,
    /// High dynamic range is kept.
    Off,
    /// Linear up to 0.3, then compressed: keeps midtones and colours.
    Mobius,
    /// A film-like curve: keeps detail in highlights, darker.
    Hable,
    /// x / (x + 1), scaled to the peak.
    Reinhard,
}

impl Tonemap {
    /// The name of the curve in libavfilter.
    pub fn operator(self) -> Option<&'static str> {
        match self {
            Tonemap::Auto | Tonemap::Off => None,
            Tonemap::Mobius => Some("mobius"),
            Tonemap::Hable => Some("hable"),
            Tonemap::Reinhard => Some("reinhard"),
        }
    }
}

/// Colour properties that replace those of the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ColorOverride {
    /// Colour primaries: which red, green and blue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primaries: Option<Primaries>,
    /// Transfer function, from light to code value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transfer>,
    /// Matrix from RGB to YCbCr.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Matrix>,
    /// Range: which code values are black and white.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
}

impl ColorOverride {
    /// Returns `color` with the replaced properties.
    pub fn apply(&self, color: Color) -> Color {
        Color {
            primaries: self.primaries.unwrap_or(color.primaries),
            transfer: self.transfer.unwrap_or(color.transfer),
            matrix: self.matrix.unwrap_or(color.matrix),
            range: self.range.unwrap_or(color.range),
            ..color
        }
    }
}

impl FromStr for ColorOverride {
    type Err = String;

    /// Reads names of standards and `key=value`, separated by commas: `bt709`, `bt601-625,range=full`,
    /// `primaries=bt2020,transfer=smpte2084`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut color = ColorOverride::default();
        for part in text.split(',') {
            let Some((key, value)) = part.split_once('=') else {
                let (primaries, transfer, matrix) = part.parse::<Standard>()?.code_points();
                color.primaries = Some(primaries);
                color.transfer = Some(transfer);
                color.matrix = Some(matrix);
                continue;
            };
            let unknown = |known: Vec<&str>| none_of(value, &known);
            match key {
                "primaries" => {
                    color.primaries = Some(Primaries::from_name(value).ok_or_else(|| unknown(Primaries::names()))?);
                }
                "transfer" => {
                    color.transfer = Some(Transfer::from_name(value).ok_or_else(|| unknown(Transfer::names()))?);
                }
                "matrix" => color.matrix = Some(Matrix::from_name(value).ok_or_else(|| unknown(Matrix::names()))?),
                "range" => {
                    color.range = Some(match value {
                        "limited" => Range::Limited,
                        "full" => Range::Full,
                        _ => return Err(unknown(vec!["limited", "full"])),
                    });
                }
                _ => return Err(none_of(key, &["primaries", "transfer", "matrix", "range"])),
            }
        }
        Ok(color)
    }
}

/// What is done to an alpha channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Alpha {
    /// Kept if the output can hold it (FFV1, ProRes 4444), else composited on black.
    #[default]
    Auto,
    /// Composited on black.
    Black,
    /// A source with an alpha channel is refused.
    Refuse,
}

/// What is done to HDR10+ and Dolby Vision metadata.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DynamicHdr {
    /// Carried frame by frame if output and transforms allow it, else left out with a note.
    #[default]
    Carry,
    /// Left out.
    Drop,
    /// Carried, or the job is refused.
    Require,
}

/// What is done when the source changes its size or format in mid-stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnChange {
    /// Later frames are converted to the size and format of the first. The report states how often and where.
    #[default]
    Scale,
    /// The job fails.
    Refuse,
}

/// Frames per second, as text: `25` or `24000/1001`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRate(pub Rational);

impl FromStr for FrameRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a rate such as 25, 24000/1001 or 23.976");
        let (num, den) = match text.split_once('/') {
            Some((num, den)) => (num.parse::<i64>().ok(), den.parse::<i64>().ok()),
            None => match text {
                // Common decimal spellings of NTSC rates.
                "23.976" | "23.98" => (Some(24_000), Some(1001)),
                "29.97" => (Some(30_000), Some(1001)),
                "59.94" => (Some(60_000), Some(1001)),
                _ => (text.parse::<i64>().ok(), Some(1)),
            },
        };
        match (num, den) {
            (Some(num @ 1..=1_000_000), Some(den @ 1..=1_000_000)) if num / den <= 1000 => {
                Ok(FrameRate(Rational::new(num, den)))
            }
            _ => Err(wrong()),
        }
    }
}

impl std::fmt::Display for FrameRate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.den {
            1 => write!(f, "{}", self.0.num),
            den => write!(f, "{}/{den}", self.0.num),
        }
    }
}

impl Serialize for FrameRate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FrameRate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for FrameRate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FrameRate".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "examples": ["25", "24000/1001"] })
    }
}

/// How new samples are computed from old ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Resampler {
    /// Windowed sinc over three lobes: sharp.
    #[default]
    Lanczos,
    /// Catmull-Rom cubic.
    Bicubic,
    /// Triangle: soft, quick.
    Bilinear,
}

impl Resampler {
    /// The name, which is the same in zimg and swscale.
    #[doc(hidden)]
    pub fn name(self) -> &'static str {
        match self {
            Resampler::Lanczos => "lanczos",
            Resampler::Bicubic => "bicubic",
            Resampler::Bilinear => "bilinear",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_rates_and_colours_are_read() {
        let rectangle = Rectangle { width: 1920, height: 800, left: 0, top: 140 };
        assert_eq!("1920x800+0+140".parse(), Ok(Crop::Rectangle(rectangle)));
        assert_eq!("29.97".parse(), Ok(FrameRate(Rational::new(30_000, 1001))));
        let color: ColorOverride = "bt601-625,range=full".parse().unwrap();
        assert_eq!((color.matrix, color.range), (Some(Matrix(5)), Some(Range::Full)));
        for text in ["", "1920x800", "1x2+3", "axb+c+d"] {
            assert!(text.parse::<Crop>().is_err(), "{text}");
        }
        for text in ["", "0", "-25", "25/0", "fast", "2000"] {
            assert!(text.parse::<FrameRate>().is_err(), "{text}");
        }
        for text in ["", "bt708", "range=tv", "light=on"] {
            assert!(text.parse::<ColorOverride>().is_err(), "{text}");
        }
    }
}
