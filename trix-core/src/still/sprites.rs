//! Collects thumbnails while a film is decoded, and arranges them on sheets.
//!
//! Invariant: thumbnail `k` shows the frame at the time of `k` steps. The number of thumbnails never exceeds the bound
//! by more than one. If it would, every second one is dropped and the step doubles.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use trix_bitstream::thumbnails::{self, Cue};
use trix_model::{
    error::{Error, ErrorKind, Result, Stage},
    mistake::Mistake,
    time::{TimeBase, Timestamp},
};

use super::{
    files::{StillFile, format_of},
    image::Canvas,
    render::{Renderer, Window},
};
use crate::{
    decode::video::DecodedFrame,
    plan::{Span, View},
    settings::still::{MOST_SIDE, SpriteSettings, StillFormat},
};

/// What became of thumbnails.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct SpriteReport {
    /// How many thumbnails.
    pub count: usize,
    /// Milliseconds from one to the next.
    pub interval_ms: f64,
    /// Samples in a row of a thumbnail.
    pub width: usize,
    /// Rows of a thumbnail.
    pub height: usize,
    /// How many sheets.
    pub sheets: usize,
    /// Why so many.
    pub why: String,
}

/// Time between thumbnails: `num / den` milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    num: u64,
    den: u64,
}

impl Step {
    /// Time of thumbnail `index` in milliseconds, rounded down, because WebVTT states only whole milliseconds.
    fn time(self, index: usize) -> u64 {
        (index as u128 * u128::from(self.num) / u128::from(self.den)) as u64
    }

    fn times(self, factor: u64) -> Step {
        Step { num: self.num.saturating_mul(factor), ..self }
    }

    fn millis(self) -> f64 {
        self.num as f64 / self.den as f64
    }
}

/// The thumbnail stage. It takes decoded frames in presentation order.
pub(crate) struct Sprites {
    settings: SpriteSettings,
    format: StillFormat,
    renderer: Renderer,
    stream: usize,
    time_base: TimeBase,
    span: Span,
    size: (usize, usize),
    step: Step,
    /// Display duration of a frame. The default interval is never shorter.
    frame: Timestamp,
    /// Expected number of thumbnails for the expected duration.
    planned: Option<usize>,
    bound: usize,
    /// Maximum number of held thumbnails. If the duration is unknown, it exceeds the final number, so that the final
    /// selection fits the duration closely.
    held: usize,
    tiles: Vec<Canvas>,
    window: Window,
    /// The last frame that became a thumbnail. It may be shown for several.
    last: Option<(u64, Canvas)>,
    doubled: u32,
}

/// Initial interval in milliseconds if the duration is unknown.
const FINE: u64 = 100;

/// Default interval in milliseconds. It is shortened for films that would have fewer than `LEAST` thumbnails.
const USUAL: u64 = 10_000;
const LEAST: u64 = 20;

/// Maximum memory for thumbnails in bytes.
const MEMORY: usize = 512 << 20;

const MILLI: TimeBase = TimeBase::new(1, 1000);

impl Sprites {
    /// Creates thumbnails of frames converted with `view`. The film is `span`.
    ///
    /// # Errors
    /// `InvalidSpec` if the file name has no extension of an image format, if a sheet would be too high, or if the
    /// thumbnails need too much memory.
    pub fn new(settings: &SpriteSettings, view: &View, span: Span) -> Result<Self> {
        let format = format_of(&settings.path)?;
        let size = view.fitting(settings.width, settings.height, true);
        let bound = settings.count.unwrap_or(settings.most).max(1) as usize;
        let waits = settings.interval.is_none() && span.expected.is_none();
        let held = if waits { bound.max((8 * bound).min(800)) } else { bound };
        let mut mistakes = Vec::new();
        if size.1 * settings.rows as usize > MOST_SIDE as usize {
            let high = format!("{} of {}", settings.rows, size.1);
            mistakes.push(Mistake::new("sprites.rows", high, format!("a sheet has at most {MOST_SIDE} rows")));
        }
        if 4 * size.0 * size.1 * held > MEMORY {
            let many = format!("{held} of {}x{}", size.0, size.1);
            let problem = format!("thumbnails may take {} MiB of memory; fewer or smaller ones", MEMORY >> 20);
            mistakes.push(Mistake::new("sprites.most", many, problem));
        }
        if !mistakes.is_empty() {
            return Err(Error::of_mistakes(mistakes));
        }
        let expected = span.expected.map(|expected| expected.rescale(MILLI).max(1) as u64);
        let (step, planned) =
            match (settings.interval, expected.map(|expected| (expected, wished(settings, expected, view.frame())))) {
                (Some(interval), _) => (Step { num: interval.micros().max(1000) as u64, den: 1000 }, None),
                (None, Some((expected, count))) => (Step { num: expected, den: count }, Some(count as usize)),
                (None, None) => (Step { num: FINE, den: 1 }, None),
            };
        Ok(Sprites {
            settings: settings.clone(),
            format,
            renderer: Renderer::new(view.filtering_to(size), view.stream, view.time_base),
            stream: view.stream,
            time_base: view.time_base,
            span,
            size,
            frame: view.frame(),
            step,
            planned,
            bound,
            held,
            tiles: Vec::new(),
            window: Window::default(),
            last: None,
            doubled: 0,
        })
    }

