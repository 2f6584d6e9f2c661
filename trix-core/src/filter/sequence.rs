//! Filters that look at several frames: deinterlacing, inverse telecine, scaling of fields.
//!
//! Invariant: every output frame names the source frame that it was made from. Nothing is held back after `push(None)`.

use trix_av::{codec::Output, graph::Graph};
use trix_model::{
    error::Result,
    time::{Rational, TimeBase, Timestamp},
};

use super::{held::HeldFrames, recipe::Recipe};
use crate::decode::video::DecodedFrame;

/// Times of frames at a constant rate.
#[derive(Default)]
pub(super) struct RegularTimes {
    /// Time of the first one.
    pub(super) origin: i64,
    /// Number of the next one.
    pub(super) next: u64,
}

impl RegularTimes {
    /// The time of the next frame at `rate`.
    fn take(&mut self, rate: Rational, base: TimeBase) -> i64 {
        let since = Timestamp::new(self.next as i64, rate.inverse()).rescale(base);
        self.next += 1;
        self.origin.saturating_add(since)
    }
}

/// The conversion of frames that follow each other.
pub(super) struct Sequence {
    recipe: Recipe,
    graph: Graph,
    held: HeldFrames,
    /// Times of the frames that are freed of pulldown.
    regular: RegularTimes,
    /// Time of the last frame that came.
    last: i64,
}

impl Sequence {
    /// The conversion of frames that begin with `decoded`. Captions of dropped frames among `held` go to its first frame.
    ///
    /// # Errors
    /// As [`Recipe::graph`].
    pub(super) fn new(recipe: Recipe, decoded: &DecodedFrame, regular: RegularTimes, held: HeldFrames) -> Result<Self> {
        let graph = recipe.graph(decoded)?;
        Ok(Sequence { recipe, graph, held, regular, last: decoded.pts })
    }

    /// What is left of the frames that came.
    pub(super) fn into_held(self) -> HeldFrames {
        self.held
    }

    /// Takes a frame and returns finished frames. `None` marks the end of the sequence.
    ///
    /// # Errors
    /// `Unsupported` if the frame cannot be converted; `Codec` if a filter fails.
    pub(super) fn push(&mut self, decoded: Option<DecodedFrame>) -> Result<Vec<DecodedFrame>> {
        let Sequence { recipe, graph, held, last, .. } = self;
        let frame = match decoded {
            None => None,
            Some(decoded) => {
                let mut frame = recipe.request.unpacked(&decoded, false, recipe.range())?;
                frame.set_time(decoded.pts);
                // Tags start at 1, because frames without a tag have 0.
                frame.set_tag(decoded.number as usize + 1);
                *last = decoded.pts;
                held.add(decoded.number, decoded.extras, decoded.duration);
                Some(frame)
            }
        };
        graph.send(frame.as_ref()).map_err(|code| recipe.request.failed(code, graph, *last))?;
        self.receive()
    }

    fn receive(&mut self) -> Result<Vec<DecodedFrame>> {
        let Sequence { recipe, graph, held, regular, last } = self;
        let (request, transform) = (&recipe.request, &recipe.request.filtering.transform);
        let base = request.base_of_output();
        let rate = transform.rate(request.filtering.rate);
        let mut out = Vec::new();
        while let Output::Item(frame) = graph.receive().map_err(|code| request.failed(code, graph, *last))? {
            let number = (frame.tag() as u64).saturating_sub(1);
            let pts = match transform.inverse_telecine {
                // The filter counts from the first frame that it happens to keep.
                Some(_) => regular.take(rate, base),
                None => Timestamp::new(frame.pts().unwrap_or(0), graph.time_base()).rescale(base),
            };
            let (extras, shown) = held.take(number);
            let duration = shown.and_then(|ticks| transform.duration(ticks));
            out.push(DecodedFrame { frame: request.padded(frame)?, number, pts, duration, extras });
        }
        Ok(out)
    }
}
