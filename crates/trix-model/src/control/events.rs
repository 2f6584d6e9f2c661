//! Events of a running job, for a host that shows or records them.
//!
//! Invariant: a sender never waits for a reader, and the events that wait are bounded. What is left out is counted.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crossbeam_channel as crossbeam;
use serde::{Deserialize, Serialize};

use crate::{damage::Damage, error::Stage, error_document::ErrorDetail, settings::video::TargetMetric};

/// Something that happened in a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A part of the job began. The parts follow one another: `source` (opening it), `plan` (with the measurement of
    /// loudness; a job that runs a plan has none), `encode` (reading the source and writing all outputs), `verify`.
    StageBegan {
        /// Which part.
        stage: Stage,
        /// Number of the reading of the source, from 1.
        pass: u32,
        /// 2 for `encode` of a job with two passes; else 1.
        passes: u32,
    },
    /// How far an output is. A progress that no one has read is replaced by the next one of the same output.
    Progress {
        /// Number of the output: files first, then packages, in the order of the job, from 0.
        output: usize,
        /// Its path.
        #[serde(with = "crate::path_text")]
        #[schemars(with = "PathBuf")]
        path: PathBuf,
        /// `encode` or `verify`.
        stage: Stage,
        /// Frames done in this part of the job. Of a package, by its slowest rendition. Without encoded
        /// video, packets of its first track.
        frames: u64,
        /// Frames expected, where the source declares them. `None` without encoded video.
        frames_expected: Option<u64>,
        /// Seconds of playing time that are done.
        #[serde(default)]
        seconds: f64,
        /// Seconds of playing time expected, where the source declares them.
        #[serde(default)]
        seconds_expected: Option<f64>,
        /// Frames a second, over the last few seconds. 0 without encoded video.
        fps: f64,
        /// Seconds of playing time in a second, over the last few seconds.
        #[serde(default)]
        speed: f64,
        /// Seconds to the end of this part of the job, where known.
        #[serde(default)]
        eta_seconds: Option<f64>,
        /// Bytes written in this part of the job.
        bytes: u64,
        /// Thousands of bits of this output in a second of its playing time.
        #[serde(default)]
        bitrate_kbps: f64,
    },
    /// Parts of the film were encoded, to find the rate factor with which an output reaches a score.
    FactorTried {
        /// The output, or the package of the rendition.
        #[serde(with = "crate::path_text")]
        #[schemars(with = "PathBuf")]
        path: PathBuf,
        /// What is measured.
        metric: TargetMetric,
        /// The score that is wanted.
        target: f64,
        /// The factor (`crf`).
        factor: f64,
        /// The score of the parts with it.
        score: f64,
    },
    /// Something that a person should know, and that is no error.
    Warning {
        /// The output that it is about; `None`: the source, or the whole job.
        #[serde(with = "crate::path_text::optional")]
        #[schemars(with = "Option<PathBuf>")]
        path: Option<PathBuf>,
        /// In words.
        text: String,
    },
    /// The encode of a chunk has failed, and is tried again.
    ChunkFailed {
        /// The first frame of the chunk.
        start: u64,
        /// The frame after its last one.
        end: u64,
        /// What ended the attempt.
        error: ErrorDetail,
    },
    /// The source is damaged in one place, and the job goes on. The report has the same damage.
    DamageFound {
        /// Number of the external audio track that is damaged; `None`: the source itself.
        track: Option<usize>,
        /// What was found: kind, stream, time.
        damage: Damage,
    },
    /// An output has its final name: it is whole and verified. The outputs of a job get their names together, at its end.
    OutputDone {
        /// The file or folder; of a still with several files, the first.
        #[serde(with = "crate::path_text")]
        #[schemars(with = "PathBuf")]
        path: PathBuf,
        /// Its size, with all of its files.
        bytes: u64,
    },
    /// An output failed, and the job goes on without it.
    OutputFailed {
        /// The path that it would have had.
        #[serde(with = "crate::path_text")]
        #[schemars(with = "PathBuf")]
        path: PathBuf,
        /// Why.
        error: ErrorDetail,
    },
    /// Events were left out here, because too many waited for the reader.
    Missed {
        /// How many.
        count: u64,
    },
    /// The job ended. It is the last event of a job.
    JobEnded {
        /// Why it failed; `None` if it did not.
        error: Option<ErrorDetail>,
    },
}

impl Event {
    /// The number of the output, if this is its progress.
    fn progress_of(&self) -> Option<usize> {
        match self {
            Event::Progress { output, .. } => Some(*output),
            _ => None,
        }
    }