    /// Takes the next frame.
    ///
    /// # Errors
    /// Those of the filter stage.
    pub fn push(&mut self, frame: &DecodedFrame) -> Result<()> {
        let time = self.span.since_origin(Timestamp::new(frame.pts, self.time_base));
        self.take_until(time, Some(frame))?;
        self.window.push(frame);
        Ok(())
    }

    /// Makes the sheets and the WebVTT file of a film that ends at `end`, in the source's time. With `None`, it ends at
    /// the time of the last frame.
    ///
    /// # Errors
    /// `MalformedInput` if there was no frame; those of the filter stage and the encoder.
    pub fn finish(mut self, end: Option<Timestamp>) -> Result<(Vec<StillFile>, SpriteReport)> {
        let Some(moment) = self.window.moment(None) else {
            return Err(Error::new(
                ErrorKind::MalformedInput,
                Stage::Decode,
                "there is no frame to make thumbnails of",
            )
            .in_stream(self.stream));
        };
        let end = end.unwrap_or(Timestamp::new(moment.shown.pts, self.time_base));
        let end = self.span.since_origin(end).rescale(MILLI).max(1) as u64;
        self.take_until(Timestamp::new(end as i64, MILLI), None)?;
        self.last = None;
        while self.tiles.len() > 1 && self.step.time(self.tiles.len() - 1) >= end {
            self.tiles.pop();
        }
        // A film can exceed its declared duration by less than half a step.
        if self.planned == Some(self.tiles.len() - 1) && end < self.step.time(self.tiles.len() - 1) + self.half() {
            self.tiles.pop();
        }
        if self.settings.interval.is_none() && self.planned.is_none() {
            let count = wished(&self.settings, end, self.frame);
            let wished = Step { num: end, den: count };
            let times = wished.millis() / self.step.millis();
            // At most the requested number, or at least the default number.
            let times = if self.settings.count.is_some() { times.ceil() } else { times.floor() };
            self.thin((times as usize).max(1));
        }
        while self.tiles.len() > self.bound {
            self.thin(2);
            self.doubled += u32::from(self.settings.interval.is_some());
        }
        self.sheets(end)
    }

    /// Half a step in milliseconds.
    fn half(&self) -> u64 {
        self.step.num / self.step.den / 2
    }

    /// Makes thumbnails of the last frame for all times before `time`. `after` is the frame shown from `time` on, if
    /// any.
    fn take_until(&mut self, time: Timestamp, after: Option<&DecodedFrame>) -> Result<()> {
        let Some(moment) = self.window.moment(after) else { return Ok(()) };
        loop {
            let next = self.step.time(self.tiles.len());
            let first = after.is_none() && self.tiles.is_empty();
            if Timestamp::new(next as i64, MILLI) >= time && !first {
                return Ok(());
            }
            let canvas = match self.last.take() {
                Some((number, canvas)) if number == moment.shown.number => canvas,
                _ => self.renderer.render(&moment)?,
            };
            self.tiles.push(canvas.clone());
            self.last = Some((moment.shown.number, canvas));
            // Keep one more until the end shows whether it is needed.
            if self.tiles.len() > self.held + 1 {
                self.thin(2);
                self.doubled += u32::from(self.settings.interval.is_some() || self.planned.take().is_some());
            }
        }
    }

    /// Keeps every `factor`th thumbnail.
    fn thin(&mut self, factor: usize) {
        if factor > 1 {
            self.step = self.step.times(factor as u64);
            let mut index = 0;
            self.tiles.retain(|_| {
                index += 1;
                (index - 1) % factor == 0
            });
        }
    }

