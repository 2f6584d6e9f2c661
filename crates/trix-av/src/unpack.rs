//! Converts packed samples, foreign byte order, samples of few bits, palettes and grey to the planes that filters take.
//!
//! Invariant: every sample of a new frame is written. It equals the original sample, or its nearest value if the depth
//! changes.

use std::ffi::{c_int, c_void};

use ffmpeg_sys_next as av;
use trix_model::color::Range;

use super::{frame::Frame, frame_pool::FramePool, pixel::PixelFormat, simd};

/// How a sample value is converted.
enum Reading {
    /// Unchanged.
    Same,
    /// Scaled, so that zero stays zero and the maximum becomes the maximum.
    Spread { from: u32, to: u32 },
    /// Shifted left, as for limited-range values.
    Shifted(u32),
    /// Scaled to the upper `bits` bits, for alpha that finally has that depth.
    Steps { from: u32, bits: u32, to: u32 },
    /// Scaled around the middle, as for full-range chroma.
    Centred { from: u32, to: u32 },
    /// Floating point of this many bits, 0 to 1, to a 16-bit integer.
    Rounded(u32),
    /// Floating point of this many bits to single precision.
    Single(u32),
}

impl Reading {
    fn apply(&self, value: u32) -> u32 {
        let most = |depth: u32| (1u64 << depth) - 1;
        let spread = |value: u32, from: u32, to: u32| {
            let (value, from, to) = (u64::from(value), most(from), most(to));
            ((value * to + from / 2) / from) as u32
        };
        match *self {
            Reading::Same => value,
            Reading::Spread { from, to } => spread(value, from, to),
            Reading::Steps { from, bits, to } => spread(value, from, bits) << (to - bits),
            Reading::Shifted(bits) => value << bits,
            Reading::Rounded(bits) => (single(value, bits).clamp(0.0, 1.0) * 65535.0).round() as u32,
            Reading::Single(bits) => single(value, bits).to_bits(),
            Reading::Centred { from, to } => {
                let (middle, from, to) = (1i64 << (from - 1), most(from) as i64, most(to) as i64);
                let off = (i64::from(value) - middle) * to;
                let rounded = (2 * off + off.signum() * from) / (2 * from);
                ((to + 1) / 2 + rounded).clamp(0, to) as u32
            }
        }
    }
}

impl PixelFormat {
    /// True if each sample of a component fills a byte, or a two-byte word, without other data in it.
    fn has_whole_samples(self, component: usize) -> bool {
        let Some(descriptor) = self.descriptor() else { return false };
        let place = &descriptor.comp[component];
        let unusual = av::AV_PIX_FMT_FLAG_PAL | av::AV_PIX_FMT_FLAG_BITSTREAM | av::AV_PIX_FMT_FLAG_FLOAT;
        let fits = place.depth == 8 || ((9..=16).contains(&place.depth) && place.step >= 2);
        fits && place.shift == 0 && descriptor.flags & u64::from(unusual as u32) == 0
    }
}

impl Frame {
    /// True if a colour of the frame's palette is not opaque. False for frames without a palette.
    pub fn has_clear_palette(&self) -> bool {
        let is_palette = self.pixel_format().is_some_and(PixelFormat::is_palette);
        is_palette && self.palette().is_some_and(|colors| colors.iter().any(|color| color >> 24 != 0xff))
    }

    /// The colours of the palette: alpha, red, green and blue from the highest byte down.
    fn palette(&self) -> Option<&[u32; 256]> {
        // SAFETY: libavutil keeps 256 aligned words in the second plane of a frame with a palette, as long as the frame
        // lives; the null pointer is not followed.
        unsafe { (*self.as_ptr()).data[1].cast::<[u32; 256]>().as_ref() }
    }

