//! Runs a job: source -> demux -> decode -> filter -> encode -> mux -> verify, once for all outputs.
//!
//! Invariant: a job ends with verified files under their final names and a report that adds up, or with an error and
//! nothing under those names.

pub mod cancel;
mod check;
mod failures;
pub mod ledger;
pub mod pass;
pub mod progress;
pub(crate) mod stage;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use cancel::{Cancel, Token};
use crossbeam_channel as crossbeam;
use failures::Failures;
use pass::{OutputOutcome, Pass, PassOutcome};
use progress::{Counters, Phase, Progress, Watch};
use stage::Outcome;

use crate::{
    decode::damage::DamageReport,
    doctor,
    error::{Error, ErrorKind, Result, Stage},
    mux::part::{Committed, PartFile},
    report::{OutputReport, Report, Timing},
    source::Source,
    spec::{
        job::{Job, OnOutputFailure},
        plan::Plan,
    },
};

/// How a caller follows a job and stops it.
#[derive(Clone, Default)]
pub struct Control {
    /// Cancelling this makes the job end with an error of kind `Cancelled`, within 200 ms.
    pub cancel: Cancel,
    /// Called five times a second, on a thread of the job.
    pub progress: Option<OnProgress>,
}

/// What is called with each [`Progress`].
pub type OnProgress = Arc<dyn Fn(&Progress) + Send + Sync>;

/// Time between two calls of [`Control::progress`].
const TICK: Duration = Duration::from_millis(200);

/// After a cancellation, time that stages get to end by themselves. Encoders may take longer inside one call into
/// their library; they are left behind, owning nothing that a caller could see.
const GRACE: Duration = Duration::from_millis(120);

/// Runs a job.
///
/// ```no_run
/// use trix_core::{Control, run, spec::{job::Job, video::{EncodeSettings, RateControl, VideoSettings}}};
/// let mut job = Job::new("master.mov", "copy.mp4");
/// job.outputs[0].video = VideoSettings::X265(EncodeSettings {
///     depth: Some(10),
///     rate: Some(RateControl::Crf { value: 20.0 }),
///     ..Default::default()
/// });
/// let report = run(&job, &Control::default())?;
/// println!("{} pictures", report.outputs[0].ledger.map_or(0, |ledger| ledger.emitted));
/// # Ok::<(), trix_core::Error>(())
/// ```
///
/// # Errors
/// Of every kind but `Bug`, each naming file, stage, stream and time as far as they are known. Nothing is left under
/// the outputs' names, and existing files of those names are as they were. Where the job says that the failure of an
/// output is not its own, only when no output is left.
pub fn run(job: &Job, control: &Control) -> Result<Report> {
    let began = Instant::now();
    let source = job.source.open()?;
    refuse_own_source(job)?;
    let plan = Plan::new(job, &source)?;
    let parts = job.outputs.iter().map(|output| PartFile::create(&output.path, output.overwrite));
    let parts: Vec<PartFile> = parts.collect::<Result<_>>()?;
    let mut failures = Failures::new(job);

    let PassOutcome { outputs, damage, timing_of_source } =
        passes(job, &plan, source, &parts, &mut failures, control).map_err(|error| error.in_file(&job.source.path))?;
    let mut written = Vec::new();
    for ((number, part), outcome) in parts.into_iter().enumerate().zip(outputs) {
        match part.sync() {
            Ok(()) => written.push(Written { number, part, outcome }),
            Err(error) => failures.add(number, error)?,
        }
    }
    written.retain(|written| !failures.has(written.number));
    let encode_seconds = began.elapsed().as_secs_f64();

    let began = Instant::now();
    let (mut finished, mut kept) = (Vec::new(), Vec::new());
    for Written { number, part, outcome } in written {
        match output_report(job, &plan, number, part.path(), outcome, &damage, control) {
            Ok(report) => {
                finished.push(report.path.clone());
                kept.push((number, part, report));
            }
            Err(error) => {
                let error = error.renamed(part.path(), &job.outputs[number].path).in_file(&job.outputs[number].path);
                failures.add(number, error).map_err(|error| failures::explain(error, &finished))?;
            }
        }
    }
    if control.cancel.is_cancelled() {
        return Err(Error::cancelled(Stage::Verify));
    }
    let verify_seconds = began.elapsed().as_secs_f64();
    let outputs = commit(kept, &mut failures)?;
    let failed = failures.report();
    let pictures = outputs.iter().filter_map(|output| Some(output.ledger.as_ref()?.decoded)).max().unwrap_or(0);
    Ok(Report {
        trix: env!("CARGO_PKG_VERSION").to_owned(),
        libraries: doctor::libraries(),
        source: job.source.path.clone(),
        damage,
        timing_of_source,
        decisions: plan.decisions,
        filters: plan.filters,
        outputs,
        failed,
        timing: Timing { encode_seconds, verify_seconds, fps: pictures as f64 / encode_seconds.max(1e-9) },
    })
}

