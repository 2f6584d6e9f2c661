//! The threads for work on single items: those that convert frames, and those that check finished work. Each job has its
//! own rayon pools, which end with this work.
//!
//! Invariant: rayon's global pool is never used. Outside a pool, work runs on the current thread, in order. Results are
//! in the order of the inputs, whichever thread made them.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use rayon::{
    ThreadPool, ThreadPoolBuilder,
    iter::{IntoParallelIterator, ParallelIterator},
};
use trix_model::error::{Error, ErrorKind, Result, Stage};

/// The most threads in a pool. More of them would only wait for memory.
const MOST: usize = 16;

/// The threads of a pool for the job's `threads` (0: one for each core).
pub(crate) fn threads(threads: u32) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let asked = if threads == 0 { cores() } else { threads as usize };
    asked.clamp(1, MOST)
}

/// Runs `work` on its own pool of `threads` threads, and ends the pool before it returns.
///
/// # Errors
/// `Io` if the system cannot start a thread.
pub(crate) fn with<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> Result<T> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|number| format!("trix-finish-{number}"))
        .build_scoped(rayon::ThreadBuilder::run, |pool| pool.install(work))
        .map_err(|error| Error::new(ErrorKind::Io, Stage::Verify, format!("no thread: {error}")).caused_by(error))
}

/// The threads that convert frames, for all filter steps of a job.
#[derive(Clone)]
pub(crate) struct Workers(Arc<Threads>);

struct Threads {
    /// Dropped first, which tells the threads to end.
    pool: ThreadPool,
    handles: Handles,
}

/// Threads. Whoever drops them waits for their end.
struct Handles(Vec<JoinHandle<()>>);

impl Drop for Handles {
    fn drop(&mut self) {
        for handle in self.0.drain(..) {
            // What panicked on the thread was caught there.
            let _ = handle.join();
        }
    }
}

impl Workers {
    /// Starts `threads` threads.
    ///
    /// # Errors
    /// `Io` if the system cannot start a thread.
    pub(crate) fn new(threads: usize) -> Result<Self> {
        let mut handles = Handles(Vec::new());
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .spawn_handler(|thread| {
                let name = format!("trix-convert-{}", thread.index());
                handles.0.push(thread::Builder::new().name(name).spawn(|| thread.run())?);
                Ok(())
            })
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Io, Stage::Filter, format!("a thread for filters cannot be started: {error}"))
                    .caused_by(error)
            })?;
        Ok(Workers(Arc::new(Threads { pool, handles })))
    }

    /// Number of threads.
    pub(crate) fn threads(&self) -> usize {
        self.0.handles.0.len()
    }

    /// Begins `work` on one of the threads.
    pub(crate) fn begin<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Pending<T> {
        let place =
            Arc::new(Place { result: Mutex::new(None), made: Condvar::new(), unwanted: AtomicBool::new(false) });
        let pending = Pending(Arc::clone(&place));
        self.0.pool.spawn(move || {
            let result = match place.unwanted.load(Ordering::Relaxed) {
                true => Err(Box::new("nobody wants the result") as Box<dyn Any + Send>),
                false => catch_unwind(AssertUnwindSafe(work)),
            };
            *place.result.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            place.made.notify_one();
        });
        pending
    }
}

/// Work that another thread does.
pub(crate) struct Pending<T>(Arc<Place<T>>);

struct Place<T> {
    result: Mutex<Option<thread::Result<T>>>,
    made: Condvar,
    /// True if the work need not begin.
    unwanted: AtomicBool,
}

impl<T> Pending<T> {
    /// True if the work is done.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.result.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Leaves the work out if no thread has begun it.
    pub(crate) fn give_up(&self) {
        self.0.unwanted.store(true, Ordering::Relaxed);
    }

    /// Waits for the result.
    ///
    /// # Errors
    /// `Bug` if the work panicked.
    pub(crate) fn wait(self) -> Result<T> {
        let result = self.0.result.lock().unwrap_or_else(PoisonError::into_inner);
        let mut result =
            self.0.made.wait_while(result, |result| result.is_none()).unwrap_or_else(PoisonError::into_inner);
        let panicked = |panic: Box<dyn Any + Send>| {
            Error::bug(Stage::Filter, format!("a conversion panicked: {}", text_of_panic(panic.as_ref())))
        };
        result.take().map_or_else(|| Err(Error::bug(Stage::Filter, "no result")), |result| result.map_err(panicked))
    }
}

