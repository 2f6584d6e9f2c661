//! What was measured, as it is kept.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{
    case::{Case, Tool},
    machine::Machine,
    measure::{Cost, median},
};

/// A whole comparison.
#[derive(Debug, Serialize)]
pub struct Run {
    /// Where, when, with what.
    pub machine: Machine,
    /// Rounds.
    pub runs: u32,
    /// Too short to say anything about speed.
    pub quick: bool,
    /// One after the other.
    pub cases: Vec<CaseResult>,
}

/// What came of one case.
#[derive(Debug, Serialize)]
pub struct CaseResult {
    /// Its letter.
    pub case: &'static str,
    /// In words.
    pub title: &'static str,
    /// Pictures.
    pub frames: u32,
    /// Bytes of the source.
    pub source_bytes: u64,
    /// Whether every run of every tool of which that is expected gave the same coded pictures.
    pub same_pictures: bool,
    /// By tool.
    pub series: Vec<Series>,
}

/// All runs of one tool.
#[derive(Debug, Serialize)]
pub struct Series {
    /// Which.
    pub tool: &'static str,
    /// One a round.
    pub costs: Vec<Cost>,
    /// MD5 over the coded pictures of each output; empty for what writes no file.
    pub pictures: Vec<String>,
    /// Of the last output.
    pub quality: Option<Quality>,
}

/// How near an output is to what its encoder took in.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Quality {
    /// Over all planes, in decibels.
    pub psnr_db: Option<f64>,
    /// Over all planes.
    pub ssim: Option<f64>,
}

impl CaseResult {
    /// Puts a case's results together.
    pub fn new(case: &Case, source_bytes: u64, series: Vec<Series>) -> Self {
        let exact = |series: &&Series| Tool::ALL.iter().any(|tool| tool.is_exact() && tool.name() == series.tool);
        let mut hashes: Vec<&String> = series.iter().filter(exact).flat_map(|series| &series.pictures).collect();
        hashes.dedup();
        let same_pictures = hashes.len() == 1;
        CaseResult { case: case.key, title: case.title, frames: case.frames(), source_bytes, same_pictures, series }
    }

    /// The runs of a tool.
    pub fn of(&self, tool: Tool) -> Option<&Series> {
        self.series.iter().find(|series| series.tool == tool.name())
    }
}

impl Series {
    /// No runs yet.
    pub fn new(tool: &'static str) -> Self {
        Series { tool, costs: Vec::new(), pictures: Vec::new(), quality: None }
    }

    /// Median, least and most seconds on the clock.
    pub fn wall(&self) -> (f64, f64, f64) {
        let walls = || self.costs.iter().map(|cost| cost.wall);
        (median(walls()), walls().fold(f64::INFINITY, f64::min), walls().fold(0.0, f64::max))
    }

    /// Median of seconds of processor time.
    pub fn cpu(&self) -> f64 {
        median(self.costs.iter().map(|cost| cost.cpu))
    }

    /// How much longer this takes than `other`: by the medians, and by the median of the rounds' own ratios, which
    /// drifts of the machine touch less.
    pub fn ratio(&self, other: &Series) -> (f64, f64) {
        let pairs = self.costs.iter().zip(&other.costs);
        (self.wall().0 / other.wall().0, median(pairs.map(|(one, two)| one.wall / two.wall)))
    }
}

/// Where a full run is kept: `benches/runs/DATE-N-cores`, with a number behind it where that is taken.
pub fn unused_name(machine: &Machine) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runs");
    let name = format!("{}-{}-cores", machine.date, machine.cores);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut names = std::iter::once(name.clone()).chain(numbered).map(|name| folder.join(name));
    names.find(|path| !path.with_extension("json").exists()).unwrap_or(folder)
}
