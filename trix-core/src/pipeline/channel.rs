//! Channels between stages, with a limit in bytes.
//!
//! Invariant: a channel holds at most its limit in bytes, or one item if that is larger. So memory does not grow with
//! duration, and the slowest stage sets the pace.
//!
//! A receiver that finds nothing sleeps at once. A receiver of crossbeam yields its core several times before it sleeps.
//! With fifteen busy threads on two cores, these yields were a third of all context switches.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use trix_model::{
    control::{
        Depth,
        cancel::{LOOK, Token},
    },
    error::{Error, Result, Stage},
};

/// An item with a size in memory.
pub(crate) trait Weight {
    /// Bytes.
    fn weight(&self) -> usize;
}

/// What both ends of a channel share.
struct Shared<T> {
    limit: usize,
    state: Mutex<State<T>>,
    /// Wakes senders: there is room, or the receiver is gone.
    freed: Condvar,
    /// Wakes the receiver: there is an item, or all senders are gone.
    arrived: Condvar,
    depth: Arc<Depth>,
    /// The longest time that an end sleeps without being woken.
    look: Duration,
}

struct State<T> {
    items: VecDeque<T>,
    /// Bytes of the items.
    used: usize,
    /// Senders that sleep.
    waiting: usize,
    /// True if the receiver sleeps.
    receiver_sleeps: bool,
    senders: usize,
    has_receiver: bool,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until `woken` is notified, or for the time of `look`.
    fn sleep<'a>(&self, state: MutexGuard<'a, State<T>>, woken: &Condvar) -> MutexGuard<'a, State<T>> {
        woken.wait_timeout(state, self.look).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Unlocks the state and wakes all senders, and each checks for room: the first may need more room than there is, and
    /// one item can leave room for several.
    fn wake_senders(&self, state: MutexGuard<'_, State<T>>) {
        let sleep = state.waiting > 0;
        drop(state);
        if sleep {
            self.freed.notify_all();
        }
    }

    /// Unlocks the state and wakes the receiver.
    fn wake_receiver(&self, state: MutexGuard<'_, State<T>>) {
        let sleeps = state.receiver_sleeps;
        drop(state);
        if sleeps {
            self.arrived.notify_one();
        }
    }
}

/// The sending end of a channel.
pub(crate) struct Sender<T> {
    shared: Arc<Shared<T>>,
    token: Token,
}

/// The receiving end of a channel.
pub(crate) struct Receiver<T> {
    shared: Arc<Shared<T>>,
    token: Token,
}

/// A channel that somebody looks at.
pub(crate) struct Watched(Box<dyn Fn() -> bool + Send>);

impl Watched {
    /// True if the receiver has dealt with every item that was sent so far, and waits for the next.
    pub(crate) fn is_idle(&self) -> bool {
        (self.0)()
    }
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

/// A channel whose ends check every `look` whether they must stop.
fn looking_every<T: Weight>(look: Duration, limit: usize, token: &Token) -> (Sender<T>, Receiver<T>, Arc<Depth>) {
    let depth = Arc::new(Depth::default());
    let state =
        State { items: VecDeque::new(), used: 0, waiting: 0, receiver_sleeps: false, senders: 1, has_receiver: true };
    let shared = Arc::new(Shared {
        limit,
        state: Mutex::new(state),
        freed: Condvar::new(),
        arrived: Condvar::new(),
        depth: Arc::clone(&depth),
        look,
    });
    let sender = Sender { shared: Arc::clone(&shared), token: token.clone() };
    (sender, Receiver { shared, token: token.clone() }, depth)
}

impl<T> Sender<T> {
    /// True if the receiver still takes items.
    pub(crate) fn is_wanted(&self) -> bool {
        self.shared.lock().has_receiver
    }

    /// True if the sender need not wait for anything before it sends: the pipeline stops, or the receiver is gone.
    pub(crate) fn must_stop(&self) -> bool {
        self.token.is_set() || !self.is_wanted()
    }
}

impl<T: Send + 'static> Sender<T> {
    /// Lets another thread see whether everything was dealt with that came into the channel. That keeps no end open.
    pub(crate) fn watched(&self) -> Watched {
        let shared = Arc::clone(&self.shared);
        Watched(Box::new(move || {
            let state = shared.lock();
            state.items.is_empty() && (state.receiver_sleeps || !state.has_receiver)
        }))
    }
}

