//! What becomes of the pictures: size, format, colour, and everything that is decided about them.

use serde::Serialize;

use super::{Decision, Mistake};
use crate::{
    decode::video::frame_rate,
    error::{Error, ErrorKind, Result, Stage},
    ffi::{output::muxer_holds, pixel::PixelFormat},
    filter::convert::{Target, zimg_is_there},
    media::{
        color::Color,
        format::{Chroma, PictureFormat},
        time::Rational,
    },
    source::Source,
    spec::{
        job::{Container, Job, VerifyLevel},
        options,
        video::{EncodeSettings, Encoder, RateControl, VideoSettings},
    },
};

/// How pictures are encoded.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct VideoPlan {
    /// Index of the stream in the source.
    pub stream: usize,
    /// Which encoder.
    pub encoder: Encoder,
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Chroma and depth.
    pub format: PictureFormat,
    /// Whether the filter stage changes the pictures.
    pub converted: bool,
    /// Pictures in a second, for rate control and headers; times are the source's.
    pub rate: Rational,
    /// Whether the source declares that its pictures are evenly spaced.
    pub constant_rate: bool,
    /// Shape of a sample, as written.
    pub sample_aspect: Rational,
    /// Colour, as written.
    pub color: Color,
    /// 1 or 2.
    pub passes: u32,
    /// Whether every sample must come back as it went in.
    pub lossless: bool,
    /// Preset; the encoder's `medium` where none was named.
    pub preset: String,
    /// The encoder's options in the order in which they are set.
    pub options: Vec<(String, String)>,
}

impl VideoPlan {
    pub(crate) fn target(&self, settings: &EncodeSettings) -> Target {
        Target { width: self.width, height: self.height, format: self.format, resampler: settings.resampler }
    }
}

/// What can be judged about the encoding of pictures without knowing the source.
pub(super) fn check_numbers(job: &Job, mistakes: &mut Vec<Mistake>) {
    let Some((encoder, settings)) = job.output.video.encode() else { return };
    if let Some(depth) = settings.depth.filter(|depth| !encoder.depths().contains(depth)) {
        let known: Vec<String> = encoder.depths().iter().map(u32::to_string).collect();
        mistakes.push(Mistake::new("video.depth", depth, format!("{encoder} encodes {} bits", known.join(", "))));
    }
    match settings.rate {
        Some(RateControl::Crf { value }) if !(0.0..=51.0).contains(&value) => {
            mistakes.push(Mistake::new("video.rate.crf", value, "0 to 51"));
        }
        Some(RateControl::Qp { value }) if value > 69 => {
            mistakes.push(Mistake::new("video.rate.qp", value, "0 to 51, with more bits up to 69"));
        }
        Some(RateControl::Bitrate { kbps, passes }) => {
            if !(1..=2_000_000).contains(&kbps) {
                mistakes.push(Mistake::new("video.rate.kbps", kbps, "1 to 2000000 kbit/s"));
            }
            if !(1..=2).contains(&passes) {
                mistakes.push(Mistake::new("video.rate.passes", passes, "1 or 2"));
            }
        }
        _ => {}
    }
    if settings.maxrate.is_some() != settings.bufsize.is_some() {
        let (name, value) = match (settings.maxrate, settings.bufsize) {
            (Some(rate), _) => ("video.maxrate", rate),
            (_, size) => ("video.bufsize", size.unwrap_or(0)),
        };
        mistakes.push(Mistake::new(name, value, "maxrate and bufsize only work together"));
    }
    for (name, value) in [("video.maxrate", settings.maxrate), ("video.bufsize", settings.bufsize)] {
        if value.is_some_and(|value| !(1..=4_000_000).contains(&value)) {
            mistakes.push(Mistake::new(name, value.unwrap_or(0), "1 to 4000000"));
        }
    }
    if settings.gop == Some(0) {
        mistakes.push(Mistake::new("video.gop", 0, "must be above 0"));
    }
    let lossless = settings.rate == Some(RateControl::Lossless);
    if lossless && encoder == Encoder::X264 && settings.profile.as_deref().is_some_and(|name| name != "high444") {
        mistakes.push(Mistake::new(
            "video.profile",
            settings.profile.as_deref().unwrap_or(""),
            "lossless H.264 only exists in profile high444",
        ));
    }
    let depth = settings.depth.filter(|depth| encoder.depths().contains(depth)).unwrap_or(8);
    mistakes.extend(options::mistakes(encoder, settings, depth, job.threads));
}

