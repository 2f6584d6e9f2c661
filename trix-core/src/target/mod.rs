//! Finds the rate factors with which outputs reach a score.
//!
//! Parts of the film are encoded with several factors. Encodes of x265 follow the analysis of the one with the lowest factor, and take a
//! seventh of its time; their scores are wrong by some tenths of a decibel. The factor that they point to is then tried with an encode
//! of its own.
//!
//! Invariant: the encodes that decide about a factor have the settings and the frames of the output.

mod parts;
mod place;
mod scale;
mod search;

use std::path::{Path, PathBuf};

use trix_model::{
    control::events::Event,
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    settings::video::TargetMetric,
};

use self::{
    parts::Parts,
    place::Place,
    scale::Scale,
    search::{Found, Trials},
};
use crate::{
    quality::{Metric, Score},
    report::{OutputReport, Report},
    settings::{
        job::{Chunks, Job, OutputSettings, ShareAnalysis, SourceSettings},
        video::RateControl,
    },
    source::Source,
};

/// How near to its target a score has to be: in decibels, or in points of VMAF.
const TOLERANCE: f64 = 0.15;

/// Sets the factors of all rates of `job` that are targets. `folder` is for temporary files; `run` runs a job; `tell` is called with each
/// factor that was tried.
///
/// # Errors
/// `InvalidSpec` for a target that no factor reaches, with the scores that can be reached; those of the encodes.
pub(crate) fn settle(
    job: &Job,
    source: &Source,
    folder: &Path,
    run: &mut dyn FnMut(&Job) -> Result<Report>,
    tell: &dyn Fn(Event),
) -> Result<Job> {
    let parts = Parts::of(job, source);
    let mut settled = job.clone();
    for place in Place::all(job) {
        let Some((metric, value)) = place.target(job) else { continue };
        let Some(output) = place.output(job, source) else {
            place.set(&mut settled, None);
            continue;
        };
        let scale = Scale(metric);
        let path = place.path(job);
        let tell = |factor, score| {
            let (path, score) = (path.to_owned(), scale.score(score));
            tell(Event::FactorTried { path, metric, target: value, factor, score });
        };
        let mut own = Encodes { job, output, parts: &parts, scale, folder, run: &mut *run, tell: &tell };
        let found = search::find(scale.of_score(value), TOLERANCE, &mut own)?;
        let (factor, tried) = match found {
            Found::Factor { factor, tried } => (factor, tried),
            Found::OutOfReach { least, most } => {
                let reach = [least, most].map(|score| scale.text(scale.score(score)));
                let detail = format!(
                    "{}: {metric} {} is out of reach: {} to {} are possible",
                    place.name(job),
                    scale.text(value),
                    reach[0],
                    reach[1],
                );
                return Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(&job.source.path));
            }
        };
        let what = format!("{} is encoded with crf {factor}", place.name(job));
        let scores = tried.iter().map(|(factor, score)| format!("{} with {factor}", scale.text(scale.score(*score))));
        let scores = scores.collect::<Vec<_>>().join(", ");
        let why = format!("the target is {metric} {}, and {} {scores}", scale.text(value), parts.name);
        settled.merging.push(Decision::new(what, why));
        place.set(&mut settled, Some(RateControl::Crf { value: factor }));
    }
    Ok(settled)
}

/// What has to be measured for the targets of `job`.
///
/// # Errors
/// `Unsupported` for what this build does not measure.
pub(crate) fn metrics(job: &Job) -> Result<Vec<Metric>> {
    let mut metrics = Vec::new();
    for (target, _) in Place::all(job).into_iter().filter_map(|place| place.target(job)) {
        let metric = match target {
            TargetMetric::Psnr => Metric::Psnr,
            TargetMetric::Ssim => Metric::Ssim,
            TargetMetric::Vmaf => Metric::Vmaf,
        };
        if !metric.is_built() {
            let detail = format!("this build does not measure {metric}; the feature {metric} adds it");
            return Err(Error::new(ErrorKind::Unsupported, Stage::Plan, detail));
        }
        if !metrics.contains(&metric) {
            metrics.push(metric);
        }
    }
    Ok(metrics)
}

/// Encodes of the parts of a film.
struct Encodes<'a> {
    job: &'a Job,
    output: OutputSettings,
    parts: &'a Parts,
    scale: Scale,
    folder: &'a Path,
    run: &'a mut dyn FnMut(&Job) -> Result<Report>,
    /// Is called with each factor that was tried, and its score on the scale.
    tell: &'a dyn Fn(f64, f64),
}

impl Encodes<'_> {
    /// The scores over some parts, by factor.
    fn scores(&mut self, factors: &[f64], parts: &[SourceSettings]) -> Result<Vec<f64>> {
        let mut all: Vec<Vec<OutputReport>> = factors.iter().map(|_| Vec::new()).collect();
        for part in parts {
            let trial = self.trial(factors, part);
            let report = (self.run)(&trial)?;
            all.iter_mut().zip(report.outputs).for_each(|(own, output)| own.push(output));
        }
        let scores = |outputs: &Vec<OutputReport>| {
            outputs.iter().filter_map(|output| output.verification.score.clone()).collect::<Vec<Score>>()
        };
        let means: Vec<f64> = all.iter().map(|outputs| self.scale.mean(&scores(outputs))).collect();
        match means.iter().all(|mean| mean.is_finite()) {
            true => {
                factors.iter().zip(&means).for_each(|(factor, mean)| (self.tell)(*factor, *mean));
                Ok(means)
            }
            false => {
                let detail = format!("{} could not be measured", self.scale.0);
                Err(Error::new(ErrorKind::Unsupported, Stage::Measure, detail))
            }
        }
    }

    /// A job that encodes a part with several factors.
    fn trial(&self, factors: &[f64], part: &SourceSettings) -> Job {
        let output = |(number, factor): (usize, &f64)| {
            let mut own = self.output.clone();
            own.path = self.folder.join(PathBuf::from(format!("{number}.mkv")));
            if let Some(settings) = own.video.encode_mut() {
                settings.rate = Some(RateControl::Crf { value: *factor });
            }
            own
        };
        Job {
            source: part.clone(),
            outputs: factors.iter().enumerate().map(output).collect(),
            share_analysis: ShareAnalysis::Fast,
            threads: self.job.threads,
            memory: self.job.memory,
            chunks: Chunks::Off,
            ..Job::default()
        }
    }
}

impl Trials for Encodes<'_> {
    fn curve(&mut self, factors: &[f64]) -> Result<Vec<f64>> {
        let parts = self.parts;
        self.scores(factors, &parts.few)
    }

    fn rounds(&self) -> usize {
        self.parts.rounds.len()
    }

    fn score(&mut self, factor: f64, round: usize) -> Result<f64> {
        let parts = self.parts;
        Ok(self.scores(&[factor], &parts.rounds[round])?.first().copied().unwrap_or(f64::NAN))
    }
}
