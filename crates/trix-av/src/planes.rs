//! Frames made of planes that a caller owns, and how a frame was coded.
//!
//! Invariant: a frame that is made here has samples of its own. It never points to memory of the caller.

use std::ffi::c_int;

use ffmpeg_sys_next as av;
use trix_model::{
    color::Color,
    frame_facts::{FieldOrder, FrameType, Plane},
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

/// A checksum (CRC-32) of the samples of these planes, row by row, without padding.
pub fn checksum(planes: &[Plane<'_>]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    planes.iter().flat_map(Plane::rows).for_each(|row| hasher.update(row));
    hasher.finalize()
}

/// The samples of one component of a frame, such as luma or red, wherever they lie in its planes. Sample `x` of row `y`
/// starts at byte `y * stride + x * step`. It is a `u8` if `depth` is 8 or less. Otherwise it is a little-endian `u16`
/// with the value in the low bits.
#[derive(Clone, Copy)]
pub struct Component<'a> {
    /// The bytes from the first sample to the last.
    pub data: &'a [u8],
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Bytes from one sample to the next in a row.
    pub step: usize,
    /// Samples per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bits per sample, 1 to 16.
    pub depth: u32,
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

    /// The components: Y, Cb and Cr, or red, green and blue; then alpha. `None` if samples share bytes, lie in the high bits of
    /// their words, are indices into a palette or floating-point numbers, or have the byte order of another machine.
    pub fn components(&self) -> Option<Vec<Component<'_>>> {
        let odd = av::AV_PIX_FMT_FLAG_PAL
            | av::AV_PIX_FMT_FLAG_HWACCEL
            | av::AV_PIX_FMT_FLAG_BITSTREAM
            | av::AV_PIX_FMT_FLAG_BAYER
            | av::AV_PIX_FMT_FLAG_FLOAT;
        let format = self.pixel_format()?.descriptor().filter(|found| found.flags & odd as u64 == 0)?;
        let (count, raw) = (usize::from(format.nb_components), self.raw());
        let all = format.comp.get(..count)?;
        let is_big_endian = format.flags & av::AV_PIX_FMT_FLAG_BE as u64 != 0;
        if all.iter().any(|own| own.shift != 0 || !(1..=16).contains(&own.depth) || (own.depth > 8 && is_big_endian)) {
            return None;
        }
        let component = |(number, own): (usize, &av::AVComponentDescriptor)| {
            let is_chroma = count > 2 && (number == 1 || number == 2);
            let (right, down) = if is_chroma { (format.log2_chroma_w, format.log2_chroma_h) } else { (0, 0) };
            let (width, height) = (self.width().div_ceil(1 << right), self.height().div_ceil(1 << down));
            let (plane, offset) = (usize::try_from(own.plane).ok()?, usize::try_from(own.offset).ok()?);
            let (start, step) = (*raw.data.get(plane)?, usize::try_from(own.step).ok()?);
            let stride = usize::try_from(raw.linesize[plane]).ok().filter(|_| !start.is_null())?;
            let length =
                stride * height.checked_sub(1)? + step * width.checked_sub(1)? + if own.depth > 8 { 2 } else { 1 };
            if offset + step * (width - 1) + 1 > stride {
                return None;
            }
            // SAFETY: libavutil allocates `linesize` bytes for each row of the plane, and the last sample of a row lies within
            // them.
            let data = unsafe { std::slice::from_raw_parts(start.add(offset), length) };
            Some(Component { data, stride, step, width, height, depth: own.depth as u32 })
        };
        all.iter().enumerate().map(component).collect()
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

    /// States that decoding cannot begin with this frame.
    pub(crate) fn unmark_key(&mut self) {
        let raw = self.raw_mut();
        #[cfg(frame_flags_tell_fields)]
        {
            raw.flags &= !av::AV_FRAME_FLAG_KEY;
        }
        #[cfg(not(frame_flags_tell_fields))]
        {
            raw.key_frame = 0;
        }
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

    #[test]
    fn components_are_found_wherever_they_lie() {
        // The bytes of the samples of each component, in rows.
        let bytes = |name: &str, width: usize, height: usize| -> Option<Vec<Vec<u8>>> {
            let format = PixelFormat::from_name(name).expect("a format");
            let sizes = format.plane_sizes(width, height).expect("planes");
            let mut next = 0;
            let mut planes = Vec::new();
            for size in &sizes {
                let plane: Vec<u8> = (0..size.row_bytes * size.rows).map(|at| next + at as u8).collect();
                next += plane.len() as u8;
                planes.push(plane);
            }
            let planes: Vec<Strided<'_>> =
                planes.iter().zip(&sizes).map(|(own, size)| (&own[..], size.row_bytes)).collect();
            let frame = Frame::of_planes(format, width, height, &planes).expect("a frame");
            let samples = |own: &Component<'_>| {
                let places = (0..own.height).flat_map(|row| (0..own.width).map(move |column| (row, column)));
                places.map(|(row, column)| own.data[row * own.stride + column * own.step]).collect()
            };
            Some(frame.components()?.iter().map(samples).collect())
        };
        assert_eq!(bytes("yuv420p", 3, 2), Some(vec![vec![0, 1, 2, 3, 4, 5], vec![6, 7], vec![8, 9]]));
        assert_eq!(bytes("nv12", 4, 2), Some(vec![(0..8).collect(), vec![8, 10], vec![9, 11]]));
        assert_eq!(bytes("rgb24", 2, 1), Some(vec![vec![0, 3], vec![1, 4], vec![2, 5]]));
        assert_eq!(bytes("bgra", 1, 2), Some(vec![vec![2, 6], vec![1, 5], vec![0, 4], vec![3, 7]]));
        assert_eq!(bytes("gbrp", 2, 1), Some(vec![vec![4, 5], vec![0, 1], vec![2, 3]]));
        assert_eq!(bytes("uyvy422", 4, 1), Some(vec![vec![1, 3, 5, 7], vec![0, 4], vec![2, 6]]));
        assert_eq!(bytes("ya8", 2, 1), Some(vec![vec![0, 2], vec![1, 3]]));
        assert_eq!(bytes("gray10le", 2, 1), Some(vec![vec![0, 2]]));
        for name in ["p010le", "rgb565le", "gray10be", "grayf32le", "bayer_bggr8"] {
            assert_eq!(bytes(name, 4, 2), None, "{name}");
        }
    }

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
