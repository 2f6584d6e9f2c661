//! Channels between stages, with a limit in bytes, and the threads of the stages.
//!
//! Invariant: a channel holds at most its limit in bytes, or one item if that is larger. So memory does not grow with
//! duration, and the slowest stage sets the pace.

use std::{
    any::Any,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel as crossbeam;
use trix_model::{
    control::{
        Depth,
        cancel::{LOOK, Token},
    },
    error::{Error, ErrorKind, Result, Stage},
};

/// An item with a size in memory.
pub(crate) trait Weight {
    /// Bytes.
    fn weight(&self) -> usize;
}

struct Gate {
    limit: usize,
    room: Mutex<Room>,
    freed: Condvar,
    depth: Arc<Depth>,
    /// The longest time that a sender sleeps without being woken.
    look: Duration,
}

#[derive(Default)]
struct Room {
    /// Bytes in the channel.
    used: usize,
    /// Senders that sleep.
    waiting: usize,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `bytes` fit. Returns false if the sender must stop.
    fn enter(&self, bytes: usize, token: &Token, gone: impl Fn() -> bool) -> bool {
        let mut room = self.lock();
        while room.used > 0 && room.used + bytes > self.limit {
            if token.is_set() || gone() {
                return false;
            }
            room.waiting += 1;
            room = self.freed.wait_timeout(room, self.look).unwrap_or_else(PoisonError::into_inner).0;
            room.waiting -= 1;
        }
        room.used += bytes;
        self.depth.enter(room.used);
        true
    }

    fn leave(&self, bytes: usize) {
        let mut room = self.lock();
        room.used = room.used.saturating_sub(bytes);
        self.depth.leave(room.used);
        self.wake(&room);
    }

    /// Wakes all senders, and each checks for room: the first may need more room than there is, and one item can leave
    /// room for several.
    fn wake(&self, room: &Room) {
        if room.waiting > 0 {
            self.freed.notify_all();
        }
    }
}

/// The sending end of a channel.
pub(crate) struct Sender<T> {
    channel: crossbeam::Sender<T>,
    gate: Arc<Gate>,
    receiver: std::sync::Weak<()>,
    token: Token,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender {
            channel: self.channel.clone(),
            gate: Arc::clone(&self.gate),
            receiver: self.receiver.clone(),
            token: self.token.clone(),
        }
    }
}

/// The receiving end of a channel.
pub(crate) struct Receiver<T> {
    channel: crossbeam::Receiver<T>,
    gate: Arc<Gate>,
    token: Token,
    /// Dropped first, so that senders know that nothing more is taken.
    alive: Option<Arc<()>>,
}

/// The result of sending an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The item is in the channel.
    Yes,
    /// The next stage takes no more items.
    NotWanted,
}

/// A channel of at most `limit` bytes.
pub(crate) fn channel<T: Weight>(limit: usize, token: &Token) -> (Sender<T>, Receiver<T>, Arc<Depth>) {
    looking_every(LOOK, limit, token)
}

/// A channel whose senders check every `look` whether they must stop.
fn looking_every<T: Weight>(look: Duration, limit: usize, token: &Token) -> (Sender<T>, Receiver<T>, Arc<Depth>) {
    let (sender, receiver) = crossbeam::unbounded();
    let depth = Arc::new(Depth::default());
    let gate = Gate { limit, room: Mutex::default(), freed: Condvar::new(), depth: Arc::clone(&depth), look };
    let (gate, alive) = (Arc::new(gate), Arc::new(()));
    let sender =
        Sender { channel: sender, gate: Arc::clone(&gate), receiver: Arc::downgrade(&alive), token: token.clone() };
    (sender, Receiver { channel: receiver, gate, token: token.clone(), alive: Some(alive) }, depth)
}

impl<T> Sender<T> {
    /// True if the receiver still takes items.
    pub(crate) fn is_wanted(&self) -> bool {
        self.receiver.strong_count() > 0
    }

    /// True if the sender need not wait for anything before it sends: the pipeline stops, or the receiver is gone.
    pub(crate) fn must_stop(&self) -> bool {
        self.token.is_set() || !self.is_wanted()
    }
}

