//! Makes a still of a decoded picture, with the pictures before and after it where fields have to be told apart.
//!
//! Invariant: what comes out was made of the picture that was asked for, however many pictures a filter holds back.

use trix_model::{
    error::{Error, Result, Stage},
    extras::Extras,
    time::{TimeBase, Timestamp},
};

use super::image::Canvas;
use crate::{decode::video::Picture, filter::convert::Converter, plan::Filtering};

/// A picture between its neighbours.
#[derive(Clone)]
pub(super) struct Moment {
    /// The one before it, where there is one.
    pub(super) before: Option<Picture>,
    /// The picture.
    pub(super) shown: Picture,
    /// The one after it, where there is one.
    pub(super) after: Option<Picture>,
}

/// Remembers the last two pictures, so that each is met between its neighbours.
#[derive(Default)]
pub(super) struct Window {
    before: Option<Picture>,
    shown: Option<Picture>,
}

impl Window {
    /// The last picture that came, with the one before it and `after`.
    pub(super) fn moment(&self, after: Option<&Picture>) -> Option<Moment> {
        let shown = self.shown.clone()?;
        Some(Moment { before: self.before.clone(), shown, after: after.cloned() })
    }

    /// Goes on to the next picture.
    pub(super) fn push(&mut self, picture: &Picture) {
        // Captions and their like are not shown.
        let next = Picture { extras: Extras::default(), ..picture.clone() };
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
    /// For pictures of stream `stream`, whose times count `time_base`.
    pub(super) fn new(filtering: Filtering, stream: usize, time_base: TimeBase) -> Self {
        let converter = Converter::new(filtering.clone(), stream, time_base);
        Renderer { converter, filtering, stream, time_base }
    }

    /// Whether a still is made of a picture and its neighbours, and not of the picture alone.
    pub(super) fn looks_around(&self) -> bool {
        self.filtering.transform.deinterlace.is_some()
    }

    /// The still of `moment`.
    ///
    /// # Errors
    /// Those of the filter stage.
    pub(super) fn render(&mut self, moment: &Moment) -> Result<Canvas> {
        let Moment { before, shown, after } = moment;
        let around = self.looks_around();
        let mut found = None;
        let mut look = |pictures: Vec<Picture>| {
            // The last one counts: the first pictures of a moment push out what was left of the one before.
            found = pictures.into_iter().rfind(|picture| picture.number == shown.number).or(found.take());
        };
        let neighbour = |picture: &Option<Picture>| picture.clone().filter(|_| around);
        for picture in [neighbour(before), Some(shown.clone()), neighbour(after)].into_iter().flatten() {
            look(self.converter.push(Some(picture))?);
        }
        if (around && after.is_none()) || found.is_none() {
            let fresh = Converter::new(self.filtering.clone(), self.stream, self.time_base);
            let mut spent = std::mem::replace(&mut self.converter, fresh);
            found = spent.push(None)?.into_iter().rfind(|picture| picture.number == shown.number).or(found);
        }
        let time = Timestamp::new(shown.pts, self.time_base);
        found.and_then(|picture| Canvas::from_frame(&picture.frame)).ok_or_else(|| {
            Error::bug(Stage::Filter, "no still came of a picture").in_stream(self.stream).at(Some(time))
        })
    }
}