    /// True if a source can cause any number of such events.
    fn is_frequent(&self) -> bool {
        matches!(self, Event::Warning { .. } | Event::DamageFound { .. })
    }
}

/// Number of waiting events from which on warnings and damage are left out and counted.
pub const ROOM: usize = 1024;

/// Number of waiting events from which on every event but progress is left out and counted. Only a sender that serves
/// many jobs without any reader gets there.
const MOST: usize = 2 * ROOM;

/// The events that wait for the reader.
#[derive(Default)]
struct Queue {
    events: VecDeque<Event>,
    /// Events that were left out after the last one in `events`.
    missed: u64,
}

impl Queue {
    fn push(&mut self, event: Event) {
        if let Some(output) = event.progress_of() {
            // There is never more than one for each output.
            self.events.retain(|waiting| waiting.progress_of() != Some(output));
        } else {
            let room = if event.is_frequent() { ROOM } else { MOST };
            if self.events.len() >= room {
                self.missed += 1;
                return;
            }
            self.note_missed();
        }
        self.events.push_back(event);
    }

    /// Puts the number of events that were left out into their place.
    fn note_missed(&mut self) {
        let count = std::mem::take(&mut self.missed);
        if count > 0 {
            self.events.push_back(Event::Missed { count });
        }
    }

    fn pop(&mut self) -> Option<Event> {
        if self.events.is_empty() {
            self.note_missed();
        }
        self.events.pop_front()
    }
}

type Shared = Arc<Mutex<Queue>>;

fn lock(queue: &Shared) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The end of the channel that a job writes to.
#[derive(Clone)]
pub struct EventSender {
    queue: Shared,
    bell: crossbeam::Sender<()>,
}

/// The end of the channel that a host reads from. Iteration ends when all senders are gone and all events are read.
pub struct EventReceiver {
    queue: Shared,
    bell: crossbeam::Receiver<()>,
}

/// Makes a channel for the events of a job, or of several jobs.
///
/// ```
/// use trix_model::control::events::{self, Event};
///
/// let (sender, receiver) = events::channel();
/// sender.send(Event::JobEnded { error: None });
/// drop(sender);
/// assert_eq!(receiver.iter().collect::<Vec<_>>(), [Event::JobEnded { error: None }]);
/// ```
pub fn channel() -> (EventSender, EventReceiver) {
    let (ring, bell) = crossbeam::bounded(1);
    let queue = Shared::default();
    (EventSender { queue: Arc::clone(&queue), bell: ring }, EventReceiver { queue, bell })
}

impl EventSender {
    /// Sends an event. Returns at once, also if no one reads.
    pub fn send(&self, event: Event) {
        lock(&self.queue).push(event);
        if let Err(crossbeam::TrySendError::Disconnected(())) = self.bell.try_send(()) {
            lock(&self.queue).events.clear();
        }
    }
}

impl EventReceiver {
    /// The next event; waits for it. `None` after the last, when all senders are gone.
    pub fn recv(&self) -> Option<Event> {
        loop {
            if let Some(event) = self.try_recv() {
                return Some(event);
            }
            if self.bell.recv().is_err() {
                return self.try_recv();
            }
        }
    }

