//! Encodes the first seconds of a job to tell how long the whole job will take.
//!
//! Invariant: nothing is written but into a folder for temporary files, which is removed.

use trix_model::error::{Error, Result, Stage};

use crate::{
    pipeline::{Control, run_job},
    plan::Plan,
    preflight::seconds,
    settings::job::{Job, VerifyLevel},
    source::Source,
};

/// Seconds of film that are encoded.
const SECONDS: f64 = 4.0;

/// Encodes the first four seconds of `job`, whose plan is `plan`, and returns the seconds that the whole job will take on this
/// machine. `None` if the source does not state its length, or has no video. Verification and stills are left out. Scenes
/// that are harder to encode than the first seconds make the job longer.
///
/// # Errors
/// As [`run_job`].
pub fn trial(job: &Job, plan: &Plan, source: &Source, control: &Control) -> Result<Option<f64>> {
    let sinks = plan.sinks();
    // Seconds of film, and frames of the source in a second.
    let length = |sink| Some((seconds(plan, source, sink)?, plan.video(sink)?.source_rate.to_f64()));
    let all = sinks.into_iter().filter_map(length);
    let Some((whole, rate)) = all.max_by(|(one, _), (other, _)| one.total_cmp(other)) else { return Ok(None) };
    let failed = |error| Error::io(Stage::Plan, &std::env::temp_dir(), "cannot hold a folder", error);
    let folder = tempfile::Builder::new().prefix("trix-trial-").tempdir().map_err(failed)?;
    let mut short = job.clone();
    let most = (rate * SECONDS).ceil() as u64;
    short.source.frames = Some(short.source.frames.map_or(most, |own| own.min(most)));
    short.stills.clear();
    (short.hash, short.measure_loudness) = (false, false);
    for (number, output) in short.outputs.iter_mut().enumerate() {
        let extension = output.path.extension().unwrap_or_default().to_owned();
        output.path = folder.path().join(number.to_string()).with_extension(extension);
        output.verify = VerifyLevel::Off;
    }
    for (number, package) in short.packages.iter_mut().enumerate() {
        package.path = folder.path().join(format!("package-{number}"));
    }
    let report = run_job(&short, control)?;
    // Frames of the source a second.
    let fps = report.timing.fps;
    Ok((fps > 0.0).then(|| whole * rate / fps))
}
