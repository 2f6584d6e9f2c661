//! Progress of a job, measured from outside: stages only add to counters.
//!
//! Invariant: no stage waits for the thread that watches it.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::{control::Depth, json};

/// What a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reading the source to learn where bits are needed.
    FirstPass,
    /// Writing the output.
    Encode,
    /// Reading the output again.
    Verify,
}

/// A moment of a job.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Progress {
    /// Version of this format: 1.
    #[serde(deserialize_with = "json::version")]
    pub trix: u32,
    /// What the job is doing.
    pub phase: Phase,
    /// Frames done in this phase, by the output that is least far. Without encoded video, packets of the first track.
    pub frame: u64,
    /// Frames expected, where the source declares them. `None` without encoded video.
    pub frames_expected: Option<u64>,
    /// Seconds of playing time that are done, by the output that is least far.
    #[serde(default)]
    pub seconds: f64,
    /// Seconds of playing time expected, where the source declares them.
    #[serde(default)]
    pub seconds_expected: Option<f64>,
    /// Frames in a second, over the last few seconds. 0 without encoded video.
    pub fps: f64,
    /// Seconds of playing time in a second, over the last few seconds.
    pub speed: f64,
    /// Seconds to the end of the phase, where known.
    pub eta_seconds: Option<f64>,
    /// Thousands of bits of all outputs together in a second of playing time.
    pub bitrate_kbps: f64,
    /// Bytes written.
    pub bytes: u64,
    /// Seconds since the phase began.
    pub elapsed_seconds: f64,
    /// What waits between the stages.
    pub queues: Vec<Queue>,
}

/// What a command without a job reads a file for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// Counting frames, samples and damage.
    Count,
    /// Checking a file.
    Verify,
    /// Scoring a file against another.
    Compare,
    /// Comparing the copies of a master with their manifest.
    CheckCopies,
}

/// How far a command without a job has read its file; of two files, the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReadingProgress {
    /// Version of this format: 1.
    #[serde(deserialize_with = "json::version")]
    pub trix: u32,
    /// What the file is read for.
    pub reading: Reading,
    /// Bytes that were read: the place in the file, or the sum over all files that are compared.
    pub bytes: u64,
    /// Bytes of the file or of these files, where known.
    pub bytes_expected: Option<u64>,
    /// Seconds to the end, where known: after the first second.
    pub eta_seconds: Option<f64>,
    /// Seconds since the command began to read.
    pub elapsed_seconds: f64,
}

impl ReadingProgress {
    /// The progress `elapsed` after the start.
    pub fn new(reading: Reading, share: Share, elapsed: Duration) -> Self {
        let Share { bytes, bytes_expected, eta_seconds } = share;
        let elapsed_seconds = elapsed.as_secs_f64();
        ReadingProgress { trix: json::VERSION, reading, bytes, bytes_expected, eta_seconds, elapsed_seconds }
    }
}

/// The share of a file that was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Bytes that were read: the place in the file, or the sum over all files that are compared.
    pub bytes: u64,
    /// Bytes of the file or of these files, where known.
    pub bytes_expected: Option<u64>,
    /// Seconds to the end, where known: after the first second.
    pub eta_seconds: Option<f64>,
}

impl Share {
    /// The share `elapsed` after the start, at byte `at` of `size`; a size of 0 is not known.
    pub fn new(at: u64, size: u64, elapsed: Duration) -> Self {
        let (bytes, seconds) = (if size > 0 { at.min(size) } else { at }, elapsed.as_secs_f64());
        let is_known = bytes > 0 && bytes < size && seconds > 1.0;
        Share {
            bytes,
            bytes_expected: Some(size).filter(|size| *size > 0),
            eta_seconds: is_known.then(|| seconds * (size - bytes) as f64 / bytes as f64),
        }
    }
}

/// A line of `--progress json`.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum ProgressLine {
    /// Of a command with a job.
    Job(Progress),
    /// Of a command without one, and of the check that `trix ingest --skip-existing` makes.
    Reading(ReadingProgress),
}

/// What waits between two stages.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Queue {
    /// The stage that it waits for.
    pub name: String,
    /// Packets or frames.
    pub items: usize,
    /// Bytes.
    pub bytes: usize,
}

/// Counters that stages increase.
#[derive(Default)]
pub struct Counters {
    /// Frames that are done, or packets.
    pub frames: AtomicU64,
    /// Microseconds of playing time that are done, where packets are counted.
    micros: AtomicU64,
    /// Bytes that are written.
    pub bytes: AtomicU64,
}

