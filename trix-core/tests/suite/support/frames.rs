//! Frames as numbers: sources that are written from computed samples, and the samples that the filter stage or a
//! foreign decoder returns.

use std::path::{Path, PathBuf};

use trix_core::{
    Error, Job, OnDamage, Source,
    media::{PixelFormat, format::FrameFormat},
    plan::{Cut, Filtering, OutputId, OutputPlan, Sink},
    reading::reader::FrameReader,
    settings::video::{EncodeSettings, Encoder},
};
use trix_fixtures::program;

use super::video_job;

/// The samples of one plane, row by row.
#[derive(Clone, PartialEq, Eq)]
pub struct Grid {
    pub width: usize,
    pub height: usize,
    pub samples: Vec<u16>,
}

impl std::fmt::Debug for Grid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let head: Vec<u16> = self.samples.iter().copied().take(8).collect();
        write!(f, "{}x{} {head:?}...", self.width, self.height)
    }
}

impl Grid {
    /// Creates a plane whose sample in column `x` of row `y` is `of(x, y)`.
    pub fn new(width: usize, height: usize, of: impl Fn(usize, usize) -> u16) -> Self {
        let samples = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| of(x, y)).collect();
        Grid { width, height, samples }
    }

    pub fn at(&self, x: usize, y: usize) -> u16 {
        self.samples[y * self.width + x]
    }

    /// The part of `width` by `height` whose first sample is (`left`, `top`).
    pub fn part(&self, left: usize, top: usize, width: usize, height: usize) -> Grid {
        Grid::new(width, height, |x, y| self.at(left + x, top + y))
    }
}

/// The planes of one frame.
pub type Planes = Vec<Grid>;

/// A frame from the filter stage.
#[derive(Clone, Debug)]
pub struct Shot {
    /// The number of its source frame.
    pub number: u64,
    /// Its display time, in ticks of the filter stage.
    pub pts: i64,
    pub planes: Planes,
}

/// The planar format that FFmpeg calls `name`.
pub fn format(name: &str) -> FrameFormat {
    let pixel = PixelFormat::from_name(name).unwrap_or_else(|| panic!("{name} is no format"));
    pixel.frame().unwrap_or_else(|| panic!("{name} is not planar"))
}

/// Splits raw planes into numbers, frame by frame.
pub fn split(bytes: &[u8], name: &str, width: usize, height: usize) -> Vec<Planes> {
    let format = format(name);
    let mut rest = bytes;
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let mut planes = Vec::new();
        for plane in 0..format.planes() {
            let (width, height) = format.plane_size(plane, width, height);
            let wide = format.depth > 8;
            let (now, after) = rest.split_at(width * height * if wide { 2 } else { 1 });
            rest = after;
            let samples = match wide {
                true => now.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect(),
                false => now.iter().map(|&byte| byte.into()).collect(),
            };
            planes.push(Grid { width, height, samples });
        }
        frames.push(planes);
    }
    frames
}

/// Joins numbers into raw planes.
pub fn joined(frames: &[Planes], name: &str) -> Vec<u8> {
    let wide = format(name).depth > 8;
    let samples = frames.iter().flatten().flat_map(|plane| &plane.samples);
    samples.flat_map(|sample| sample.to_le_bytes().into_iter().take(if wide { 2 } else { 1 })).collect()
}

/// The filter that sets the colour properties of frames and changes no sample. Output options alone are not enough:
/// newer releases of the program ignore some of them, and convert samples to the range that the options name or that an
/// encoder prefers. So full range needs the option too. After `lavfi`, older releases lose the properties that a filter
/// set.
pub fn colored(primaries: &str, transfer: &str, matrix: &str, range: &str) -> String {
    format!("setparams=color_primaries={primaries}:color_trc={transfer}:colorspace={matrix}:range={range}")
}

/// Writes `bytes`, raw frames of `width` by `height` in the format `name`, as `file` through `ffmpeg` with `options`.
pub fn written(file: &Path, bytes: &[u8], name: &str, (width, height): (usize, usize), options: &str) -> PathBuf {
    let raw = file.with_extension("raw");
    std::fs::write(&raw, bytes).expect("raw frames");
    let (options, rate) = match options.split_once("@") {
        Some((options, rate)) => (options, rate),
        None => (options, "25"),
    };
    program::ffmpeg(&format!(
        "-f rawvideo -pix_fmt {name} -s {width}x{height} -r {rate} -i {} {options} {}",
        raw.display(),
        file.display()
    ));
    file.to_owned()
}

