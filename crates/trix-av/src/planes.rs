//! Frames made of planes that a caller owns, and how a frame was coded.
//!
//! Invariant: a frame that is made here has samples of its own. It never points to memory of the caller.

use std::ffi::c_int;

use ffmpeg_sys_next as av;
use trix_model::{
    color::Color,
    frame_facts::{FieldOrder, FrameType},
    time::Rational,
};

use super::{check, enum_field, frame::Frame, pixel::PixelFormat, rational::rational};

/// The smallest size of a plane that holds the samples of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaneSize {
    /// Bytes of the samples in a row.
    pub row_bytes: usize,
    /// Rows.
    pub rows: usize,
}

/// A plane in memory: the bytes, and the number of bytes from one row to the next.
pub type Strided<'a> = (&'a [u8], usize);

impl PixelFormat {
    /// The planes of a frame of this format and size. `None` if the frame cannot exist, or if its samples are not bytes
    /// in planes: formats with a palette, with samples that share bytes, and in the memory of a device.
    pub fn plane_sizes(self, width: usize, height: usize) -> Option<Vec<PlaneSize>> {
        let shares = av::AV_PIX_FMT_FLAG_PAL | av::AV_PIX_FMT_FLAG_HWACCEL | av::AV_PIX_FMT_FLAG_BITSTREAM;
        let descriptor = self.descriptor().filter(|found| found.flags & shares as u64 == 0)?;
        self.image_bytes(u32::try_from(width).ok()?, u32::try_from(height).ok()?)?;
        let format = self.to_av();
        let (columns, mut row_bytes) = (c_int::try_from(width).ok()?, [0 as c_int; 4]);
        // SAFETY: the array has the four entries that the call writes.
        check(unsafe { av::av_image_fill_linesizes(row_bytes.as_mut_ptr(), format, columns) }).ok()?;
        // SAFETY: the call takes any format.
        let count = check(unsafe { av::av_pix_fmt_count_planes(format) }).ok()?;
        let rows = |plane: usize| match plane {
            1 | 2 => height.div_ceil(1 << descriptor.log2_chroma_h),
            _ => height,
        };
        let bytes = row_bytes.iter().take(usize::try_from(count).ok()?).enumerate();
        bytes
            .map(|(plane, bytes)| Some(PlaneSize { row_bytes: usize::try_from(*bytes).ok()?, rows: rows(plane) }))
            .collect()
    }
}

