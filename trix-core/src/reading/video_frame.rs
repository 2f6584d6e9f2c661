//! A decoded frame, or a frame that a program made.
//!
//! Invariant: a frame owns its samples, or shares them with its clones. Nothing changes them.

use trix_av::{
    frame::Frame,
    pixel::PixelFormat,
    planes::{Component, PlaneSize, Strided},
};
use trix_model::{
    color::Color,
    error::{Error, ErrorKind, Result, Stage},
    extras::Extras,
    frame_facts::{FieldOrder, FrameType, Plane},
    hdr::StaticHdr,
    time::{Rational, TimeBase, Timestamp},
};
use zerocopy::IntoBytes;

use crate::decode::video::DecodedFrame;

/// A frame of video. Clones share its samples by reference count.
#[derive(Clone)]
pub struct VideoFrame {
    /// The samples.
    pub frame: Frame,
    /// The number of the frame in its stream, from zero, in presentation order.
    pub number: u64,
    /// Presentation time, in the source's time.
    pub time: Timestamp,
    /// Duration, if the container states it. Every frame but the last is shown until the next.
    pub duration: Option<Timestamp>,
    /// Width of a sample divided by its height, of the frame or else of its stream. 0 if unknown.
    pub sample_aspect: Rational,
    /// Static HDR metadata of the frame, or else of its stream.
    pub hdr: StaticHdr,
    /// Captions and dynamic HDR metadata.
    pub extras: Extras,
}

const _: () = {
    const fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<VideoFrame>();
};

/// How the container of a stream describes its frames.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamDescription {
    pub(crate) color: Color,
    pub(crate) sample_aspect: Rational,
    pub(crate) hdr: StaticHdr,
}

impl StreamDescription {
    /// The sample aspect ratio of `frame`, or else of its stream.
    pub(crate) fn aspect_of(&self, frame: &Frame) -> Rational {
        Some(frame.sample_aspect()).filter(|own| own.is_positive()).unwrap_or(self.sample_aspect)
    }

    /// `frame` with this sample aspect ratio, and with the colour of its stream where it states none itself.
    pub(crate) fn complete(&self, frame: Frame, aspect: Rational) -> Frame {
        let own = (frame.color(), frame.sample_aspect());
        let (color, fields) = (own.0.or(self.color), fields_of(&frame));
        if own == (color, aspect) { frame } else { frame.described(color, fields, aspect) }
    }
}

fn fields_of(frame: &Frame) -> Option<FieldOrder> {
    let first = if frame.is_top_field_first() { FieldOrder::Top } else { FieldOrder::Bottom };
    frame.is_interlaced().then_some(first)
}

/// One plane of a frame in the memory of a program.
#[derive(Clone, Copy)]
pub struct PlaneInput<'a> {
    bytes: &'a [u8],
    stride: usize,
    /// True if the program gave 16-bit samples.
    is_words: bool,
}

impl<'a> PlaneInput<'a> {
    /// A plane of 8-bit samples, or the bytes of a plane of any format, with `stride` bytes from one row to the next.
    /// Samples of more than 8 bits are little-endian pairs of bytes. The bytes need no alignment.
    pub fn bytes(bytes: &'a [u8], stride: usize) -> Self {
        PlaneInput { bytes, stride, is_words: false }
    }

    /// A plane of samples of more than 8 bits, with the value in the low bits, and `stride` samples from one row to the
    /// next.
    pub fn words(words: &'a [u16], stride: usize) -> Self {
        PlaneInput { bytes: words.as_bytes(), stride: stride.saturating_mul(2), is_words: true }
    }

    fn strided(&self) -> Strided<'a> {
        (self.bytes, self.stride)
    }
}

impl VideoFrame {
    /// `frame` with this time base. What it does not state itself is that of its stream.
    pub(crate) fn of(frame: DecodedFrame, base: TimeBase, stream: &StreamDescription) -> Self {
        let time = |ticks: i64| Timestamp::new(ticks, base);
        let DecodedFrame { frame, number, pts, duration, extras } = frame;
        let own = frame.hdr();
        let (mastering, light) = (own.mastering.or(stream.hdr.mastering), own.light.or(stream.hdr.light));
        let sample_aspect = stream.aspect_of(&frame);
        // FFV1 stores the aspect ratio of the frame itself, so that stays as it is.
        let aspect = frame.sample_aspect();
        VideoFrame {
            frame: stream.complete(frame, aspect),
            number,
            time: time(pts),
            duration: duration.map(time),
            sample_aspect,
            hdr: StaticHdr { mastering, light },
            extras,
        }
    }