impl Counters {
    /// Counts one more frame.
    pub fn add_frame(&self) {
        self.add_frames(1);
    }

    /// Counts `more` frames.
    pub fn add_frames(&self, more: u64) {
        self.frames.fetch_add(more, Ordering::Relaxed);
    }

    /// Takes back `frames` that were counted: they are encoded again.
    pub fn take_frames(&self, frames: u64) {
        self.frames.fetch_sub(frames, Ordering::Relaxed);
    }

    /// Counts one more packet, at `micros` of playing time.
    pub fn add_packet(&self, micros: i64) {
        self.add_frame();
        self.micros.fetch_max(u64::try_from(micros).unwrap_or(0), Ordering::Relaxed);
    }

    /// Sets the total number of bytes written.
    pub fn set_bytes(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }
}

/// What a phase is to do.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// Frames: how many in all, where known, and how many make a second of playing time.
    Frames(Option<u64>, f64),
    /// Packets of a file without encoded video: its seconds of playing time, where known.
    Seconds(Option<f64>),
}

impl Expected {
    /// Frames in a second of playing time. 0 where packets are counted.
    fn rate(self) -> f64 {
        if let Expected::Frames(_, rate) = self { rate } else { 0.0 }
    }

    /// Seconds of playing time in all, where known.
    fn seconds(self) -> Option<f64> {
        match self {
            Expected::Frames(count, rate) => count.map(|count| count as f64 / rate),
            Expected::Seconds(seconds) => seconds,
        }
    }

    /// Seconds of playing time that are done by `counters`.
    fn done(self, counters: &Counters) -> f64 {
        match self {
            Expected::Frames(_, rate) => counters.frames.load(Ordering::Relaxed) as f64 / rate,
            Expected::Seconds(_) => counters.micros.load(Ordering::Relaxed) as f64 / 1e6,
        }
    }
}

/// Turns counters into [`Progress`].
pub struct Watch {
    phase: Phase,
    started: Instant,
    /// The counters of each output, and what it is to do. The slowest output gives the progress of the job.
    outputs: Vec<(Arc<Counters>, Expected)>,
    queues: Vec<(String, Arc<Depth>)>,
    /// Seconds of playing time that were done then.
    window: VecDeque<(Instant, f64)>,
}

/// The speed is averaged over this time: long enough to hide the GOP structure, short enough to follow the content.
const WINDOW: Duration = Duration::from_secs(5);

impl Watch {
    /// Watches a phase of `outputs` that begins now.
    pub fn new(phase: Phase, outputs: Vec<(Arc<Counters>, Expected)>) -> Self {
        let started = Instant::now();
        Watch { phase, started, outputs, queues: Vec::new(), window: VecDeque::from([(started, 0.0)]) }
    }

    /// Also reports what waits for the stage `name`.
    pub fn add_queue(&mut self, name: &str, depth: Arc<Depth>) {
        self.queues.push((name.to_owned(), depth));
    }

    /// Looks no longer at the counters of an output that failed, unless they are the only ones.
    pub fn leave_out(&mut self, failed: &Arc<Counters>) {
        if self.outputs.iter().any(|(own, _)| !Arc::ptr_eq(own, failed)) {
            self.outputs.retain(|(own, _)| !Arc::ptr_eq(own, failed));
        }
    }

    /// The progress of the phase at this moment.
    pub fn look(&mut self) -> Progress {
        self.look_at(Instant::now())
    }

