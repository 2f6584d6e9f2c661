//! Reads ahead on a thread of the engine, for an iterator of Python.
//!
//! Invariant: what waits is bounded in bytes. A reader whose iterator is gone ends.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use pyo3::prelude::*;
use trix_core::{Cancel, Result};

use crate::{
    doorway::{SIGNAL_INTERVAL, guarded, is_forked, refuse_fork, spawn},
    errors::{closed, raised},
};

/// The most bytes that wait. One item may always wait, however large.
const MOST_BYTES: usize = 96 << 20;

struct State<T> {
    /// Items that wait, with their bytes.
    items: VecDeque<(T, usize)>,
    bytes: usize,
    /// How the reader ended, until the iterator has seen it.
    end: Option<Result<()>>,
    /// True if the iterator is gone.
    is_abandoned: bool,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of the queue that a reader writes to.
pub struct Sender<T>(Arc<Shared<T>>);

impl<T> Sender<T> {
    /// Adds an item of `bytes` bytes; waits for room. Returns false if no one wants more.
    pub fn send(&self, item: T, bytes: usize) -> bool {
        let mut state = self.0.lock();
        while !state.is_abandoned && !state.items.is_empty() && state.bytes + bytes > MOST_BYTES {
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_abandoned {
            return false;
        }
        state.items.push_back((item, bytes));
        state.bytes += bytes;
        self.0.changed.notify_all();
        true
    }
}

impl<T> Sender<T> {
    /// Ends the reading, without an error. Returns false if the iterator is gone, and has cancelled the reading.
    pub fn end(&self) -> bool {
        let mut state = self.0.lock();
        if state.is_abandoned {
            return false;
        }
        state.end = Some(Ok(()));
        drop(state);
        self.0.changed.notify_all();
        true
    }
}

/// What a wait for the next item found.
enum Found<T> {
    Item(T),
    End(Result<()>),
    /// The time is over.
    Nothing,
}

/// Items that a thread of the engine reads ahead.
pub struct Ahead<T> {
    shared: Arc<Shared<T>>,
    /// Cancelled when the source is closed.
    whole: Cancel,
    /// Cancels this reader alone.
    cancel: Cancel,
}

impl<T: Send + 'static> Ahead<T> {
    /// Starts `read` on a thread. It stops when a send returns false, or when `cancel` is cancelled. `whole` is that of the
    /// source, above `cancel`.
    ///
    /// # Errors
    /// `Io` if the system has no thread left.
    pub fn start(
        name: &str,
        whole: Cancel,
        cancel: Cancel,
        read: impl FnOnce(&Sender<T>) -> Result<()> + Send + 'static,
    ) -> Result<Self> {
        let state = State { items: VecDeque::new(), bytes: 0, end: None, is_abandoned: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let sender = Sender(Arc::clone(&shared));
        spawn(name, move || {
            let end = guarded(|| read(&sender));
            let mut state = sender.0.lock();
            if !state.is_abandoned {
                state.end = Some(end);
            }
            drop(state);
            sender.0.changed.notify_all();
        })?;
        Ok(Ahead { shared, whole, cancel })
    }

    /// The next item, or `None` after the last. `frame` is the number of the frame that is asked for, if it has one.
    ///
    /// # Errors
    /// The exception of the reader's error, or of a signal handler, which ends the reading; `Unsupported` in a forked process;
    /// `ValueError` after the source was closed.
    pub fn next(&self, py: Python<'_>, frame: Option<u64>) -> PyResult<Option<T>> {
        refuse_fork().map_err(|error| raised(py, &error))?;
        loop {
            if self.whole.is_cancelled() {
                self.stop();
                return Err(closed());
            }
            match py.detach(|| self.wait(SIGNAL_INTERVAL)) {
                Found::Item(item) => return Ok(Some(item)),
                Found::End(Ok(())) => return Ok(None),
                // Closing the source ended the reading.
                Found::End(Err(_)) if self.whole.is_cancelled() => return Err(closed()),
                Found::End(Err(error)) => return Err(raised(py, &error.of_frame(frame))),
                Found::Nothing => {}
            }
            if let Err(interrupt) = py.check_signals() {
                self.stop();
                return Err(interrupt);
            }
        }
    }

    /// Ends the reading. What was read ahead is dropped.
    pub fn stop(&self) {
        if is_forked() {
            return;
        }
        let mut state = self.shared.lock();
        // A reader that has ended may have left its opening to another.
        if state.end.is_none() {
            self.cancel.cancel();
        }
        state.is_abandoned = true;
        state.bytes = 0;
        let dropped = std::mem::take(&mut state.items);
        state.end = Some(Ok(()));
        drop(state);
        drop(dropped);
        self.shared.changed.notify_all();
    }

    fn wait(&self, most: Duration) -> Found<T> {
        let until = Instant::now() + most;
        let mut state = self.shared.lock();
        loop {
            if let Some((item, bytes)) = state.items.pop_front() {
                state.bytes -= bytes;
                self.shared.changed.notify_all();
                return Found::Item(item);
            }
            if let Some(end) = &mut state.end {
                // The error is reported once; afterwards there is nothing more.
                return Found::End(std::mem::replace(end, Ok(())));
            }
            let rest = until.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Found::Nothing;
            }
            state = self.shared.changed.wait_timeout(state, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        // The reader is not in this process, and may have been inside the lock.
        if is_forked() {
            return;
        }
        let mut state = self.shared.lock();
        state.is_abandoned = true;
        // A reader that has ended may have left its opening to another.
        if state.end.is_none() {
            self.cancel.cancel();
        }
        drop(state);
        self.shared.changed.notify_all();
    }
}