    /// The next event; waits for it, but not longer than `timeout`.
    pub fn recv_timeout(&self, timeout: Duration) -> Option<Event> {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(event) = self.try_recv() {
                return Some(event);
            }
            if self.bell.recv_deadline(deadline).is_err() {
                return self.try_recv();
            }
        }
    }

    /// The next event, if one waits.
    pub fn try_recv(&self) -> Option<Event> {
        lock(&self.queue).pop()
    }

    /// All events until all senders are gone.
    pub fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        std::iter::from_fn(|| self.recv())
    }

    /// A channel for `crossbeam_channel::select!`. An item in it says that events may wait: read them with
    /// [`Self::try_recv`] until there is none. It is disconnected when all senders are gone.
    pub fn bell(&self) -> &crossbeam::Receiver<()> {
        &self.bell
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::{
        damage::DamageKind,
        error::{Error, ErrorKind},
    };

    fn progress(output: usize, frames: u64) -> Event {
        let path = PathBuf::from(format!("{output}.mkv"));
        let stage = Stage::Encode;
        Event::Progress {
            output,
            path,
            stage,
            frames,
            frames_expected: Some(100),
            seconds: frames as f64 / 25.0,
            seconds_expected: Some(4.0),
            fps: 25.0,
            speed: 1.0,
            eta_seconds: Some(3.5),
            bytes: frames * 1000,
            bitrate_kbps: 200.0,
        }
    }

    fn warning(text: impl ToString) -> Event {
        Event::Warning { path: None, text: text.to_string() }
    }

    #[test]
    fn without_a_reader_memory_is_bounded_and_what_is_left_out_is_counted() {
        let (sender, receiver) = channel();
        for number in 0..100_000 {
            sender.send(warning(number));
            sender.send(progress(number as usize % 3, number));
        }
        sender.send(Event::OutputDone { path: "0.mkv".into(), bytes: 7 });
        sender.send(Event::JobEnded { error: None });
        let waiting = lock(&sender.queue).events.len();
        assert!(waiting <= ROOM + 6, "{waiting}");
        drop(sender);
        let (mut warnings, mut missed, mut frames, mut others) = (0, 0, Vec::new(), Vec::new());
        for event in receiver.iter() {
            match event {
                // The first ones are kept, in their order.
                Event::Warning { text, .. } => {
                    assert_eq!(text, warnings.to_string());
                    warnings += 1;
                }
                Event::Missed { count } => missed += count,
                Event::Progress { frames: done, .. } => frames.push(done),
                other => others.push(other),
            }
        }
        assert_eq!(warnings + missed, 100_000);
        assert!(warnings as usize >= ROOM - 3 && missed > 0, "{warnings} {missed}");
        // The last progress of each output.
        assert_eq!(frames, [99_997, 99_998, 99_999]);
        assert_eq!(others, [Event::OutputDone { path: "0.mkv".into(), bytes: 7 }, Event::JobEnded { error: None }]);
    }

    #[test]
    fn a_sender_without_any_reader_keeps_no_more_than_its_room() {
        let (sender, receiver) = channel();
        for _ in 0..10 * MOST {
            sender.send(Event::JobEnded { error: None });
        }
        assert_eq!(lock(&sender.queue).events.len(), MOST);
        drop(receiver);
        sender.send(Event::JobEnded { error: None });
        assert_eq!(lock(&sender.queue).events.len(), 0);
    }

    #[test]
    fn a_progress_takes_the_place_of_an_older_one_and_stands_behind_what_came_between() {
        let (sender, receiver) = channel();
        let began = Event::StageBegan { stage: Stage::Verify, pass: 1, passes: 1 };
        for event in [progress(0, 1), progress(1, 1), began.clone(), progress(0, 2)] {
            sender.send(event);
        }
        let read: Vec<Event> = std::iter::from_fn(|| receiver.try_recv()).collect();
        assert_eq!(read, [progress(1, 1), began, progress(0, 2)]);
    }

    #[test]
    fn a_reader_waits_for_events_for_their_end_and_for_a_time() {
        let (sender, receiver) = channel();
        assert_eq!(receiver.recv_timeout(Duration::from_millis(20)), None);
        let other = sender.clone();
        let writer = thread::spawn(move || {
            for number in 0..500 {
                other.send(warning(number));
                if number % 100 == 0 {
                    thread::sleep(Duration::from_millis(2));
                }
            }
        });
        for number in 0..500 {
            assert_eq!(receiver.recv(), Some(warning(number)));
        }
        writer.join().unwrap();
        assert!(receiver.bell().is_empty() || receiver.try_recv().is_none());
        drop(sender);
        assert_eq!((receiver.recv(), receiver.recv_timeout(Duration::from_secs(3600))), (None, None));
        let is_over = crossbeam::select! { recv(receiver.bell()) -> rung => rung.is_err() };
        assert!(is_over);
    }

    #[test]
    fn every_event_comes_back_from_json() {
        let damage = Damage { kind: DamageKind::Checksum, stream: Some(1), time: None, detail: "a slice".into() };
        let error = ErrorDetail::from(&Error::new(ErrorKind::Io, Stage::Mux, "the disk is full"));
        let events = [
            Event::StageBegan { stage: Stage::Encode, pass: 2, passes: 2 },
            progress(3, 17),
            Event::FactorTried {
                path: "a.mkv".into(),
                metric: TargetMetric::Ssim,
                target: 0.98,
                factor: 21.5,
                score: 0.9791,
            },
            Event::Warning { path: Some("a.mkv".into()), text: "late".into() },
            warning("for all"),
            Event::ChunkFailed { start: 250, end: 500, error: error.clone() },
            Event::DamageFound { track: None, damage },
            Event::OutputDone { path: "a.mkv".into(), bytes: 1 << 40 },
            Event::OutputFailed { path: "b.mkv".into(), error: error.clone() },
            Event::Missed { count: 3 },
            Event::JobEnded { error: Some(error) },
            Event::JobEnded { error: None },
        ];
        for event in events {
            let text = serde_json::to_string(&event).unwrap();
            assert!(text.starts_with("{\"type\":\""), "{text}");
            assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
        }
    }
}