    fn look_at(&mut self, now: Instant) -> Progress {
        let bytes = self.outputs.iter().map(|(own, _)| own.bytes.load(Ordering::Relaxed)).sum();
        let done_by = |(own, expected): &(Arc<Counters>, Expected)| expected.done(own);
        let slowest = self.outputs.iter().min_by(|one, other| done_by(one).total_cmp(&done_by(other)));
        let done = slowest.map_or(0.0, done_by);
        let frame = slowest.map_or(0, |(own, _)| own.frames.load(Ordering::Relaxed));
        let expected = slowest.map_or(Expected::Seconds(None), |(_, expected)| *expected);
        self.window.push_back((now, done));
        while self.window.len() > 2 && self.window.front().is_some_and(|(then, _)| now - *then > WINDOW) {
            self.window.pop_front();
        }
        let (then, before) = self.window.front().copied().unwrap_or((self.started, 0.0));
        let elapsed = (now - then).as_secs_f64();
        let speed = if elapsed > 0.0 { (done - before).max(0.0) / elapsed } else { 0.0 };
        let left = expected.seconds().map(|expected| (expected - done).max(0.0));
        Progress {
            trix: json::VERSION,
            phase: self.phase,
            frame,
            frames_expected: if let Expected::Frames(count, _) = expected { count } else { None },
            seconds: done,
            seconds_expected: expected.seconds(),
            fps: speed * expected.rate(),
            speed,
            eta_seconds: left.filter(|_| speed > 0.0).map(|left| left / speed),
            bitrate_kbps: if done > 0.0 { bytes as f64 * 8.0 / 1000.0 / done } else { 0.0 },
            bytes,
            elapsed_seconds: (now - self.started).as_secs_f64(),
            queues: self
                .queues
                .iter()
                .map(|(name, depth)| Queue { name: name.clone(), items: depth.items(), bytes: depth.bytes() })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_slowest_output_over_five_seconds() {
        let counters = [(); 2].map(|()| Arc::new(Counters::default()));
        let frames = Expected::Frames(Some(1000), 25.0);
        let mut watch = Watch::new(Phase::Encode, counters.iter().map(|own| (Arc::clone(own), frames)).collect());
        let began = watch.started;
        let mut at = |seconds: u64, frames: [u64; 2]| {
            counters.iter().zip(frames).for_each(|(own, frames)| own.frames.store(frames, Ordering::Relaxed));
            let progress = watch.look_at(began + Duration::from_secs(seconds));
            (progress.frame, progress.fps, progress.speed, progress.eta_seconds)
        };
        assert_eq!(at(2, [100, 120]), (100, 50.0, 2.0, Some(18.0)));
        assert_eq!(at(4, [200, 240]), (200, 50.0, 2.0, Some(16.0)));
        // What is older than five seconds no longer counts: 150 frames in four seconds.
        assert_eq!(at(8, [350, 400]), (350, 37.5, 1.5, Some(650.0 / 37.5)));
        // Nothing moved since: the rate falls.
        assert_eq!(at(13, [350, 400]).1, 0.0);
        assert_eq!(at(13, [350, 400]).3, None);
    }

    #[test]
    fn the_slowest_output_is_that_with_the_least_playing_time() {
        // Ten seconds at 50 and at 25 frames a second.
        let outputs = [50.0, 25.0].map(|rate| (Arc::default(), Expected::Frames(Some((10.0 * rate) as u64), rate)));
        for order in [[0, 1], [1, 0]] {
            let mut watch = Watch::new(Phase::Encode, order.map(|at: usize| outputs[at].clone()).to_vec());
            for (frames, seconds, slowest) in [([200, 75], 3.0, 1), ([400, 225], 8.0, 0), ([500, 249], 9.96, 1)] {
                outputs.iter().zip(frames).for_each(|((own, _), frames)| own.frames.store(frames, Ordering::Relaxed));
                let progress = watch.look();
                assert_eq!((progress.seconds, progress.seconds_expected), (seconds, Some(10.0)));
                assert_eq!((progress.frame, progress.frames_expected), (frames[slowest], Some([500, 250][slowest])));
            }
        }
    }

    #[test]
    fn a_file_without_encoded_video_is_measured_by_its_playing_time() {
        let counters = Arc::new(Counters::default());
        let mut watch = Watch::new(Phase::Encode, vec![(Arc::clone(&counters), Expected::Seconds(Some(60.0)))]);
        let began = watch.started;
        // Packets need not come in the order of their times.
        [0, 12_000_000, 11_000_000].into_iter().for_each(|micros| counters.add_packet(micros));
        let progress = watch.look_at(began + Duration::from_secs(4));
        assert_eq!((progress.frame, progress.frames_expected, progress.fps), (3, None, 0.0));
        assert_eq!((progress.seconds, progress.seconds_expected), (12.0, Some(60.0)));
        assert_eq!((progress.speed, progress.eta_seconds), (3.0, Some(16.0)));
        counters.set_bytes(1500);
        assert_eq!(watch.look_at(began + Duration::from_secs(5)).bitrate_kbps, 1.0);
    }

    #[test]
    fn the_end_of_a_reading_is_estimated_from_its_bytes() {
        let at = |at, size, seconds| {
            let share = Share::new(at, size, Duration::from_secs(seconds));
            (share.bytes, share.bytes_expected, share.eta_seconds)
        };
        assert_eq!(at(250, 1000, 10), (250, Some(1000), Some(30.0)));
        assert_eq!(at(250, 1000, 1), (250, Some(1000), None));
        assert_eq!(at(0, 1000, 10), (0, Some(1000), None));
        assert_eq!(at(1200, 1000, 10), (1000, Some(1000), None));
        assert_eq!(at(1200, 0, 10), (1200, None, None));
    }
}
