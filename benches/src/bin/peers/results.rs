//! What was measured, as it is kept.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{
    case::{Case, Goal},
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
    /// Whether every run of every tool of which that is expected gave the same coded pictures, and the same sound where
    /// it was copied, in every output.
    pub same_pictures: bool,
    /// What the project wants.
    pub goals: &'static [Goal],
    /// By tool; the first is what the others are compared with.
    pub series: Vec<Series>,
}

/// All runs of one tool.
#[derive(Debug, Serialize)]
pub struct Series {
    /// Which.
    pub tool: &'static str,
    /// Whether its outputs had to be equal to those of the others.
    pub is_exact: bool,
    /// One a round.
    pub costs: Vec<Cost>,
    /// What it wrote; empty for what writes no file.
    pub outputs: Vec<Output>,
}

/// What a tool made of one output.
#[derive(Debug, Serialize)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Bytes of the last file.
    pub bytes: u64,
    /// MD5 over the coded pictures, one a round.
    pub pictures: Vec<String>,
    /// MD5 over sound that was copied, one a round.
    pub sound: Vec<String>,
    /// Of the last file.
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
        CaseResult {
            case: case.key,
            title: case.title,
            frames: case.frames(),
            source_bytes,
            same_pictures: are_alike(&series),
            goals: case.goals,
            series,
        }
    }

    /// The runs of a tool.
    pub fn of(&self, tool: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.tool == tool)
    }
}

/// Whether all exact tools wrote the same, in every round.
fn are_alike(series: &[Series]) -> bool {
    let exact: Vec<&Series> = series.iter().filter(|series| series.is_exact).collect();
    let Some(first) = exact.first() else { return true };
    exact.iter().all(|series| {
        let pairs = || series.outputs.iter().zip(&first.outputs);
        let equal = |(one, other): (&Vec<String>, &Vec<String>)| one.iter().all(|hash| Some(hash) == other.first());
        series.outputs.len() == first.outputs.len()
            && pairs().all(|(one, other)| equal((&one.pictures, &other.pictures)) && equal((&one.sound, &other.sound)))
    })
}

impl Series {
    /// No runs yet.
    pub fn new(tool: &'static str, is_exact: bool) -> Self {
        Series { tool, is_exact, costs: Vec::new(), outputs: Vec::new() }
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

    /// The share of the machine's `cores` that went elsewhere in each run.
    pub fn elsewhere(&self, cores: usize) -> impl Iterator<Item = f64> {
        self.costs.iter().map(move |cost| cost.elsewhere / (cost.wall * cores as f64))
    }

    /// How much longer this takes than `other`: by the medians, and by the median of the rounds' own ratios, which
    /// drifts of the machine touch less.
    pub fn ratio(&self, other: &Series) -> (f64, f64) {
        (self.wall().0 / other.wall().0, self.paired(other, |cost| cost.wall))
    }

    /// The median of the rounds' own ratios of something.
    pub fn paired(&self, other: &Series, of: fn(&Cost) -> f64) -> f64 {
        median(self.costs.iter().zip(&other.costs).map(|(one, two)| of(one) / of(two)))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn series(is_exact: bool, pictures: [&str; 2], sound: &[&str]) -> Series {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let output = Output {
            name: "copy.mkv".into(),
            bytes: 1,
            pictures: texts(&pictures),
            sound: texts(sound),
            quality: None,
        };
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
