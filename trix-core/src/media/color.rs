//! How sample values mean light: the code points of ITU-T H.273, passed through untouched from source to copy.
//!
//! Invariant: an unspecified code point stays unspecified; nothing is guessed.

use std::{borrow::Cow, fmt};

use serde::{Serialize, Serializer};

macro_rules! code_point {
    ($(#[$doc:meta])* $name:ident, $($value:literal => $text:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(pub u8);

        impl $name {
            /// The code point for "not known".
            pub const UNSPECIFIED: Self = $name(2);

            /// The customary name, or `reserved(N)`.
            pub fn name(self) -> Cow<'static, str> {
                match self.0 {
                    $($value => $text.into(),)+
                    other => format!("reserved({other})").into(),
                }
            }

            /// Whether the source says anything.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, schemars::JsonSchema)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, schemars::JsonSchema)]
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

    /// The `chroma_sample_loc_type` that a bitstream carries, where one is known.
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

/// Everything that says how samples mean colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, schemars::JsonSchema)]
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
    fn chroma_locations_round_trip() {
        for value in 0..6 {
            assert_eq!(ChromaLocation::from_h273_type(value).h273_type(), Some(value));
        }
        assert_eq!(ChromaLocation::from_h273_type(6), ChromaLocation::Unspecified);
        assert_eq!(ChromaLocation::Unspecified.h273_type(), None);
    }
}
