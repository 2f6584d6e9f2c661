//! Shows the progress of a running command, on a thread of its own.
//!
//! Invariant: what is shown never delays the job.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use trix_core::{
    Stage,
    control::{
        events::{Event, EventReceiver},
        progress::Reading,
    },
    source::ReadingPlace,
};

use super::events::{self, Log};
pub use super::screen::Screen;
use crate::output;

/// Time between two looks at how far a source was read.
const TICK: Duration = Duration::from_millis(200);

/// Shows progress until it is dropped.
pub struct Shown {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Shown {
    /// Shows the events of a job on `screen`, and writes them into `log`.
    ///
    /// Warnings that come before the encoding are printed in any case: the job can still be stopped. Later ones are in the
    /// report.
    pub fn job(received: EventReceiver, mut screen: Option<Screen>, log: Log) -> Self {
        Shown::until_over(move |is_over| {
            let mut is_encoding = false;
            loop {
                // The events that wait when the job is over are written down too.
                let is_last = is_over.load(Ordering::Relaxed);
                let event = received.recv_timeout(if is_last { Duration::ZERO } else { TICK });
                let Some(event) = event else {
                    if is_last {
                        break;
                    }
                    screen.iter_mut().for_each(Screen::tick);
                    continue;
                };
                let mut lines = log.event(&event);
                match &event {
                    Event::StageBegan { stage, .. } => is_encoding = matches!(stage, Stage::Encode | Stage::Verify),
                    Event::Warning { text, .. } if !is_encoding && !log.is_printed() => {
                        lines.push(output::as_note(text));
                    }
                    // The report does not have it.
                    Event::ChunkFailed { .. } if !log.is_printed() => {
                        lines.extend(events::text(&event).map(|text| output::as_note(&text)));
                    }
                    _ => {}
                }
                if !lines.is_empty() {
                    screen.iter().for_each(Screen::hide);
                    lines.iter().for_each(|line| output::line(line));
                }
                screen.iter_mut().for_each(|screen| screen.show(&event));
            }
            screen.iter().for_each(Screen::clear);
        })
    }

    /// Shows on `screen` how far a file was read, for a command without a job.
    pub fn reading(reading: Reading, place: ReadingPlace) -> Self {
        Shown::until_over(move |is_over| {
            let mut screen = Screen::new(String::new(), doing(reading), Some(place));
            while !is_over.load(Ordering::Relaxed) {
                thread::park_timeout(TICK);
                screen.tick();
            }
            screen.clear();
        })
    }

    /// Writes how far a file was read as lines of JSON, the last one at the end.
    pub fn reading_as_json(reading: Reading, place: ReadingPlace) -> Self {
        Shown::until_over(move |is_over| {
            let began = Instant::now();
            let mut is_last = false;
            while !is_last {
                thread::park_timeout(TICK);
                is_last = is_over.load(Ordering::Relaxed);
                output::json_line(&place.progress(reading, began.elapsed()));
            }
        })
    }

    /// Runs `work` on a thread, with the sign that it has to end. The command goes on without it if the system starts no
    /// thread.
    fn until_over(work: impl FnOnce(&AtomicBool) + Send + 'static) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let own = Arc::clone(&is_over);
        let thread = thread::Builder::new().name("trix-progress".to_owned()).spawn(move || work(&own));
        let refused = |error: &std::io::Error| {
            output::note(&format!("progress and log are left out: their thread cannot be started: {error}"));
        };
        Shown { is_over, thread: thread.inspect_err(refused).ok() }
    }
}

/// What a file is read for, in words.
fn doing(reading: Reading) -> &'static str {
    match reading {
        Reading::Count => "count",
        Reading::Verify => "verify",
        Reading::Compare => "compare",
        Reading::CheckCopies => "check copies",
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A panic of the display is no failure of the job.
            let _ = thread.join();
        }
    }
}
