//! Planes of a frame, and how frames are shown: fields, borders, orientation.

use serde::{Deserialize, Serialize};
use zerocopy::FromBytes;

use crate::{
    error::{Error, ErrorKind, Result, Stage},
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

/// How the codec of a source coded a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum FrameType {
    /// From its own samples alone.
    I,
    /// Predicted from one other frame at a time.
    P,
    /// Predicted from two other frames at a time.
    B,
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

    /// The samples of a plane of 8 bits. Row `r` starts at index `r * stride`.
    ///
    /// # Errors
    /// `InvalidSpec` if the samples have more than 8 bits.
    pub fn as_u8(&self) -> Result<&'a [u8]> {
        if self.depth > 8 {
            return Err(wrong(format!("the plane has {} bits, so its samples are u16 and not u8", self.depth)));
        }
        Ok(self.data)
    }

    /// The samples of a plane of more than 8 bits, with the value in the low bits. Row `r` starts at index
    /// `r * stride / 2`.
    ///
    /// # Errors
    /// `InvalidSpec` if the samples have 8 bits, or if `data` or `stride` is not a multiple of two bytes.
    pub fn as_u16(&self) -> Result<&'a [u16]> {
        if self.depth <= 8 {
            return Err(wrong(format!("the plane has {} bits, so its samples are u8 and not u16", self.depth)));
        }
        // The samples are little-endian.
        let here = cfg!(target_endian = "little") && self.stride.is_multiple_of(2);
        let samples = <[u16]>::ref_from_bytes(self.data).ok().filter(|_| here);
        samples.ok_or_else(|| wrong("the plane does not consist of aligned u16 samples in the order of this machine"))
    }

    /// Row `row` of a plane of 8 bits, without padding.
    ///
    /// # Errors
    /// As [`Self::as_u8`]; `InvalidSpec` if there is no such row.
    pub fn row_u8(&self, row: usize) -> Result<&'a [u8]> {
        self.row(self.as_u8()?, self.stride, row)
    }

    /// Row `row` of a plane of more than 8 bits, without padding.
    ///
    /// # Errors
    /// As [`Self::as_u16`]; `InvalidSpec` if there is no such row.
    pub fn row_u16(&self, row: usize) -> Result<&'a [u16]> {
        self.row(self.as_u16()?, self.stride / 2, row)
    }

    fn row<T>(&self, samples: &'a [T], stride: usize, row: usize) -> Result<&'a [T]> {
        let start = row.checked_mul(stride).filter(|_| row < self.height);
        let found = start.and_then(|start| samples.get(start..start.checked_add(self.width)?));
        found.ok_or_else(|| wrong(format!("the plane has {} rows, counted from 0, and no row {row}", self.height)))
    }
}

fn wrong(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidSpec, Stage::Decode, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_gives_its_samples_by_the_type_that_they_have() {
        let words: Vec<u16> = (0..12).map(|sample| sample * 80).collect();
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        // The allocation of `words` is aligned; that of `bytes` need not be.
        let data = zerocopy::IntoBytes::as_bytes(words.as_slice());
        let deep = Plane { data, stride: 8, width: 3, height: 3, depth: 10 };
        assert_eq!(deep.as_u16().unwrap(), words);
        assert_eq!((deep.row_u16(0).unwrap(), deep.row_u16(2).unwrap()), (&words[..3], &words[8..11]));
        let plain = Plane { data: &bytes, stride: 8, width: 5, height: 3, depth: 8 };
        assert_eq!((plain.as_u8().unwrap(), plain.row_u8(1).unwrap()), (&bytes[..], &bytes[8..13]));
        for (error, text) in [
            (deep.as_u8().unwrap_err(), "the plane has 10 bits, so its samples are u16 and not u8"),
            (plain.as_u16().unwrap_err(), "the plane has 8 bits, so its samples are u8 and not u16"),
            (plain.row_u8(3).unwrap_err(), "the plane has 3 rows, counted from 0, and no row 3"),
            (deep.row_u16(usize::MAX).unwrap_err(), "and no row 18446744073709551615"),
            (Plane { stride: 7, ..deep }.as_u16().unwrap_err(), "does not consist of aligned u16 samples"),
            (Plane { data: &data[..23], ..deep }.as_u16().unwrap_err(), "does not consist of aligned u16 samples"),
            (Plane { data: &data[1..23], ..deep }.as_u16().unwrap_err(), "does not consist of aligned u16 samples"),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidSpec);
            assert!(error.to_string().contains(text), "{error}");
        }
    }
}
