//! The processor time that an encoder takes: that of the threads that it started, and that of the threads that call it.
//!
//! x264 and x265 start their threads when they open. A thread has the name of the one that started it, so that the caller takes a name
//! of its own meanwhile, by which it finds them.
//!
//! Invariant: threads that others start at the same time do not count.

use std::{
    fs,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use rustix::thread::{gettid, name, set_name};

/// The threads of an encoder.
pub(super) struct OwnThreads(Vec<String>);

impl OwnThreads {
    /// Opens an encoder, and finds its threads.
    pub(super) fn of<T>(open: impl FnOnce() -> T) -> (T, OwnThreads) {
        static OPENED: AtomicU32 = AtomicU32::new(0);
        let Ok(before) = name() else { return (open(), OwnThreads(Vec::new())) };
        // At most 15 characters.
        let own = format!("trix-enc-{:05}", OPENED.fetch_add(1, Ordering::Relaxed) % 100_000);
        let text = std::ffi::CString::new(own.as_str()).unwrap_or_default();
        if set_name(&text).is_err() {
            return (open(), OwnThreads(Vec::new()));
        }
        let opened = open();
        let this = gettid().as_raw_nonzero().to_string();
        let tasks = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let ids = tasks.filter_map(|task| task.file_name().into_string().ok()).filter(|id| *id != this);
        let is_own = |id: &String| {
            fs::read_to_string(format!("/proc/self/task/{id}/comm")).is_ok_and(|found| found.trim_end() == own)
        };
        let threads = ids.filter(is_own).collect();
        let _ = set_name(&before);
        (opened, OwnThreads(threads))
    }

    /// The processor time of these threads until now. Zero if the system does not tell it.
    pub(super) fn time(&self) -> Duration {
        let time = |id: &String| {
            let said = fs::read_to_string(format!("/proc/self/task/{id}/schedstat")).ok()?;
            said.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
        };
        self.0.iter().filter_map(time).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        thread,
        time::Instant,
    };

    use super::*;

    fn busy(until: &AtomicBool) {
        while !until.load(Ordering::Relaxed) {
            std::hint::black_box(0);
        }
    }

    #[test]
    fn only_threads_that_were_started_meanwhile_by_this_thread_count() {
        let end = Arc::new(AtomicBool::new(false));
        let start = || {
            let end = Arc::clone(&end);
            thread::spawn(move || busy(&end))
        };
        let other = start();
        let (own, threads) = OwnThreads::of(start);
        let later = start();
        assert_eq!(threads.0.len(), 1);
        let began = Instant::now();
        while threads.time() < Duration::from_millis(50) && began.elapsed() < Duration::from_secs(20) {
            thread::yield_now();
        }
        assert!(threads.time() >= Duration::from_millis(50), "{:?}", threads.time());
        assert!(threads.time() <= began.elapsed() + Duration::from_millis(50), "one thread, and not three");
        end.store(true, Ordering::Relaxed);
        [other, own, later].into_iter().for_each(|thread| thread.join().unwrap());
    }
}
