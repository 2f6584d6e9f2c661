//! What is compared: a source, what becomes of it, and who does it.
//!
//! Invariant: all programs of a case get the same source, the same filter chains and the same options of the encoders;
//! those that are exact get the same numbers of threads, too.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

use serde::{Deserialize, Serialize};
use trix_benches::{Clip, Kind};
use trix_core::{Job, spec::video::Encoder};

use crate::{archive, ladder, single};

/// A job that several tools do.
#[derive(Clone, Copy)]
pub struct Case {
    /// What `--only` calls it.
    pub key: &'static str,
    /// In words.
    pub title: &'static str,
    kind: Kind,
    frames: u32,
    /// Who does it, in the order of the tables; the first is what the others are compared with.
    pub tools: &'static [Tool],
    /// What the project wants of it.
    pub goals: &'static [Goal],
    /// Whether a tool runs several processes at once, so that memory has to be added up while they run.
    pub has_pipes: bool,
    job: fn(&Path) -> trix_core::Result<Job>,
}

/// Every case. The numbers of pictures are such that a run takes 5 to 20 seconds on two cores; that of a whole archive,
/// a minute and a half.
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
        title: "after the last frame: 1080p ProRes 4:2:2 HQ with PCM -> profile archive, pictures of all copies compared",
        kind: Kind::Master,
        frames: 75,
        tools: &archive::COMPARED,
        goals: &[],
        has_pipes: false,
        job: archive::copies,
    },
];

/// What Trix is called where it does no more than its peers: the figure that goals are about.
pub const TRIX: &str = "trix";

/// What does a case.
pub struct Tool {
    /// What tables call it.
    pub name: &'static str,
    /// Whether its coded pictures must be equal to those of the others.
    pub is_exact: bool,
    /// How it does it.
    pub work: Work,
}

/// How a tool does a case.
pub enum Work {
    /// Programs, one after the other, that write the outputs into the folder of the setup.
    Programs(fn(&Setup<'_>) -> io::Result<Vec<Command>>),
    /// The encoder fed from memory, through the library: what a whole job could take at the least.
    EncoderAlone,
}

/// The most of a peer's cost that a tool should take.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Goal {
    /// Which tool.
    pub tool: &'static str,
    /// Which peer.
    pub peer: &'static str,
    /// Of the seconds on the clock.
    pub wall: f64,
    /// Of the seconds of processor time; `None` where it does not matter.
    pub cpu: Option<f64>,
}

/// What a tool is told.
pub struct Setup<'a> {
    /// The program.
    pub trix: &'a Path,
    /// The source.
    pub source: &'a Path,
    /// Where the outputs go: a folder of the tool's own.
    pub folder: &'a Path,
    /// The whole job.
    pub told: &'a Told,
}

/// A job, and what its plan says of it, as it is passed from one process to another.
#[derive(Serialize, Deserialize)]
pub struct Told {
    /// The job, with relative names of outputs.
    pub job: Job,
    /// Its outputs.
    pub targets: Vec<Target>,
}

/// What a plan says of an output that other programs must be told.
#[derive(Serialize, Deserialize)]
pub struct Target {
    /// The name of the file.
    pub name: PathBuf,
    /// `x264` or `x265`.
    pub encoder: String,
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// FFmpeg's name of the format.
    pub pixel_format: String,
    /// Whether pictures are changed before they are encoded.
    pub converted: bool,
    /// Threads of the encoder, where the plan decides about them.
    pub threads: Option<u32>,
    /// Whether there is sound that is copied.
    pub copies_sound: bool,
}

impl Case {
    /// The same case with few pictures, to see whether everything works.
    pub fn quick(self) -> Self {
        Case { frames: 12, ..self }
    }

    /// Pictures in source and outputs.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// The source, made on the first call.
    ///
    /// # Errors
    /// When `ffmpeg` cannot make it.
    pub fn source(&self) -> io::Result<PathBuf> {
        Clip { kind: self.kind, frames: self.frames }.file()
    }

    /// What the library is told.
    ///
    /// # Errors
    /// Those of opening the source.
    pub fn job(&self, source: &Path) -> trix_core::Result<Job> {
        (self.job)(source)
    }
}

impl Target {
    /// The kinds of units that hold coded pictures, for FFmpeg's `filter_units`: H.264 table 7-1, H.265 table 7-1.
    pub fn picture_units(&self) -> &'static str {
        if self.encoder == "x264" { "1-5" } else { "0-31" }
    }
}