impl<T: Weight> Sender<T> {
    /// Sends an item, and waits for room.
    ///
    /// # Errors
    /// `Cancelled` if the pipeline stops.
    pub(crate) fn send(&self, item: T, stage: Stage) -> Result<Sent> {
        let bytes = item.weight();
        let is_full = |state: &State<T>| state.used > 0 && state.used + bytes > self.shared.limit;
        let mut state = self.shared.lock();
        while state.has_receiver && is_full(&state) && !self.token.is_set() {
            state.waiting += 1;
            state = self.shared.sleep(state, &self.shared.freed);
            state.waiting -= 1;
        }
        if !state.has_receiver || is_full(&state) {
            return match self.token.job_is_set() {
                true => Err(Error::cancelled(stage)),
                // Only the outputs of the receiver failed.
                false => Ok(Sent::NotWanted),
            };
        }
        state.used += bytes;
        state.items.push_back(item);
        self.shared.depth.enter(state.used);
        self.shared.wake_receiver(state);
        Ok(Sent::Yes)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.lock().senders += 1;
        Sender { shared: Arc::clone(&self.shared), token: self.token.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.senders -= 1;
        self.shared.wake_receiver(state);
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.has_receiver = false;
        // Dropped after the state is unlocked.
        let _left = std::mem::take(&mut state.items);
        self.shared.wake_senders(state);
    }
}

impl<T: Weight> Receiver<T> {
    /// The next item; `None` after the last.
    ///
    /// # Errors
    /// `Cancelled` if the pipeline stops.
    pub(crate) fn receive(&self, stage: Stage) -> Result<Option<T>> {
        let mut state = self.shared.lock();
        loop {
            // A failing stage drops its sender too. The token distinguishes a failure from the end.
            if self.token.is_set() {
                return Err(Error::cancelled(stage));
            }
            if let Some(item) = state.items.pop_front() {
                state.used = state.used.saturating_sub(item.weight());
                self.shared.depth.leave(state.used);
                self.shared.wake_senders(state);
                return Ok(Some(item));
            }
            if state.senders == 0 {
                return Ok(None);
            }
            state.receiver_sleeps = true;
            state = self.shared.sleep(state, &self.shared.arrived);
            state.receiver_sleeps = false;
        }
    }
}

/// Sends every item to several stages. The slowest of them sets the pace.
pub(crate) struct Fan<T> {
    next: Vec<Sender<T>>,
}

impl<T: Send + 'static> Fan<T> {
    /// As [`Sender::watched`], for each of the channels.
    pub(crate) fn watched(&self) -> impl Iterator<Item = Watched> {
        self.next.iter().map(Sender::watched)
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::{thread, time::Instant};

    use crossbeam_channel as crossbeam;
    use trix_model::{control::cancel::Cancel, error::ErrorKind};

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
            while receiver.shared.lock().waiting <= number {
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
    fn a_receiver_that_sleeps_learns_at_once_of_an_item_and_of_the_end() {
        let token = Token::new(&Cancel::default());
        let (sender, receiver, _) = looking_every::<Block>(Duration::from_secs(3600), 100, &token);
        let other = sender.clone();
        let shared = Arc::clone(&sender.shared);
        let (taken, seen) = crossbeam::unbounded();
        thread::spawn(move || {
            while let Some(block) = receiver.receive(Stage::Encode).unwrap() {
                taken.send(block.0).unwrap();
            }
        });
        let until_it_sleeps = || {
            while !shared.lock().receiver_sleeps {
                thread::yield_now();
            }
        };
        let within = Duration::from_secs(20);
        for weight in [10, 20] {
            until_it_sleeps();
            sender.send(Block(weight), Stage::Decode).unwrap();
            assert_eq!(seen.recv_timeout(within), Ok(weight));
        }
        until_it_sleeps();
        drop(sender);
        assert_eq!(seen.recv_timeout(Duration::from_millis(50)), Err(crossbeam::RecvTimeoutError::Timeout));
        drop(other);
        assert_eq!(seen.recv_timeout(within), Err(crossbeam::RecvTimeoutError::Disconnected));
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
}
