//! Static HDR metadata: the display on which a master was graded, and how bright the master gets.
//!
//! Invariant: values stay in the units of the standards, so that Trix writes exactly what it read.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::Rational;

/// A point of the CIE 1931 chromaticity diagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Chromaticity {
    /// Horizontal, 0 to 1.
    pub x: Rational,
    /// Vertical, 0 to 1.
    pub y: Rational,
}

/// The display that a master was graded on (SMPTE ST 2086).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MasteringDisplay {
    /// Red, green and blue.
    pub primaries: [Chromaticity; 3],
    /// White.
    pub white: Chromaticity,
    /// Darkest, in candela per square metre.
    pub min_luminance: Rational,
    /// Brightest, in candela per square metre.
    pub max_luminance: Rational,
}

impl MasteringDisplay {
    /// Chromaticities in steps of 0.00002 and luminances in steps of 0.0001 cd/m2, as H.264 (D.2.29), H.265 (D.2.28)
    /// and MP4 write them. Order: green, blue, red, white (x and y each), then the maximum and the minimum luminance.
    pub fn in_steps(&self) -> [u32; 10] {
        let steps = |value: Rational, each_unit: i64| {
            // Round to the nearest step.
            let (num, den) = (i128::from(value.num) * i128::from(each_unit), i128::from(value.den.max(1)));
            u32::try_from((2 * num + den) / (2 * den)).unwrap_or(0)
        };
        let [red, green, blue] = self.primaries;
        let point = |point: Chromaticity| [steps(point.x, 50_000), steps(point.y, 50_000)];
        let ([gx, gy], [bx, by], [rx, ry], [wx, wy]) = (point(green), point(blue), point(red), point(self.white));
        let (most, least) = (steps(self.max_luminance, 10_000), steps(self.min_luminance, 10_000));
        [gx, gy, bx, by, rx, ry, wx, wy, most, least]
    }

    /// The inverse of [`Self::in_steps`].
    pub fn from_steps(steps: &[u32; 10]) -> Self {
        let [gx, gy, bx, by, rx, ry, wx, wy, most, least] = steps.map(i64::from);
        let point = |x, y| Chromaticity { x: Rational::new(x, 50_000), y: Rational::new(y, 50_000) };
        MasteringDisplay {
            primaries: [point(rx, ry), point(gx, gy), point(bx, by)],
            white: point(wx, wy),
            min_luminance: Rational::new(least, 10_000),
            max_luminance: Rational::new(most, 10_000),
        }
    }

    /// The syntax that x264 and x265 take: `G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min)`.
    pub fn as_option(&self) -> String {
        let [gx, gy, bx, by, rx, ry, wx, wy, most, least] = self.in_steps();
        format!("G({gx},{gy})B({bx},{by})R({rx},{ry})WP({wx},{wy})L({most},{least})")
    }
}

impl fmt::Display for MasteringDisplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let near = |point: Chromaticity, (x, y): (f64, f64)| {
            (point.x.to_f64() - x).abs() < 0.002 && (point.y.to_f64() - y).abs() < 0.002
        };
        // ITU-R BT.2020, SMPTE RP 431-2 (P3) and ITU-R BT.709.
        const KNOWN: [(&str, [(f64, f64); 3]); 3] = [
            ("BT.2020", [(0.708, 0.292), (0.170, 0.797), (0.131, 0.046)]),
            ("Display P3", [(0.680, 0.320), (0.265, 0.690), (0.150, 0.060)]),
            ("BT.709", [(0.640, 0.330), (0.300, 0.600), (0.150, 0.060)]),
        ];
        let in_order =
            |list: &[(f64, f64); 3]| self.primaries.iter().zip(list).all(|(point, known)| near(*point, *known));
        let in_any =
            |list: &[(f64, f64); 3]| list.iter().all(|known| self.primaries.iter().any(|point| near(*point, *known)));
        let gamut = if let Some((name, _)) = KNOWN.iter().find(|(_, list)| in_order(list)) {
            (*name).to_owned()
        } else if let Some((name, _)) = KNOWN.iter().find(|(_, list)| in_any(list)) {
            // Some encoders write red, green, blue where the standards require green, blue, red.
            format!("{name} (its primaries in wrong order)")
        } else {
            let list = self.primaries.map(|point| format!("{:.4},{:.4}", point.x.to_f64(), point.y.to_f64()));
            format!("primaries {}", list.join(" "))
        };
        write!(f, "{gamut}, {} to {} cd/m2", trimmed(self.min_luminance), trimmed(self.max_luminance))
    }
}

fn trimmed(value: Rational) -> String {
    let text = format!("{:.4}", value.to_f64());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Light levels of a master (CTA-861.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ContentLight {
    /// MaxCLL: the brightest sample, in candela per square metre.
    pub max: u32,
    /// MaxFALL: the brightest average of a frame, in candela per square metre.
    pub max_average: u32,
}

impl fmt::Display for ContentLight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MaxCLL {}, MaxFALL {}", self.max, self.max_average)
    }
}

/// The Dolby Vision properties that a container states (its configuration record).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DolbyVision {
    /// Version of the format: major and minor.
    pub version: (u8, u8),
    /// Profile, e.g. 5, 7 or 8.
    pub profile: u8,
    /// Level: bounds pixels in a second.
    pub level: u8,
    /// True if frames have reference processing units.
    pub has_rpu: bool,
    /// True if there is an enhancement layer.
    pub has_enhancement: bool,
    /// True if there is a base layer.
    pub has_base: bool,
    /// The format of the base layer alone: 0 nothing, 1 HDR10, 2 SDR, 4 HLG, 6 HDR10 of a disc.
    pub compatibility: u8,
}

impl fmt::Display for DolbyVision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dolby Vision profile {}", self.profile)?;
        if self.profile == 8 {
            write!(f, ".{}", self.compatibility)?;
        }
        write!(f, ", level {}", self.level)
    }
}

/// Static metadata of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StaticHdr {
    /// The display that it was graded on.
    pub mastering: Option<MasteringDisplay>,
    /// How bright it gets.
    pub light: Option<ContentLight>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_those_of_the_standards() {
        let point = |x, y| Chromaticity { x: Rational::new(x, 50_000), y: Rational::new(y, 50_000) };
        let display = MasteringDisplay {
            primaries: [point(34_000, 16_000), point(13_250, 34_500), point(7_500, 3_000)],
            white: point(15_635, 16_450),
            min_luminance: Rational::new(1, 10_000),
            max_luminance: Rational::new(1000, 1),
        };
        assert_eq!(MasteringDisplay::from_steps(&display.in_steps()), display);
        assert_eq!(display.as_option(), "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)");
        assert_eq!(display.to_string(), "Display P3, 0.0001 to 1000 cd/m2");
        let [red, green, blue] = display.primaries;
        let display = MasteringDisplay { primaries: [blue, red, green], ..display };
        assert_eq!(display.to_string(), "Display P3 (its primaries in wrong order), 0.0001 to 1000 cd/m2");
    }
}
