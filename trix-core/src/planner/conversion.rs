//! Plans the conversion of frames for a program that has them without a job.
//!
//! Invariant: the frames of a size and format are those that a job encodes in that size and format, if neither turns,
//! crops nor deinterlaces them.

use trix_av::pixel::PixelFormat;
use trix_model::{
    color::{Matrix, Range},
    error::{Error, ErrorKind, Result, Stage},
    format::{Chroma, FrameFormat},
    time::{Rational, Timestamp},
};

use crate::{
    decode::video::DecodedFrame,
    filter::frames::FrameFilter,
    plan::Filtering,
    planner::{
        diagnostics::Diagnostics,
        frame_request::{FrameRequest, Target},
        frames,
        lazy_probe::LazyProbe,
        video_facts::VideoFacts,
    },
    reading::{
        batch::Batch,
        frames::{Frames, VideoFrame, Wanted},
        frames_at::FramesAt,
    },
    settings::{
        picture::{ColorOverride, Deinterlace, OnChange, PictureSettings, Resampler, Rotate, Tonemap},
        shape::{Shape, VideoShape},
        size::Size,
        source::Limits,
    },
    source::Source,
};

impl Frames<'_> {
    /// Scales frames to `width` by `height`, as a job does. The samples come in planes, if [`Frames::format`] does not
    /// say otherwise. Frames are not turned, cropped or deinterlaced.
    ///
    /// The first frame is an error if the size is 0 or above 16384 on a side, or if rows of two fields would be scaled.
    pub fn size(self, width: usize, height: usize) -> Self {
        self.converted(|wanted| wanted.size = Some((width, height)), plan)
    }

    /// Converts frames to `format`, as a job does. RGB has full range. Frames with an alpha channel are laid on black if
    /// the format has none. A format without alpha becomes opaque. High dynamic range stays high dynamic range.
    ///
    /// ```
    /// # let master = trix_fixtures::clip::master();
    /// use trix_core::{Source, media::PixelFormat};
    ///
    /// let source = Source::open(&master)?;
    /// let format = PixelFormat::from_name("yuv420p").expect("a format that libavutil knows");
    /// for frame in source.frames().stride(25).size(160, 90).format(format) {
    ///     let frame = frame?;
    ///     assert_eq!(frame.plane(0)?.row_u8(89)?.len(), 160);
    /// }
    /// # Ok::<(), trix_core::Error>(())
    /// ```
    ///
    /// The first frame is an error if frames cannot be converted: `Unsupported` for formats with a palette, of floating
    /// point, of X, Y and Z or in the memory of a device; `InvalidSpec` if the source does not say the matrix that the
    /// conversion between RGB and YCbCr needs. [`Frames::source_color`] states it.
    pub fn format(self, format: PixelFormat) -> Self {
        self.converted(|wanted| wanted.format = Some(format), plan)
    }

    /// States colour that is known better than the source says. It counts for the conversion to a size or format.
    pub fn source_color(self, color: ColorOverride) -> Self {
        self.converted(|wanted| wanted.source_color = color, plan)
    }
}

/// Gives readers of chosen frames the conversions of [`Frames`].
macro_rules! convert_as_frames {
    ($($reader:ident),*) => {$(
        impl $reader<'_> {
            /// As [`Frames::size`].
            pub fn size(self, width: usize, height: usize) -> Self {
                self.converted(|wanted| wanted.size = Some((width, height)), plan)
            }

            /// As [`Frames::format`].
            pub fn format(self, format: PixelFormat) -> Self {
                self.converted(|wanted| wanted.format = Some(format), plan)
            }

            /// As [`Frames::source_color`].
            pub fn source_color(self, color: ColorOverride) -> Self {
                self.converted(|wanted| wanted.source_color = color, plan)
            }
        }
    )*};
}

convert_as_frames!(FramesAt, Batch);

/// Converts frames that a program holds, one by one, as [`Frames::size`] and [`Frames::format`] convert those of a source. A
/// converter can take frames of any source. It is fastest if they resemble each other.
///
/// ```
/// # let master = trix_fixtures::clip::master();
/// use trix_core::{FrameConverter, Source, media::PixelFormat};
///
/// let source = Source::open(&master)?;
/// let format = PixelFormat::from_name("rgb24").expect("a format that libavutil knows");
/// let mut converter = FrameConverter::new().size(160, 90).format(format);
/// for frame in source.frames().stride(25) {
///     let small = converter.convert(frame?)?;
///     assert_eq!((small.width(), small.components()?.len()), (160, 3));
/// }
/// # Ok::<(), trix_core::Error>(())
/// ```
#[derive(Default)]
pub struct FrameConverter {
    wanted: Wanted,
    /// The filter, and the shape of the frames that it takes.
    ready: Option<(VideoShape, FrameFilter)>,
}

impl FrameConverter {
    /// A converter that leaves size and format as they are, in planes.
    pub fn new() -> Self {
        FrameConverter::default()
    }

    /// As [`Frames::size`].
    pub fn size(self, width: usize, height: usize) -> Self {
        FrameConverter { wanted: Wanted { size: Some((width, height)), ..self.wanted }, ready: None }
    }

    /// As [`Frames::format`].
    pub fn format(self, format: PixelFormat) -> Self {
        FrameConverter { wanted: Wanted { format: Some(format), ..self.wanted }, ready: None }
    }