    /// A frame with a copy of `planes`, shown at `time`. Its number is 0. Colour, fields and sample aspect ratio are
    /// unknown until [`Self::described`] states them.
    ///
    /// ```
    /// use trix_core::{PlaneInput, VideoFrame, media::{PixelFormat, time::{Rational, Timestamp}}};
    ///
    /// let format = PixelFormat::from_name("yuv420p10le").expect("a format that libavutil knows");
    /// let (luma, chroma) = (vec![512; 64 * 48], vec![512; 32 * 24]);
    /// let planes = [PlaneInput::words(&luma, 64), PlaneInput::words(&chroma, 32), PlaneInput::words(&chroma, 32)];
    /// let time = Timestamp::new(0, Rational::new(1, 25));
    /// let frame = VideoFrame::from_planes(format, 64, 48, &planes, time)?;
    /// assert_eq!(frame.plane(1)?.row_u16(23)?, &[512; 32]);
    /// # Ok::<(), trix_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidSpec` if the number of planes, the type of samples, a stride or the length of a plane does not fit the
    /// format and the size; `Unsupported` for formats whose samples are not bytes in planes.
    pub fn from_planes(
        format: PixelFormat,
        width: usize,
        height: usize,
        planes: &[PlaneInput<'_>],
        time: Timestamp,
    ) -> Result<Self> {
        let wrong = |detail: String| Error::new(ErrorKind::InvalidSpec, Stage::Encode, detail).at(Some(time));
        let named = format!("a frame of {width}x{height} {format}");
        let Some(sizes) = format.plane_sizes(width, height) else {
            let detail = format!("{named} cannot be made of planes");
            return Err(match format.plane_sizes(64, 64) {
                Some(_) => wrong(detail),
                None => Error::new(ErrorKind::Unsupported, Stage::Encode, detail).at(Some(time)),
            });
        };
        if sizes.len() != planes.len() {
            return Err(wrong(format!("{named} has {} planes, and {} were given", sizes.len(), planes.len())));
        }
        for (index, (size, plane)) in sizes.iter().zip(planes).enumerate() {
            check_plane(format, *size, plane)
                .map_err(|problem| wrong(format!("plane {index} of {named} {problem}")))?;
        }
        let planes: Vec<Strided<'_>> = planes.iter().map(PlaneInput::strided).collect();
        let mut frame = Frame::of_planes(format, width, height, &planes)
            .ok_or_else(|| Error::bug(Stage::Encode, format!("{named} was not made of its planes")))?;
        if frame.exceeds_depth() {
            return Err(wrong(format!("a sample of {named} has more than {} bits", format.depth())));
        }
        frame.set_time(time.ticks);
        let ((hdr, extras), sample_aspect) = (Default::default(), Rational::new(0, 1));
        Ok(VideoFrame { frame, number: 0, time, duration: None, sample_aspect, hdr, extras })
    }

    /// The same samples with another description: colour, field order (`None`: progressive), and the width of a sample
    /// divided by its height (0: unknown).
    pub fn described(self, color: Color, fields: Option<FieldOrder>, sample_aspect: Rational) -> Self {
        VideoFrame { frame: self.frame.described(color, fields, sample_aspect), sample_aspect, ..self }
    }

    /// Samples per row.
    pub fn width(&self) -> usize {
        self.frame.width()
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.frame.height()
    }

    /// The pixel format. `None` if libavutil has no name for it.
    pub fn format(&self) -> Option<PixelFormat> {
        self.frame.pixel_format()
    }

    /// The colour that the frame states, or else its stream.
    pub fn color(&self) -> Color {
        self.frame.color()
    }

    /// The field that is shown first. `None` for a progressive frame.
    pub fn fields(&self) -> Option<FieldOrder> {
        fields_of(&self.frame)
    }

    /// How the codec of the source coded the frame: I, P or B. `None` if its decoder does not state it, and for frames that
    /// were not decoded.
    pub fn frame_type(&self) -> Option<FrameType> {
        self.frame.frame_type()
    }

    /// True if the decoder says that decoding can begin with this frame.
    pub fn is_key(&self) -> bool {
        self.frame.is_key()
    }

    /// The planes: Y, Cb and Cr, or green, blue and red; then alpha.
    ///
    /// # Errors
    /// `Unsupported` if the samples do not lie in planes of their own, as in `nv12`. [`Frames::format`] converts them.
    ///
    /// [`Frames::format`]: super::frames::Frames::format
    pub fn planes(&self) -> Result<Vec<Plane<'_>>> {
        let format = self.format().and_then(PixelFormat::frame);
        let planes = self.frame.planes();
        if format.is_some_and(|format| format.planes() == planes.len()) {
            return Ok(planes);
        }
        let name = self.format().map_or_else(|| "an unknown format".into(), PixelFormat::name);
        let detail = format!("frames of {name} have no plane for each component; convert them to a planar format");
        Err(Error::new(ErrorKind::Unsupported, Stage::Decode, detail).at(Some(self.time)))
    }

