//! How the frames of one format become those of an output: what all conversions of a stream need to know.

use std::sync::Arc;

use trix_av::{AvError, frame::Frame, frame_pool::FramePool, graph::Graph, named, pixel::PixelFormat};
use trix_model::{
    color::Range,
    error::{Error, ErrorKind, Result, Stage},
    time::{TimeBase, Timestamp},
};

use super::transform::{Shape, chain};
use crate::{
    decode::video::DecodedFrame,
    plan::{Filtering, Transform},
};

/// The stream of the frames, and what its output wants.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) filtering: Filtering,
    /// Index of the stream.
    pub(super) stream: usize,
    /// Time base of the frames that come.
    pub(super) time_base: TimeBase,
    /// Memory of converted frames.
    pub(super) pool: Arc<FramePool>,
}

impl Request {
    /// Time base of the output frames.
    pub(super) fn base_of_output(&self) -> TimeBase {
        let TimeBase { num, den } = self.time_base;
        TimeBase::new(num, den.saturating_mul(self.filtering.transform.time_factor()))
    }

    /// An error at the frame of time `pts`.
    pub(super) fn error(&self, kind: ErrorKind, detail: String, pts: i64) -> Error {
        let time = Timestamp::new(pts, self.time_base);
        Error::new(kind, Stage::Filter, detail).in_stream(self.stream).at(Some(time))
    }

    /// The error of a filter that fails at the frame of time `pts`.
    pub(super) fn failed(&self, code: AvError, graph: &Graph, pts: i64) -> Error {
        let said = graph.complaints().join("; ");
        self.error(ErrorKind::Codec, format!("conversion failed: {code} ({said})"), pts).caused_by(code)
    }

    /// Converts the samples of a frame to the planes that filters take.
    pub(super) fn unpacked(&self, decoded: &DecodedFrame, clear: bool, range: Range) -> Result<Frame> {
        let format = self.filtering.transform.format;
        let to = decoded.frame.pixel_format().and_then(|own| own.planar_for(format, clear));
        let opacity = if format.alpha { format.depth } else { 16 };
        to.and_then(|to| decoded.frame.unpacked(to, range, opacity, &self.pool))
            .ok_or_else(|| self.cannot_unpack(decoded))
    }

    pub(super) fn cannot_unpack(&self, decoded: &DecodedFrame) -> Error {
        let format = decoded.frame.pixel_format();
        let name = format.map_or("an unknown format".into(), PixelFormat::name);
        let why = format.and_then(PixelFormat::obstacle).unwrap_or("their planes cannot be made");
        self.error(ErrorKind::Unsupported, format!("frames of {name} cannot be converted: {why}"), decoded.pts)
    }

    /// Adds the black border to a finished frame.
    pub(super) fn padded(&self, frame: Frame) -> Result<Frame> {
        let Transform { pad: Some(pad), to, format, .. } = self.filtering.transform else { return Ok(frame) };
        let padded = frame.padded(pad, to.range, format, &self.pool);
        padded.ok_or_else(|| Error::bug(Stage::Filter, "a frame that cannot be padded"))
    }
}

/// The conversion of frames of one format and colour.
#[derive(Clone)]
pub(super) struct Recipe {
    pub(super) request: Request,
    /// Format of these frames.
    pub(super) shape: Shape,
    /// Format of the first frame of the film. All others are converted to it first.
    pub(super) first: Shape,
    /// The transform of the request, with the colour of these frames.
    pub(super) transform: Transform,
}

impl Recipe {
    /// The filters, for frames such as `decoded`.
    ///
    /// # Errors
    /// `Unsupported` if the format cannot be converted.
    pub(super) fn graph(&self, decoded: &DecodedFrame) -> Result<Graph> {
        let Recipe { request, shape, first, transform } = self;
        let frame = request.unpacked(decoded, false, self.range())?;
        let format = transform.format;
        let planar = |shape: Shape| Shape {
            format: shape
                .pixel()
                .and_then(|pixel| pixel.planar_for(format, false))
                .map_or(shape.format, |pixel| pixel.0),
            ..shape
        };
        let chain = chain(transform, planar(*shape), planar(*first), zimg_is_there());
        let factor = transform.time_factor();
        // Use a finer time base for filters that output times between those of input frames.
        let chain = if factor > 1 { format!("settb=expr=intb/{factor},{chain}") } else { chain };
        let chain = if chain.is_empty() { "null".to_owned() } else { chain };
        Graph::for_video(&frame, request.time_base, request.filtering.rate, &chain).map_err(|(code, said)| {
            let detail = format!("{} cannot be converted: {code} ({said})", shape.describe());
            request.error(ErrorKind::Unsupported, detail, decoded.pts).caused_by(code)
        })
    }

    /// Range of the samples of these frames.
    pub(super) fn range(&self) -> Range {
        self.transform.from.range
    }
}

/// True if this build of libavfilter has zimg, which dithers when the depth decreases. Otherwise swscale converts.
pub fn zimg_is_there() -> bool {
    named::has_filter("zscale")
}
