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

    /// The frames with the given numbers, in their order; `None` for a number after the last. Ascending numbers cost least, and
    /// descending ones little more. [`Source::batch`] reads with several decoders.
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

    pub(super) fn selected(&self, places: Vec<Place>) -> FramesAt<'_> {
        let (places, how) = (places.into_iter(), Settings::default());
        FramesAt {
            source: self,
            places,
            how,
            index: None,
            reading: None,
            shown: None,
            ahead: None,
            ready: Vec::new(),
            end: None,
            ended: false,
        }
    }
}

/// The most bytes of frames that are kept to return them in descending order. One frame is always kept.
const DESCENDING_BYTES: usize = 64 << 20;

/// The frames on screen at given times, or with given numbers.
pub struct FramesAt<'a> {
    source: &'a Source,
    places: std::vec::IntoIter<Place>,
    how: Settings,
    index: Option<Arc<FrameIndex>>,
    reading: Option<Frames<'a>>,
    /// The last frame read that is presented no later than the last requested place.
    shown: Option<VideoFrame>,
    /// The frame after it, if the index is not exact.
    ahead: Option<VideoFrame>,
    /// Frames to return, the next one last.
    ready: Vec<Option<VideoFrame>>,
    /// A number after the last one, once it is known.
    end: Option<u64>,
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

    /// Sets the number of decoder threads. 0, the default, means two more than there are cores.
    pub fn threads(self, threads: u32) -> Self {
        let how = Settings { threads, ..self.how };
        FramesAt { how, ..self }
    }

    /// Changes what frames are converted to. `plan` plans the conversion when the first frame is requested.
    pub(crate) fn converted(self, change: impl FnOnce(&mut Wanted), plan: PlanConversion) -> Self {
        FramesAt { how: self.how.converted(change, plan), ..self }
    }

    /// How many of the next places are numbers that descend from the last one. Their frames follow one entry point, and are
    /// decoded once, in ascending order.
    fn descending(&self) -> usize {
        let (Some(shown), Some(index)) = (&self.shown, &self.index) else { return 0 };
        let most = (DESCENDING_BYTES / shown.frame.bytes().max(1)).max(1);
        let mut before = shown.number;
        let mut entry = None;
        let is_lower = |place: &&Place| {
            let Place::Number(number) = **place else { return false };
            let own = index.lead_in(number).map_or(0, |lead| number.saturating_sub(lead));
            let is_lower = number < before && *entry.get_or_insert(own) == own;
            before = number;
            is_lower
        };
        self.places.as_slice().iter().take(most).take_while(is_lower).count()
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
            // A frame that cannot be decoded is in the index, and has no number.
            (Place::Time(_), None) if self.how.on_damage == OnDamage::Conceal => None,
            (Place::Time(time), None) => match index.number_showing(time) {
                Some(number) => Some(number),
                None => return Ok(None),
            },
            (Place::Time(_), Some(_)) => None,
        };
        self.reached(place, known, &index).map_err(|error| error.of_frame(known))
    }

    /// The frame at `place`, whose number is `known` if the index is exact or numbers are asked for.
    fn reached(&mut self, place: Place, known: Option<u64>, index: &FrameIndex) -> Result<Option<VideoFrame>> {
        let Some(number) = known else { return self.searched(place, index) };
        if self.end.is_some_and(|end| number >= end) {
            return Ok(None);
        }
        if self.shown.as_ref().is_none_or(|shown| shown.number != number) {
            // Continuing costs less than a new start if the frame lies ahead and no entry point is closer to it.
            let lead = index.lead_in(number).unwrap_or(number);
            let last = self.shown.as_ref().map(|shown| shown.number);
            let goes_on = last.is_some_and(|last| last < number && number - last <= lead.saturating_add(1));
            match &mut self.reading {
                Some(reading) if goes_on => reading.go_on_to(number)?,
                _ => self.reading = Some(self.source.frames().set(self.how).from(number)),
            }
            self.shown = self.reading.as_mut().and_then(Iterator::next).transpose()?;
            if self.shown.is_none() {
                self.end = Some(number);
            }
        }
        Ok(self.shown.as_ref().filter(|shown| shown.number == number).cloned())
    }

    /// The frame on screen at `place`, whose number is not known: frames are read until one is after it.
    fn searched(&mut self, place: Place, index: &FrameIndex) -> Result<Option<VideoFrame>> {
        let is_reached = |frame: &VideoFrame| match place {
            Place::Number(number) => frame.number <= number,
            Place::Time(time) => frame.time <= time,
        };
        if !self.shown.as_ref().is_some_and(is_reached) {
            (self.shown, self.ahead) = (None, None);
            let mut reading = self.source.frames().set(self.how).starting_at_entry(place, index);
            self.ahead = reading.next().transpose()?;
            if !self.ahead.as_ref().is_some_and(is_reached) {
                reading = self.source.frames().set(self.how);
                self.ahead = reading.next().transpose()?;
            }
            self.reading = Some(reading);
        }
        loop {
            if self.ahead.is_none() {
                self.ahead = self.reading.as_mut().and_then(Iterator::next).transpose()?;
            }
            match self.ahead.take_if(|ahead| is_reached(ahead)) {
                Some(frame) => self.shown = Some(frame),
                None => return Ok(self.shown.clone()),
            }
        }
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
        if self.ready.is_empty() {
            let count = self.descending().max(1);
            let places: Vec<Place> = self.places.by_ref().take(count).collect();
            for place in places.into_iter().rev() {
                match self.at(place) {
                    Ok(frame) => self.ready.push(frame),
                    Err(error) => {
                        self.ended = true;
                        return Some(Err(error));
                    }
                }
            }
        }
        self.ready.pop().map(Ok)
    }
}
