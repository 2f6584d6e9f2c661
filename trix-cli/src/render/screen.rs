//! The lines of progress on a terminal.
//!
//! Invariant: no line is wider than the terminal. A terminal with few rows or columns gets fewer lines and words.

use std::{collections::BTreeMap, time::Instant};

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use trix_core::{
    Stage,
    amount::bytes,
    control::{events::Event, progress::Reading},
    source::ReadingPlace,
};

use super::{clock, shortened};

/// Rows of the terminal that are left to other text.
const LEFT_ROWS: usize = 6;

/// The head without a bar, and with one.
const HEAD: &str = "{prefix}{msg}";
const HEAD_WITH_BAR: &str = "{prefix}{wide_bar} {msg}";

/// The fewest columns of a bar, and of a terminal that gets one.
const BAR: usize = 10;
const WITH_BAR: usize = 60;

/// The fewest and the most characters of a title that are shown.
const TITLE: (usize, usize) = (8, 32);

/// Columns from which on a line also has rates.
const WIDE: usize = 80;

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
    pub fn begin(&mut self, doing: String) {
        self.doing = doing;
        self.began = Instant::now();
        self.has_frames = false;
        let gone = std::mem::take(&mut self.outputs);
        gone.into_values().filter_map(|output| output.line).for_each(|line| line.finish_and_clear());
        self.head.set_length(0);
        self.head.set_position(0);
        self.tick();
    }

    /// Shows an event.
    pub fn show(&mut self, event: Event) {
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
        let (rows, columns) = size();
        let has_room = rows > self.outputs.len() + LEFT_ROWS;
        let count = self.outputs.len();
        // Lines stand in the order of the outputs, below the head.
        let place = 1 + self.outputs.range(..number).filter(|(_, other)| other.line.is_some()).count();
        let Some(own) = self.outputs.get_mut(&number).filter(|_| count > 1 && has_room) else { return };
        let line =
            own.line.get_or_insert_with(|| self.lines.insert(place, ProgressBar::new(0).with_style(style("{msg}"))));
        let width = (columns / 3).clamp(8, 32);
        let name = format!("  {:width$}", shortened(name, width));
        let mut parts =
            vec![format!(" {:>4}", percent(own.frames, own.expected)), format!("  {:>10}", bytes(own.bytes))];
        if columns >= WIDE {
            parts.push(format!("  {:6.1} fps  {:7.0} kbit/s", own.fps, kbps));
        }
        let parts = fitting(&parts, columns.saturating_sub(name.chars().count()));
        line.set_message(name + &parts);
    }

    /// Brings the head up to date.
    pub fn tick(&mut self) {
        let (_, columns) = size();
        let Some(parts) = (if self.has_frames { self.of_frames(columns) } else { Some(self.of_reading()) }) else {
            return;
        };
        let doing = format!("{} ", self.doing);
        let text = fitting(&parts, columns.saturating_sub(doing.chars().count()));
        let room = columns.saturating_sub(doing.chars().count() + text.chars().count());
        let (least, most) = TITLE;
        let title = match room.saturating_sub(2).min(most) {
            width if width >= least && !self.title.is_empty() => format!("{}  ", shortened(&self.title, width)),
            _ => String::new(),
        };
        let has_room = columns >= WITH_BAR && room > title.chars().count() + BAR;
        let has_bar = has_room && self.head.length().is_some_and(|length| length > 0);
        self.head.set_style(style(if has_bar { HEAD_WITH_BAR } else { HEAD }));
        self.head.set_prefix(title + &doing);
        self.head.set_message(text);
        self.head.tick();
    }

    /// What the head says of frames, the most important first. `None` while no output has any.
    fn of_frames(&self, columns: usize) -> Option<Vec<String>> {
        // The slowest output is that of the job.
        let Output { frames, expected, fps, eta, .. } = self.outputs.values().min_by_key(|output| output.frames)?;
        self.head.set_length(expected.unwrap_or(0));
        self.head.set_position(*frames);
        let mut parts = vec![percent(*frames, *expected), format!("  {}", clock(self.began.elapsed().as_secs_f64()))];
        parts.extend(eta.map(|eta| format!(", eta {}", clock(eta))));
        let size: u64 = self.outputs.values().map(|output| output.bytes).sum();
        if size > 0 {
            parts.push(format!("  {}", bytes(size)));
        }
        if columns >= WIDE {
            parts.push(format!("  {fps:.1} fps"));
        }
        Some(parts)
    }

    /// What the head says of how far the source was read.
    fn of_reading(&self) -> Vec<String> {
        let elapsed = self.began.elapsed();
        let place = self.place.clone().unwrap_or_else(|| ReadingPlace::new(0));
        // What it is read for is said by the stage.
        let progress = place.progress(Reading::Count, elapsed);
        self.head.set_length(progress.bytes_expected.unwrap_or(0));
        self.head.set_position(progress.bytes);
        let share = progress.bytes_expected.filter(|_| progress.bytes > 0);
        let share = share.map(|size| format!("{}  ", percent(progress.bytes, Some(size))));
        let eta = progress.eta_seconds.map(|eta| format!(", eta {}", clock(eta)));
        share.into_iter().chain([clock(elapsed.as_secs_f64())]).chain(eta).collect()
    }

    /// Hides the lines while `work` writes to the terminal.
    pub fn suspend(&self, work: impl FnOnce()) {
        self.lines.suspend(work);
    }

    /// Removes all lines from the terminal.
    pub fn clear(&self) {
        for line in self.outputs.values().filter_map(|output| output.line.as_ref()).chain([&self.head]) {
            line.finish_and_clear();
        }
        // A terminal that is gone needs no clearing.
        let _ = self.lines.clear();
    }
}

/// The rows and columns of the terminal.
fn size() -> (usize, usize) {
    let (rows, columns) = Term::stderr().size();
    (rows.into(), columns.into())
}

/// The first of `parts` that fit into `room` columns, as one text.
fn fitting(parts: &[String], room: usize) -> String {
    let mut text = String::new();
    for part in parts {
        if text.chars().count() + part.chars().count() > room {
            break;
        }
        text.push_str(part);
    }
    text
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

    #[test]
    fn narrow_lines_lose_what_matters_least() {
        let parts = ["12%", "  0:00:07", ", eta 0:01:00"].map(str::to_owned);
        for (room, shown) in [(80, "12%  0:00:07, eta 0:01:00"), (24, "12%  0:00:07"), (11, "12%"), (2, "")] {
            assert_eq!(fitting(&parts, room), shown);
        }
    }
}
