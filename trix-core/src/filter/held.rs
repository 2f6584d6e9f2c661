//! What the frames inside a filter graph carry besides their samples.
//!
//! Invariant: it takes no more memory for a long film than for a short one.

use std::collections::VecDeque;

use trix_model::extras::Extras;

/// Maximum number of frames that filters may hold back, with a reserve (fieldmatch and decimate hold five).
const MOST: usize = 32;

/// The extras and durations of frames that may still be output.
#[derive(Default)]
pub(super) struct HeldFrames {
    frames: VecDeque<HeldFrame>,
}

struct HeldFrame {
    number: u64,
    extras: Extras,
    /// Stated duration, in ticks of the source.
    duration: Option<i64>,
}

impl HeldFrames {
    /// Adds a frame that enters the filters.
    pub(super) fn add(&mut self, number: u64, extras: Extras, duration: Option<i64>) {
        self.frames.push_back(HeldFrame { number, extras, duration });
        if self.frames.len() > MOST
            && let Some(dropped) = self.frames.pop_front()
            && let Some(next) = self.frames.front_mut()
        {
            next.extras.captions.splice(0..0, dropped.extras.captions);
        }
    }

    /// The extras and the stated duration of an output frame made from frame `number`. HDR metadata come from exactly that
    /// frame, each time it is shown. Captions are delivered once, together with those of dropped frames before it.
    pub(super) fn take(&mut self, number: u64) -> (Extras, Option<i64>) {
        let mut captions = Vec::new();
        let (mut extras, mut duration) = (Extras::default(), None);
        for frame in self.frames.iter_mut().take_while(|frame| frame.number <= number) {
            captions.append(&mut frame.extras.captions);
            if frame.number == number {
                extras.clone_from(&frame.extras);
                duration = frame.duration;
            }
        }
        extras.captions = captions;
        // The same frame can be output again.
        while self.frames.front().is_some_and(|frame| frame.number < number) {
            self.frames.pop_front();
        }
        (extras, duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extras(byte: u8) -> Extras {
        Extras { captions: vec![byte; 3], ..Extras::default() }
    }

    #[test]
    fn captions_are_delivered_once_and_those_of_dropped_frames_go_on() {
        let mut held = HeldFrames::default();
        (0..4).for_each(|number| held.add(number, extras(number as u8), Some(1)));
        assert_eq!(held.take(0).0.captions, [0, 0, 0]);
        assert_eq!(held.take(0).0.captions, [0; 0]);
        assert_eq!(held.take(2).0.captions, [1, 1, 1, 2, 2, 2]);
        assert_eq!(held.frames.len(), 2);
    }

    #[test]
    fn captions_of_many_dropped_frames_are_all_delivered() {
        let mut held = HeldFrames::default();
        (0..100).for_each(|number| held.add(number, extras(number as u8), None));
        let all: Vec<u8> = (0..100).flat_map(|number| [number; 3]).collect();
        assert_eq!(held.take(99).0.captions, all);
    }

    #[test]
    fn a_long_film_keeps_no_more_than_a_short_one() {
        let mut held = HeldFrames::default();
        for number in 0..10_000 {
            held.add(number, Extras::default(), Some(number as i64));
            if let Some(done) = number.checked_sub(3) {
                assert_eq!(held.take(done).1, Some(done as i64));
            }
            assert!(held.frames.len() <= 5, "{number}: {}", held.frames.len());
        }
    }
}
