//! Lets the audio of a source catch up with its frames.
//!
//! Copied frames come to the muxer as fast as they are read, and audio that is encoded passes two threads on its way. The muxer
//! keeps packets for a limited time only. On a busy machine, frames could pass audio that was read long before them, and the order
//! of packets, or the job, would depend on the load.
//!
//! Invariant: a frame is read no more than [`APART`] after a moment at which all audio that was read had come to its muxers. The
//! reading gives up after some vain waits, since audio may have to wait for frames of another output.

use std::{thread, time::Duration};

use trix_model::{
    control::cancel::Token,
    time::{Rational, Timestamp},
};

use super::pace::{PATIENCE, Tries};
use crate::pipeline::channel::Watched;

/// The longest time of frames that are read while audio is on its way. The muxer keeps packets for ten seconds at least.
const APART: Timestamp = Timestamp::new(5, Rational::new(1, 1));

/// The time between two looks at the audio.
const LOOK: Duration = Duration::from_millis(1);

/// The audio of a source on its way to the muxers.
pub(super) struct CatchUp {
    /// The channels that the audio passes, in its direction.
    channels: Vec<Watched>,
    token: Token,
    /// The time of the frame at which no audio was on its way.
    since: Option<Timestamp>,
    tries: Tries,
}

impl CatchUp {
    /// For audio that passes `channels`: each after those that feed it.
    pub(super) fn of(channels: Vec<Watched>, token: Token) -> Self {
        CatchUp { channels, token, since: None, tries: Tries::new(PATIENCE) }
    }

    /// Waits before a frame with decoding time `time` is sent on, if it is far from the last one that had no audio before it on its
    /// way.
    pub(super) fn wait(&mut self, time: Timestamp) {
        let is_near = |since: Timestamp| time <= since.plus(APART) && since <= time.plus(APART);
        if self.channels.is_empty() || self.since.is_some_and(is_near) {
            return;
        }
        let until = self.tries.until();
        // What a channel has dealt with is in the next one.
        for channel in &self.channels {
            while !channel.is_idle() && !self.token.is_set() {
                if self.tries.is_vain(until) {
                    return;
                }
                thread::sleep(LOOK);
            }
        }
        self.since = Some(time);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering},
        },
        time::Instant,
    };

    use trix_model::{control::cancel::Cancel, error::Stage};

    use super::*;
    use crate::pipeline::channel::{Weight, channel};

    struct Block;

    impl Weight for Block {
        fn weight(&self) -> usize {
            1
        }
    }

    const fn seconds(seconds: i64) -> Timestamp {
        Timestamp::new(seconds, Rational::new(1, 1))
    }

    #[test]
    fn frames_wait_until_all_audio_before_them_has_arrived() {
        let token = Token::new(&Cancel::default());
        let (first, decoder, _) = channel::<Block>(1000, &token);
        let (second, encoder, _) = channel::<Block>(1000, &token);
        let watched = vec![first.watched(), second.watched()];
        let arrived = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&arrived);
        let pause = || thread::sleep(Duration::from_millis(5));
        let stages = [
            thread::spawn(move || {
                while let Some(block) = decoder.receive(Stage::Decode).unwrap() {
                    pause();
                    second.send(block, Stage::Decode).unwrap();
                }
            }),
            thread::spawn(move || {
                while encoder.receive(Stage::Encode).unwrap().is_some() {
                    pause();
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }),
        ];
        let mut audio = CatchUp::of(watched, token);
        for second in 0..40 {
            first.send(Block, Stage::Demux).unwrap();
            audio.wait(seconds(second));
            // Those of the last five seconds may be on their way.
            assert!(arrived.load(Ordering::SeqCst) as i64 >= second - 5, "second {second}");
        }
        // A jump back, as in a file with several programs.
        first.send(Block, Stage::Demux).unwrap();
        audio.wait(seconds(0));
        assert_eq!(arrived.load(Ordering::SeqCst), 41);
        drop(first);
        stages.into_iter().for_each(|stage| stage.join().unwrap());
        audio.wait(seconds(100));
    }

    #[test]
    fn frames_do_not_wait_for_ever_and_stop_with_the_job() {
        let cancel = Cancel::default();
        let token = Token::new(&cancel);
        let (sender, _receiver, _) = channel::<Block>(1000, &token);
        sender.send(Block, Stage::Demux).unwrap();
        let mut audio = CatchUp::of(vec![sender.watched()], token);
        let begun = Instant::now();
        (0..1000).for_each(|second| audio.wait(seconds(10 * second)));
        assert!(begun.elapsed() >= 3 * PATIENCE && begun.elapsed() < 6 * PATIENCE, "{:?}", begun.elapsed());
        cancel.cancel();
        let mut stopped = CatchUp::of(audio.channels, audio.token);
        let begun = Instant::now();
        stopped.wait(seconds(0));
        assert!(begun.elapsed() < PATIENCE);
    }
}