/// The message of a panic; empty if it has none.
pub(crate) fn text_of_panic(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// Applies `work` to each of `items` on all threads of the current pool. Results are in the order of the items.
pub(crate) fn map<I: Send, T: Send>(items: Vec<I>, work: impl Fn(I) -> T + Sync + Send) -> Vec<T> {
    if is_here() { items.into_par_iter().map(work).collect() } else { items.into_iter().map(work).collect() }
}

/// Runs both functions, in parallel if this runs on a pool.
pub(crate) fn both<A: Send, B: Send>(first: impl FnOnce() -> A + Send, second: impl FnOnce() -> B + Send) -> (A, B) {
    if is_here() { rayon::join(first, second) } else { (first(), second()) }
}

/// True if this runs on a pool. Without a pool, rayon would start its global pool.
fn is_here() -> bool {
    rayon::current_thread_index().is_some()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, thread};

    use super::*;

    fn name() -> String {
        thread::current().name().unwrap_or_default().to_owned()
    }

    #[test]
    fn results_stand_in_the_order_of_the_items_on_any_number_of_threads() {
        let squares: Vec<u64> = (0..1000).map(|item| item * item).collect();
        for threads in [1, 2, 5] {
            let found = with(threads, || map((0..1000u64).collect(), |item| item * item)).unwrap();
            assert_eq!(found, squares);
        }
        assert_eq!(map((0..1000u64).collect(), |item| item * item), squares);
    }

    #[test]
    fn work_that_has_begun_ends_on_a_named_thread() {
        let workers = Workers::new(3).unwrap();
        assert_eq!(workers.threads(), 3);
        let pending: Vec<_> = (0..50u64).map(|item| workers.begin(move || (item, name()))).collect();
        for (expected, own) in pending.into_iter().enumerate() {
            let (item, name) = own.wait().unwrap();
            assert_eq!(item, expected as u64);
            assert!(name.starts_with("trix-convert-"), "{name}");
        }
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let slow = workers.begin(move || wait.recv().is_err());
        assert!(!slow.is_ready());
        drop(go);
        assert!(slow.wait().unwrap());
    }

    #[test]
    fn work_that_nobody_wants_does_not_begin() {
        let workers = Workers::new(1).unwrap();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let slow = workers.begin(move || wait.recv().is_err());
        let later = workers.begin(|| panic!("it began"));
        later.give_up();
        drop(go);
        assert!(slow.wait().unwrap());
        assert!(later.wait().unwrap_err().to_string().contains("nobody wants the result"));
    }

    #[test]
    fn work_that_panics_is_a_bug_and_the_thread_goes_on() {
        let workers = Workers::new(1).unwrap();
        let error = workers.begin(|| panic!("boom")).wait().unwrap_err();
        assert_eq!((error.kind(), error.stage()), (ErrorKind::Bug, Stage::Filter));
        assert!(error.to_string().contains("boom"), "{error}");
        assert_eq!(workers.begin(|| 5).wait().unwrap(), 5);
    }

    #[test]
    fn the_threads_of_a_pool_have_names_and_end_with_it() {
        let names = with(3, || {
            let wait = std::sync::Barrier::new(3);
            map(vec![(); 3], |()| {
                wait.wait();
                name()
            })
        });
        let names: BTreeSet<String> = names.unwrap().into_iter().collect();
        assert_eq!(names, BTreeSet::from(["trix-finish-0", "trix-finish-1", "trix-finish-2"].map(str::to_owned)));
    }

    #[test]
    fn without_a_pool_nothing_leaves_the_thread() {
        let own = name();
        assert!(map(vec![(); 50], |()| name()).into_iter().all(|found| found == own));
        assert_eq!(both(name, name), (own.clone(), own));
    }

    #[test]
    fn a_pool_is_as_large_as_the_job_says_and_bounded() {
        assert_eq!((threads(1), threads(3), threads(500)), (1, 3, MOST));
        assert!((1..=MOST).contains(&threads(0)));
    }
}
