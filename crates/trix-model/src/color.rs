//! How sample values represent light: the code points of ITU-T H.273. They pass unchanged from source to copy.
//!
//! Invariant: an unspecified code point stays unspecified. Trix guesses nothing.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! code_point {
    ($(#[$doc:meta])* $name:ident, $($value:literal => $text:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(pub u8);

        impl $name {
            /// The code point for "unspecified".
            pub const UNSPECIFIED: Self = $name(2);

            /// The customary name, or `reserved(N)`.
            pub fn name(self) -> Cow<'static, str> {
                match self.0 {
                    $($value => $text.into(),)+
                    other => format!("reserved({other})").into(),
                }
            }

            /// The code point with this customary name.
            pub fn from_name(name: &str) -> Option<Self> {
                [$($value),+].into_iter().map($name).find(|point| point.name() == name)
            }

            /// All customary names.
            pub fn names() -> Vec<&'static str> {
                vec![$($text),+]
            }

            /// True if the value is specified.
            pub fn is_specified(self) -> bool {
                self != Self::UNSPECIFIED
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::UNSPECIFIED
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.name())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.name())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = String::deserialize(deserializer)?;
                let known = || crate::mistake::none_of(&name, &$name::names());
                $name::from_name(&name).ok_or_else(|| serde::de::Error::custom(known()))
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "examples": [$($text),+] })
            }
        }
    };
}

code_point!(
    /// Colour primaries (H.273 table 2).
    Primaries,
    1 => "bt709", 2 => "unspecified", 4 => "bt470m", 5 => "bt470bg", 6 => "smpte170m", 7 => "smpte240m", 8 => "film",
    9 => "bt2020", 10 => "smpte428", 11 => "smpte431", 12 => "smpte432", 22 => "ebu3213",
);

code_point!(
    /// Transfer characteristics (H.273 table 3).
    Transfer,
    1 => "bt709", 2 => "unspecified", 4 => "bt470m", 5 => "bt470bg", 6 => "smpte170m", 7 => "smpte240m",
    8 => "linear", 9 => "log100", 10 => "log316", 11 => "iec61966-2-4", 12 => "bt1361e", 13 => "iec61966-2-1",
    14 => "bt2020-10", 15 => "bt2020-12", 16 => "smpte2084", 17 => "smpte428", 18 => "arib-std-b67",
);

code_point!(
    /// Matrix coefficients (H.273 table 4).
    Matrix,
    0 => "gbr", 1 => "bt709", 2 => "unspecified", 4 => "fcc", 5 => "bt470bg", 6 => "smpte170m", 7 => "smpte240m",
    8 => "ycgco", 9 => "bt2020nc", 10 => "bt2020c", 11 => "smpte2085", 12 => "chroma-derived-nc",
    13 => "chroma-derived-c", 14 => "ictcp",
);

/// Which code values black and white have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Range {
    /// The source does not say; by convention read as limited.
    #[default]
    Unspecified,
    /// 16..=235 for luma at 8 bits ("TV", "video").
    Limited,
    /// 0..=255 at 8 bits ("PC", "full").
    Full,
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Range::Unspecified => "unspecified",
            Range::Limited => "limited",
            Range::Full => "full",
        })
    }
}

/// Where chroma samples sit between the luma samples (H.273 figure 1, types 0 to 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChromaLocation {
    /// The source does not say.
    #[default]
    Unspecified,
    /// Type 0: beside the left luma column, between rows (MPEG-2, H.264 default).
    Left,
    /// Type 1: in the middle (MPEG-1, JPEG).
    Center,
    /// Type 2: on the top left luma sample (UHD).
    TopLeft,
    /// Type 3.
    Top,
    /// Type 4.
    BottomLeft,
    /// Type 5.
    Bottom,
}

impl ChromaLocation {
    const TYPES: [ChromaLocation; 6] = [
        ChromaLocation::Left,
        ChromaLocation::Center,
        ChromaLocation::TopLeft,
        ChromaLocation::Top,
        ChromaLocation::BottomLeft,
        ChromaLocation::Bottom,
    ];

    /// The `chroma_sample_loc_type` for a bitstream. `None` if the location is unspecified.
    pub fn h273_type(self) -> Option<u8> {
        Self::TYPES.iter().position(|&location| location == self).map(|at| at as u8)
    }

    /// The inverse of [`Self::h273_type`].
    pub fn from_h273_type(value: u8) -> Self {
        Self::TYPES.get(usize::from(value)).copied().unwrap_or_default()
    }
}

impl fmt::Display for ChromaLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ChromaLocation::Unspecified => "unspecified",
            ChromaLocation::Left => "left",
            ChromaLocation::Center => "center",
            ChromaLocation::TopLeft => "top-left",
            ChromaLocation::Top => "top",
            ChromaLocation::BottomLeft => "bottom-left",
            ChromaLocation::Bottom => "bottom",
        })
    }
}