impl Frame {
    /// A frame with a copy of these planes. `None` if their number or size does not match the format, see
    /// [`PixelFormat::plane_sizes`].
    pub fn of_planes(format: PixelFormat, width: usize, height: usize, planes: &[Strided<'_>]) -> Option<Frame> {
        let sizes = format.plane_sizes(width, height)?;
        if sizes.len() != planes.len() {
            return None;
        }
        let frame = Frame::allocated(format.0, c_int::try_from(width).ok()?, c_int::try_from(height).ok()?).ok()?;
        let raw = frame.raw();
        for (index, (size, (bytes, stride))) in sizes.iter().zip(planes).enumerate() {
            let line = usize::try_from(raw.linesize[index]).ok().filter(|line| *line >= size.row_bytes)?;
            for row in 0..size.rows {
                let start = row.checked_mul(*stride)?;
                let from = bytes.get(start..start.checked_add(size.row_bytes)?)?;
                // SAFETY: the new frame has `line` bytes for each of the `rows` of its plane, and `from` is not longer.
                // Nothing else refers to the plane.
                unsafe { raw.data[index].add(row * line).copy_from_nonoverlapping(from.as_ptr(), from.len()) };
            }
        }
        Some(frame)
    }

    /// A new reference to the same samples with this description.
    pub fn described(&self, color: Color, fields: Option<FieldOrder>, sample_aspect: Rational) -> Frame {
        let frame_type = self.raw_type();
        let mut copy = self.stamped(self.pts().unwrap_or(0), color, fields);
        // SAFETY: we hold the only reference to the copy. Enums of libavutil hold integers.
        unsafe {
            let raw = copy.raw_mut();
            raw.sample_aspect_ratio = rational(sample_aspect);
            let location = color.chroma_location.h273_type().map_or(0, |value| c_int::from(value) + 1);
            (&raw mut raw.chroma_location).cast::<c_int>().write(location);
            (&raw mut raw.pict_type).cast::<c_int>().write(frame_type);
        }
        copy
    }

    /// How the codec coded this frame. `None` if the decoder does not state it.
    pub fn frame_type(&self) -> Option<FrameType> {
        // The order of `AVPictureType`: the further ones are those of MPEG-4 with a global motion, of switching
        // frames, and of VC-1.
        match self.raw_type() {
            1 | 5 => Some(FrameType::I),
            2 | 4 | 6 => Some(FrameType::P),
            3 | 7 => Some(FrameType::B),
            _ => None,
        }
    }

    fn raw_type(&self) -> c_int {
        // SAFETY: the field has the size of a C int and is initialised.
        unsafe { enum_field!(self.raw().pict_type) }
    }

    /// True if the decoder says that decoding can begin with this frame.
    pub fn is_key(&self) -> bool {
        let raw = self.raw();
        #[cfg(frame_flags_tell_fields)]
        return raw.flags & av::AV_FRAME_FLAG_KEY != 0;
        #[cfg(not(frame_flags_tell_fields))]
        return raw.key_frame != 0;
    }
}

#[cfg(test)]
impl Frame {
    /// A frame of the format that FFmpeg calls `format`, with zeros as samples.
    pub(crate) fn of_zeros(format: &str, width: usize, height: usize) -> Frame {
        let format = PixelFormat::from_name(format).expect("a format");
        let sizes = format.plane_sizes(width, height).expect("planes");
        let bytes: Vec<Vec<u8>> = sizes.iter().map(|size| vec![0; size.row_bytes * size.rows]).collect();
        let planes: Vec<Strided<'_>> = bytes.iter().zip(&sizes).map(|(own, size)| (&own[..], size.row_bytes)).collect();
        Frame::of_planes(format, width, height, &planes).expect("a frame")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(name: &str, width: usize, height: usize) -> Vec<(usize, usize)> {
        let format = PixelFormat::from_name(name).expect("a format");
        let sizes = format.plane_sizes(width, height).unwrap_or_default();
        sizes.into_iter().map(|size| (size.row_bytes, size.rows)).collect()
    }

    #[test]
    fn planes_have_the_sizes_of_their_format() {
        assert_eq!(sizes("yuv420p", 5, 3), [(5, 3), (3, 2), (3, 2)]);
        assert_eq!(sizes("yuva422p10le", 6, 3), [(12, 3), (6, 3), (6, 3), (12, 3)]);
        assert_eq!(sizes("nv12", 6, 4), [(6, 4), (6, 2)]);
        assert_eq!((sizes("gray", 7, 1), sizes("rgb24", 7, 2)), (vec![(7, 1)], vec![(21, 2)]));
        for name in ["pal8", "monob", "vaapi"] {
            assert_eq!(sizes(name, 8, 8), [], "{name}");
        }
        assert_eq!(sizes("yuv420p", 0, 8), []);
    }

    #[test]
    fn a_frame_of_planes_has_their_samples_without_their_padding() {
        let luma = [1, 2, 9, 3, 4, 9, 5, 6];
        let chroma = [[7, 9, 8], [10, 9, 11]];
        let format = PixelFormat::from_name("yuv420p").expect("a format");
        let planes: [Strided<'_>; 3] = [(&luma, 3), (&chroma[0], 2), (&chroma[1], 2)];
        let frame = Frame::of_planes(format, 2, 3, &planes).expect("a frame");
        assert_eq!(frame.packed().as_deref(), Some(&[1, 2, 3, 4, 5, 6, 7, 8, 10, 11][..]));
        assert_eq!((frame.frame_type(), frame.planes().len()), (None, 3));
        assert!(Frame::of_planes(format, 2, 3, &planes[..2]).is_none());
        assert!(Frame::of_planes(format, 2, 3, &[(&luma[..7], 3), planes[1], planes[2]]).is_none());
        assert!(Frame::of_planes(format, 2, 3, &[(&luma, usize::MAX), planes[1], planes[2]]).is_none());
    }
}
