//! RGBA images in memory, and their encoding to JPEG, PNG and WebP with libavcodec.
//!
//! Invariant: a canvas has exactly four bytes for each sample. The same canvas gives the same file, with any number of
//! cores.

use trix_av::{
    AvError,
    codec::Output,
    frame::Frame,
    pixel::PixelFormat,
    video_encoder::{self, VideoEncoder, VideoEncoderSettings},
};
use trix_model::{
    color::{Color, Matrix, Range},
    error::{Error, ErrorKind, Result, Stage},
    time::Rational,
};

use crate::settings::still::StillFormat;

/// True if this build of libavcodec can write the format.
pub(crate) fn is_there(format: StillFormat) -> bool {
    // Test with an option that all builds of the encoder have, set to its default.
    let (name, value) = match format {
        StillFormat::Jpeg => ("huffman", "optimal"),
        StillFormat::Png => ("pred", "none"),
        StillFormat::Webp => ("quality", "75"),
    };
    video_encoder::takes_option(encoder(format), name, value)
}

fn encoder(format: StillFormat) -> &'static str {
    match format {
        StillFormat::Jpeg => "mjpeg",
        StillFormat::Png => "png",
        StillFormat::Webp => "libwebp",
    }
}

/// An image with one byte each for red, green, blue and alpha of a sample, row after row, without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canvas {
    width: usize,
    height: usize,
    samples: Vec<u8>,
}

impl Canvas {
    /// An image of one colour.
    pub fn new(width: usize, height: usize, paint: [u8; 4]) -> Self {
        Canvas { width, height, samples: paint.repeat(width * height) }
    }

    /// Copies a frame with planes of green, blue and red at 8 bits. `None` for any other frame.
    pub(crate) fn from_frame(frame: &Frame) -> Option<Self> {
        let planes = frame.planes();
        let [green, blue, red] = planes.as_slice() else { return None };
        if !frame.pixel_format()?.is_rgb() || green.depth != 8 {
            return None;
        }
        let mut samples = Vec::with_capacity(4 * green.width * green.height);
        for ((green, blue), red) in green.rows().zip(blue.rows()).zip(red.rows()) {
            for ((green, blue), red) in green.iter().zip(blue).zip(red) {
                samples.extend_from_slice(&[*red, *green, *blue, 0xff]);
            }
        }
        Some(Canvas { width: green.width, height: green.height, samples })
    }

    /// Samples per row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// BT.601 luma, 0 to 255, row after row.
    pub(crate) fn luma(&self) -> Vec<u8> {
        self.samples.as_chunks::<4>().0.iter().map(|pixel| ycbcr(*pixel)[0] as u8).collect()
    }

    /// Draws `other` over this image, with its first sample at (`left`, `top`). Parts outside of this image are cut
    /// off.
    pub(crate) fn lay(&mut self, other: &Canvas, left: usize, top: usize) {
        let width = other.width.min(self.width.saturating_sub(left));
        let height = other.height.min(self.height.saturating_sub(top));
        for row in 0..height {
            let (to, from) = (4 * ((top + row) * self.width + left), 4 * row * other.width);
            self.samples[to..to + 4 * width].copy_from_slice(&other.samples[from..from + 4 * width]);
        }
    }

    /// Paints the rows `from..to` of one column. Parts outside of the image are ignored.
    pub(crate) fn stroke(&mut self, column: usize, from: usize, to: usize, paint: [u8; 4]) {
        if column >= self.width {
            return;
        }
        for row in from..to.min(self.height) {
            let at = 4 * (row * self.width + column);
            self.samples[at..at + 4].copy_from_slice(&paint);
        }
    }

    /// Encodes the image as a file. `quality` applies to JPEG and WebP, 1 to 100. JPEG has no alpha; WebP and PNG do.
    ///
    /// # Errors
    /// `Unsupported` without an encoder, `Codec` if the encoder fails.
    pub fn encode(&self, format: StillFormat, quality: u32) -> Result<Vec<u8>> {
        match format {
            StillFormat::Jpeg => self.jpeg(quality),
            StillFormat::Png => {
                let opaque = self.samples.as_chunks::<4>().0.iter().all(|[.., alpha]| *alpha == 0xff);
                let options = [("pred".to_owned(), "mixed".to_owned())];
                match opaque {
                    true => {
                        let bare: Vec<u8> =
                            self.samples.as_chunks::<4>().0.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect();
                        self.coded(format, "rgb24", &bare, Range::Full, &options, None)
                    }
                    false => self.coded(format, "rgba", &self.samples, Range::Full, &options, None),
                }
            }
            StillFormat::Webp => {
                let swapped: Vec<u8> =
                    self.samples.as_chunks::<4>().0.iter().flat_map(|[r, g, b, a]| [*b, *g, *r, *a]).collect();
                let options = [("quality".to_owned(), quality.to_string())];
                self.coded(format, "bgra", &swapped, Range::Full, &options, None)
            }
        }
    }

    fn jpeg(&self, quality: u32) -> Result<Vec<u8>> {
        let halved = quality < FULL_CHROMA;
        let (name, samples) = match halved {
            true => ("yuvj420p", self.planes(2)),
            false => ("yuvj444p", self.planes(1)),
        };
        let quantiser = quantiser(quality);
        let options = [("flags", "+qscale"), ("qmin", "1"), ("qmax", "31"), ("huffman", "optimal")];
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.coded(StillFormat::Jpeg, name, &samples, Range::Full, &options, Some(quantiser))
    }