impl<T: Weight> Sender<T> {
    /// Sends an item, and waits for room.
    ///
    /// # Errors
    /// `Cancelled` if the pipeline stops.
    pub(crate) fn send(&self, item: T, stage: Stage) -> Result<Sent> {
        let gone = || !self.is_wanted();
        let over = || match self.token.job_is_set() {
            true => Err(Error::cancelled(stage)),
            // Only the outputs of the receiver failed.
            false => Ok(Sent::NotWanted),
        };
        if !self.gate.enter(item.weight(), &self.token, gone) {
            return over();
        }
        // The gate bounds what the channel holds; the channel itself never blocks.
        match self.channel.send(item) {
            Ok(()) => Ok(Sent::Yes),
            Err(_) => over(),
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // Holds the lock, so that no sender can fall asleep after it has checked for the receiver.
        let room = self.gate.lock();
        self.alive = None;
        self.gate.wake(&room);
    }
}

impl<T: Weight> Receiver<T> {
    /// The next item; `None` after the last.
    ///
    /// # Errors
    /// `Cancelled` if the pipeline stops.
    pub(crate) fn receive(&self, stage: Stage) -> Result<Option<T>> {
        loop {
            if self.token.is_set() {
                return Err(Error::cancelled(stage));
            }
            match self.channel.recv_timeout(LOOK) {
                Ok(item) => {
                    self.gate.leave(item.weight());
                    return Ok(Some(item));
                }
                Err(crossbeam::RecvTimeoutError::Timeout) => {}
                // A failing stage drops its sender too. The token distinguishes a failure from the end.
                Err(crossbeam::RecvTimeoutError::Disconnected) if self.token.is_set() => {}
                Err(crossbeam::RecvTimeoutError::Disconnected) => return Ok(None),
            }
        }
    }
}

/// Sends every item to several stages. The slowest of them sets the pace.
pub(crate) struct Fan<T> {
    next: Vec<Sender<T>>,
}

impl<T: Weight + Clone> Fan<T> {
    pub(crate) fn new(next: Vec<Sender<T>>) -> Self {
        Fan { next }
    }

    /// Sends an item, and waits for room in each channel that still takes items.
    ///
    /// # Errors
    /// `Cancelled` if the pipeline stops.
    pub(crate) fn send(&mut self, item: T, stage: Stage) -> Result<Sent> {
        let mut wanted = Vec::with_capacity(self.next.len());
        for next in self.next.drain(..) {
            if next.send(item.clone(), stage)? == Sent::Yes {
                wanted.push(next);
            }
        }
        self.next = wanted;
        Ok(if self.next.is_empty() { Sent::NotWanted } else { Sent::Yes })
    }
}

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

/// The message of a panic; empty if it has none.
pub(crate) fn text_of_panic(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Instant,
    };
    use trix_model::control::cancel::Cancel;

    #[derive(Clone)]
    struct Block(usize);

    impl Weight for Block {
        fn weight(&self) -> usize {
            self.0
        }
    }

    #[test]
    fn a_channel_holds_no_more_than_its_bytes() {
        let token = Token::new(&Cancel::default());
        let (sender, receiver, depth) = channel::<Block>(100, &token);
        let writer = thread::spawn(move || {
            for _ in 0..50 {
                assert_eq!(sender.send(Block(40), Stage::Decode).unwrap(), Sent::Yes);
            }
        });
        let mut count = 0;
        while let Some(block) = receiver.receive(Stage::Encode).unwrap() {
            assert!(depth.bytes() <= 100);
            assert_eq!(block.0, 40);
            count += 1;
            if count < 5 {
                thread::sleep(Duration::from_millis(5));
            }
        }
        writer.join().unwrap();
        assert_eq!((count, depth.bytes(), depth.items()), (50, 0, 0));
    }

    /// Makes a channel whose senders sleep until they are woken. It holds items with the weights `inside`, while
    /// senders of items with the weights `waiting` wait for room. The second receiver yields the weight of each item
    /// that is sent.
    fn crowded(inside: &[usize], waiting: &[usize]) -> (Receiver<Block>, crossbeam::Receiver<(usize, Sent)>) {
        let token = Token::new(&Cancel::default());
        let (sender, receiver, _) = looking_every::<Block>(Duration::from_secs(3600), 100, &token);
        for weight in inside {
            sender.send(Block(*weight), Stage::Decode).unwrap();
        }
        let (sent, gone_on) = crossbeam::unbounded();
        for (number, weight) in waiting.iter().copied().enumerate() {
            let (sender, sent) = (sender.clone(), sent.clone());
            thread::spawn(move || sent.send((weight, sender.send(Block(weight), Stage::Decode).unwrap())));
            while receiver.gate.lock().waiting <= number {
                thread::yield_now();
            }
        }
        (receiver, gone_on)
    }