    /// Converts this frame to the pixel format `to`: that of [`PixelFormat::planar`], or another with the same samples.
    /// `None` if the frame has an unknown format, or there is no memory. `range` is the range of its values, `opacity`
    /// the final bit depth of alpha. The memory comes from `pool`.
    pub fn unpacked(&self, to: PixelFormat, range: Range, opacity: u32, pool: &FramePool) -> Option<Frame> {
        let from = self.pixel_format()?;
        if to == from {
            return Some(self.clone());
        }
        let mut planes = pool.frame(to, self.width() as c_int, self.height() as c_int).ok()?;
        planes.copy_properties(self).ok()?;
        if from.is_xyz() {
            self.render(&mut planes);
            return Some(planes);
        }
        let (source, target) = (from.descriptor()?, to.descriptor()?);
        let (rgb, alpha) = (from.is_rgb(), to.has_alpha());
        let mut line = vec![0u32; self.width()];
        let mut other = Vec::new();
        for component in 0..target.nb_components {
            let place = &target.comp[usize::from(component)];
            let is_alpha = alpha && component + 1 == target.nb_components;
            let is_chroma = !to.is_rgb() && (1..3).contains(&component);
            let (x, y) = if is_chroma { to.chroma_shift() } else { (0, 0) };
            let (width, height) = (self.width().div_ceil(1 << x), self.height().div_ceil(1 << y));
            // Grey gives equal red, green and blue, or neutral chroma.
            let is_grey = source.nb_components < 3 && !from.is_palette();
            let read = match component {
                _ if is_alpha && is_grey => Some(1),
                1 | 2 if is_grey && !to.is_rgb() => None,
                _ if is_grey => Some(0),
                component => Some(component),
            };
            let of = usize::from(read.unwrap_or(0)).min(3);
            let depth = if from.is_palette() { 8 } else { source.comp[of].depth.max(1) as u32 };
            let deep = place.depth.max(1) as u32;
            let is_bit = depth == 1 && is_grey;
            let reading = if from.is_float() {
                if to.is_float() { Reading::Single(depth) } else { Reading::Rounded(depth) }
            } else if is_alpha && deep == 16 && opacity < 16 {
                Reading::Steps { from: depth, bits: opacity, to: deep }
            } else if depth == deep {
                Reading::Same
            } else if rgb || is_alpha || is_bit || (range == Range::Full && !is_chroma) || deep < depth {
                Reading::Spread { from: depth, to: deep }
            } else if range == Range::Full {
                Reading::Centred { from: depth, to: deep }
            } else {
                Reading::Shifted(deep.saturating_sub(depth))
            };
            // One-bit formats: one of the two stores white as zero.
            let inverted = is_bit && from.name() == "monow";
            // Whole bytes or words are copied without conversion.
            let whole = matches!(reading, Reading::Same) && from.has_whole_samples(of);
            for row in 0..height {
                let line = &mut line[..width];
                other.clear();
                match read {
                    Some(_) if whole => self.copied(row, of, width, deep, &mut other),
                    None => line.fill(1 << (deep - 1)),
                    Some(_) if from.is_palette() => {
                        self.line(row, 0, line);
                        let shift = [16, 8, 0, 24][of];
                        let colors = self.palette()?;
                        line.iter_mut().for_each(|value| *value = colors[*value as usize & 0xff] >> shift & 0xff);
                    }
                    Some(component) => {
                        self.line(row, component, line);
                        if inverted {
                            line.iter_mut().for_each(|value| *value = reading.apply(1 - (*value & 1)));
                        } else if !matches!(reading, Reading::Same) {
                            line.iter_mut().for_each(|value| *value = reading.apply(*value));
                        }
                    }
                }
                match deep {
                    _ if whole && read.is_some() => {}
                    ..=8 => other.extend(line.iter().map(|value| *value as u8)),
                    9..=16 => other.extend(line.iter().flat_map(|value| (*value as u16).to_le_bytes())),
                    _ => other.extend(line.iter().flat_map(|value| value.to_le_bytes())),
                }
                // SAFETY: the plane was just allocated for `height` rows of `width` samples, `linesize` bytes apart, and
                // nothing else refers to it.
                unsafe {
                    let raw = &*planes.as_ptr();
                    let plane = place.plane as usize;
                    let start = raw.data[plane].offset(row as isize * raw.linesize[plane] as isize);
                    start.copy_from_nonoverlapping(other.as_ptr(), other.len());
                }
            }
        }
        if to.is_rgb() {
            planes.state_full_rgb();
            return Some(planes);
        }
        // SAFETY: we hold the only reference to the new frame, whose enums hold integers of libavutil.
        unsafe {
            let matrix = (&raw mut (*planes.as_ptr()).colorspace).cast::<c_int>();
            if matrix.read() == 0 {
                matrix.write(2);
            }
        }
        Some(planes)
    }