/// An output whose file is whole but not yet checked.
struct Written {
    number: usize,
    part: PartFile,
    outcome: OutputOutcome,
}

/// Gives the files their names: all of them, or, where a failure of one is one of the job, none.
fn commit(kept: Vec<(usize, PartFile, OutputReport)>, failures: &mut Failures<'_>) -> Result<Vec<OutputReport>> {
    let (mut outputs, mut committed): (Vec<OutputReport>, Vec<Committed>) = (Vec::new(), Vec::new());
    for (number, part, report) in kept {
        match part.commit() {
            Ok(done) => {
                committed.push(done);
                outputs.push(report);
            }
            Err(error) => {
                if let Err(error) = failures.add(number, error) {
                    let finished: Vec<PathBuf> = outputs.iter().map(|output| output.path.clone()).collect();
                    committed.into_iter().for_each(Committed::take_back);
                    return Err(failures::explain(error, &finished));
                }
            }
        }
    }
    Ok(outputs)
}

/// Checks an output and says what was found.
fn output_report(
    job: &Job,
    plan: &Plan,
    number: usize,
    path: &Path,
    outcome: OutputOutcome,
    damage: &DamageReport,
    control: &Control,
) -> Result<OutputReport> {
    let OutputOutcome { mut ledger, tracks, sounds, frame_threads, warnings, extras, changes } = outcome;
    let plan = &plan.outputs[number];
    if let Some(ledger) = &ledger {
        if ledger.encoded == 0 {
            return Err(
                Error::new(ErrorKind::MalformedInput, Stage::Decode, no_pictures(ledger)).in_file(&job.source.path)
            );
        }
        ledger.balance()?;
    }
    let (verification, found) = check::verify(job, plan, path, &tracks, &sounds, damage, control)?;
    if let Some(ledger) = &mut ledger {
        ledger.found = found;
        ledger.balance()?;
    }
    Ok(OutputReport {
        path: plan.path.clone(),
        bytes: std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
        plan: plan.clone(),
        frame_threads,
        ledger,
        tracks,
        warnings,
        extras,
        changes,
        verification,
    })
}

/// No output must be the source under another name either, nor another output.
fn refuse_own_source(job: &Job) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let id = |path: &Path| std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()));
    let source = id(&job.source.path);
    let mut seen = Vec::new();
    for output in &job.outputs {
        let Some(own) = id(&output.path) else { continue };
        let refuse = |detail: &str| Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(&output.path);
        if source == Some(own) {
            return Err(refuse("the output is the source itself"));
        }
        if seen.contains(&own) {
            return Err(refuse("the output is another output of the job under a second name"));
        }
        seen.push(own);
    }
    Ok(())
}

/// Reads the source as often as the job needs it: twice where an output has two passes.
fn passes(
    job: &Job,
    plan: &Plan,
    source: Source,
    parts: &[PartFile],
    failures: &mut Failures<'_>,
    control: &Control,
) -> Result<PassOutcome> {
    let files: Vec<Option<PathBuf>> = parts.iter().map(|part| Some(part.path().to_owned())).collect();
    let two = |number: usize| plan.outputs[number].video.as_ref().is_some_and(|video| video.passes == 2);
    if !(0..files.len()).any(two) {
        return one_pass(job, plan, source, Pass { number: 1, stats: &[], files: &files }, failures, control);
    }
    let folder = tempfile::Builder::new()
        .prefix("trix-stats-")
        .tempdir()
        .map_err(|error| Error::io(Stage::Encode, &std::env::temp_dir(), "cannot be written", error))?;
    let stats = |number: usize| two(number).then(|| folder.path().join(format!("stats-{number}")));
    let stats: Vec<Option<PathBuf>> = (0..files.len()).map(stats).collect();
    let first = Pass { number: 1, stats: &stats, files: &[] };
    one_pass(job, plan, source.reopen()?, first, failures, control)?;
    let files: Vec<Option<PathBuf>> =
        files.into_iter().enumerate().map(|(number, file)| file.filter(|_| !failures.has(number))).collect();
    let stats: Vec<Option<PathBuf>> =
        stats.into_iter().enumerate().map(|(number, path)| path.filter(|_| !failures.has(number))).collect();
    one_pass(job, plan, source, Pass { number: 2, stats: &stats, files: &files }, failures, control)
}

