//! Planes of a frame, and how frames are shown: fields, borders, orientation.

use serde::{Deserialize, Serialize};

use crate::{
    hdr::{DolbyVision, StaticHdr},
    orientation::Orientation,
};

/// Which field is shown first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldOrder {
    /// The one with the uppermost row.
    Top,
    /// The one with the second row.
    Bottom,
}

impl FieldOrder {
    /// The opposite order of the same fields.
    pub fn other(self) -> Self {
        match self {
            FieldOrder::Top => FieldOrder::Bottom,
            FieldOrder::Bottom => FieldOrder::Top,
        }
    }

    /// FFmpeg's name for this order in its filters.
    pub fn name(self) -> &'static str {
        match self {
            FieldOrder::Top => "tff",
            FieldOrder::Bottom => "bff",
        }
    }
}

/// Black around frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Padding {
    /// Samples in a row of the whole.
    pub width: usize,
    /// Rows of the whole.
    pub height: usize,
    /// Samples to the left of the frame.
    pub left: usize,
    /// Rows above the frame.
    pub top: usize,
}

/// What a container says about frames beside their samples.
#[derive(Clone, Copy, Debug, Default)]
pub struct Display {
    /// How a player turns frames.
    pub orientation: Orientation,
    /// Static HDR metadata.
    pub hdr: StaticHdr,
    /// Configuration of Dolby Vision.
    pub dolby_vision: Option<DolbyVision>,
}

/// One plane of a frame: `height` rows of `width` samples. Row `r` starts at byte `r * stride`.
///
/// Samples are `u8` if `depth` is 8 or less. Otherwise they are little-endian `u16` with the value in the low bits.
#[derive(Clone, Copy)]
pub struct Plane<'a> {
    /// The bytes. The last row may end before its stride does.
    pub data: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Samples per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bits per sample.
    pub depth: u32,
}

impl<'a> Plane<'a> {
    /// Bytes of the samples in a row, without the padding of the stride.
    pub fn row_bytes(&self) -> usize {
        self.width * if self.depth > 8 { 2 } else { 1 }
    }

    /// The rows, top to bottom, without padding.
    pub fn rows(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (data, stride, bytes) = (self.data, self.stride, self.row_bytes());
        (0..self.height).map(move |row| &data[row * stride..row * stride + bytes])
    }
}