    /// A frame in the packed RGB format `to`, with the size and the properties of this one. `write` fills each row, by its
    /// number. `None` if there is no memory, or if `to` has planes. The memory comes from `pool`.
    pub fn to_packed_rgb(
        &self,
        to: PixelFormat,
        pool: &FramePool,
        mut write: impl FnMut(usize, &mut [u8]),
    ) -> Option<Frame> {
        let descriptor = to.descriptor().filter(|_| to.is_rgb() && to.frame().is_none())?;
        let row_bytes = self.width() * descriptor.comp[0].step.max(1) as usize;
        let mut packed = pool.frame(to, self.width() as c_int, self.height() as c_int).ok()?;
        packed.copy_properties(self).ok()?;
        let raw = packed.raw_mut();
        for row in 0..raw.height as isize {
            // SAFETY: the plane was just allocated for `height` rows of `width` pixels, `linesize` bytes apart, and nothing
            // else refers to it. It has been written, so that its bytes may be read.
            let bytes = unsafe {
                let start = raw.data[0].offset(row * raw.linesize[0] as isize);
                start.write_bytes(0, row_bytes);
                std::slice::from_raw_parts_mut(start, row_bytes)
            };
            write(row as usize, bytes);
        }
        packed.state_full_rgb();
        Some(packed)
    }

    /// States that the samples are RGB of full range.
    fn state_full_rgb(&mut self) {
        // SAFETY: we hold the only reference to the frame, whose enums hold integers of libavutil.
        unsafe {
            let raw = self.as_ptr();
            (&raw mut (*raw).colorspace).cast::<c_int>().write(0);
            (&raw mut (*raw).color_range).cast::<c_int>().write(2);
        }
    }

    /// Fills the single-precision `planes` with linear red, green and blue of BT.709, computed from X, Y and Z of
    /// digital cinema. A value of 1 is the white of digital cinema, 48 candela per square metre (SMPTE ST 428-1: 12
    /// bits, exponent 2.6, factor 52.37).
    fn render(&self, planes: &mut Frame) {
        // From CIE XYZ to BT.709 with white point D65 (ITU-R BT.709, table 1; SMPTE RP 177).
        const RED: [f64; 3] = [3.240_969_942, -1.537_383_178, -0.498_610_760];
        const GREEN: [f64; 3] = [-0.969_243_636, 1.875_967_502, 0.041_555_057];
        const BLUE: [f64; 3] = [0.055_630_080, -0.203_976_959, 1.056_971_514];
        let light: Vec<f64> = (0..4096).map(|code| (f64::from(code) / 4095.0).powf(2.6) * 52.37 / 48.0).collect();
        let mut lines = [(); 3].map(|()| vec![0u32; self.width()]);
        for row in 0..self.height() {
            for (component, line) in lines.iter_mut().enumerate() {
                self.line(row, component as u8, line);
            }
            // The planes have the order green, blue, red.
            for (plane, weights) in [GREEN, BLUE, RED].iter().enumerate() {
                let of = |at: usize| -> f64 {
                    (0..3).map(|part| weights[part] * light[lines[part][at] as usize & 0xfff]).sum()
                };
                let bytes: Vec<u8> = (0..self.width()).flat_map(|at| (of(at) as f32).to_le_bytes()).collect();
                // SAFETY: the plane was just allocated for rows of `width` numbers of four bytes, `linesize` bytes apart,
                // and nothing else refers to it.
                unsafe {
                    let raw = &*planes.as_ptr();
                    let start = raw.data[plane].offset(row as isize * raw.linesize[plane] as isize);
                    start.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
                }
            }
        }
        planes.state_full_rgb();
    }

    /// Row `row` of one component with whole samples: `width` samples of `depth` bits, in little-endian order.
    fn copied(&self, row: usize, component: usize, width: usize, depth: u32, to: &mut Vec<u8>) {
        let Some(descriptor) = self.pixel_format().and_then(PixelFormat::descriptor) else { return };
        let place = &descriptor.comp[component];
        let (step, size) = (place.step.max(1) as usize, if depth > 8 { 2 } else { 1 });
        if component == 0 && self.pixel_format().is_some_and(|format| &*format.name() == "uyyvyy411") {
            // Two luma samples follow each chroma sample, which libavutil's descriptor cannot express.
            // SAFETY: a row holds six bytes for each four samples, as many as are needed for `width`.
            let bytes = unsafe {
                let raw = &*self.as_ptr();
                let start = raw.data[0].offset(row as isize * raw.linesize[0] as isize);
                std::slice::from_raw_parts(start, width.div_ceil(4) * 6)
            };
            let luma = bytes.chunks(6).flat_map(|group| [group[1], group[2], group[4], group[5]]);
            to.extend(luma.take(width));
            return;
        }
        // SAFETY: the frame's planes hold what its format and size say: samples of the component begin at its offset in
        // each row and lie `step` bytes apart.
        let bytes = unsafe {
            let raw = &*self.as_ptr();
            let plane = place.plane as usize;
            let start = row as isize * raw.linesize[plane] as isize + place.offset as isize;
            std::slice::from_raw_parts(raw.data[plane].offset(start), (width.max(1) - 1) * step + size)
        };
        to.resize(width * size, 0);
        if size == 1 {
            return simd::widest(
                #[inline(always)]
                || match step {
                    2 => every::<2>(bytes, to),
                    3 => every::<3>(bytes, to),
                    4 => every::<4>(bytes, to),
                    _ => to.iter_mut().zip(bytes.iter().step_by(step)).for_each(|(to, byte)| *to = *byte),
                },
            );
        }
        let (is_big, mask) = (u64::from(av::AV_PIX_FMT_FLAG_BE as u32) & descriptor.flags != 0, (1u32 << depth) - 1);
        for (to, sample) in to.as_chunks_mut::<2>().0.iter_mut().zip(bytes.chunks(step)) {
            let pair = [sample[0], sample[1]];
            let value = if is_big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
            *to = (value & mask as u16).to_le_bytes();
        }
    }

