//! The compared cases: a source, the job, and the tools that do it.
//!
//! Invariant: all programs of a case get the same source, the same filter chains and the same encoder options. Exact
//! tools also get the same numbers of threads.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

use serde::{Deserialize, Serialize};
use trix_benches::{Clip, Kind};
use trix_core::{Job, settings::video::Encoder};

use crate::{archive, ladder, single};

/// A job that several tools do.
#[derive(Clone, Copy)]
pub struct Case {
    /// Name of the case for `--only`.
    pub key: &'static str,
    /// Description.
    pub title: &'static str,
    kind: Kind,
    frames: u32,
    /// The tools, in the order of the tables. The first is the reference for the others.
    pub tools: &'static [Tool],
    /// The project's goals for this case.
    pub goals: &'static [Goal],
    /// True if a tool runs several processes at once. Then memory must be summed while they run.
    pub has_pipes: bool,
    job: fn(&Path) -> trix_core::Result<Job>,
}

/// All cases. With these numbers of frames, a run takes 5 to 20 seconds on two cores; that of a whole archive, a minute
/// and a half.
pub const CASES: [Case; 6] = [
    Case {
        key: "a",
        title: "1080p H.264 -> 720p x264 veryfast",
        kind: Kind::H264,
        frames: 500,
        tools: &single::TOOLS,
        goals: &[],
        has_pipes: false,
        job: |source| Ok(single::job(source, Encoder::X264, 8, "veryfast", 21, (1280, 720))),
    },
    Case {
        key: "b",
        title: "1080p H.264 -> 720p x265 medium 10-bit",
        kind: Kind::H264,
        frames: 100,
        tools: &single::TOOLS,
        goals: &[],
        has_pipes: false,
        job: |source| Ok(single::job(source, Encoder::X265, 10, "medium", 24, (1280, 720))),
    },
    Case {
        key: "c",
        title: "1080p ProRes 4:2:2 HQ -> 1080p x265 fast 10-bit 4:2:0",
        kind: Kind::ProRes,
        frames: 75,
        tools: &single::TOOLS,
        goals: &[],
        has_pipes: false,
        job: |source| Ok(single::job(source, Encoder::X265, 10, "fast", 24, (1920, 1080))),
    },
    Case {
        key: "d",
        title: "ladder: 1080p H.264 -> 1080p, 720p, 480p and 360p x264 veryfast",
        kind: Kind::H264,
        frames: 250,
        tools: &ladder::TOOLS,
        goals: &ladder::GOALS,
        has_pipes: false,
        job: |source| Ok(ladder::job(source)),
    },
    Case {
        key: "e",
        title: "archive ingest: 1080p ProRes 4:2:2 HQ with PCM -> profiles archive and preview",
        kind: Kind::Master,
        frames: 75,
        tools: &archive::TOOLS,
        goals: &archive::GOALS,
        has_pipes: true,
        job: archive::job,
    },
    Case {
        key: "f",
        title: "after the last frame: 1080p ProRes 4:2:2 HQ with PCM -> profile archive, frames of all copies compared",
        kind: Kind::Master,
        frames: 75,
        tools: &archive::COMPARED,
        goals: &[],
        has_pipes: false,
        job: archive::copies,
    },
];

/// Name of Trix when it does no more than its peers. The goals refer to this tool.
pub const TRIX: &str = "trix";

/// A tool that does a case.
pub struct Tool {
    /// Name in tables.
    pub name: &'static str,
    /// True if its coded frames must equal those of the other exact tools.
    pub is_exact: bool,
    /// How the tool works.
    pub work: Work,
}

/// How a tool does a case.
pub enum Work {
    /// Programs that run one after the other and write the outputs into the folder of the setup.
    Programs(fn(&Setup<'_>) -> io::Result<Vec<Command>>),
    /// The encoder alone, fed from memory through the library: a lower limit for the time of a whole job.
    EncoderAlone,
}

/// Maximum cost of a tool, as a share of a peer's cost.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Goal {
    /// The tool.
    pub tool: &'static str,
    /// The peer.
    pub peer: &'static str,
    /// Share of wall-clock time.
    pub wall: f64,
    /// Share of processor time; `None` if it does not matter.
    pub cpu: Option<f64>,
}

/// Input of a tool.
pub struct Setup<'a> {
    /// Path of the `trix` program.
    pub trix: &'a Path,
    /// Path of the source.
    pub source: &'a Path,
    /// Output folder, used by this tool only.
    pub folder: &'a Path,
    /// The whole job.
    pub planned_case: &'a PlannedCase,
}

/// A job and the decisions of its plan, in a form that processes exchange.
#[derive(Serialize, Deserialize)]
pub struct PlannedCase {
    /// The job, with relative output paths.
    pub job: Job,
    /// Its outputs.
    pub targets: Vec<Target>,
}

/// The decisions of a plan about an output that other programs need.
#[derive(Serialize, Deserialize)]
pub struct Target {
    /// File name.
    pub name: PathBuf,
    /// `x264` or `x265`.
    pub encoder: String,
    /// Samples per row.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
    /// FFmpeg's name of the pixel format.
    pub pixel_format: String,
    /// True if frames are converted before they are encoded.
    pub converted: bool,
    /// Threads of the encoder, if the plan sets them.
    pub threads: Option<u32>,
    /// True if audio is copied.
    pub copies_audio: bool,
}

impl Case {
    /// The same case with few frames, for a functional test.
    pub fn quick(self) -> Self {
        Case { frames: 12, ..self }
    }

    /// Number of frames in source and outputs.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Path of the source. The first call makes it.
    ///
    /// # Errors
    /// If `ffmpeg` cannot make it.
    pub fn source(&self) -> io::Result<PathBuf> {
        Clip { kind: self.kind, frames: self.frames }.file()
    }

    /// The job for the library.
    ///
    /// # Errors
    /// Those of opening the source.
    pub fn job(&self, source: &Path) -> trix_core::Result<Job> {
        (self.job)(source)
    }
}

impl Target {
    /// Types of the NAL units that hold coded frames, for FFmpeg's `filter_units`: H.264 table 7-1, H.265 table 7-1.
    pub fn frame_units(&self) -> &'static str {
        if self.encoder == "x264" { "1-5" } else { "0-31" }
    }
}
