//! The threads of the stages.
//!
//! Invariant: no stage begins before all of them have a thread. A stage that fails stops the others of its outputs.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    thread::{self, JoinHandle},
};

use crossbeam_channel as crossbeam;
use trix_model::{
    control::cancel::Token,
    error::{Error, ErrorKind, Result, Stage},
};

use crate::pool::text_of_panic;

/// The result of a stage, and the outputs that it worked for (empty: all).
pub(crate) struct Outcome {
    pub(crate) outputs: Vec<usize>,
    pub(crate) result: Result<()>,
}

/// The work of a stage.
pub(crate) type Work = Box<dyn FnOnce() -> Result<()> + Send>;

/// A stage that has no thread yet.
pub(crate) struct Waiting {
    pub(crate) name: String,
    pub(crate) stage: Stage,
    pub(crate) token: Token,
    pub(crate) work: Work,
}

/// A function that starts a thread with this name and body.
pub(crate) type Threads<'a> = &'a dyn Fn(String, Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>>;

/// Starts a thread of the operating system.
pub(crate) fn thread(name: String, body: Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name).spawn(body)
}

/// Runs every stage on its own thread, and returns the threads. A name is visible in a debugger and in `top -H`.
///
/// No stage begins before all threads are started. A failure or a panic stops the other stages of the same outputs
/// before it is reported to `done`.
///
/// # Errors
/// `Io` with the name of the thread that the system refuses, and the outputs of its stage. All started threads have
/// then ended, and no stage has begun.
pub(crate) fn start(
    waiting: Vec<Waiting>,
    done: &crossbeam::Sender<Outcome>,
    threads: Threads<'_>,
) -> Result<Vec<JoinHandle<()>>, (Vec<usize>, Error)> {
    let mut started = Vec::with_capacity(waiting.len());
    for own in &waiting {
        let (begin, work) = crossbeam::bounded::<Waiting>(1);
        let done = done.clone();
        let name = format!("trix-{}", own.name);
        let body = move || {
            if let Ok(own) = work.recv() {
                run(own, &done);
            }
        };
        match threads(name.clone(), Box::new(body)) {
            Ok(thread) => started.push((begin, thread)),
            Err(error) => {
                drop(begin);
                for (begin, thread) in started {
                    drop(begin);
                    // The thread ends without doing any work, so it cannot have panicked.
                    let _ = thread.join();
                }
                return Err((own.token.outputs(), no_thread(&name, own.stage, error)));
            }
        }
    }
    let begun = waiting.into_iter().zip(started).map(|(own, (begin, thread))| {
        // The thread waits for this item.
        let _ = begin.send(own);
        thread
    });
    Ok(begun.collect())
}

/// The error of a stage whose thread the system refuses to start.
pub(crate) fn no_thread(name: &str, stage: Stage, error: io::Error) -> Error {
    let detail = format!("the thread {name} cannot be started: {error}");
    Error::new(ErrorKind::Io, stage, detail).caused_by(error)
}

/// Runs a stage to its end.
fn run(Waiting { stage, token, work, .. }: Waiting, done: &crossbeam::Sender<Outcome>) {
    let result = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Error::bug(stage, format!("a stage panicked: {}", text_of_panic(panic.as_ref())))));
    if result.is_err() {
        token.fail();
    }
    // After a cancellation, the caller may have stopped receiving.
    let _ = done.send(Outcome { outputs: token.outputs(), result });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    use trix_model::control::cancel::Cancel;

    /// A stage that has no thread yet.
    fn stage(name: &str, stage: Stage, token: &Token, work: impl FnOnce() -> Result<()> + Send + 'static) -> Waiting {
        Waiting { name: name.to_owned(), stage, token: token.clone(), work: Box::new(work) }
    }

    #[test]
    fn a_panic_becomes_a_bug_and_stops_the_others() {
        let token = Token::new(&Cancel::default());
        let (done, outcomes) = crossbeam::unbounded();
        start(vec![stage("test", Stage::Filter, &token, || panic!("boom"))], &done, &thread).unwrap();
        let error = outcomes.recv().unwrap().result.unwrap_err();
        assert_eq!((error.stage(), error.kind()), (Stage::Filter, ErrorKind::Bug));
        assert!(error.to_string().contains("boom"));
        assert!(token.is_set());
    }

    #[test]
    fn a_thread_that_cannot_be_started_leaves_none_running_and_is_named() {
        const NAMES: [&str; 4] = ["encode 0", "mux 0", "encode 1", "demux"];
        const STAGES: [Stage; 4] = [Stage::Encode, Stage::Mux, Stage::Encode, Stage::Demux];
        for refused in 0..NAMES.len() {
            let token = Token::new(&Cancel::default());
            let outputs = token.of_outputs(2);
            let (done, outcomes) = crossbeam::unbounded();
            let (begun, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let waiting = NAMES.iter().enumerate().map(|(number, name)| {
                let (begun, token) = (Arc::clone(&begun), outputs[number / 2].clone());
                stage(name, STAGES[number], &token, move || {
                    begun.fetch_add(1, Ordering::SeqCst);
                    Ok(())
                })
            });
            let waiting: Vec<Waiting> = waiting.collect();
            let given = AtomicUsize::new(0);
            let counting = |name: String, body: Box<dyn FnOnce() + Send>| {
                if given.fetch_add(1, Ordering::SeqCst) == refused {
                    return Err(io::Error::from_raw_os_error(11));
                }
                let ended = Arc::clone(&ended);
                let body = move || {
                    body();
                    ended.fetch_add(1, Ordering::SeqCst);
                };
                thread(name, Box::new(body))
            };
            let (concerned, error) = start(waiting, &done, &counting).unwrap_err();
            // Each started thread has ended, and did nothing.
            assert_eq!((begun.load(Ordering::SeqCst), ended.load(Ordering::SeqCst)), (0, refused));
            assert_eq!(outcomes.try_iter().count(), 0);
            assert_eq!(concerned, [refused / 2]);
            assert_eq!((error.kind(), error.stage()), (ErrorKind::Io, STAGES[refused]));
            let text = error.to_string();
            assert!(text.contains(&format!("the thread trix-{} cannot be started", NAMES[refused])), "{text}");
            assert!(text.contains("Resource temporarily unavailable") && error.cause().is_some(), "{text}");
        }
    }
}
