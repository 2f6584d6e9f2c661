//! The stored results of measurements.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{
    case::Case,
    machine::Machine,
    measure::{Cost, median},
    tool::Goal,
};

/// A whole comparison.
#[derive(Debug, Serialize)]
pub struct Run {
    /// The machine and the software.
    pub machine: Machine,
    /// Number of rounds.
    pub runs: u32,
    /// True if the run was too short to measure speed.
    pub quick: bool,
    /// The results of the cases, in order.
    pub cases: Vec<CaseResult>,
}

/// The result of one case.
#[derive(Debug, Serialize)]
pub struct CaseResult {
    /// Letter of the case.
    pub case: &'static str,
    /// Description.
    pub title: &'static str,
    /// Number of frames.
    pub frames: u32,
    /// Size of the source in bytes.
    pub source_bytes: u64,
    /// True if all runs of all exact tools gave the same coded frames, and the same copied audio, in every output.
    pub same_frames: bool,
    /// The project's goals.
    pub goals: &'static [Goal],
    /// The results by tool. The first tool is the reference for the others.
    pub series: Vec<Series>,
}

/// All runs of one tool.
#[derive(Debug, Serialize)]
pub struct Series {
    /// Name of the tool.
    pub tool: &'static str,
    /// True if its outputs had to equal those of the other exact tools.
    pub is_exact: bool,
    /// The cost of each round.
    pub costs: Vec<Cost>,
    /// The written outputs. Empty if the tool writes no file.
    pub outputs: Vec<Output>,
}

/// One output of a tool.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Name of the output.
    pub name: String,
    /// Size of the last file in bytes.
    pub bytes: u64,
    /// MD5 of the coded frames, one for each round.
    pub frames: Vec<String>,
    /// MD5 of the copied audio, one for each round.
    pub audio: Vec<String>,
    /// Quality of the last file.
    pub quality: Option<Quality>,
}

/// Quality of an output compared with the input of its encoder.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Quality {
    /// PSNR of all planes in decibels.
    pub psnr_db: Option<f64>,
    /// SSIM of all planes.
    pub ssim: Option<f64>,
}

impl CaseResult {
    /// Builds the result of a case.
    pub fn new(case: &Case, source_bytes: u64, series: Vec<Series>) -> Self {
        CaseResult {
            case: case.key,
            title: case.title,
            frames: case.frames(),
            source_bytes,
            same_frames: are_alike(&series),
            goals: case.goals,
            series,
        }
    }

    /// The runs of a tool.
    pub fn of(&self, tool: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.tool == tool)
    }
}

/// True if all exact tools wrote the same in every round.
fn are_alike(series: &[Series]) -> bool {
    let exact: Vec<&Series> = series.iter().filter(|series| series.is_exact).collect();
    let Some(first) = exact.first() else { return true };
    exact.iter().all(|series| {
        let pairs = || series.outputs.iter().zip(&first.outputs);
        let equal = |(one, other): (&Vec<String>, &Vec<String>)| one.iter().all(|hash| Some(hash) == other.first());
        series.outputs.len() == first.outputs.len()
            && pairs().all(|(one, other)| equal((&one.frames, &other.frames)) && equal((&one.audio, &other.audio)))
    })
}

impl Series {
    /// A series without runs.
    pub fn new(tool: &'static str, is_exact: bool) -> Self {
        Series { tool, is_exact, costs: Vec::new(), outputs: Vec::new() }
    }

    /// Median, minimum and maximum of the wall-clock times in seconds.
    pub fn wall(&self) -> (f64, f64, f64) {
        let walls = || self.costs.iter().map(|cost| cost.wall);
        (median(walls()), walls().fold(f64::INFINITY, f64::min), walls().fold(0.0, f64::max))
    }

    /// Median of the processor times in seconds.
    pub fn cpu(&self) -> f64 {
        median(self.costs.iter().map(|cost| cost.cpu))
    }

    /// The share of the machine's `cores` that was used elsewhere in each run.
    pub fn elsewhere(&self, cores: usize) -> impl Iterator<Item = f64> {
        self.costs.iter().map(move |cost| cost.elsewhere / (cost.wall * cores as f64))
    }

    /// Time of this tool divided by that of `other`: the ratio of the medians, and the median of the ratios within each
    /// round. A drift of the machine's speed affects the latter less.
    pub fn ratio(&self, other: &Series) -> (f64, f64) {
        (self.wall().0 / other.wall().0, self.paired(other, |cost| cost.wall))
    }

    /// The median of the ratios of a cost within each round.
    pub fn paired(&self, other: &Series, of: fn(&Cost) -> f64) -> f64 {
        median(self.costs.iter().zip(&other.costs).map(|(one, two)| of(one) / of(two)))
    }
}

/// Path for the results of a full run: `benches/runs/DATE-N-cores`, with a number at the end if the name exists.
pub fn unused_name(machine: &Machine) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runs");
    let name = format!("{}-{}-cores", machine.date, machine.cores);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut names = std::iter::once(name.clone()).chain(numbered).map(|name| folder.join(name));
    names.find(|path| !path.with_extension("json").exists()).unwrap_or(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(is_exact: bool, frames: [&str; 2], audio: &[&str]) -> Series {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let output =
            Output { name: "copy.mkv".into(), bytes: 1, frames: texts(&frames), audio: texts(audio), quality: None };
        Series { outputs: vec![output], ..Series::new("tool", is_exact) }
    }

    #[test]
    fn one_other_stream_in_one_round_is_a_difference() {
        let peer = || series(true, ["a", "a"], &["s", "s"]);
        assert!(are_alike(&[peer(), peer(), series(false, ["b", "c"], &[])]));
        assert!(!are_alike(&[peer(), series(true, ["a", "b"], &["s", "s"])]));
        assert!(!are_alike(&[peer(), series(true, ["a", "a"], &["s", "t"])]));
        assert!(!are_alike(&[series(true, ["a", "b"], &[])]));
        assert!(!are_alike(&[peer(), Series::new("silent", true)]));
    }
}
