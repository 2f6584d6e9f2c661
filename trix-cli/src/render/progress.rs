//! The progress of a running command on a terminal.
//!
//! Invariant: what is shown never delays the job. A terminal with few rows or columns gets fewer lines and words.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use trix_core::{
    Stage,
    amount::bytes,
    control::events::{Event, EventReceiver},
    source::ReadingPlace,
};

use super::{clock, events::Log, shortened};
use crate::output;

/// Time between two looks at how far a source was read.
const TICK: Duration = Duration::from_millis(200);

/// Rows of the terminal that are left to other text.
const LEFT_ROWS: usize = 6;

/// The head without a bar.
const HEAD: &str = "{prefix} {msg}";

/// Columns from which on a line also has rates.
const WIDE: u16 = 80;

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
    pub fn job(events: EventReceiver, mut screen: Option<Screen>, mut log: Log) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let own = Arc::clone(&is_over);
        let work = move || {
            let mut is_encoding = false;
            loop {
                // The events that wait when the job is over are written down too.
                let is_last = own.load(Ordering::Relaxed);
                let event = events.recv_timeout(if is_last { Duration::ZERO } else { TICK });
                let mut write = |event: &Event| {
                    log.write(event);
                    match event {
                        Event::StageBegan { stage, .. } => is_encoding = matches!(stage, Stage::Encode | Stage::Verify),
                        Event::Warning { text, .. } if !is_encoding && !log.is_printed() => output::note(text),
                        _ => {}
                    }
                };
                match (event, &mut screen) {
                    (Some(event), Some(screen)) => {
                        screen.lines.suspend(|| write(&event));
                        screen.show(event);
                    }
                    (Some(event), None) => write(&event),
                    (None, _) if is_last => break,
                    (None, Some(screen)) => screen.tick(),
                    (None, None) => {}
                }
            }
            screen.iter().for_each(Screen::clear);
        };
        Shown { is_over, thread: Some(thread::spawn(work)) }
    }

    /// Shows how far a source was read, for a command that reads it once: `doing` says what for.
    pub fn reading(doing: &'static str, place: ReadingPlace) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let own = Arc::clone(&is_over);
        let work = move || {
            let mut screen = Screen::new(String::new(), Some(place));
            screen.begin(doing.to_owned());
            while !own.load(Ordering::Relaxed) {
                thread::park_timeout(TICK);
                screen.tick();
            }
            screen.clear();
        };
        Shown { is_over, thread: Some(thread::spawn(work)) }
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

/// The lines of progress on standard error.
pub struct Screen {
    lines: MultiProgress,
    head: ProgressBar,
    title: String,
    doing: String,
    place: Option<ReadingPlace>,
    began: Instant,
    /// True if the head shows frames, and not how far the source was read.
    has_frames: bool,
    outputs: BTreeMap<usize, Output>,
}

/// What is known of an output.
struct Output {
    line: Option<ProgressBar>,
    frames: u64,
    expected: Option<u64>,
    fps: f64,
    eta: Option<f64>,
    bytes: u64,
}

impl Screen {
    /// Lines without progress yet. `title` stands before the stage: which of several masters it is. `place` shows how far the
    /// source is read while no frames are counted.
    pub fn new(title: String, place: Option<ReadingPlace>) -> Self {
        let lines = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        let head = lines.add(ProgressBar::new(0).with_style(style(HEAD)));
        let mut screen = Screen {
            lines,
            head,
            title,
            doing: String::new(),
            place,
            began: Instant::now(),
            has_frames: false,
            outputs: BTreeMap::new(),
        };
        screen.begin("open".to_owned());
        screen
    }

    /// Begins a stage.
    fn begin(&mut self, doing: String) {
        self.doing = doing;
        self.began = Instant::now();
        self.has_frames = false;
        let gone = std::mem::take(&mut self.outputs);
        gone.into_values().filter_map(|output| output.line).for_each(|line| line.finish_and_clear());
        self.head.set_length(0);
        self.head.set_position(0);
        self.tick();
    }

    fn show(&mut self, event: Event) {
        match event {
            Event::StageBegan { stage, pass, passes } => self.begin(match (stage, passes) {
                (Stage::Source, _) => "open".to_owned(),
                (Stage::Plan, _) => "plan".to_owned(),
                (Stage::Encode, 2) => format!("pass {pass} of 2"),
                (stage, _) => stage.to_string(),
            }),
            Event::Progress {
                output, path, frames, frames_expected, fps, eta_seconds, bytes, bitrate_kbps, ..
            } => {
                self.has_frames = true;
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let own = self.outputs.entry(output).or_insert_with(|| Output {
                    line: None,
                    frames,
                    expected: frames_expected,
                    fps,
                    eta: eta_seconds,
                    bytes,
                });
                (own.frames, own.expected, own.fps) = (frames, frames_expected, fps);
                (own.eta, own.bytes) = (eta_seconds, bytes);
                self.show_output(output, &name, bitrate_kbps);
                self.tick();
            }
            _ => {}
        }
    }

    /// Shows the line of an output, if there are several outputs and the terminal has rows for all of them.
    fn show_output(&mut self, number: usize, name: &str, kbps: f64) {
        let (rows, columns) = Term::stderr().size();
        let has_room = usize::from(rows) > self.outputs.len() + LEFT_ROWS;
        let count = self.outputs.len();
        // Lines stand in the order of the outputs, below the head.
        let place = 1 + self.outputs.range(..number).filter(|(_, other)| other.line.is_some()).count();
        let Some(own) = self.outputs.get_mut(&number).filter(|_| count > 1 && has_room) else { return };
        let line = own
            .line
            .get_or_insert_with(|| self.lines.insert(place, ProgressBar::new(0).with_style(style("  {prefix} {msg}"))));
        let width = usize::from(columns / 3).clamp(12, 32);
        line.set_prefix(format!("{:width$}", shortened(name, width)));
        let mut text = format!("{:>4}  {:>10}", percent(own.frames, own.expected), bytes(own.bytes));
        if columns >= WIDE {
            text.push_str(&format!("  {:6.1} fps  {:7.0} kbit/s", own.fps, kbps));
        }
        line.set_message(text);
    }

    /// Brings the head up to date.
    fn tick(&mut self) {
        let columns = Term::stderr().size().1;
        let elapsed = clock(self.began.elapsed().as_secs_f64());
        let before = if self.title.is_empty() { String::new() } else { format!("{}  ", shortened(&self.title, 32)) };
        let mut text = String::new();
        if self.has_frames {
            // The slowest output is that of the job.
            let slowest = self.outputs.values().min_by_key(|output| output.frames);
            let Some(Output { frames, expected, fps, eta, .. }) = slowest else { return };
            self.head.set_length(expected.unwrap_or(0));
            self.head.set_position(*frames);
            text.push_str(&format!("{}  {elapsed}", percent(*frames, *expected)));
            text.extend(eta.map(|eta| format!(", eta {}", clock(eta))));
            if columns >= WIDE {
                text.push_str(&format!("  {fps:.1} fps"));
            }
            let size: u64 = self.outputs.values().map(|output| output.bytes).sum();
            if size > 0 {
                text.push_str(&format!("  {}", bytes(size)));
            }
        } else {
            let (at, size) = self.place.as_ref().map_or((0, 0), |place| (place.at(), place.size()));
            self.head.set_length(size);
            self.head.set_position(at.min(size));
            let share = if at > 0 && size > 0 { percent(at, Some(size)) } else { String::new() };
            text.push_str(format!("{share}  {elapsed}").trim_start());
            let seconds = self.began.elapsed().as_secs_f64();
            if at > 0 && size > at && seconds > 1.0 {
                text.push_str(&format!(", eta {}", clock(seconds * (size - at) as f64 / at as f64)));
            }
        }
        let has_bar = self.head.length().is_some_and(|length| length > 0) && columns >= 60;
        self.head.set_style(style(if has_bar { "{prefix} {wide_bar} {msg}" } else { HEAD }));
        self.head.set_prefix(format!("{before}{}", self.doing));
        self.head.set_message(text);
        self.head.tick();
    }

    /// Removes all lines from the terminal.
    fn clear(&self) {
        for line in self.outputs.values().filter_map(|output| output.line.as_ref()).chain([&self.head]) {
            line.finish_and_clear();
        }
        // A terminal that is gone needs no clearing.
        let _ = self.lines.clear();
    }
}

/// `count` in hundredths of `whole`, or as it is.
fn percent(count: u64, whole: Option<u64>) -> String {
    match whole.filter(|whole| *whole > 0) {
        Some(whole) => format!("{}%", (count.min(whole) * 100) / whole),
        None => count.to_string(),
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants, so they always parse. The default style is only a formal fallback.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_their_ends() {
        assert_eq!(shortened("film.mkv", 12), "film.mkv");
        assert_eq!(shortened("a-very-long-name.h264-10.mkv", 12), "a-ve…-10.mkv");
        assert_eq!(shortened("ééééééééééééé.mkv", 12).chars().count(), 12);
        assert_eq!(
            (percent(1, Some(3)), percent(9, Some(3)), percent(5, None)),
            ("33%".into(), "100%".into(), "5".into())
        );
    }
}