    /// As [`Frames::source_color`].
    pub fn source_color(self, source_color: ColorOverride) -> Self {
        FrameConverter { wanted: Wanted { source_color, ..self.wanted }, ready: None }
    }

    /// The converted frame, with the number, time, HDR metadata and captions of `frame`.
    ///
    /// # Errors
    /// As [`Frames::size`] and [`Frames::format`] say.
    pub fn convert(&mut self, frame: VideoFrame) -> Result<VideoFrame> {
        // No filter here depends on the rate, or on HDR metadata.
        let shape = VideoShape { hdr: Default::default(), ..VideoShape::of(&frame, Rational::new(25, 1))? };
        let same = self.ready.take().filter(|(known, _)| *known == shape);
        let (shape, mut filter) = match same {
            Some(ready) => ready,
            None => {
                let given = Shape { video: Some(shape.clone()), ..Shape::default() };
                let source = Source::given(&given, Limits::default())?;
                let filtering = plan(&source, &self.wanted)?;
                (shape, FrameFilter::new(filtering, 0, frame.time.base))
            }
        };
        let VideoFrame { frame, number, time, duration, sample_aspect, hdr, extras } = frame;
        let own = DecodedFrame { frame, number, pts: time.ticks, duration: None, extras: Default::default() };
        let base = filter.time_base();
        let mut converted = filter.push(Some(own))?;
        if converted.is_empty() {
            converted = filter.push(None)?;
        } else {
            self.ready = Some((shape, filter));
        }
        let lost = || Error::bug(Stage::Filter, "a frame was not converted");
        let frame = converted.pop().filter(|_| converted.is_empty()).ok_or_else(lost)?.frame;
        let stated = frame.sample_aspect();
        let sample_aspect = if stated.is_positive() { stated } else { sample_aspect };
        let time = Timestamp::new(time.rescale(base), base);
        Ok(VideoFrame { frame, number, time, duration, sample_aspect, hdr, extras })
    }
}

/// The filtering from the frames of the main video stream to what is wanted.
///
/// # Errors
/// As [`Frames::size`] and [`Frames::format`] say.
fn plan(source: &Source, wanted: &Wanted) -> Result<Filtering> {
    let stream = source.video().ok_or_else(|| {
        let error = Error::new(ErrorKind::Unsupported, Stage::Plan, "the source has no video stream");
        error.in_file(&source.label())
    })?;
    let picture = PictureSettings {
        deinterlace: Deinterlace::Off,
        rotate: Rotate::Off,
        tonemap: Tonemap::Off,
        source_color: wanted.source_color,
        on_change: OnChange::Scale,
        ..PictureSettings::default()
    };
    let probe = LazyProbe::default();
    let facts = VideoFacts::gather(source, stream, &picture, &probe);
    let (_, samples) = facts.samples()?;
    let (format, packing) = match wanted.format {
        None => (samples, None),
        Some(pixel) => target(pixel, samples).map_err(|error| error.in_file(&source.label()))?,
    };
    let side = |samples: usize| i32::try_from(samples).unwrap_or(i32::MAX);
    let request = FrameRequest {
        target: Target::Program,
        picture: &picture,
        probe: &probe,
        container: None,
        size: wanted.size.map(|(width, height)| Size { width: side(width), height: side(height) }),
        resampler: Resampler::default(),
        chroma_is_fixed: true,
        is_lossless: true,
        samples,
        format,
    };
    let (mut mistakes, mut decisions, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    let diagnostics = &mut Diagnostics { mistakes: &mut mistakes, decisions: &mut decisions, notes: &mut notes };
    let mut transform = frames::plan(&request, &facts, |_, _| packing, diagnostics).transform;
    if format.rgb && !samples.rgb {
        transform.to.range = Range::Full;
        if samples.chroma == Chroma::C400 {
            // Without chroma, every matrix gives the same; zimg wants one.
            transform.from.matrix = Matrix(1);
        }
        if transform.from.matrix == Matrix::UNSPECIFIED {
            let problem = "the source does not say its matrix, which RGB needs; state it by source_color";
            diagnostics.mistake("format", wanted.format.map_or_else(String::new, |format| format.to_string()), problem);
        }
    }
    if !mistakes.is_empty() {
        return Err(Error::of_mistakes(mistakes).in_file(&source.label()));
    }
    Ok(Filtering {
        transform,
        rate: facts.rate,
        constant_rate: None,
        on_change: picture.on_change,
        follows_color: picture.source_color == ColorOverride::default(),
    })
}

/// The planes that frames of `samples` become on the way to `pixel`, and the name of `pixel` if it is not these planes.
fn target(pixel: PixelFormat, samples: FrameFormat) -> Result<(FrameFormat, Option<String>)> {
    let planes = pixel.samples().filter(|_| !pixel.is_float() && !pixel.is_xyz() && !pixel.is_palette());
    let Some(planes) = planes else {
        let detail = format!("frames are not converted to {pixel}");
        return Err(Error::new(ErrorKind::Unsupported, Stage::Plan, detail));
    };
    // The last filter adds alpha to frames that have none.
    let planes = FrameFormat { alpha: planes.alpha && samples.alpha, ..planes };
    Ok((planes, (pixel.frame() != Some(planes)).then(|| pixel.name().into_owned())))
}
