//! Why two frames cannot be compared.

use super::score::PlaneLabel;

/// Why two frames cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The frames have different numbers of planes.
    #[error("the reference has {reference} planes, the distorted frame {distorted}")]
    PlaneCount {
        /// Planes of the reference.
        reference: usize,
        /// Planes of the distorted frame.
        distorted: usize,
    },
    /// Only frames of 1 to 4 planes can be compared.
    #[error("frames of {planes} planes are not compared, only of 1 to 4")]
    Layout {
        /// Planes of both frames.
        planes: usize,
    },
    /// A plane differs in size.
    #[error("plane {plane} is {}x{} in the reference, {}x{} in the distorted frame",
        reference.0, reference.1, distorted.0, distorted.1)]
    Size {
        /// The plane.
        plane: PlaneLabel,
        /// Width and height in the reference, in samples.
        reference: (usize, usize),
        /// Width and height in the distorted frame, in samples.
        distorted: (usize, usize),
    },
    /// A plane differs in depth.
    #[error("plane {plane} has {reference} bits in the reference, {distorted} in the distorted frame")]
    Depth {
        /// The plane.
        plane: PlaneLabel,
        /// Bits per sample of the reference.
        reference: u32,
        /// Bits per sample of the distorted frame.
        distorted: u32,
    },
    /// The pair differs from the first one.
    #[error("frame {frame} differs from the first in the number, size or depth of its planes")]
    Changed {
        /// Position of the pair in the comparison, from 0.
        frame: u64,
    },
    /// A plane has no samples, fewer bytes than its rows need, samples of less than 1 or more than 16 bits, or another
    /// depth than the first plane.
    #[error("plane {plane} is not usable: {width}x{height} samples of {depth} bits in {bytes} bytes")]
    Plane {
        /// The plane.
        plane: PlaneLabel,
        /// Samples per row.
        width: usize,
        /// Number of rows.
        height: usize,
        /// Bits per sample.
        depth: u32,
        /// Bytes present.
        bytes: usize,
    },
    /// A metric cannot be measured.
    #[error("{reason}")]
    Unmeasured {
        /// The metric, and why.
        reason: String,
    },
}
