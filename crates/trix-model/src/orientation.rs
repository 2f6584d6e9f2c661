//! How a player turns and mirrors coded frames before it shows them.
//!
//! Invariant: only quarter turns and reflections are orientations. A matrix that scales, shears or turns by another
//! angle is not one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a player does to a coded frame: first mirrors it, left to right, then turns it clockwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Orientation {
    /// Degrees clockwise: 0, 90, 180 or 270.
    pub degrees: u16,
    /// True if left and right are exchanged before.
    pub mirrored: bool,
}

impl Orientation {
    /// The orientation of a display matrix (ISO/IEC 14496-12, 6.2.2: `a b u c d v x y w`, row vectors, 16.16 fixed
    /// point except `u v w`). `None` if the matrix is not a combination of quarter turns and reflections.
    pub fn from_matrix(matrix: &[i32; 9]) -> Option<Self> {
        // Coordinates grow to the right and down: (1, 0) maps to (a, b) and (0, 1) to (c, d).
        let sign = |value: i32| match value {
            0 => Some(0),
            value if value.unsigned_abs() == 1 << 16 => Some(value.signum()),
            _ => None,
        };
        let [a, b, c, d] = [sign(matrix[0])?, sign(matrix[1])?, sign(matrix[3])?, sign(matrix[4])?];
        let found = (0..8).map(|index| Orientation { degrees: index / 2 * 90, mirrored: index % 2 == 1 });
        found.into_iter().find(|orientation| orientation.axes() == [a, b, c, d])
    }

    /// Where a step to the right and a step down lead: `a b c d` of the matrix.
    fn axes(self) -> [i32; 4] {
        let [a, b, c, d] = match self.degrees {
            0 => [1, 0, 0, 1],
            90 => [0, 1, -1, 0],
            180 => [-1, 0, 0, -1],
            _ => [0, -1, 1, 0],
        };
        if self.mirrored { [-a, -b, c, d] } else { [a, b, c, d] }
    }

    /// The display matrix of this orientation, without a translation.
    pub fn to_matrix(self) -> [i32; 9] {
        let [a, b, c, d] = self.axes().map(|sign| sign << 16);
        [a, b, 0, c, d, 0, 0, 0, 1 << 30]
    }

    /// True if frames are shown as they are coded.
    pub fn is_upright(self) -> bool {
        self == Orientation::default()
    }

    /// True if the top row becomes the bottom row.
    pub fn turns_over(self) -> bool {
        self.degrees == 180
    }

    /// True if width and height are exchanged.
    pub fn is_sideways(self) -> bool {
        self.degrees % 180 == 90
    }
}

impl fmt::Display for Orientation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.mirrored, self.degrees) {
            (false, 0) => f.write_str("upright"),
            (true, 0) => f.write_str("mirrored"),
            (false, degrees) => write!(f, "turned {degrees} degrees clockwise"),
            (true, degrees) => write!(f, "mirrored, then turned {degrees} degrees clockwise"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_eight_orientations_round_trip_and_nothing_else_is_one() {
        for index in 0..8 {
            let orientation = Orientation { degrees: index / 2 * 90, mirrored: index % 2 == 1 };
            assert_eq!(Orientation::from_matrix(&orientation.to_matrix()), Some(orientation));
        }
        let mut skewed = Orientation::default().to_matrix();
        skewed[1] = 1 << 15;
        assert_eq!(Orientation::from_matrix(&skewed), None);
        assert_eq!(Orientation::from_matrix(&[0; 9]), None);
    }
}