pub(super) fn plan(
    job: &Job,
    source: &Source,
    container: Container,
    mistakes: &mut Vec<Mistake>,
    _decisions: &mut Vec<Decision>,
    notes: &mut Vec<String>,
) -> Result<(Option<VideoPlan>, Option<usize>)> {
    let Some(stream) = source.video() else {
        if job.output.video != VideoSettings::None {
            return Err(Error::new(ErrorKind::Unsupported, Stage::Plan, "the source has no picture stream")
                .in_file(&source.label()));
        }
        return Ok((None, None));
    };
    let Some((encoder, settings)) = job.output.video.encode() else {
        if job.output.video == VideoSettings::None {
            return Ok((None, None));
        }
        if let Err(problem) = muxer_holds(container.muxer(), &stream.parameters, stream.time_base) {
            mistakes.push(Mistake::new("video", "copy", problem));
        }
        return Ok((None, Some(stream.index)));
    };
    let unsupported = |detail: String| {
        Err(Error::new(ErrorKind::Unsupported, Stage::Plan, detail).in_file(&source.label()).in_stream(stream.index))
    };
    let Some(pixel) = PixelFormat::from_raw(stream.format) else {
        return unsupported(format!("the picture format of this {} stream is not known", stream.codec));
    };
    if stream.width == 0 || stream.height == 0 {
        return unsupported("the picture has no size".into());
    }
    if pixel.has_alpha() || pixel.is_hardware() {
        return unsupported(format!("{pixel} pictures have an alpha channel, which no output here can carry"));
    }
    let Some(own_chroma) = pixel.chroma() else {
        return unsupported(format!("{pixel} pictures are not YCbCr, and RGB is not converted"));
    };
    let depth = settings.depth.unwrap_or_else(|| {
        let fits = |depth: &&u32| **depth <= pixel.depth();
        *encoder.depths().iter().rev().find(fits).unwrap_or(&8)
    });
    let format = PictureFormat { chroma: settings.chroma.unwrap_or(own_chroma), depth };
    let (width, height) = match settings.size {
        None => (stream.width, stream.height),
        Some(size) => match size.resolve(stream.width, stream.height) {
            Some(size) => size,
            None => {
                let value = format!("{}x{}", size.width, size.height);
                mistakes.push(Mistake::new("video.size", value, "positive numbers, one of which may be -2"));
                (stream.width, stream.height)
            }
        },
    };
    let (x, y) = format.chroma.shift();
    if width % (1 << x) != 0 || height % (1 << y) != 0 {
        mistakes.push(Mistake::new("video.size", format!("{width}x{height}"), {
            let (w, h) = ((width >> x << x).max(1 << x), (height >> y << y).max(1 << y));
            let what = if y > 0 { "an even width and height" } else { "an even width" };
            format!("{} needs {what}; use --size {w}x{h} or --chroma 444", format.chroma)
        }));
    }
    // x265 takes no picture below one coding tree unit, of 64 samples unless told otherwise; told otherwise, 3.5 writes
    // past the end of its own memory for pictures of 48 samples.
    let least = if encoder == Encoder::X264 { 1 } else { 64 };
    if width < least || height < least {
        mistakes.push(Mistake::new(
            "video.size",
            format!("{width}x{height}"),
            format!("{encoder} needs {least}x{least}"),
        ));
    }
    if width > 16_384 || height > 16_384 {
        mistakes.push(Mistake::new("video.size", format!("{width}x{height}"), "at most 16384 on a side"));
    }
    let scaled = (width, height) != (stream.width, stream.height);
    let sample_aspect = if scaled {
        // The picture keeps its shape on the screen.
        let aspect = if stream.sample_aspect.is_positive() { stream.sample_aspect } else { Rational::new(1, 1) };
        let aspect = aspect.nearest_within(u16::MAX.into());
        let num = aspect.num * stream.width as i64 * height as i64;
        let den = aspect.den * stream.height as i64 * width as i64;
        nearly_square(Rational::new(num, den))
    } else {
        stream.sample_aspect
    };
    // H.264 and HEVC say both parts in 16 bits each (E.2.1, E.3.1).
    let exact = sample_aspect;
    let sample_aspect = exact.nearest_within(u16::MAX.into());
    if sample_aspect != exact {
        notes.push(format!("sample aspect {exact} is written as {sample_aspect}, the nearest that fits"));
    }
    let mut color = stream.color;
    if pixel.is_full_range_variant() {
        color.range = crate::media::color::Range::Full;
    }
    if format.chroma != Chroma::C420 {
        // Only 4:2:0 has a place for chroma that is not fixed (H.264 E.2.1, H.265 E.3.1).
        color.chroma_location = Default::default();
    }
    if !matches!(stream.field_order, "progressive" | "unknown") {
        notes.push(format!("the source is interlaced ({}); its frames are encoded as progressive", stream.field_order));
    }
    if !zimg_is_there() && (scaled || pixel.picture() != Some(format)) {
        notes.push("libavfilter has no zimg; swscale converts".into());
    }
    let passes = match settings.rate {
        Some(RateControl::Bitrate { passes, .. }) => passes,
        _ => 1,
    };
    let plan = VideoPlan {
        stream: stream.index,
        encoder,
        width,
        height,
        format,
        converted: scaled || pixel.picture() != Some(format),
        rate: frame_rate(stream),
        constant_rate: stream.average_rate == stream.base_rate,
        sample_aspect,
        color,
        passes,
        lossless: settings.rate == Some(RateControl::Lossless),
        preset: settings.preset.clone().unwrap_or_else(|| "medium".into()),
        options: options::list(encoder, settings, job.threads, None),
    };
    if job.output.verify == VerifyLevel::Full && plan.lossless && plan.converted {
        notes.push("lossless is proved against the frames after conversion".into());
    }
    Ok((Some(plan), None))
}

/// A sample aspect within half a percent of square comes from rounding a size, not from a wish.
fn nearly_square(aspect: Rational) -> Rational {
    let off = (aspect.to_f64() - 1.0).abs();
    if off < 0.005 { Rational::new(1, 1) } else { aspect }
}
