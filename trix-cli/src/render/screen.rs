//! The lines of progress on a terminal.
//!
//! Invariant: no line is wider than the terminal. A terminal with few rows or columns gets fewer lines and words.

use std::{collections::BTreeMap, time::Instant};

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use trix_core::{
    Stage,
    amount::bytes,
    control::{events::Event, progress::Share},
    source::ReadingPlace,
};

use super::{clock, events::of_score, padded, shortened, visible::visible_name, width_of};

/// Rows of the terminal that are left to other text.
const LEFT_ROWS: usize = 6;

/// The head without a bar, and with one.
const HEAD: &str = "{prefix}{msg}";
const HEAD_WITH_BAR: &str = "{prefix}{wide_bar} {msg}";

/// The fewest columns of a bar, and of a terminal that gets one.
const BAR: usize = 10;
const WITH_BAR: usize = 60;

/// The fewest and the most columns of a title.
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
#[derive(Default)]
struct Output {
    line: Option<ProgressBar>,
    frames: u64,
    seconds: f64,
    expected: Option<f64>,
    fps: f64,
    speed: f64,
    eta: Option<f64>,
    bytes: u64,
}

impl Output {
    /// The share that is done, in percent. If the source does not state its length, the frames that are done.
    fn share(&self) -> String {
        match self.expected {
            Some(expected) => percent(micros(self.seconds), Some(micros(expected))),
            None => self.frames.to_string(),
        }
    }

    /// Frames in a second. Without encoded video, seconds of playing time in a second.
    fn rate(&self) -> String {
        match (self.fps > 0.0, self.speed > 0.0) {
            (true, _) => format!("{:.1} fps", self.fps),
            (_, true) => format!("{:.0}x", self.speed),
            _ => String::new(),
        }
    }
}

impl Screen {
    /// Lines without progress yet, for the stage `doing`. `title` stands before it: which of several masters it is. `place`
    /// shows how far the source is read while no frames are counted.
    pub fn new(title: String, doing: &str, place: Option<ReadingPlace>) -> Self {
        let lines = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        let head = lines.add(ProgressBar::new(0).with_style(style(HEAD)));
        let mut screen = Screen {
            lines,
            head,
            title: visible_name(&title),
            doing: String::new(),
            place,
            began: Instant::now(),
            has_frames: false,
            outputs: BTreeMap::new(),
        };
        screen.begin(doing.to_owned());
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

    /// Shows an event.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::StageBegan { stage, pass, passes } => self.begin(match (stage, passes) {
                (Stage::Source, _) => "open".to_owned(),
                (Stage::Plan, _) => "plan".to_owned(),
                (Stage::Encode, 2) => format!("pass {pass} of 2"),
                (stage, _) => stage.to_string(),
            }),
            Event::FactorTried { metric, factor, score, .. } if size().1 >= WITH_BAR => {
                self.doing = format!("{}: crf {factor} gives {metric} {}", Stage::Measure, of_score(*metric, *score));
                self.tick();
            }
            Event::Progress {
                output,
                path,
                frames,
                seconds,
                seconds_expected,
                fps,
                speed,
                eta_seconds,
                bytes,
                bitrate_kbps,
                ..
            } => {
                self.has_frames = true;
                let name = visible_name(&path.file_name().unwrap_or_default().to_string_lossy());
                let own = self.outputs.entry(*output).or_default();
                (own.frames, own.seconds, own.expected) = (*frames, *seconds, *seconds_expected);
                (own.fps, own.speed, own.eta, own.bytes) = (*fps, *speed, *eta_seconds, *bytes);
                self.show_output(*output, &name, *bitrate_kbps);
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
        let new = || self.lines.insert(place, ProgressBar::new(0).with_style(style("{msg}")));
        let line = own.line.get_or_insert_with(new).clone();
        let width = (columns / 3).clamp(8, 32);
        let name = format!("  {}", padded(&shortened(name, width), width));
        let mut parts = vec![format!(" {:>4}", own.share()), format!("  {:>10}", bytes(own.bytes))];
        if columns >= WIDE {
            parts.push(format!("  {:>9}  {kbps:7.0} kbit/s", own.rate()));
        }
        let parts = fitting(&parts, columns.saturating_sub(width_of(&name)));
        line.set_message(name + &parts);
    }

    /// Brings the head up to date.
    pub fn tick(&mut self) {
        let (_, columns) = size();
        let Some(parts) = (if self.has_frames { self.of_frames(columns) } else { Some(self.of_reading()) }) else {
            return;
        };
        let doing = format!("{} ", self.doing);
        let text = fitting(&parts, columns.saturating_sub(width_of(&doing)));
        let room = columns.saturating_sub(width_of(&doing) + width_of(&text));
        let (least, most) = TITLE;
        let title = match room.saturating_sub(2).min(most) {
            width if width >= least && !self.title.is_empty() => format!("{}  ", shortened(&self.title, width)),
            _ => String::new(),
        };
        let has_room = columns >= WITH_BAR && room > width_of(&title) + BAR;
        let has_bar = has_room && self.head.length().is_some_and(|length| length > 0);
        self.head.set_style(style(if has_bar { HEAD_WITH_BAR } else { HEAD }));
        self.head.set_prefix(title + &doing);
        self.head.set_message(text);
        self.head.tick();
    }

    /// What the head says of frames, the most important first. `None` while no output has any.
    fn of_frames(&self, columns: usize) -> Option<Vec<String>> {
        // The slowest output is that of the job.
        let slowest = self.outputs.values().min_by(|one, other| one.seconds.total_cmp(&other.seconds))?;
        self.head.set_length(micros(slowest.expected.unwrap_or(0.0)));
        self.head.set_position(micros(slowest.seconds));
        let mut parts = vec![slowest.share(), format!("  {}", clock(self.began.elapsed().as_secs_f64()))];
        parts.extend(slowest.eta.map(|eta| format!(", eta {}", clock(eta))));
        let size: u64 = self.outputs.values().map(|output| output.bytes).sum();
        if size > 0 {
            parts.push(format!("  {}", bytes(size)));
        }
        if columns >= WIDE {
            parts.push(format!("  {}", slowest.rate()));
        }
        Some(parts)
    }

    /// What the head says of how far the source was read.
    fn of_reading(&self) -> Vec<String> {
        let elapsed = self.began.elapsed();
        let time = clock(elapsed.as_secs_f64());
        let Some(Share { bytes, bytes_expected, eta_seconds }) = self.place.as_ref().map(|own| own.share(elapsed))
        else {
            return vec![time];
        };
        self.head.set_length(bytes_expected.unwrap_or(0));
        self.head.set_position(bytes);
        let share = bytes_expected.filter(|_| bytes > 0).map(|size| format!("{}  ", percent(bytes, Some(size))));
        let eta = eta_seconds.map(|eta| format!(", eta {}", clock(eta)));
        share.into_iter().chain([time]).chain(eta).collect()
    }

    /// Hides the lines, so that others can be printed. The next tick draws them again.
    pub fn hide(&self) {
        // A terminal that is gone needs no clearing. `MultiProgress::suspend` panics then.
        let _ = self.lines.clear();
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
        if width_of(&text) + width_of(part) > room {
            break;
        }
        text.push_str(part);
    }
    text
}

fn micros(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
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
        assert_eq!(width_of(&shortened("ééééééééééééé.mkv", 12)), 12);
        assert_eq!(shortened("映画とても長い名前.mkv", 12), "映画…前.mkv");
        assert_eq!((shortened("映画.mkv", 8), padded("映画", 6)), ("映画.mkv".into(), "映画  ".into()));
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
