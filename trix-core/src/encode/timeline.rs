//! Restores the source times on encoded frames, which leave an encoder in another order.
//!
//! Invariant: frame `n` gets the time with which it went in. Decoding times strictly increase and are never later than
//! the presentation time of their frame.

use std::collections::VecDeque;

use trix_av::x264::Encoded;
use trix_model::error::{Error, Result, Stage};

/// The times of the frames inside an encoder.
pub struct Timeline {
    frame_ticks: i64,
    /// Times of the frames `first..first + times.len()`, and their durations if stated.
    times: VecDeque<(i64, Option<i64>)>,
    first: u64,
    pushed: u64,
    emitted: u64,
    delay: Option<i64>,
    start: i64,
}

/// The times of one encoded frame, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Presentation time.
    pub pts: i64,
    /// Decoding time.
    pub dts: i64,
    /// Duration.
    pub duration: i64,
}

impl Timeline {
    /// Creates a timeline. The last frame lasts `frame_ticks`, unless it has its own duration.
    pub fn new(frame_ticks: i64) -> Self {
        Timeline { frame_ticks, times: VecDeque::new(), first: 0, pushed: 0, emitted: 0, delay: None, start: 0 }
    }

    /// Adds the time of the next frame, with the duration that applies if it is the last. Returns the frame's number.
    pub fn push(&mut self, pts: i64, duration: Option<i64>) -> u64 {
        if self.pushed == 0 {
            self.start = pts;
        }
        self.times.push_back((pts, duration));
        self.pushed += 1;
        self.pushed - 1
    }

    /// The times of a frame that the encoder emitted.
    ///
    /// # Errors
    /// `Bug` if the encoder returns a frame that is not inside it, or in an order that no decoder could follow.
    pub fn pop(&mut self, encoded: &Encoded) -> Result<Times> {
        let confused = |what: &str| {
            let detail = format!("frame {} came out {what} (decoding position {})", encoded.pts, encoded.dts);
            Error::bug(Stage::Encode, detail)
        };
        // Encoders start their decoding times early by as many frames as they may reorder.
        let delay = *self.delay.get_or_insert(-encoded.dts.min(0));
        let position = self.emitted as i64 - delay;
        self.emitted += 1;
        let pts = self.time(encoded.pts).ok_or_else(|| confused("that never went in"))?;
        let dts = if position < 0 {
            self.start + position * self.frame_ticks
        } else {
            self.time(position).ok_or_else(|| confused("too early"))?
        };
        if dts > pts {
            return Err(confused("after it should be shown"));
        }
        let next = self.time(encoded.pts + 1);
        let own = self.entry(encoded.pts).and_then(|(_, duration)| duration);
        let duration = next.map_or(own.unwrap_or(self.frame_ticks), |next| next - pts);
        while self.first < position.max(0) as u64 {
            self.times.pop_front();
            self.first += 1;
        }
        Ok(Times { pts, dts, duration })
    }

    fn time(&self, number: i64) -> Option<i64> {
        self.entry(number).map(|(pts, _)| pts)
    }

    fn entry(&self, number: i64) -> Option<(i64, Option<i64>)> {
        let at = u64::try_from(number).ok()?.checked_sub(self.first)?;
        self.times.get(usize::try_from(at).ok()?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use trix_av::packet::Packet;

    fn encoded(pts: i64, dts: i64) -> Encoded {
        Encoded { packet: Packet::new(), pts, dts, key: pts == 0, samples: None }
    }

    #[test]
    fn reordered_frames_get_their_own_times_back() {
        let mut timeline = Timeline::new(40);
        for pts in [100, 140, 190, 220, 260] {
            timeline.push(pts, None);
        }
        let order = [(0, -2), (4, -1), (2, 0), (1, 1), (3, 2)];
        let times: Vec<Times> = order.iter().map(|&(pts, dts)| timeline.pop(&encoded(pts, dts)).unwrap()).collect();
        assert_eq!(times.iter().map(|t| t.pts).collect::<Vec<_>>(), [100, 260, 190, 140, 220]);
        assert_eq!(times.iter().map(|t| t.dts).collect::<Vec<_>>(), [20, 60, 100, 140, 190]);
        assert_eq!(times.iter().map(|t| t.duration).collect::<Vec<_>>(), [40, 40, 30, 50, 40]);
    }

    #[test]
    fn the_last_frame_lasts_as_long_as_it_says() {
        let mut timeline = Timeline::new(40);
        [(0, Some(30)), (40, None), (80, Some(5600))].into_iter().for_each(|(pts, duration)| {
            timeline.push(pts, duration);
        });
        let durations = (0..3).map(|n| timeline.pop(&encoded(n, n)).unwrap().duration);
        assert_eq!(durations.collect::<Vec<_>>(), [40, 40, 5600]);
    }

    #[test]
    fn a_frame_that_never_went_in_is_a_bug() {
        let mut timeline = Timeline::new(1);
        timeline.push(0, None);
        assert!(timeline.pop(&encoded(1, 0)).is_err());
    }
}
