//! Frames of a source at given times, or with given numbers.
//!
//! Invariant: a frame has the same samples, number, time and side data as in a decode from the start, in whatever order the
//! frames are asked for.

use std::sync::Arc;

use trix_model::{damage::OnDamage, error::Result, time::Timestamp};

use super::{
    frames::{Frames, Place, PlanConversion, Settings, Wanted},
    video_frame::VideoFrame,
};
use crate::{index::FrameIndex, source::Source};

impl Source {
    /// The frame on screen at each of the given times, in their order; `None` before the first frame. Ascending times
    /// cost least.
    pub fn frames_at(&self, times: impl IntoIterator<Item = Timestamp>) -> FramesAt<'_> {
        self.selected(times.into_iter().map(Place::Time).collect())
    }

    /// The frames with the given numbers, in their order; `None` for a number after the last. Ascending numbers cost least.
    ///
    /// ```
    /// # let master = trix_fixtures::clip::master();
    /// use trix_core::Source;
    ///
    /// let source = Source::open(&master)?;
    /// let found: Vec<_> = source.frames_numbered([40, 41, 3, 999]).collect::<trix_core::Result<_>>()?;
    /// let numbers: Vec<_> = found.iter().map(|frame| frame.as_ref().map(|frame| frame.number)).collect();
    /// assert_eq!(numbers, [Some(40), Some(41), Some(3), None]);
    /// # Ok::<(), trix_core::Error>(())
    /// ```
    pub fn frames_numbered(&self, numbers: impl IntoIterator<Item = u64>) -> FramesAt<'_> {
        self.selected(numbers.into_iter().map(Place::Number).collect())
    }

    fn selected(&self, places: Vec<Place>) -> FramesAt<'_> {
        let (places, how) = (places.into_iter(), Settings::default());
        FramesAt { source: self, places, how, index: None, reading: None, shown: None, ahead: None, ended: false }
    }
}

/// The frames on screen at given times, or with given numbers.
pub struct FramesAt<'a> {
    source: &'a Source,
    places: std::vec::IntoIter<Place>,
    how: Settings,
    index: Option<Arc<FrameIndex>>,
    reading: Option<Frames<'a>>,
    /// The last frame read that is presented no later than the last requested place. `ahead` is the frame after it.
    shown: Option<VideoFrame>,
    ahead: Option<VideoFrame>,
    ended: bool,
}

impl<'a> FramesAt<'a> {
    /// Reads as `how` says.
    pub(super) fn set(self, how: Settings) -> Self {
        FramesAt { how, ..self }
    }

    /// Sets how damage is handled. By default, the first damage is an error.
    pub fn on_damage(self, on_damage: OnDamage) -> Self {
        let how = Settings { on_damage, ..self.how };
        FramesAt { how, ..self }
    }

    /// Sets the number of decoder threads. 0, the default, means one for each core.
    pub fn threads(self, threads: u32) -> Self {
        let how = Settings { threads, ..self.how };
        FramesAt { how, ..self }
    }

    /// Changes what frames are converted to. `plan` plans the conversion when the first frame is requested.
    pub(crate) fn converted(self, change: impl FnOnce(&mut Wanted), plan: PlanConversion) -> Self {
        FramesAt { how: self.how.converted(change, plan), ..self }
    }

    /// The frame on screen at `place`.
    fn at(&mut self, place: Place) -> Result<Option<VideoFrame>> {
        let index = match &self.index {
            Some(index) => Arc::clone(index),
            None => Arc::clone(self.index.insert(self.source.frame_index()?)),
        };
        let known = match (place, index.trouble()) {
            (Place::Number(number), None) if number >= index.len() => return Ok(None),
            (Place::Number(number), _) => Some(number),
            (Place::Time(time), None) => match index.number_showing(time) {
                Some(number) => Some(number),
                None => return Ok(None),
            },
            (Place::Time(_), Some(_)) => None,
        };
        let is_reached = |frame: &VideoFrame| match place {
            Place::Number(number) => frame.number <= number,
            Place::Time(time) => frame.time <= time,
        };
        // Continuing costs less than a new start if the frame lies ahead and no entry point is closer to it.
        let goes_on = match (&self.shown, known) {
            (None, _) => false,
            (Some(shown), None) => is_reached(shown),
            (Some(shown), Some(number)) => {
                let lead = index.lead_in(number).unwrap_or(number);
                number >= shown.number && number - shown.number <= lead.saturating_add(1)
            }
        };
        if !goes_on {
            let all = self.source.frames().set(self.how);
            (self.shown, self.ahead) = (None, None);
            self.reading = Some(match known {
                Some(number) => all.from(number),
                None => all,
            });
        }
        loop {
            if self.shown.as_ref().zip(known).is_some_and(|(shown, number)| shown.number == number) {
                break;
            }
            if self.ahead.is_none() {
                self.ahead = self.reading.as_mut().and_then(Iterator::next).transpose()?;
            }
            match self.ahead.take_if(|ahead| is_reached(ahead)) {
                Some(frame) => self.shown = Some(frame),
                None => break,
            }
        }
        let is_wanted = |shown: &&VideoFrame| match place {
            Place::Number(number) => shown.number == number,
            Place::Time(_) => true,
        };
        Ok(self.shown.as_ref().filter(is_wanted).cloned())
    }
}

impl Iterator for FramesAt<'_> {
    type Item = Result<Option<VideoFrame>>;

    /// # Errors
    /// Those of [`Frames`].
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let place = self.places.next()?;
        let found = self.at(place);
        self.ended = found.is_err();
        Some(found)
    }
}