    /// The next item that was sent. A sender that is not woken would sleep for an hour.
    fn next(gone_on: &crossbeam::Receiver<(usize, Sent)>) -> (usize, Sent) {
        gone_on.recv_timeout(Duration::from_secs(20)).expect("a sender that has room goes on")
    }

    #[test]
    fn every_sender_that_has_room_goes_on_at_once() {
        // The sender that waits longest needs more room than there is.
        let (receiver, gone_on) = crowded(&[40, 60], &[80, 30]);
        receiver.receive(Stage::Encode).unwrap();
        assert_eq!(next(&gone_on), (30, Sent::Yes));
        receiver.receive(Stage::Encode).unwrap();
        receiver.receive(Stage::Encode).unwrap();
        assert_eq!(next(&gone_on), (80, Sent::Yes));
        // One item leaves room for several.
        let (receiver, gone_on) = crowded(&[100], &[50, 20, 30]);
        receiver.receive(Stage::Encode).unwrap();
        let mut all: Vec<usize> = (0..3).map(|_| next(&gone_on).0).collect();
        all.sort_unstable();
        assert_eq!(all, [20, 30, 50]);
    }

    #[test]
    fn senders_learn_at_once_that_nobody_wants_more() {
        let (receiver, gone_on) = crowded(&[100], &[50, 60]);
        drop(receiver);
        assert_eq!([next(&gone_on).1, next(&gone_on).1], [Sent::NotWanted; 2]);
    }

    #[test]
    fn an_item_larger_than_the_channel_passes_alone() {
        let token = Token::new(&Cancel::default());
        let (sender, receiver, _) = channel::<Block>(10, &token);
        assert_eq!(sender.send(Block(1000), Stage::Decode).unwrap(), Sent::Yes);
        assert_eq!(receiver.receive(Stage::Encode).unwrap().map(|block| block.0), Some(1000));
    }

    #[test]
    fn a_blocked_sender_and_a_blocked_receiver_stop_within_200_ms() {
        let cancel = Cancel::default();
        let token = Token::new(&cancel);
        let (full, _kept, _) = channel::<Block>(10, &token);
        full.send(Block(10), Stage::Decode).unwrap();
        let (_open, empty, _) = channel::<Block>(10, &token);
        let writer = thread::spawn(move || full.send(Block(10), Stage::Decode).map(drop));
        let reader = thread::spawn(move || empty.receive(Stage::Encode).map(drop));
        thread::sleep(Duration::from_millis(20));
        let start = Instant::now();
        cancel.cancel();
        for thread in [writer, reader] {
            assert_eq!(thread.join().unwrap().unwrap_err().kind(), ErrorKind::Cancelled);
        }
        assert!(start.elapsed() < Duration::from_millis(200), "{:?}", start.elapsed());
    }

    #[test]
    fn a_fan_serves_those_who_still_want_something() {
        let token = Token::new(&Cancel::default());
        let outputs = token.of_outputs(2);
        let (first, first_input, _) = channel::<Block>(10, &outputs[0]);
        let (second, second_input, _) = channel::<Block>(10, &outputs[1]);
        let mut fan = Fan::new(vec![first, second]);
        assert_eq!(fan.send(Block(1), Stage::Decode).unwrap(), Sent::Yes);
        outputs[0].fail();
        assert_eq!(first_input.receive(Stage::Encode).err().map(|error| error.kind()), Some(ErrorKind::Cancelled));
        drop(first_input);
        assert_eq!(fan.send(Block(2), Stage::Decode).unwrap(), Sent::Yes);
        assert_eq!(second_input.receive(Stage::Encode).unwrap().map(|block| block.0), Some(1));
        drop(second_input);
        assert_eq!(fan.send(Block(3), Stage::Decode).unwrap(), Sent::NotWanted);
    }

    #[test]
    fn a_stage_that_has_enough_is_no_failure() {
        let token = Token::new(&Cancel::default());
        let (sender, receiver, _) = channel::<Block>(10, &token);
        drop(receiver);
        assert_eq!(sender.send(Block(1), Stage::Demux).unwrap(), Sent::NotWanted);
    }

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
