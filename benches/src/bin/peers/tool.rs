//! The tools that a case compares, and what each gets.
//!
//! Invariant: all programs of a case get the same source, the same filter chains and the same encoder options. Exact
//! tools also get the same numbers of threads.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

use serde::{Deserialize, Serialize};
use trix_core::Job;

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
    /// True if samples of the source have more bits.
    pub loses_bits: bool,
    /// Threads of the encoder, if the plan sets them.
    pub threads: Option<u32>,
    /// True if audio is copied.
    pub copies_audio: bool,
}

impl Target {
    /// Types of the NAL units that hold coded frames, for FFmpeg's `filter_units`: H.264 table 7-1, H.265 table 7-1.
    pub fn frame_units(&self) -> &'static str {
        if self.encoder == "x264" { "1-5" } else { "0-31" }
    }
}
