//! Makes a still of a decoded frame, together with its neighbours if it must be deinterlaced.
//!
//! Invariant: the result was made from the requested frame, however many frames a filter holds back.

use trix_model::{
    error::{Error, Result, Stage},
    extras::Extras,
    time::{TimeBase, Timestamp},
};

use super::image::Canvas;
use crate::{decode::video::DecodedFrame, filter::convert::Converter, plan::Filtering};

/// A frame with its neighbours.
#[derive(Clone)]
pub(super) struct Moment {
    /// The previous frame, if any.
    pub(super) before: Option<DecodedFrame>,
    /// The frame itself.
    pub(super) shown: DecodedFrame,
    /// The next frame, if any.
    pub(super) after: Option<DecodedFrame>,
}

/// Keeps the last two frames, so that each frame is available with its neighbours.
#[derive(Default)]
pub(super) struct Window {
    before: Option<DecodedFrame>,
    shown: Option<DecodedFrame>,
}

impl Window {
    /// The last frame with its predecessor and `after`.
    pub(super) fn moment(&self, after: Option<&DecodedFrame>) -> Option<Moment> {
        let shown = self.shown.clone()?;
        Some(Moment { before: self.before.clone(), shown, after: after.cloned() })
    }

    /// Advances to the next frame.
    pub(super) fn push(&mut self, frame: &DecodedFrame) {
        // Extras such as captions are not shown.
        let next = DecodedFrame { extras: Extras::default(), ..frame.clone() };
        self.before = self.shown.replace(next);
    }
}

/// Makes stills of one size.
pub(super) struct Renderer {
    converter: Converter,
    filtering: Filtering,
    stream: usize,
    time_base: TimeBase,
}

impl Renderer {
    /// Creates a renderer for frames of stream `stream`, with times in `time_base`.
    pub(super) fn new(filtering: Filtering, stream: usize, time_base: TimeBase) -> Self {
        let converter = Converter::new(filtering.clone(), stream, time_base);
        Renderer { converter, filtering, stream, time_base }
    }

    /// True if a still needs the neighbours of its frame.
    pub(super) fn looks_around(&self) -> bool {
        self.filtering.transform.deinterlace.is_some()
    }

    /// Makes the still of `moment`.
    ///
    /// # Errors
    /// Those of the filter stage.
    pub(super) fn render(&mut self, moment: &Moment) -> Result<Canvas> {
        let Moment { before, shown, after } = moment;
        let around = self.looks_around();
        let mut found = None;
        let mut look = |frames: Vec<DecodedFrame>| {
            // Take the last match: the first frames of a moment flush the rest of the previous one.
            found = frames.into_iter().rfind(|frame| frame.number == shown.number).or(found.take());
        };
        let neighbour = |frame: &Option<DecodedFrame>| frame.clone().filter(|_| around);
        for frame in [neighbour(before), Some(shown.clone()), neighbour(after)].into_iter().flatten() {
            look(self.converter.push(Some(frame))?);
        }
        if (around && after.is_none()) || found.is_none() {
            let fresh = Converter::new(self.filtering.clone(), self.stream, self.time_base);
            let mut spent = std::mem::replace(&mut self.converter, fresh);
            found = spent.push(None)?.into_iter().rfind(|frame| frame.number == shown.number).or(found);
        }
        let time = Timestamp::new(shown.pts, self.time_base);
        found
            .and_then(|frame| Canvas::from_frame(&frame.frame))
            .ok_or_else(|| Error::bug(Stage::Filter, "no still came of a frame").in_stream(self.stream).at(Some(time)))
    }
}
