//! Finds the rate factors with which outputs reach a score.
//!
//! Parts of the film are encoded with several factors. Encodes of x265 follow the analysis of the one with the lowest factor, and take a
//! seventh of its time; their scores are wrong by some tenths of a decibel. The factor that they point to is then tried with an encode
//! of its own.
//!
//! Invariant: the encodes that decide about a factor have the settings and the frames of the output.

mod search;

use std::path::{Path, PathBuf};

use trix_model::{
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    path_text,
    settings::video::TargetMetric,
    time::{Rational, Timestamp},
};

use self::search::{Found, Trials};
use crate::{
    quality::{Metric, Score},
    report::{OutputReport, Report},
    settings::{
        audio::AudioSettings,
        job::{Chunks, Job, OutputSettings, ShareAnalysis, VerifyLevel},
        subtitle::SubtitleSettings,
        video::{RateControl, Size},
    },
    source::Source,
};

/// Seconds of a part.
const PART: f64 = 2.0;

/// A film that is not longer than so many seconds is tried as a whole.
const SHORT: f64 = 12.0;

/// Seconds of all parts: a third of the film, and at most so many.
const MOST: f64 = 96.0;

/// Tries with parts of their own.
const ROUNDS: usize = 2;

/// The seconds that are encoded with several factors, and the length of these parts.
const CURVE: (f64, f64) = (4.0, 0.7);

/// How near to its target a score has to be: in decibels, or in points of VMAF.
const TOLERANCE: f64 = 0.15;

/// The peak signal-to-noise ratio that stands for equal frames, in decibels.
const EQUAL: f64 = 100.0;

