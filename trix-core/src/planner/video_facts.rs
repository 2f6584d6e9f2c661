//! Facts about the frames of a source before they are decoded.

use trix_av::{pixel::PixelFormat, stream::StreamFacts};
use trix_model::{
    color::{Color, Matrix, Primaries, Range, Transfer},
    error::{Error, ErrorKind, Result, Stage},
    format::{Chroma, FrameFormat},
    time::Rational,
};

use crate::{
    decode::frame_rate::frame_rate, planner::lazy_probe::LazyProbe, reading::bitstream_facts::BitstreamFacts,
    settings::picture::PictureSettings, source::Source,
};

/// Codecs of single images. Their grey has full range, as their RGB has.
const STILLS: [&str; 18] = [
    "png", "apng", "tiff", "bmp", "pgm", "pbm", "pam", "dpx", "targa", "sgi", "sunrast", "pcx", "psd", "gif", "xbm",
    "xwd", "fits", "jpegls",
];

/// Facts about the frames of a source, from its container and its bitstream. The bitstream takes precedence.
pub(super) struct VideoFacts<'a> {
    pub(super) source: &'a Source,
    pub(super) stream: &'a StreamFacts,
    pub(super) bitstream_facts: &'a BitstreamFacts,
    pub(super) pixel: Option<PixelFormat>,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) rate: Rational,
    /// Colour as the source or the job states it.
    pub(super) color: Color,
    /// Range as the source or the job states it, if one of them does.
    pub(super) stated_range: Range,
}

impl<'a> VideoFacts<'a> {
    /// Gathers the facts. `picture` can override the colour that the source states.
    pub(super) fn gather(
        source: &'a Source,
        stream: &'a StreamFacts,
        picture: &PictureSettings,
        probe: &'a LazyProbe,
    ) -> Self {
        let bitstream_facts = probe.bitstream_facts(source, stream);
        let seen = bitstream_facts.frames > 0;
        // The container states the pixel format without the alpha layer.
        let layered = bitstream_facts.pixel_format.filter(|_| stream.alpha_layer);
        let pixel = layered.or(PixelFormat::from_raw(stream.format)).or(bitstream_facts.pixel_format);
        let own = bitstream_facts.color;
        // libavformat overwrites the container's colour if the decoder states none (ProRes).
        let declared = source.input.declared().get(stream.index).map(|declared| declared.color).unwrap_or_default();
        let color = own.or(stream.color).or(declared);
        let mut color = Color { chroma_location: stream.color.chroma_location, ..color };
        if pixel.is_some_and(PixelFormat::is_full_range_variant) {
            color.range = Range::Full;
        }
        let samples = pixel.and_then(PixelFormat::samples);
        if samples.is_some_and(|samples| samples.rgb) {
            color.matrix = Matrix::RGB;
            color.range = if color.range == Range::Limited { Range::Limited } else { Range::Full };
        } else if color.matrix == Matrix::RGB {
            // Luma without chroma (DPX), or a mistake: YCbCr cannot use the RGB matrix.
            color.matrix = Matrix::UNSPECIFIED;
        }
        if pixel.is_some_and(PixelFormat::is_xyz) {
            // The colour that XYZ samples are converted to before any other step.
            color = Color { primaries: Primaries(1), transfer: Transfer::LINEAR, ..color };
        }
        let color = picture.source_color.apply(color);
        let stated_range = color.range;
        let is_grey = samples.is_some_and(|samples| samples.chroma == Chroma::C400);
        let is_still = stream.is_sequence || STILLS.contains(&stream.codec.as_str());
        let is_bit = pixel.is_some_and(|pixel| pixel.depth() == 1);
        let color = Color {
            range: match color.range {
                Range::Unspecified if is_grey && (is_still || is_bit) => Range::Full,
                range => range,
            },
            ..color
        };
        VideoFacts {
            source,
            stream,
            pixel,
            width: if seen { bitstream_facts.width } else { stream.width },
            height: if seen { bitstream_facts.height } else { stream.height },
            rate: frame_rate(stream),
            color,
            stated_range,
            bitstream_facts,
        }
    }

    /// The pixel format and the format of its samples.
    ///
    /// # Errors
    /// `Unsupported` if the format is unknown or cannot be converted, or if frames have no size.
    pub(super) fn samples(&self) -> Result<(PixelFormat, FrameFormat)> {
        let unsupported = |detail: String| {
            let error = Error::new(ErrorKind::Unsupported, Stage::Plan, detail);
            Err(error.in_file(&self.source.label()).in_stream(self.stream.index))
        };
        let Some(pixel) = self.pixel else {
            return unsupported(format!("the frame format of this {} stream is not known", self.stream.codec));
        };
        if self.width == 0 || self.height == 0 {
            return unsupported("the frame has no size".into());
        }
        let Some(mut samples) = pixel.samples() else {
            let why = pixel.obstacle().unwrap_or("they are neither YCbCr nor RGB");
            return unsupported(format!("{pixel} frames are not converted: {why}"));
        };
        samples.alpha |= pixel.is_palette() && self.bitstream_facts.clear_palette;
        Ok((pixel, samples))
    }
}