impl Transfer {
    /// Linear light.
    pub const LINEAR: Self = Transfer(8);
    /// SMPTE ST 2084, the perceptual quantiser of HDR10 and Dolby Vision.
    pub const PQ: Self = Transfer(16);
    /// Hybrid log-gamma (ITU-R BT.2100).
    pub const HLG: Self = Transfer(18);

    /// True for a transfer function of high dynamic range.
    pub fn is_hdr(self) -> bool {
        self == Self::PQ || self == Self::HLG
    }
}

impl Matrix {
    /// The samples are green, blue and red.
    pub const RGB: Self = Matrix(0);
}

/// Primaries, transfer and matrix that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standard {
    /// ITU-R BT.709: high definition.
    Bt709,
    /// ITU-R BT.601 with 525 lines: NTSC countries.
    #[serde(rename = "bt601-525")]
    Bt601With525,
    /// ITU-R BT.601 with 625 lines: PAL and SECAM countries.
    #[serde(rename = "bt601-625")]
    Bt601With625,
    /// ITU-R BT.2020: ultra high definition in standard dynamic range.
    Bt2020,
    /// ITU-R BT.2100 with the perceptual quantiser.
    Pq,
    /// ITU-R BT.2100 with hybrid log-gamma.
    Hlg,
}

impl Standard {
    /// Every standard with its name.
    pub const ALL: [(Standard, &'static str); 6] = [
        (Standard::Bt709, "bt709"),
        (Standard::Bt601With525, "bt601-525"),
        (Standard::Bt601With625, "bt601-625"),
        (Standard::Bt2020, "bt2020"),
        (Standard::Pq, "pq"),
        (Standard::Hlg, "hlg"),
    ];

    /// The code points of this standard (H.273).
    pub fn code_points(self) -> (Primaries, Transfer, Matrix) {
        match self {
            Standard::Bt709 => (Primaries(1), Transfer(1), Matrix(1)),
            Standard::Bt601With525 => (Primaries(6), Transfer(6), Matrix(6)),
            Standard::Bt601With625 => (Primaries(5), Transfer(6), Matrix(5)),
            Standard::Bt2020 => (Primaries(9), Transfer(14), Matrix(9)),
            Standard::Pq => (Primaries(9), Transfer::PQ, Matrix(9)),
            Standard::Hlg => (Primaries(9), Transfer::HLG, Matrix(9)),
        }
    }
}

impl fmt::Display for Standard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(standard, _)| standard == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for Standard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names: Vec<&str> = Self::ALL.iter().map(|(_, name)| *name).collect();
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found.map(|(standard, _)| *standard).ok_or_else(|| crate::mistake::none_of(text, &names))
    }
}

/// Everything that says how samples mean colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Color {
    /// Which red, green and blue.
    pub primaries: Primaries,
    /// Which curve from light to value.
    pub transfer: Transfer,
    /// Which matrix from RGB to YCbCr.
    pub matrix: Matrix,
    /// Which values are black and white.
    pub range: Range,
    /// Where chroma samples sit.
    pub chroma_location: ChromaLocation,
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}, {} range", self.primaries, self.transfer, self.matrix, self.range)
    }
}

impl Color {
    /// This colour, with the values of `other` where this one is unspecified.
    pub fn or(self, other: Color) -> Color {
        Color {
            primaries: if self.primaries.is_specified() { self.primaries } else { other.primaries },
            transfer: if self.transfer.is_specified() { self.transfer } else { other.transfer },
            matrix: if self.matrix.is_specified() { self.matrix } else { other.matrix },
            range: if self.range == Range::Unspecified { other.range } else { self.range },
            chroma_location: match self.chroma_location {
                ChromaLocation::Unspecified => other.chroma_location,
                known => known,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_points_have_their_customary_names() {
        assert_eq!(Primaries(9).to_string(), "bt2020");
        assert_eq!(Transfer(16).to_string(), "smpte2084");
        assert_eq!(Matrix(77).to_string(), "reserved(77)");
        assert!(!Matrix::default().is_specified());
    }

    #[test]
    fn silence_is_filled_and_words_are_kept() {
        let said = Color { primaries: Primaries(9), range: Range::Full, ..Color::default() };
        let other = Color { primaries: Primaries(1), matrix: Matrix(1), range: Range::Limited, ..Color::default() };
        assert_eq!(said.or(other), Color { matrix: Matrix(1), ..said });
        assert_eq!(Color::default().or(said), said);
    }

    #[test]
    fn chroma_locations_round_trip() {
        for value in 0..6 {
            assert_eq!(ChromaLocation::from_h273_type(value).h273_type(), Some(value));
        }
        assert_eq!(ChromaLocation::from_h273_type(6), ChromaLocation::Unspecified);
        assert_eq!(ChromaLocation::Unspecified.h273_type(), None);
    }
}
