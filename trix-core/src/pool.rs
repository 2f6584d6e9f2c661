//! The threads that check finished work: each job has its own rayon pool, which ends with the checks.
//!
//! Invariant: rayon's global pool is never used. Outside a pool, work runs on the current thread, in order. Results are
//! in the order of the inputs, whichever thread made them.

use rayon::{
    ThreadPoolBuilder,
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