    /// Luma, then two chroma planes. Each chroma sample is the average of `step` times `step` samples of the image, so
    /// it is centred between them, as JFIF requires. At the edges, the last sample replaces missing ones.
    fn planes(&self, step: usize) -> Vec<u8> {
        let pixels = self.samples.as_chunks::<4>().0;
        let (width, height) = (self.width.div_ceil(step), self.height.div_ceil(step));
        let mut planes = Vec::with_capacity(self.width * self.height + 2 * width * height);
        planes.extend(pixels.iter().map(|pixel| rounded(ycbcr(*pixel)[0], 1)));
        for plane in 1..3 {
            for row in 0..height {
                for column in 0..width {
                    let mut sum = 0.0;
                    for y in row * step..(row + 1) * step {
                        for x in column * step..(column + 1) * step {
                            let (x, y) = (x.min(self.width - 1), y.min(self.height - 1));
                            sum += ycbcr(pixels[y * self.width + x])[plane];
                        }
                    }
                    planes.push(rounded(sum, step * step));
                }
            }
        }
        planes
    }

    fn coded(
        &self,
        format: StillFormat,
        layout: &str,
        samples: &[u8],
        range: Range,
        options: &[(String, String)],
        quantiser: Option<u32>,
    ) -> Result<Vec<u8>> {
        let pixel = PixelFormat::from_name(layout)
            .ok_or_else(|| Error::bug(Stage::Encode, format!("libavutil does not know {layout}")))?;
        let mut frame = Frame::from_packed(pixel, self.width, self.height, samples).ok_or_else(|| {
            Error::bug(Stage::Encode, format!("a frame of {}x{} cannot be made", self.width, self.height))
        })?;
        if let Some(quantiser) = quantiser {
            frame.set_quantiser(quantiser);
        }
        // Do not state what JFIF and sRGB imply: encoders would describe the same colour in other terms.
        let matrix = if pixel.is_rgb() { Matrix::RGB } else { Matrix(5) };
        let settings = VideoEncoderSettings {
            encoder: encoder(format),
            format: pixel,
            width: self.width,
            height: self.height,
            rate: Rational::new(1, 1),
            sample_aspect: Rational::new(1, 1),
            color: Color { matrix, range, ..Color::default() },
            fields: None,
            profile: None,
            threads: 1,
            options,
        };
        let mut encoder = VideoEncoder::open(&settings).map_err(|(code, said)| {
            let kind = if is_there(format) { ErrorKind::Codec } else { ErrorKind::Unsupported };
            Error::new(kind, Stage::Encode, format!("{format}: {code} ({said})")).caused_by(code)
        })?;
        let failed = |code: AvError| {
            Error::new(ErrorKind::Codec, Stage::Encode, format!("{format}: the encoder failed: {code}")).caused_by(code)
        };
        encoder.send(Some((&frame, 0))).map_err(failed)?;
        encoder.send(None).map_err(failed)?;
        match encoder.receive().map_err(failed)? {
            Output::Item(packet) => Ok(packet.data().to_vec()),
            Output::Hungry | Output::End => Err(Error::bug(Stage::Encode, format!("{format}: no frame came out"))),
        }
    }
}

/// JPEG keeps full chroma from this quality on.
const FULL_CHROMA: u32 = 90;

/// The quantiser of libavcodec's JPEG encoder, 1 to 31, for a quality. The encoder's tables are those of MPEG-1, times
/// the quantiser, divided by 8. The tables of ITU-T T.81 (annex K) are coarser; programs scale them by 50 / quality
/// and, from 50 on, by 2 - quality / 50. With a quantiser of one sixth of that scale in per cent, the average entries
/// of both tables are equal.
fn quantiser(quality: u32) -> u32 {
    let quality = quality.clamp(1, 100);
    let percent = if quality < 50 { 5000 / quality } else { 200 - 2 * quality };
    ((percent + 3) / 6).clamp(1, 31)
}

/// Luma and chroma as JFIF computes them (ITU-T T.871, clause 7), without rounding.
fn ycbcr([red, green, blue, _]: [u8; 4]) -> [f32; 3] {
    let (red, green, blue) = (f32::from(red), f32::from(green), f32::from(blue));
    let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
    [luma, (blue - luma) / 1.772 + 128.0, (red - luma) / 1.402 + 128.0]
}

fn rounded(sum: f32, count: usize) -> u8 {
    (sum / count as f32 + 0.5).clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantiser_grows_as_quality_falls() {
        assert_eq!([100, 95, 85, 75, 50, 25, 1].map(quantiser), [1, 2, 5, 8, 17, 31, 31]);
        assert!((1..100).all(|quality| quantiser(quality) >= quantiser(quality + 1)));
    }

    #[test]
    fn frames_are_laid_and_cut_at_the_edges() {
        let mut canvas = Canvas::new(4, 3, [0; 4]);
        canvas.lay(&Canvas::new(3, 3, [9; 4]), 2, 1);
        canvas.stroke(0, 2, 9, [5; 4]);
        canvas.stroke(7, 0, 9, [7; 4]);
        let first: Vec<u8> = canvas.samples.chunks(4).map(|pixel| pixel[0]).collect();
        assert_eq!(first, [0, 0, 0, 0, 0, 0, 9, 9, 5, 0, 9, 9]);
    }

    #[test]
    fn chroma_is_the_average_of_its_four_samples_also_at_odd_edges() {
        let mut canvas = Canvas::new(3, 1, [255, 0, 0, 255]);
        canvas.stroke(1, 0, 1, [0, 0, 255, 255]);
        let planes = canvas.planes(2);
        // 76, 29, 76; then the average of the chroma of red and blue, and the chroma of red alone.
        assert_eq!(planes, [76, 29, 76, 170, 85, 181, 255]);
    }
}