/// Sets the factors of all rates of `job` that are targets. `folder` is for temporary files; `run` runs a job.
///
/// # Errors
/// `InvalidSpec` for a target that no factor reaches, with the scores that can be reached; those of the encodes.
pub(crate) fn settle(
    job: &Job,
    source: &Source,
    folder: &Path,
    run: &mut dyn FnMut(&Job) -> Result<Report>,
) -> Result<Job> {
    let parts = Parts::of(job, source);
    let mut settled = job.clone();
    for place in Place::all(job) {
        let Some((metric, value)) = place.target(job) else { continue };
        let scale = Scale(metric);
        let mut own = Encodes { job, output: place.output(job), parts: &parts, scale, folder, run: &mut *run };
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
        let why = format!("the target is {metric} {}, and {} {scores}", scale.text(value), parts.named());
        settled.merging.push(Decision::new(what, why));
        place.set(&mut settled, RateControl::Crf { value: factor });
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

/// An output, or a rendition of a package.
#[derive(Clone, Copy)]
enum Place {
    Output(usize),
    Rung { package: usize, rung: usize },
}

impl Place {
    fn all(job: &Job) -> Vec<Self> {
        let outputs = (0..job.outputs.len()).map(Place::Output);
        let rungs = job
            .packages
            .iter()
            .enumerate()
            .flat_map(|(package, own)| (0..own.ladder.len()).map(move |rung| Place::Rung { package, rung }));
        outputs.chain(rungs).collect()
    }

    fn target(self, job: &Job) -> Option<(TargetMetric, f64)> {
        let video = match self {
            Place::Output(number) => &job.outputs[number].video,
            Place::Rung { package, rung } => &job.packages[package].ladder[rung].video,
        };
        match video.encode()?.1.rate {
            Some(RateControl::Target { metric, value }) => Some((metric, value)),
            _ => None,
        }
    }

    fn set(self, job: &mut Job, rate: RateControl) {
        let video = match self {
            Place::Output(number) => &mut job.outputs[number].video,
            Place::Rung { package, rung } => &mut job.packages[package].ladder[rung].video,
        };
        if let Some(settings) = video.encode_mut() {
            settings.rate = Some(rate);
        }
    }

    /// The name in messages.
    fn name(self, job: &Job) -> String {
        let path = match self {
            Place::Output(number) => &job.outputs[number].path,
            Place::Rung { package, .. } => &job.packages[package].path,
        };
        let name = path_text::to_text(Path::new(path.file_name().unwrap_or_default()));
        match self {
            Place::Output(_) => name,
            Place::Rung { package, rung } => format!("{name}, {} rows", job.packages[package].ladder[rung].height),
        }
    }

    /// An output with the frames and the encoder of this one, and nothing else.
    fn output(self, job: &Job) -> OutputSettings {
        let own = match self {
            Place::Output(number) => job.outputs[number].clone(),
            Place::Rung { package, rung } => {
                let (package, rung) = (&job.packages[package], &job.packages[package].ladder[rung]);
                let size = Size { width: -2, height: rung.height.try_into().unwrap_or(i32::MAX) };
                let mut picture = package.picture.clone();
                picture.size = Some(size);
                OutputSettings { picture, video: rung.video.clone(), compatible: true, ..OutputSettings::default() }
            }
        };
        OutputSettings {
            audio: AudioSettings::None,
            subtitles: SubtitleSettings::None,
            tracks: None,
            metadata: Default::default(),
            verify: VerifyLevel::Full,
            overwrite: true,
            ..own
        }
    }
}

/// A range of frames.
struct Part {
    start: Timestamp,
    frames: u64,
}

/// The parts of a film that are encoded.
struct Parts {
    /// With several factors.
    few: Vec<Part>,
    /// One by one with the factors that these point to, by round.
    rounds: Vec<Vec<Part>>,
    /// True if the whole film is tried.
    is_whole: bool,
}

impl Parts {
    /// Parts at equal distances. A film that is short, or that does not state its length, is encoded from its start on.
    fn of(job: &Job, source: &Source) -> Self {
        let origin = job.source.start.map_or(0.0, |start| start.micros() as f64 / 1e6);
        let own_rate = source.video().map(|facts| facts.average_rate.to_f64());
        let rate = own_rate.filter(|rate| *rate > 0.0).unwrap_or(25.0);
        let whole = source.duration().map(|micros| micros as f64 / 1e6 - origin);
        let duration = job.source.duration.map(|own| own.micros() as f64 / 1e6);
        let frames = job.source.frames.map(|own| own as f64 / rate);
        let length = whole.into_iter().chain(duration).chain(frames).reduce(f64::min);
        let spread = |length: f64, seconds: f64, part: f64| -> Vec<Part> {
            let count = (seconds / part).ceil();
            let part = part.min(length / count);
            let start = |number: u32| origin + (f64::from(number) + 0.5) * length / count - part / 2.0;
            let frames = ((part * rate).round() as u64).max(1);
            let at = |number| Part {
                start: Timestamp::new((start(number) * 1e6) as i64, Rational::new(1, 1_000_000)),
                frames,
            };
            (0..count as u32).map(at).collect()
        };
        let known = length.unwrap_or(MOST);
        let few = spread(known, CURVE.0.min(known), CURVE.1);
        if let Some(length) = length.filter(|length| *length > SHORT) {
            let mut rounds: Vec<Vec<Part>> = (0..ROUNDS).map(|_| Vec::new()).collect();
            for (number, part) in spread(length, (length / 3.0).min(MOST), PART).into_iter().enumerate() {
                rounds[number % ROUNDS].push(part);
            }
            return Parts { few, rounds, is_whole: false };
        }
        let start = Timestamp::new((origin * 1e6) as i64, Rational::new(1, 1_000_000));
        let most = job.source.frames.unwrap_or((known * rate).ceil() as u64 + 1);
        Parts { few, rounds: vec![vec![Part { start, frames: most }]], is_whole: true }
    }

    /// What was encoded, in messages.
    fn named(&self) -> String {
        match self.is_whole {
            true => "the film reaches".to_owned(),
            false => format!("parts of {PART} s of it, other ones in each try, reach"),
        }
    }
}

/// Encodes of the parts of a film.
struct Encodes<'a> {
    job: &'a Job,
    output: OutputSettings,
    parts: &'a Parts,
    scale: Scale,
    folder: &'a Path,
    run: &'a mut dyn FnMut(&Job) -> Result<Report>,
}

impl Encodes<'_> {
    /// The scores over some parts, by factor.
    fn scores(&mut self, factors: &[f64], parts: &[Part]) -> Result<Vec<f64>> {
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
            true => Ok(means),
            false => {
                let detail = format!("{} could not be measured", self.scale.0);
                Err(Error::new(ErrorKind::Unsupported, Stage::Measure, detail))
            }
        }
    }

    /// A job that encodes a part with several factors.
    fn trial(&self, factors: &[f64], part: &Part) -> Job {
        let output = |(number, factor): (usize, &f64)| {
            let mut own = self.output.clone();
            own.path = self.folder.join(PathBuf::from(format!("{number}.mkv")));
            if let Some(settings) = own.video.encode_mut() {
                settings.rate = Some(RateControl::Crf { value: *factor });
            }
            own
        };
        let mut job = Job {
            source: self.job.source.clone(),
            outputs: factors.iter().enumerate().map(output).collect(),
            share_analysis: ShareAnalysis::Fast,
            threads: self.job.threads,
            memory: self.job.memory,
            chunks: Chunks::Off,
            ..Job::default()
        };
        job.source.start = Some(part.start);
        (job.source.duration, job.source.frames) = (None, Some(part.frames));
        job
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

/// The scale on which scores of a metric are searched: one on which they fall evenly as the factor grows.
#[derive(Clone, Copy)]
struct Scale(TargetMetric);

impl Scale {
    fn of_score(self, score: f64) -> f64 {
        match self.0 {
            TargetMetric::Ssim => -10.0 * (1.0 - score).max(1e-10).log10(),
            TargetMetric::Psnr | TargetMetric::Vmaf => score,
        }
    }

    /// The score at a place of the scale.
    fn score(self, place: f64) -> f64 {
        match self.0 {
            TargetMetric::Ssim => 1.0 - 10f64.powf(-place / 10.0),
            TargetMetric::Psnr | TargetMetric::Vmaf => place,
        }
    }

    /// The place on the scale of the score of all parts together.
    fn mean(self, scores: &[Score]) -> f64 {
        let frames: f64 = scores.iter().map(|score| score.frames as f64).sum();
        let mean = |of: &dyn Fn(&Score) -> f64| {
            scores.iter().map(|score| of(score) * score.frames as f64).sum::<f64>() / frames
        };
        match self.0 {
            // The ratio of the whole film has the mean of the errors.
            TargetMetric::Psnr => -10.0 * mean(&|own| 10f64.powf(-own.psnr_db.unwrap_or(EQUAL) / 10.0)).log10(),
            TargetMetric::Ssim => self.of_score(mean(&|own| own.ssim.unwrap_or(1.0))),
            TargetMetric::Vmaf => mean(&|own| own.vmaf.unwrap_or(f64::NAN)),
        }
    }

    /// A score in messages.
    fn text(self, score: f64) -> String {
        match self.0 {
            TargetMetric::Psnr => format!("{score:.2} dB"),
            TargetMetric::Ssim => format!("{score:.5}"),
            TargetMetric::Vmaf => format!("{score:.2}"),
        }
    }
}
