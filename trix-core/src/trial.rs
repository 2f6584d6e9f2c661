//! Encodes the first seconds of a job to tell how long the whole job will take.
//!
//! Invariant: nothing is written but into a folder for temporary files, which is removed.

use std::{
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

use trix_model::{
    control::progress::{Phase, Progress},
    error::{Error, ErrorKind, Result, Stage},
};

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
/// that are harder to encode than the first seconds make the job longer. With a limit `within`, it encodes as much
/// of that as the time allows; `None` if that is no frame.
///
/// # Errors
/// As [`run_job`].
pub fn trial(
    job: &Job,
    plan: &Plan,
    source: &Source,
    control: &Control,
    within: Option<Duration>,
) -> Result<Option<f64>> {
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
        (output.verify, output.overwrite) = (VerifyLevel::Off, true);
    }
    for (number, package) in short.packages.iter_mut().enumerate() {
        package.path = folder.path().join(format!("package-{number}"));
        package.overwrite = true;
    }
    let fps = match within {
        None => run_job(&short, control)?.timing.fps,
        Some(within) => bounded(&short, control, within)?,
    };
    // Frames of the source a second.
    Ok((fps > 0.0).then(|| whole * rate / fps))
}

/// Frames of the first trials with a limit of time: an encoder that looks ahead may give no frame of a longer one.
const SHORT: [u64; 2] = [8, 32];

/// Runs longer and longer beginnings of a job for at most the time `within`. Returns the frames a second of the longest one that was
/// done, or those of the first until it was cancelled.
fn bounded(job: &Job, control: &Control, within: Duration) -> Result<f64> {
    let (began, whole) = (Instant::now(), job.source.frames.unwrap_or(u64::MAX));
    let mut fps = 0.0;
    for frames in SHORT.into_iter().filter(|frames| *frames < whole).chain([whole]) {
        let left = within.saturating_sub(began.elapsed());
        if left.is_zero() || fps > 0.0 && frames as f64 / fps > left.as_secs_f64() {
            break;
        }
        let mut own = job.clone();
        own.source.frames = Some(frames);
        let (found, is_done) = until(&own, control, left)?;
        if is_done || fps == 0.0 {
            fps = found;
        }
        if !is_done {
            break;
        }
    }
    Ok(fps)
}

/// Runs a job for at most the time `left`. Returns its frames a second, and true if it was done.
fn until(job: &Job, control: &Control, left: Duration) -> Result<(f64, bool)> {
    let seen = Arc::new(Mutex::new(0.0));
    let (noted, told) = (Arc::clone(&seen), control.progress.clone());
    let progress = move |progress: &Progress| {
        if progress.phase == Phase::Encode && progress.elapsed_seconds > 0.0 {
            *noted.lock().unwrap_or_else(PoisonError::into_inner) = progress.frame as f64 / progress.elapsed_seconds;
        }
        if let Some(told) = &told {
            told(progress);
        }
    };
    let limit = control.cancel.child();
    let own = Control { cancel: limit.clone(), progress: Some(Arc::new(progress)), ..control.clone() };
    let (done, ended) = mpsc::channel::<()>();
    let timer = std::thread::spawn(move || {
        // The other end is dropped when the job is done.
        let is_late = ended.recv_timeout(left) == Err(mpsc::RecvTimeoutError::Timeout);
        if is_late {
            limit.cancel();
        }
        is_late
    });
    let result = run_job(job, &own);
    drop(done);
    let is_late = timer.join().unwrap_or(false);
    match result {
        Err(error) if is_late && error.kind() == ErrorKind::Cancelled && !control.cancel.is_cancelled() => {
            Ok((*seen.lock().unwrap_or_else(PoisonError::into_inner), false))
        }
        other => Ok((other?.timing.fps, true)),
    }
}
