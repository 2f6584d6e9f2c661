//! Holds back audio of a file beside the source until the frames that it accompanies have come as far.
//!
//! Such a file is read on a thread of its own, and audio is encoded much faster than video. Without a limit, the muxer
//! would get minutes of audio before the first frames. It waits for neither that long, so the order of packets would
//! depend on the load of the machine.
//!
//! Invariant: audio waits for frames, and frames never wait for audio. So no stage waits for ever.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use trix_model::{
    control::cancel::LOOK,
    time::{Rational, Timestamp},
};

/// The longest time by which such audio is ahead of the frames.
const AHEAD: Timestamp = Timestamp::new(2, Rational::new(1, 1));

/// How far the frames of a file or package have come.
pub(super) struct Pace {
    state: Mutex<State>,
    moved: Condvar,
}

struct State {
    /// The time of the last frame, counted from time zero of the output.
    reached: Timestamp,
    /// True if there are no frames, or no more.
    is_over: bool,
}

impl Pace {
    /// The pace before the first frame.
    pub(super) fn new(has_frames: bool) -> Self {
        let state = State { reached: Timestamp::new(0, AHEAD.base), is_over: !has_frames };
        Pace { state: Mutex::new(state), moved: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the frames have come near `time`, there are no more, or `must_stop`.
    pub(super) fn wait(&self, time: Timestamp, must_stop: impl Fn() -> bool) {
        let mut state = self.lock();
        while !state.is_over && time > state.reached.plus(AHEAD) && !must_stop() {
            state = self.moved.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Tells the pace of frames. The frames are over when this is dropped.
pub(super) struct PaceMaker(pub(super) Arc<Pace>);

impl PaceMaker {
    /// Notes the time of a frame.
    pub(super) fn reach(&self, time: Timestamp) {
        let mut state = self.0.lock();
        if time > state.reached {
            state.reached = time;
            self.0.moved.notify_all();
        }
    }
}

impl Drop for PaceMaker {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.moved.notify_all();
    }
}

/// What a copied track has to do with the pace of its file or package.
pub(super) enum Pacing {
    /// Nothing.
    Free,
    /// It is the frames.
    Leads(PaceMaker),
    /// It is audio of a file beside the source.
    Follows(Arc<Pace>),
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            atomic::{AtomicI64, Ordering},
            mpsc,
        },
        thread,
        time::Duration,
    };

    use super::*;

    const RATE: Rational = Rational::new(1, 25);

    #[test]
    fn audio_waits_for_frames_and_goes_on_when_they_are_over() {
        let pace = Arc::new(Pace::new(true));
        let maker = PaceMaker(Arc::clone(&pace));
        let heard = Arc::new(AtomicI64::new(0));
        let (told, ended) = mpsc::channel();
        let count = Arc::clone(&heard);
        thread::spawn(move || {
            for second in 0..10 {
                pace.wait(Timestamp::new(second, AHEAD.base), || false);
                count.store(second, Ordering::SeqCst);
            }
            told.send(()).unwrap();
        });
        for frame in 0..100 {
            maker.reach(Timestamp::new(frame, RATE));
            // Two seconds ahead of the frames, which is 50 of them.
            assert!(heard.load(Ordering::SeqCst) * 25 <= frame + 50, "frame {frame}");
        }
        assert!(ended.recv_timeout(Duration::from_millis(200)).is_err());
        assert_eq!(heard.load(Ordering::SeqCst), 5);
        drop(maker);
        ended.recv_timeout(Duration::from_secs(20)).expect("the audio goes on");
    }

    #[test]
    fn audio_without_frames_does_not_wait_and_what_must_stop_stops() {
        let late = Timestamp::new(100, AHEAD.base);
        Pace::new(false).wait(late, || false);
        Pace::new(true).wait(late, || true);
    }
}