    /// Plane `index`, from 0. [`Plane::as_u8`] and [`Plane::as_u16`] give its samples.
    ///
    /// # Errors
    /// As [`Self::planes`]; `InvalidSpec` if there is no such plane.
    pub fn plane(&self, index: usize) -> Result<Plane<'_>> {
        let planes = self.planes()?;
        planes.get(index).copied().ok_or_else(|| {
            let detail = format!("the frame has {} planes, counted from 0, and no plane {index}", planes.len());
            Error::new(ErrorKind::InvalidSpec, Stage::Decode, detail).at(Some(self.time))
        })
    }
}

impl VideoFrame {
    /// The components: Y, Cb and Cr, or red, green and blue; then alpha. Unlike [`Self::planes`], this also finds samples that
    /// lie side by side, as in `nv12`, `rgb24` and `uyvy422`.
    ///
    /// ```
    /// use trix_core::{PlaneInput, VideoFrame, media::{PixelFormat, time::{Rational, Timestamp}}};
    ///
    /// let format = PixelFormat::from_name("rgb24").expect("a format that libavutil knows");
    /// let time = Timestamp::new(0, Rational::new(1, 25));
    /// let frame = VideoFrame::from_planes(format, 2, 1, &[PlaneInput::bytes(&[1, 2, 3, 4, 5, 6], 6)], time)?;
    /// let green = frame.components()?[1];
    /// assert_eq!((green.data[0], green.data[green.step], green.width), (2, 5, 2));
    /// # Ok::<(), trix_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Unsupported` if samples share bytes, lie in the high bits of their words, are indices into a palette or
    /// floating-point numbers, or have the byte order of another machine. [`Frames::format`] converts them.
    ///
    /// [`Frames::format`]: super::frames::Frames::format
    pub fn components(&self) -> Result<Vec<Component<'_>>> {
        self.frame.components().ok_or_else(|| {
            let name = self.format().map_or_else(|| "an unknown format".into(), PixelFormat::name);
            let detail = format!("samples of {name} are no whole bytes or words; convert the frames to another format");
            Error::new(ErrorKind::Unsupported, Stage::Decode, detail).at(Some(self.time))
        })
    }
}

/// Checks one plane of a frame of `format`, and returns what is wrong.
fn check_plane(format: PixelFormat, size: PlaneSize, plane: &PlaneInput<'_>) -> Result<(), String> {
    let PlaneSize { row_bytes, rows } = size;
    if plane.is_words && format.depth() <= 8 {
        return Err("has samples of u8, and u16 were given".to_owned());
    }
    if plane.stride < row_bytes {
        return Err(format!("has {row_bytes} bytes in a row, and the stride is {} bytes", plane.stride));
    }
    let needed = plane.stride.checked_mul(rows.saturating_sub(1)).and_then(|bytes| bytes.checked_add(row_bytes));
    match needed {
        Some(needed) if plane.bytes.len() >= needed => Ok(()),
        Some(needed) => Err(format!("needs {needed} bytes, and {} were given", plane.bytes.len())),
        None => Err(format!("has a stride of {} bytes, which is too large", plane.stride)),
    }
}