/// Runs the stages of one pass and waits for all of them; the error that explains the others is the one returned.
fn one_pass(
    job: &Job,
    plan: &Plan,
    source: Source,
    pass: Pass<'_>,
    failures: &mut Failures<'_>,
    control: &Control,
) -> Result<PassOutcome> {
    let token = Token::new(&control.cancel);
    let counters: Vec<Arc<Counters>> = plan.outputs.iter().map(|_| Arc::default()).collect();
    let phase = if pass.files.is_empty() { Phase::FirstPass } else { Phase::Encode };
    let rate = plan.outputs.iter().find_map(|output| output.video.as_ref()).map_or(25.0, |video| video.rate.to_f64());
    let watched = counters.iter().enumerate().filter(|(number, _)| pass.includes(*number));
    let watched = watched.map(|(_, own)| Arc::clone(own)).collect();
    let mut watch = Watch::new(phase, expected_frames(plan, &source), rate, watched);
    let (done, outcomes) = crossbeam::unbounded();
    let running = pass::start(job, plan, source, pass, &token, &counters, &mut watch, &done)?;
    drop(done);

    let mut left = running.stages;
    let mut found = failures::Found::new(plan.outputs.len());
    let mut cancelled_at = None;
    let mut next_tick = Instant::now() + TICK;
    while left > 0 {
        let wait = next_tick.saturating_duration_since(Instant::now()).min(cancel::LOOK);
        match outcomes.recv_timeout(wait) {
            Ok(Outcome { outputs, result }) => {
                left -= 1;
                if let Err(error) = result {
                    found.add(&outputs, error);
                    if job.on_output_failure == OnOutputFailure::Fail || found.is_everything() {
                        token.fail_job();
                    }
                }
            }
            Err(crossbeam::RecvTimeoutError::Timeout) => {}
            Err(crossbeam::RecvTimeoutError::Disconnected) => {
                return Err(found.root().unwrap_or_else(|| Error::bug(Stage::Mux, "a stage vanished")));
            }
        }
        if token.is_set() {
            running.interrupt();
        }
        if control.cancel.is_cancelled() {
            let since = *cancelled_at.get_or_insert_with(Instant::now);
            if since.elapsed() >= GRACE {
                return Err(Error::cancelled(Stage::Encode));
            }
        }
        if Instant::now() >= next_tick {
            next_tick = Instant::now() + TICK;
            if let Some(progress) = &control.progress {
                progress(&watch.look());
            }
        }
    }
    if control.cancel.is_cancelled() {
        return Err(found.root().unwrap_or_else(|| Error::cancelled(Stage::Encode)));
    }
    found.settle(failures)?;
    if let Some(progress) = &control.progress {
        progress(&watch.look());
    }
    Ok(running.outcome(plan))
}

fn no_pictures(ledger: &ledger::Ledger) -> String {
    match ledger.decoded {
        0 => "the source has no decodable picture".to_owned(),
        decoded => format!("none of the {decoded} pictures of the source lies in the part that was asked for"),
    }
}

/// How many pictures a pass will probably take in, for the progress display.
fn expected_frames(plan: &Plan, source: &Source) -> Option<u64> {
    let facts = source.video()?;
    let output = plan.outputs.iter().find(|output| output.video.is_some())?;
    let rate = output.video.as_ref().map(|video| video.rate)?;
    let seconds = |micros: i64| micros as f64 / 1e6;
    let declared = facts.declared_frames.or_else(|| {
        let duration = source.duration()?;
        Some((seconds(duration) * rate.to_f64()).round() as u64)
    });
    let length = match (output.end, output.start) {
        (Some(end), _) => Some(seconds(end.micros() - output.origin.micros())),
        (None, Some(start)) => source.duration().map(|duration| seconds(duration - start.micros())),
        (None, None) => None,
    };
    let cut = length.map(|seconds| (seconds * rate.to_f64()).round().max(0.0) as u64);
    [declared, cut, output.frames].into_iter().flatten().min()
}
