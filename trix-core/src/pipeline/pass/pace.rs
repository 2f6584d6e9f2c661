//! Keeps external audio in step with the frames, or with the other audio, of the same file or package.
//!
//! A file of external audio is read on a thread of its own, and audio is encoded much faster than video. Without a limit,
//! the muxer would get minutes of audio before the first frames. The muxer keeps packets for a limited time only, so their
//! order would depend on the load of the machine.
//!
//! Frames that are copied, or joined from chunks, come faster than audio is encoded, so they wait for the audio too. Where there are no frames, or
//! no more, the audio tracks wait for the slowest of them. Subtitles are read with the source: joined frames and the reading wait for
//! each other.
//!
//! Invariant: no stage waits for ever. External audio waits for encoded frames and for slower audio, and these never wait
//! for it without a limit. Copied frames and audio of the source wait at most [`PATIENCE`], and give up after [`TRIES`] vain waits: an encoder of another output may need
//! packets of the source before its own frames, for which that audio waits, can come.

use std::{
    cell::Cell,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use trix_model::{
    control::cancel::LOOK,
    time::{Rational, Timestamp},
};

/// The longest time by which audio is ahead of the frames, or of the slowest other audio.
const AHEAD: Timestamp = Timestamp::new(2, Rational::new(1, 1));

/// Copied frames wait if they are further ahead of such audio. The muxer keeps packets for ten seconds at least.
const FRAMES_AHEAD: Timestamp = Timestamp::new(5, Rational::new(1, 1));

/// The longest time that a copied frame, or a packet of the source's audio, waits.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// The longest time that a frame from a chunk waits. Nothing of the source waits for these frames, so that only a machine under heavy
/// load makes them wait long; without a limit, a fault would hang the job.
const PATIENCE_OF_JOINED: Duration = Duration::from_secs(60);

/// The longest time that the reading of subtitles waits. The frames can need audio that comes much later in the source.
const PATIENCE_OF_READING: Duration = Duration::from_secs(10);

/// The number of vain waits after which copied frames, or audio of the source, wait no more.
const TRIES: u32 = 3;

/// How far the streams of a file or package have come.
pub(super) struct Pace {
    state: Mutex<State>,
    moved: Condvar,
}

struct State {
    /// The time of the last frame, counted from time zero of the output.
    reached: Timestamp,
    /// True if there are no frames, or no more.
    is_over: bool,
    audio: Vec<Track>,
    /// How far the source has been read whose subtitles are written beside joined frames, counted from time zero of the output.
    read: Option<Timestamp>,
}

struct Track {
    /// The time that the track has reached, counted from time zero of the output; `None` once it is over.
    reached: Option<Timestamp>,
    /// True if it comes apart from the frames: from another file, or beside joined chunks.
    is_apart: bool,
}

impl State {
    /// The time up to which audio track `number` may go on now; `None` for any time.
    fn limit(&self, number: usize) -> Option<Timestamp> {
        if !self.is_over {
            // The source interleaves its own audio with its frames.
            return self.audio[number].is_apart.then(|| self.reached.plus(AHEAD));
        }
        let others = self.audio.iter().enumerate().filter(|(other, _)| *other != number);
        others.filter_map(|(_, track)| track.reached).min().map(|slowest| slowest.plus(AHEAD))
    }
}

/// The vain waits that are left.
pub(super) struct Tries {
    left: Cell<u32>,
    /// The longest wait.
    patience: Duration,
}

impl Tries {
    pub(super) fn new(patience: Duration) -> Self {
        Tries { left: Cell::new(TRIES), patience }
    }

    /// The end of a wait that begins now. It is over at once if no try is left.
    pub(super) fn until(&self) -> Instant {
        Instant::now() + if self.left.get() > 0 { self.patience } else { Duration::ZERO }
    }

    /// True if a wait until `until` was in vain.
    pub(super) fn is_vain(&self, until: Instant) -> bool {
        let is_vain = Instant::now() >= until;
        if is_vain {
            self.left.set(self.left.get().saturating_sub(1));
        }
        is_vain
    }
}

impl Pace {
    /// The pace before the first frame.
    pub(super) fn new(has_frames: bool) -> Self {
        let state =
            State { reached: Timestamp::new(0, AHEAD.base), is_over: !has_frames, audio: Vec::new(), read: None };
        Pace { state: Mutex::new(state), moved: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an audio track: one that comes apart from the frames, or audio of the source beside it.
    pub(super) fn follow(self: &Arc<Self>, is_apart: bool) -> Follower {
        let mut state = self.lock();
        state.audio.push(Track { reached: Some(Timestamp::new(0, AHEAD.base)), is_apart });
        let tries = (!is_apart).then(|| Tries::new(PATIENCE));
        Follower { pace: Arc::clone(self), number: state.audio.len() - 1, tries }
    }
}

/// The side of a source that is read for its subtitles. It and the joined frames wait for each other. It has been read when this is
/// dropped.
pub(super) struct Reading {
    pace: Arc<Pace>,
    tries: Tries,
}

impl Reading {
    pub(super) fn of(pace: &Arc<Pace>) -> Self {
        pace.lock().read = Some(Timestamp::new(0, AHEAD.base));
        Reading { pace: Arc::clone(pace), tries: Tries::new(PATIENCE_OF_READING) }
    }

    /// Notes that the source has been read up to `time`. Waits while the frames are far behind, unless `must_stop`.
    pub(super) fn wait(&self, time: Timestamp, must_stop: impl Fn() -> bool) {
        let until = self.tries.until();
        let mut state = self.pace.lock();
        if state.read.is_some_and(|read| time > read) {
            state.read = Some(time);
            self.pace.moved.notify_all();
        }
        let is_ahead = |state: &State| !state.is_over && time > state.reached.plus(FRAMES_AHEAD);
        while is_ahead(&state) && !must_stop() && !self.tries.is_vain(until) {
            state = self.pace.moved.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.pace.lock().read = None;
        self.pace.moved.notify_all();
    }
}

/// An audio track that waits for the others. The track is over when this is dropped.
pub(super) struct Follower {
    pace: Arc<Pace>,
    number: usize,
    /// `None` if it waits as long as it has to.
    tries: Option<Tries>,
}

impl Follower {
    /// Notes that the audio has come to `time`. Waits until what it follows has come near or is over, or `must_stop`.
    pub(super) fn wait(&self, time: Timestamp, must_stop: impl Fn() -> bool) {
        let Pace { moved, .. } = &*self.pace;
        let until = self.tries.as_ref().map(|tries| (tries, tries.until()));
        let mut state = self.pace.lock();
        state.audio[self.number].reached = Some(time);
        moved.notify_all();
        while state.limit(self.number).is_some_and(|limit| time > limit) && !must_stop() {
            if until.is_some_and(|(tries, until)| tries.is_vain(until)) {
                break;
            }
            state = moved.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.pace.lock().audio[self.number].reached = None;
        self.pace.moved.notify_all();
    }
}

/// The side of the frames. Dropping it ends the frames.
pub(super) struct PaceMaker {
    pace: Arc<Pace>,
    tries: Tries,
}

impl PaceMaker {
    pub(super) fn new(pace: &Arc<Pace>) -> Self {
        PaceMaker { pace: Arc::clone(pace), tries: Tries::new(PATIENCE) }
    }

    /// The side of frames that are joined from chunks.
    pub(super) fn of_joined(pace: &Arc<Pace>) -> Self {
        PaceMaker { pace: Arc::clone(pace), tries: Tries::new(PATIENCE_OF_JOINED) }
    }

    /// Notes the time of a frame.
    pub(super) fn reach(&self, time: Timestamp) {
        let mut state = self.pace.lock();
        if time > state.reached {
            state.reached = time;
            self.pace.moved.notify_all();
        }
    }

    /// Notes the time of a copied or joined frame. Waits while it is far ahead of audio that is paced, or of a source that is read for its
    /// subtitles, unless `must_stop`.
    pub(super) fn lead(&self, time: Timestamp, must_stop: impl Fn() -> bool) {
        self.reach(time);
        let until = self.tries.until();
        let is_far = |reached: Timestamp| time > reached.plus(FRAMES_AHEAD);
        let is_behind = |state: &State| {
            let apart = state.audio.iter().filter(|track| track.is_apart).filter_map(|track| track.reached);
            apart.chain(state.read).any(is_far)
        };
        let mut state = self.pace.lock();
        while is_behind(&state) && !must_stop() && !self.tries.is_vain(until) {
            state = self.pace.moved.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for PaceMaker {
    fn drop(&mut self) {
        self.pace.lock().is_over = true;
        self.pace.moved.notify_all();
    }
}

/// What a copied track has to do with the pace of its file or package.
pub(super) enum Pacing {
    /// Nothing.
    Free,
    /// It is the frames.
    Leads(PaceMaker),
    /// It is external audio, or audio of the source beside it.
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
        let maker = PaceMaker::new(&pace);
        let audio = pace.follow(true);
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
        Arc::new(Pace::new(false)).follow(true).wait(late, || false);
        Arc::new(Pace::new(true)).follow(true).wait(late, || true);
    }

    #[test]
    fn copied_frames_wait_for_audio_but_not_for_ever() {
        let pace = Arc::new(Pace::new(true));
        let (maker, audio) = (PaceMaker::new(&pace), pace.follow(true));
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

    #[test]
    fn frames_give_up_when_they_wait_in_vain() {
        let pace = Arc::new(Pace::new(true));
        let (maker, _audio) = (PaceMaker::new(&pace), pace.follow(true));
        let begun = Instant::now();
        (6..100).for_each(|second| maker.lead(Timestamp::new(second, AHEAD.base), || false));
        assert!(begun.elapsed() >= TRIES * PATIENCE && begun.elapsed() < 2 * TRIES * PATIENCE, "{:?}", begun.elapsed());
    }

    #[test]
    fn joined_frames_wait_until_the_source_has_been_read_for_its_subtitles() {
        let pace = Arc::new(Pace::new(true));
        let (maker, reading) = (PaceMaker::of_joined(&pace), Reading::of(&pace));
        let (signal, ended) = mpsc::channel();
        let frames = thread::spawn(move || {
            for second in [5, 8, 100] {
                maker.lead(Timestamp::new(second, AHEAD.base), || false);
                signal.send(second).unwrap();
            }
        });
        assert_eq!(ended.recv_timeout(Duration::from_secs(20)), Ok(5));
        assert!(ended.recv_timeout(Duration::from_millis(200)).is_err());
        reading.wait(Timestamp::new(3, AHEAD.base), || false);
        assert_eq!(ended.recv_timeout(Duration::from_secs(20)), Ok(8));
        assert!(ended.recv_timeout(Duration::from_millis(200)).is_err());
        drop(reading);
        assert_eq!(ended.recv_timeout(Duration::from_secs(20)), Ok(100));
        frames.join().unwrap();
    }

    #[test]
    fn audio_without_frames_waits_for_the_slowest_audio() {
        let pace = Arc::new(Pace::new(false));
        let (own, external, other) = (pace.follow(false), pace.follow(true), pace.follow(true));
        let heard = Arc::new(AtomicI64::new(0));
        let count = Arc::clone(&heard);
        let late = thread::spawn(move || {
            for second in 0..10 {
                external.wait(Timestamp::new(second, AHEAD.base), || false);
                count.store(second, Ordering::SeqCst);
            }
        });
        for second in 0..8 {
            own.wait(Timestamp::new(second, AHEAD.base), || false);
            other.wait(Timestamp::new(second, AHEAD.base), || false);
            assert!(heard.load(Ordering::SeqCst) <= second + 2);
        }
        drop(other);
        drop(own);
        late.join().expect("the audio goes on when it is alone");
    }

    #[test]
    fn audio_of_the_source_gives_up_when_it_waits_in_vain() {
        let pace = Arc::new(Pace::new(false));
        let (own, _external) = (pace.follow(false), pace.follow(true));
        let begun = Instant::now();
        (0..100).for_each(|second| own.wait(Timestamp::new(second, AHEAD.base), || false));
        assert!(begun.elapsed() >= TRIES * PATIENCE && begun.elapsed() < 2 * TRIES * PATIENCE, "{:?}", begun.elapsed());
    }
}
