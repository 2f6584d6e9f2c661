//! Keeps audio of a file beside the source in step with the frames that it accompanies.
//!
//! Such a file is read on a thread of its own, and audio is encoded much faster than video. Without a limit, the muxer
//! would get minutes of audio before the first frames. It waits for neither that long, so the order of packets would
//! depend on the load of the machine.
//!
//! Frames that are copied come faster than audio is encoded, so they wait for the audio too.
//!
//! Invariant: no stage waits for ever. Frames wait for audio at most [`PATIENCE`] each: an encoder of another output may need
//! them before its own frames, for which that audio waits, can come.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use trix_model::{
    control::cancel::LOOK,
    time::{Rational, Timestamp},
};

/// The longest time by which such audio is ahead of the frames.
const AHEAD: Timestamp = Timestamp::new(2, Rational::new(1, 1));

/// The time from which on copied frames that are ahead of such audio wait. The muxer keeps packets for ten seconds.
const FRAMES_AHEAD: Timestamp = Timestamp::new(5, Rational::new(1, 1));

/// The longest time that a copied frame waits.
const PATIENCE: Duration = Duration::from_secs(1);

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
    /// The time that each audio track has reached, counted like `reached`; `None` once it is over.
    audio: Vec<Option<Timestamp>>,
}

impl Pace {
    /// The pace before the first frame.
    pub(super) fn new(has_frames: bool) -> Self {
        let state = State { reached: Timestamp::new(0, AHEAD.base), is_over: !has_frames, audio: Vec::new() };
        Pace { state: Mutex::new(state), moved: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an audio track.
    pub(super) fn follow(self: &Arc<Self>) -> Follower {
        let mut state = self.lock();
        state.audio.push(Some(Timestamp::new(0, AHEAD.base)));
        Follower { pace: Arc::clone(self), number: state.audio.len() - 1 }
    }
}

/// An audio track that waits for frames. The track is over when this is dropped.
pub(super) struct Follower {
    pace: Arc<Pace>,
    number: usize,
}

impl Follower {
    /// Notes that the audio has come to `time`. Waits until the frames have come near, there are no more, or `must_stop`.
    pub(super) fn wait(&self, time: Timestamp, must_stop: impl Fn() -> bool) {
        let Pace { moved, .. } = &*self.pace;
        let mut state = self.pace.lock();
        state.audio[self.number] = Some(time);
        moved.notify_all();
        while !state.is_over && time > state.reached.plus(AHEAD) && !must_stop() {
            state = moved.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.pace.lock().audio[self.number] = None;
        self.pace.moved.notify_all();
    }
}

/// The side of the frames. Dropping it ends the frames.
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

    /// Notes the time of a copied frame. Waits while it is far ahead of the audio, unless `must_stop`.
    pub(super) fn lead(&self, time: Timestamp, must_stop: impl Fn() -> bool) {
        self.reach(time);
        let until = Instant::now() + PATIENCE;
        let is_behind = |audio: &Timestamp| time > audio.plus(FRAMES_AHEAD);
        let mut state = self.0.lock();
        while state.audio.iter().flatten().any(is_behind) && Instant::now() < until && !must_stop() {
            state = self.0.moved.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
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
    Follows(Follower),
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
        let audio = pace.follow();
        let heard = Arc::new(AtomicI64::new(0));
        let (signal, ended) = mpsc::channel();
        let count = Arc::clone(&heard);
        thread::spawn(move || {
            for second in 0..10 {
                audio.wait(Timestamp::new(second, AHEAD.base), || false);
                count.store(second, Ordering::SeqCst);
            }
            signal.send(()).unwrap();
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
        Arc::new(Pace::new(false)).follow().wait(late, || false);
        Arc::new(Pace::new(true)).follow().wait(late, || true);
    }

    #[test]
    fn copied_frames_wait_for_audio_but_not_for_ever() {
        let pace = Arc::new(Pace::new(true));
        let (maker, audio) = (PaceMaker(Arc::clone(&pace)), pace.follow());
        let at = |second| Timestamp::new(second, AHEAD.base);
        let waited = |second| {
            let begun = Instant::now();
            maker.lead(at(second), || false);
            begun.elapsed()
        };
        assert!(waited(5) < PATIENCE);
        assert!(waited(6) >= PATIENCE);
        maker.lead(at(7), || true);
        audio.wait(at(2), || false);
        assert!(waited(7) < PATIENCE);
        let late = thread::spawn(move || audio.wait(at(4), || false));
        maker.lead(at(9), || false);
        late.join().unwrap();
        // The audio is over.
        assert!(waited(100) < PATIENCE);
    }
}