    fn sheets(self, end: u64) -> Result<(Vec<StillFile>, SpriteReport)> {
        let (width, height) = self.size;
        let (columns, rows) = (self.settings.columns.max(1) as usize, self.settings.rows.max(1) as usize);
        let on_each = columns * rows;
        let sheets = self.tiles.len().div_ceil(on_each);
        let mut files = Vec::new();
        for (number, tiles) in self.tiles.chunks(on_each).enumerate() {
            let size = (columns.min(tiles.len()) * width, tiles.len().div_ceil(columns) * height);
            let mut sheet = Canvas::new(size.0, size.1, [0, 0, 0, 0xff]);
            for (index, tile) in tiles.iter().enumerate() {
                sheet.lay(tile, index % columns * width, index / columns * height);
            }
            let bytes = sheet.encode(self.format, self.settings.quality)?;
            files.push(StillFile { path: numbered(&self.settings.path, number, sheets), bytes });
        }
        let names: Vec<&[u8]> = files.iter().map(|file| file_name(&file.path).as_bytes()).collect();
        let count = self.tiles.len();
        let cues = (0..count).map(|index| {
            let (sheet, place) = (index / on_each, index % on_each);
            let start = self.step.time(index);
            Cue {
                sheet: names[sheet],
                place: [place % columns * width, place / columns * height, width, height],
                start,
                end: if index + 1 == count { end.max(start + 1) } else { self.step.time(index + 1) },
            }
        });
        let text = thumbnails::write(&self.settings.prefix, cues);
        files.push(StillFile { path: self.settings.vtt(), bytes: text.into_bytes() });
        let why = self.why();
        Ok((files, SpriteReport { count, interval_ms: self.step.millis(), width, height, sheets, why }))
    }

    fn why(&self) -> String {
        let asked = match (self.settings.interval, self.settings.count) {
            (Some(interval), _) => format!("one every {interval} was asked for"),
            (None, Some(count)) => format!("{count} were asked for"),
            (None, None) => {
                format!("the default: one every {} s, at least {LEAST}, at most {}", USUAL / 1000, self.settings.most)
            }
        };
        match self.doubled {
            0 => asked,
            times => format!("{asked}; the interval was doubled {times} times, since there are at most {}", self.bound),
        }
    }
}

/// Number of thumbnails for a film of `millis` milliseconds whose frames last `frame`.
fn wished(settings: &SpriteSettings, millis: u64, frame: Timestamp) -> u64 {
    let count = match settings.count {
        Some(count) => count.into(),
        None => {
            let frames =
                Timestamp::new(millis.min(i64::MAX as u64) as i64, MILLI).rescale(frame.base) / frame.ticks.max(1);
            millis.div_ceil(USUAL).max(LEAST.min(frames.max(1) as u64)).min(settings.most.into())
        }
    };
    // WebVTT states times in milliseconds.
    count.min(millis).max(1)
}

/// Path of sheet `number`, from 0 on, of `sheets`.
fn numbered(path: &Path, number: usize, sheets: usize) -> PathBuf {
    if sheets == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{:03}.", number + 1));
    name.push(path.extension().unwrap_or_default());
    path.with_file_name(name)
}

fn file_name(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::still::plain_view;

    #[test]
    fn the_usual_number_of_thumbnails_follows_the_duration() {
        let settings = SpriteSettings::default();
        let frame = Timestamp::new(1, TimeBase::new(1, 25));
        let usual = |millis: u64| wished(&settings, millis, frame);
        assert_eq!([40, 200, 10_000, 200_000, 600_000, 4_000_000, 7_200_000].map(usual), [1, 5, 20, 20, 60, 400, 400]);
        let counted = SpriteSettings { count: Some(7), ..settings.clone() };
        assert_eq!([5, 1000, 100_000].map(|millis| wished(&counted, millis, frame)), [5, 7, 7]);
    }

    #[test]
    fn hours_of_frames_take_no_more_memory_than_the_bound() {
        let view = plain_view(16, 16, TimeBase::new(1, 5));
        let span = Span { origin: view.origin, expected: None };
        let settings = SpriteSettings { path: "sprites.png".into(), most: 30, ..Default::default() };
        let mut sprites = Sprites::new(&settings, &view, span).unwrap();
        let frame = trix_av::frame::Frame::grey(16, 16);
        let frames = 5 * 4 * 3600;
        for number in 0..frames {
            let extras = trix_model::extras::Extras::default();
            sprites
                .push(&DecodedFrame { frame: frame.clone(), number, pts: number as i64, duration: None, extras })
                .unwrap();
            assert!(sprites.tiles.len() <= sprites.held + 1 && sprites.tiles.capacity() <= 512);
        }
        let end = Timestamp::new(frames as i64, view.time_base);
        let (files, report) = sprites.finish(Some(end)).unwrap();
        assert!((15..=30).contains(&report.count), "{report:?}");
        let text = String::from_utf8(files[1].bytes.clone()).unwrap();
        assert!(text.contains("--> 04:00:00.000"), "{text}");
    }

    #[test]
    fn sheets_are_numbered_when_there_are_several() {
        assert_eq!(numbered(Path::new("a/s.jpg"), 0, 1), Path::new("a/s.jpg"));
        assert_eq!(numbered(Path::new("a/s.jpg"), 0, 2), Path::new("a/s-001.jpg"));
        assert_eq!(numbered(Path::new("s.x.webp"), 11, 12), Path::new("s.x-012.webp"));
    }
}
