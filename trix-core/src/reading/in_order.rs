//! Brings frames that several decoders read at once into order.
//!
//! Invariant: frames that wait for their turn are bounded in bytes, and the decoder whose frames are due never waits.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use trix_model::error::{Error, Result, Stage};

use super::video_frame::VideoFrame;

/// Frames that were decoded before their turn.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    /// The run whose frames are due.
    due: usize,
    runs: BTreeMap<usize, Run>,
    bytes: usize,
    /// True if no frame comes any more.
    is_closed: bool,
    /// True if no frame is wanted any more.
    is_left: bool,
}

#[derive(Default)]
struct Run {
    frames: VecDeque<Option<VideoFrame>>,
    is_over: bool,
}

/// The most bytes of frames that wait for their turn.
const MOST_WAITING: usize = 64 << 20;

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a frame of a run. Waits for room, unless the run is due.
    pub(super) fn push(&self, run: usize, frame: Option<VideoFrame>) -> Result<()> {
        let bytes = bytes_of(frame.as_ref());
        let mut state = self.lock();
        while !state.is_left && state.due != run && state.bytes + bytes > MOST_WAITING {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_left {
            return Err(Error::cancelled(Stage::Decode));
        }
        state.bytes += bytes;
        state.runs.entry(run).or_default().frames.push_back(frame);
        self.changed.notify_all();
        Ok(())
    }

    pub(super) fn end(&self, run: usize) {
        self.lock().runs.entry(run).or_default().is_over = true;
        self.changed.notify_all();
    }

    pub(super) fn leave(&self) {
        self.lock().is_left = true;
        self.changed.notify_all();
    }

    /// Closes the queue when it is dropped, however the reading ends.
    pub(super) fn closed_at_end(&self) -> impl Drop + '_ {
        struct Closing<'a>(&'a Queue);
        impl Drop for Closing<'_> {
            fn drop(&mut self) {
                self.0.lock().is_closed = true;
                self.0.changed.notify_all();
            }
        }
        Closing(self)
    }

    /// The next frame in order, or `None` after the last.
    pub(super) fn next(&self) -> Option<Option<VideoFrame>> {
        let mut state = self.lock();
        loop {
            let due = state.due;
            if let Some(run) = state.runs.get_mut(&due) {
                if let Some(frame) = run.frames.pop_front() {
                    state.bytes -= bytes_of(frame.as_ref());
                    self.changed.notify_all();
                    return Some(frame);
                }
                if run.is_over {
                    state.runs.remove(&due);
                    state.due += 1;
                    self.changed.notify_all();
                    continue;
                }
            }
            if state.is_closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn bytes_of(frame: Option<&VideoFrame>) -> usize {
    frame.map_or(0, |frame| frame.frame.bytes())
}