    /// Reads row `row` of one component as numbers. `line` must not be longer than the row.
    fn line(&self, row: usize, component: u8, line: &mut [u32]) {
        let Some(descriptor) = self.pixel_format().and_then(PixelFormat::descriptor) else { return };
        // SAFETY: the frame's planes hold what its format and size say; row and number of samples lie within them; the
        // buffer has as many elements of four bytes as are read.
        unsafe {
            let raw = &*self.as_ptr();
            let mut data = [raw.data[0], raw.data[1], raw.data[2], raw.data[3]].map(|plane| plane.cast_const());
            av::av_read_image_line2(
                line.as_mut_ptr().cast::<c_void>(),
                data.as_mut_ptr(),
                raw.linesize.as_ptr(),
                descriptor,
                0,
                row as c_int,
                component.into(),
                line.len() as c_int,
                0,
                4,
            );
        }
    }
}

/// Copies each `STEP`th byte, from the first one on. With a constant step, the compiler reads many at a time: 1080p RGB takes a
/// ninth of the time that any step takes.
#[inline(always)]
fn every<const STEP: usize>(bytes: &[u8], to: &mut [u8]) {
    let (whole, rest) = bytes.as_chunks::<STEP>();
    for (to, chunk) in to.iter_mut().zip(whole) {
        *to = chunk[0];
    }
    // The last sample ends the bytes.
    if let (Some(to), Some(byte)) = (to.get_mut(whole.len()), rest.first()) {
        *to = *byte;
    }
}

/// A floating-point number of 16 or 32 bits. NaN becomes zero.
fn single(bits: u32, size: u32) -> f32 {
    let number = if size == 16 { half(bits as u16) } else { f32::from_bits(bits) };
    if number.is_nan() { 0.0 } else { number }
}

/// Converts a half-precision number (IEEE 754, binary16).
fn half(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (bits >> 15, bits >> 10 & 0x1f, f32::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f32.powi(-24),
        0x1f if fraction == 0.0 => f32::INFINITY,
        0x1f => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(i32::from(exponent) - 15),
    };
    if sign == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_with_the_depth() {
        let spread = Reading::Spread { from: 5, to: 8 };
        assert_eq!([0, 1, 15, 31].map(|value| spread.apply(value)), [0, 8, 123, 255]);
        let alpha = Reading::Spread { from: 12, to: 16 };
        assert_eq!([0, 2048, 4095].map(|value| alpha.apply(value)), [0, 32776, 65535]);
        assert_eq!(Reading::Shifted(4).apply(235), 3760);
        let chroma = Reading::Centred { from: 12, to: 16 };
        assert_eq!([2048, 4095, 2049, 2047].map(|value| chroma.apply(value)), [32768, 65527, 32784, 32752]);
    }

    #[test]
    fn bytes_are_copied_at_every_step() {
        let bytes: Vec<u8> = (0..=255).collect();
        for count in [1, 2, 31, 32, 33, 60] {
            let read = |step: usize, every: fn(&[u8], &mut [u8])| {
                let mut found = vec![0; count];
                every(&bytes[..(count - 1) * step + 1], &mut found);
                let wanted: Vec<u8> = bytes.iter().step_by(step).take(count).copied().collect();
                assert_eq!(found, wanted, "{count} of {step}");
            };
            read(2, every::<2>);
            read(3, every::<3>);
            read(4, every::<4>);
        }
    }

    #[test]
    fn half_precision_is_read() {
        let numbers = [0x3c00, 0xbc00, 0x3800, 0x0000, 0x7bff, 0x0001, 0x7c00].map(half);
        assert_eq!(numbers, [1.0, -1.0, 0.5, 0.0, 65504.0, 2f32.powi(-24), f32::INFINITY]);
    }
}
