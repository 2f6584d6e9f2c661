//! The conversion of single frames: planes to packed RGB with our own converter, everything else through libavfilter
//! with zimg.
//!
//! Invariant: an output frame depends on its input frame alone, not on those before it.

use trix_av::{codec::Output, graph::Graph, pixel::PixelFormat};
use trix_model::{
    color::Range,
    error::{Error, Result, Stage},
};

use super::{
    recipe::Recipe,
    to_rgb::ToRgb,
    transform::{Shape, is_identity},
};
use crate::decode::video::DecodedFrame;

/// A conversion of frames, one at a time.
pub(super) enum Single {
    /// Frames pass unchanged.
    Identity,
    /// Frames are only repacked.
    Repack(PixelFormat),
    /// Planes become packed RGB.
    ToRgb(Box<ToRgb>),
    /// Frames go through filters.
    Filters(Box<Graph>),
}

impl Single {
    /// The conversion of frames such as `decoded`.
    ///
    /// # Errors
    /// As [`Recipe::graph`].
    pub(super) fn new(recipe: &Recipe, decoded: &DecodedFrame) -> Result<Self> {
        Single::without_filters(recipe).map_or_else(|| Single::of_filters(recipe, decoded), Ok)
    }

    /// The filters, for frames such as `decoded`.
    ///
    /// # Errors
    /// As [`Recipe::graph`].
    pub(super) fn of_filters(recipe: &Recipe, decoded: &DecodedFrame) -> Result<Self> {
        recipe.graph(decoded).map(|graph| Single::Filters(Box::new(graph)))
    }

    /// The conversion without filters, if there is one.
    pub(super) fn without_filters(recipe: &Recipe) -> Option<Self> {
        let Recipe { shape, first, transform, .. } = recipe;
        if shape != first {
            return None;
        }
        if is_identity(transform, *shape) {
            return Some(Single::Identity);
        }
        let pixel = shape.pixel()?;
        if let Some(converter) = ToRgb::new(transform, pixel, shape.width, shape.height) {
            return Some(Single::ToRgb(Box::new(converter)));
        }
        let is_planar = pixel.samples() == Some(transform.format) && !pixel.is_float();
        if !is_planar || pixel.odd_chroma().is_some() || pixel.is_xyz() || transform.packing.is_some() {
            return None;
        }
        let to = PixelFormat::from_name(&transform.format.name())?;
        is_identity(transform, Shape { format: to.0, ..*shape }).then_some(Single::Repack(to))
    }

    /// True if frames pass unchanged.
    pub(super) fn is_identity(&self) -> bool {
        matches!(self, Single::Identity)
    }

    /// Converts a frame.
    ///
    /// # Errors
    /// `Unsupported` if the frame cannot be converted; `Codec` if a filter fails.
    pub(super) fn convert(&mut self, recipe: &Recipe, decoded: DecodedFrame) -> Result<DecodedFrame> {
        let request = &recipe.request;
        let frame = match self {
            Single::Identity => {
                let frame = request.padded(decoded.frame)?;
                return Ok(DecodedFrame { frame, ..decoded });
            }
            Single::Repack(to) => decoded.frame.unpacked(*to, Range::Limited, 16, &request.pool),
            Single::ToRgb(converter) => converter.convert(&decoded.frame, &request.pool),
            Single::Filters(graph) => {
                let mut frame = request.unpacked(&decoded, false, recipe.range())?;
                frame.set_time(decoded.pts);
                let made = graph.send(Some(&frame)).and_then(|()| graph.receive());
                match made.map_err(|code| request.failed(code, graph, decoded.pts))? {
                    Output::Item(frame) => Some(frame),
                    Output::Hungry | Output::End => {
                        return Err(Error::bug(Stage::Filter, "a filter of single frames holds one back"));
                    }
                }
            }
        };
        let frame = request.padded(frame.ok_or_else(|| request.cannot_unpack(&decoded))?)?;
        Ok(DecodedFrame { frame, ..decoded })
    }
}
