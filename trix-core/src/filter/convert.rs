//! Scales pictures and converts chroma and depth, in one step, with zimg.
//!
//! Invariant: matrix and range are those of the source; only size, subsampling and depth change. When depth shrinks,
//! the rounding error is diffused.

use serde::{Deserialize, Serialize};

use crate::{
    decode::video::Picture,
    error::{Error, ErrorKind, Result, Stage},
    ffi::{
        codec::Output,
        graph::{self, Graph},
        pixel::PixelFormat,
    },
    media::{
        color::Range,
        format::{Chroma, PictureFormat},
        time::{TimeBase, Timestamp},
    },
};

/// How new samples are computed from old ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Resampler {
    /// Windowed sinc over three lobes: sharp.
    #[default]
    Lanczos,
    /// Catmull-Rom cubic.
    Bicubic,
    /// Triangle: soft, quick.
    Bilinear,
}

impl Resampler {
    /// The name in zimg and in swscale alike.
    fn name(self) -> &'static str {
        match self {
            Resampler::Lanczos => "lanczos",
            Resampler::Bicubic => "bicubic",
            Resampler::Bilinear => "bilinear",
        }
    }
}

/// What comes out of the filter stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Chroma and depth.
    pub format: PictureFormat,
    /// How to resample.
    pub resampler: Resampler,
}

/// The filter stage of one output.
pub struct Converter {
    target: Target,
    stream: usize,
    time_base: TimeBase,
    state: State,
}

enum State {
    /// No picture came yet.
    New,
    /// Pictures of this shape pass as they are.
    Identity(Shape),
    /// Pictures of this shape are converted.
    Convert(Shape, Graph),
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Shape {
    width: usize,
    height: usize,
    format: i32,
}

impl Shape {
    fn describe(self) -> String {
        let format = PixelFormat::from_raw(self.format).map_or("an unknown format".into(), PixelFormat::name);
        format!("{}x{} {format}", self.width, self.height)
    }
}

impl Converter {
    /// A converter for pictures of stream `stream`, whose times count `time_base`.
    pub(crate) fn new(target: Target, stream: usize, time_base: TimeBase) -> Self {
        Converter { target, stream, time_base, state: State::New }
    }

    /// Converts one picture.
    ///
    /// # Errors
    /// `Unsupported` when the source changes its size or format, or has one that cannot be converted; `Codec` when
    /// the conversion itself fails.
    pub fn convert(&mut self, picture: Picture) -> Result<Picture> {
        let frame = &picture.frame;
        let shape = Shape { width: frame.width(), height: frame.height(), format: frame.format() };
        let time = Some(Timestamp::new(picture.pts, self.time_base));
        let fail = |kind, detail: String| Error::new(kind, Stage::Filter, detail).in_stream(self.stream).at(time);
        if let State::New = self.state {
            self.state = match frame.pixel_format().and_then(PixelFormat::picture) {
                Some(format) if (shape.width, shape.height, format) == self.target.shape() => State::Identity(shape),
                _ => {
                    // zimg takes no picture whose chroma is rounded up; swscale does.
                    let shift = frame.pixel_format().and_then(PixelFormat::chroma).map_or((0, 0), Chroma::shift);
                    let whole = shape.width.is_multiple_of(1 << shift.0) && shape.height.is_multiple_of(1 << shift.1);
                    let shrinks = frame.pixel_format().is_none_or(|format| format.depth() > self.target.format.depth);
                    let chain = self.target.chain(frame.color().range, shrinks, whole && zimg_is_there());
                    let graph = Graph::for_video(frame, self.time_base, &chain).map_err(|(code, said)| {
                        let detail = format!("{} cannot be converted: {code} ({said})", shape.describe());
                        fail(ErrorKind::Unsupported, detail).caused_by(code)
                    })?;
                    State::Convert(shape, graph)
                }
            };
        }
        let (State::Identity(first) | State::Convert(first, _)) = &self.state else {
            return Err(Error::bug(Stage::Filter, "a converter without a state"));
        };
        if *first != shape {
            let detail = format!("the picture changes from {} to {} in mid-stream", first.describe(), shape.describe());
            return Err(fail(ErrorKind::Unsupported, detail));
        }
        let State::Convert(_, graph) = &mut self.state else { return Ok(picture) };
        let failed = |code| fail(ErrorKind::Codec, format!("conversion failed: {code}")).caused_by(code);
        graph.send(Some(frame)).map_err(failed)?;
        match graph.receive().map_err(failed)? {
            Output::Item(frame) => Ok(Picture { frame, number: picture.number, pts: picture.pts }),
            Output::Hungry | Output::End => {
                let said = graph.complaints().join("; ");
                Err(fail(ErrorKind::Codec, format!("conversion gave no picture back ({said})")))
            }
        }
    }
}

impl Target {
    fn shape(&self) -> (usize, usize, PictureFormat) {
        (self.width, self.height, self.format)
    }

    /// The chain of filters, in libavfilter's notation.
    fn chain(&self, range: Range, shrinks: bool, zimg: bool) -> String {
        // Asked for grey, both converters would stretch luma to full range; taken out of YCbCr it stays what it is.
        let (format, luma) = match self.format.chroma {
            Chroma::C400 => (PictureFormat { chroma: Chroma::C420, ..self.format }, ",extractplanes=y"),
            _ => (self.format, ""),
        };
        let (width, height, name, filter) = (self.width, self.height, format.name(), self.resampler.name());
        if zimg {
            // Without these two, zimg would take and make limited range for frames that say nothing.
            let range = if range == Range::Full { "full" } else { "limited" };
            // Diffusion triples the cost of scaling; it is worth that where bits are lost, and nothing where only the
            // last bit of an interpolated sample is rounded.
            let dither = if shrinks { "error_diffusion" } else { "none" };
            format!(
                "zscale=w={width}:h={height}:filter={filter}:dither={dither}:rin={range}:r={range},\
                 format=pix_fmts={name}{luma}"
            )
        } else {
            let flags = format!("{filter}+accurate_rnd+full_chroma_int+bitexact");
            format!("scale=w={width}:h={height}:flags={flags}:sws_dither=ed,format=pix_fmts={name}{luma}")
        }
    }
}

/// Whether this build of libavfilter has zimg, which dithers when the depth shrinks; otherwise swscale does the work.
pub fn zimg_is_there() -> bool {
    graph::has_filter("zscale")
}
