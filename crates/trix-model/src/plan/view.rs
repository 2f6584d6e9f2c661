//! How the frames of a source look on a screen, and the filters that produce a still from them.

use serde::{Deserialize, Serialize};

use crate::{
    decision::Decision,
    plan::filter::Filtering,
    time::{TimeBase, Timestamp},
};

/// How the frames of a source look on a screen: upright, deinterlaced, with square pixels, in standard dynamic range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct View {
    /// The filters that a still needs. They produce 8-bit RGB.
    pub filtering: Filtering,
    /// Index of the stream in the source.
    pub stream: usize,
    /// Time base of the stream.
    pub time_base: TimeBase,
    /// Time of the first frame of the whole source.
    pub origin: Timestamp,
    /// Width with square pixels.
    pub width: usize,
    /// Height with square pixels.
    pub height: usize,
    /// Automatic decisions.
    pub decisions: Vec<Decision>,
}

impl View {
    /// The display duration of one frame at the frame rate of the source.
    pub fn frame(&self) -> Timestamp {
        Timestamp::new(1, self.filtering.rate.inverse())
    }

    /// The largest size with the aspect ratio of the view, at most `width` by `height` and never larger than the view.
    /// With `even`, both numbers are even, unless the view itself has a side of 1.
    pub fn fitting(&self, width: u32, height: Option<u32>, even: bool) -> (usize, usize) {
        let (own_width, own_height) = (self.width.max(1) as u64, self.height.max(1) as u64);
        let (most_width, most_height) = (u64::from(width).max(1), height.map_or(u64::MAX, u64::from).max(1));
        let scaled = |this: u64, to: u64, of: u64| ((this * to + of / 2) / of).max(1);
        let (mut w, mut h) = (own_width, own_height);
        if w > most_width {
            (w, h) = (most_width, scaled(own_height, most_width, own_width));
        }
        if h > most_height {
            (w, h) = (scaled(own_width, most_height, own_height).min(most_width), most_height);
        }
        let side = |side: u64, own: u64| match even {
            // The nearest even number that is not larger than the view.
            true => (side.div_ceil(2) * 2).min(own / 2 * 2).max(2.min(own)),
            false => side,
        };
        (side(w, own_width) as usize, side(h, own_height) as usize)
    }

    /// The filters that produce an 8-bit RGB frame of this size.
    pub fn filtering_to(&self, (width, height): (usize, usize)) -> Filtering {
        let mut filtering = self.filtering.clone();
        (filtering.transform.width, filtering.transform.height) = (width, height);
        filtering
    }
}