/// A job that writes `source` as FFV1, which is lossless for the frames of the filter stage.
pub fn ffv1_job(source: &Path) -> Job {
    video_job(source, Path::new("never-written.mkv"), Encoder::Ffv1, EncodeSettings::default())
}

/// The plan of the first output of a job.
pub fn plan(job: &Job) -> Result<OutputPlan, Error> {
    let plan = trix_core::plan(job, &Source::open(&job.source.path)?)?;
    Ok(plan.sink(Sink::Output(OutputId(0))))
}

/// Returns the error with which the planner refuses a job. Its kind must be `InvalidSpec`.
pub fn refusal(job: &Job) -> String {
    let error = plan(job).map(|_| ()).expect_err("the job should be refused");
    assert_eq!(error.kind(), trix_core::ErrorKind::InvalidSpec, "{error}");
    error.to_string()
}

/// The decisions of a plan and their reasons, one per line.
pub fn decisions(plan: &OutputPlan) -> String {
    plan.decisions.iter().map(|decision| format!("{}: {}\n", decision.what, decision.why)).collect()
}

/// The frames that the encoder of a job would receive.
pub fn filtered(job: &Job) -> Vec<Shot> {
    let plan = plan(job).unwrap_or_else(|error| panic!("{error}"));
    through(&job.source.path, Some(plan.video.as_ref().expect("frames are encoded").filtering()))
}

/// The frames of a file, filtered or as decoded.
pub fn through(file: &Path, filtering: Option<Filtering>) -> Vec<Shot> {
    let source = Source::open(file).unwrap_or_else(|error| panic!("{error}"));
    let mut reader = FrameReader::new(source, OnDamage::Fail, Cut::default(), filtering, 0)
        .unwrap_or_else(|error| panic!("{error}"));
    let mut shots = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap_or_else(|error| panic!("{error}")) {
        let planes = frame.frame.planes();
        assert!(!planes.is_empty(), "a frame without planes");
        let planes = planes.iter().map(|plane| Grid {
            width: plane.width,
            height: plane.height,
            samples: match plane.depth {
                0..=8 => plane.rows().flatten().map(|&byte| byte.into()).collect(),
                _ => plane.rows().flat_map(|row| row.chunks(2)).map(|s| u16::from_le_bytes([s[0], s[1]])).collect(),
            },
        });
        shots.push(Shot { number: frame.number, pts: frame.pts, planes: planes.collect() });
    }
    shots
}

/// The frames of a file in the format `name`, as the `ffmpeg` program decodes them with `options` before its output.
pub fn decoded(file: &Path, name: &str, (width, height): (usize, usize), options: &str) -> Vec<Planes> {
    let line = format!(
        "-noautorotate -i {} -map 0:v:0 {options} -fps_mode passthrough -pix_fmt {name} -f rawvideo -",
        file.display()
    );
    split(&program::ffmpeg(&line).stdout, name, width, height)
}

/// Asserts that two frames are equal, and reports where they differ.
pub fn assert_equal(ours: &Planes, theirs: &Planes, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}: planes");
    for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert_eq!((ours.width, ours.height), (theirs.width, theirs.height), "{what}: size of plane {index}");
        if let Some(at) = ours.samples.iter().zip(&theirs.samples).position(|(ours, theirs)| ours != theirs) {
            let (x, y) = (at % ours.width, at / ours.width);
            let (one, other) = (ours.samples[at], theirs.samples[at]);
            panic!("{what}: plane {index}, column {x}, row {y} is {one} and should be {other}");
        }
    }
}

/// Peak signal to noise ratio of samples with `depth` bits over all planes; infinite for equal frames.
pub fn psnr(ours: &Planes, theirs: &Planes, depth: u32) -> f64 {
    let pairs = || {
        ours.iter().zip(theirs).flat_map(|(ours, theirs)| {
            assert_eq!((ours.width, ours.height), (theirs.width, theirs.height), "sizes");
            ours.samples.iter().zip(&theirs.samples)
        })
    };
    let sum: f64 = pairs().map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
    let peak = f64::from((1u32 << depth) - 1);
    10.0 * (peak * peak * pairs().count() as f64 / sum).log10()
}

/// Pseudo-random numbers that are the same every time.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15))
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}
