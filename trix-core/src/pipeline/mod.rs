//! Runs a job: source -> demux -> decode -> filter -> encode -> mux -> verify.
//!
//! Invariant: a job ends with a verified file under its final name and a report that adds up, or with an error and
//! nothing under that name.

pub mod cancel;
pub mod ledger;
pub mod pass;
pub mod progress;
pub(crate) mod stage;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use cancel::{Cancel, Token};
use crossbeam_channel as crossbeam;
use pass::{EncodedSound, Pass, PassOutcome};
use progress::{Counters, Phase, Progress, Watch};

use crate::{
    decode::reader::Cut,
    doctor,
    error::{Error, ErrorKind, Result, Stage},
    filter::{
        convert::{Filtering, Resampler},
        transform::Transform,
    },
    media::format::Chroma,
    mux::{part::PartFile, record::TrackRecord},
    quality::Metric,
    report::{Report, Timing, Verification},
    source::{Limits, Source},
    spec::{
        job::{Job, VerifyLevel},
        plan::{Plan, VideoPlan},
    },
    verify::{
        content::{self, Sides},
        sound, structure,
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
/// job.output.video = VideoSettings::X265(EncodeSettings {
///     depth: Some(10),
///     rate: Some(RateControl::Crf { value: 20.0 }),
///     ..Default::default()
/// });
/// let report = run(&job, &Control::default())?;
/// println!("{} pictures", report.ledger.map_or(0, |ledger| ledger.emitted));
/// # Ok::<(), trix_core::Error>(())
/// ```
///
/// # Errors
/// Of every kind but `Bug`, each naming file, stage, stream and time as far as they are known. Nothing is left under
/// the output's name, and an existing file of that name is as it was.
pub fn run(job: &Job, control: &Control) -> Result<Report> {
    let began = Instant::now();
    let source = job.source.open()?;
    refuse_own_source(job)?;
    let plan = Plan::new(job, &source)?;
    let part = PartFile::create(&job.output.path, job.output.overwrite)?;
    // Errors about the part file speak of the output that it would have become.
    let label = |error: Error| error.in_file(&job.source.path).renamed(part.path(), &job.output.path);

    let passes = plan.video.as_ref().map_or(1, |video| video.passes);
    let outcome = if passes == 2 {
        let stats = tempfile::Builder::new()
            .prefix("trix-stats-")
            .tempdir()
            .map_err(|error| Error::io(Stage::Encode, &std::env::temp_dir(), "cannot be written", error))?;
        let path = stats.path().join("stats");
        let first = Pass { number: 1, stats: Some(&path) };
        one_pass(job, &plan, source.reopen()?, first, None, control).map_err(label)?;
        let second = Pass { number: 2, stats: Some(&path) };
        one_pass(job, &plan, source, second, Some(part.path()), control).map_err(label)?
    } else {
        one_pass(job, &plan, source, Pass { number: 1, stats: None }, Some(part.path()), control).map_err(label)?
    };
    let PassOutcome { mut ledger, tracks, sounds, damage, timing_of_source, frame_threads, warnings, extras, changes } =
        outcome;
    part.sync()?;
    let encode_seconds = began.elapsed().as_secs_f64();

    let began = Instant::now();
    let (verification, found) = verify(job, &plan, part.path(), &tracks, &sounds, &damage, control).map_err(label)?;
    if let Some(ledger) = &mut ledger {
        ledger.found = found;
        ledger.balance()?;
    }
    if control.cancel.is_cancelled() {
        return Err(Error::cancelled(Stage::Verify));
    }
    let verify_seconds = began.elapsed().as_secs_f64();
    let bytes = std::fs::metadata(part.path()).map_or(0, |metadata| metadata.len());
    part.commit()?;

    let emitted = ledger.map_or(0, |ledger| ledger.emitted);
    Ok(Report {
        trix: env!("CARGO_PKG_VERSION").to_owned(),
        libraries: doctor::libraries(),
        source: job.source.path.clone(),
        output: job.output.path.clone(),
        bytes,
        plan,
        frame_threads,
        ledger,
        tracks,
        damage,
        timing_of_source,
        warnings,
        extras,
        changes,
        verification,
        timing: Timing { encode_seconds, verify_seconds, fps: emitted as f64 / encode_seconds.max(1e-9) },
    })
}

/// The output must not be the source under another name either.
fn refuse_own_source(job: &Job) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let id = |path: &Path| std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()));
    match (id(&job.source.path), id(&job.output.path)) {
        (Some(source), Some(output)) if source == output => {
            Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, "the output is the source itself")
                .in_file(&job.output.path))
        }
        _ => Ok(()),
    }
}

/// Runs the stages of one pass and waits for all of them; the error that explains the others is the one returned.
fn one_pass(
    job: &Job,
    plan: &Plan,
    source: Source,
    pass: Pass<'_>,
    output: Option<&Path>,
    control: &Control,
) -> Result<PassOutcome> {
    let token = Token::new(&control.cancel);
    let counters = Arc::new(Counters::default());
    let phase = if output.is_some() { Phase::Encode } else { Phase::FirstPass };
    let rate = plan.video.as_ref().map_or(25.0, |video| video.rate.to_f64());
    let mut watch = Watch::new(phase, expected_frames(plan, &source), rate, Arc::clone(&counters));
    let (done, outcomes) = crossbeam::unbounded();
    let running = pass::start(job, plan, source, pass, output, &token, &counters, &mut watch, &done)?;
    drop(done);

    let mut root: Option<Error> = None;
    let mut left = running.stages;
    let mut cancelled_at = None;
    let mut next_tick = Instant::now() + TICK;
    while left > 0 {
        let wait = next_tick.saturating_duration_since(Instant::now()).min(cancel::LOOK);
        match outcomes.recv_timeout(wait) {
            Ok((_, result)) => {
                left -= 1;
                if let Err(error) = result {
                    let better = root.as_ref().is_none_or(|root| error.kind().explains() > root.kind().explains());
                    if better {
                        root = Some(error);
                    }
                }
            }
            Err(crossbeam::RecvTimeoutError::Timeout) => {}
            Err(crossbeam::RecvTimeoutError::Disconnected) => {
                return Err(root.unwrap_or_else(|| Error::bug(Stage::Mux, "a stage vanished")));
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
    if let Some(error) = root {
        return Err(error);
    }
    if control.cancel.is_cancelled() {
        return Err(Error::cancelled(Stage::Encode));
    }
    if let Some(progress) = &control.progress {
        progress(&watch.look());
    }
    let outcome = running.outcome()?;
    if let Some(ledger) = &outcome.ledger {
        if ledger.encoded == 0 {
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Decode, no_pictures(ledger)));
        }
        ledger.balance()?;
    }
    Ok(outcome)
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
    let rate = plan.video.as_ref().map(|video| video.rate)?;
    let seconds = |micros: i64| micros as f64 / 1e6;
    let declared = facts.declared_frames.or_else(|| {
        let duration = source.duration()?;
        Some((seconds(duration) * rate.to_f64()).round() as u64)
    });
    let length = match (plan.end, plan.start) {
        (Some(end), _) => Some(seconds(end.micros() - plan.origin.micros())),
        (None, Some(start)) => source.duration().map(|duration| seconds(duration - start.micros())),
        (None, None) => None,
    };
    let cut = length.map(|seconds| (seconds * rate.to_f64()).round().max(0.0) as u64);
    [declared, cut, plan.frames].into_iter().flatten().min()
}

/// Checks the file as far as the job says. Returns also how many pictures it holds.
fn verify(
    job: &Job,
    plan: &Plan,
    path: &Path,
    tracks: &[TrackRecord],
    sounds: &[EncodedSound],
    damage: &crate::decode::damage::DamageReport,
    control: &Control,
) -> Result<(Verification, Option<u64>)> {
    let level = job.output.verify;
    let mut verification =
        Verification { level, checks: Vec::new(), drift_seconds: None, score: None, lossless_frames: None };
    if level == VerifyLevel::Off {
        return Ok((verification, None));
    }
    let token = Token::new(&control.cancel);
    let mut found = structure::compare(path, plan, tracks, &token)?;
    if level == VerifyLevel::Full && !sounds.is_empty() {
        found.checks.extend(sound::compare(path, plan, sounds, &token)?);
    }
    found.hold(path)?;
    verification.checks = found.checks;
    verification.drift_seconds = found.drift_seconds;
    if let (VerifyLevel::Full, Some(video)) = (level, &plan.video) {
        let counters = Arc::new(Counters::default());
        let mut watch = Watch::new(Phase::Verify, found.pictures, video.rate.to_f64(), Arc::clone(&counters));
        let sides = Sides {
            reference: job.source.open()?,
            cut: Cut { start: plan.start, end: plan.end, frames: plan.frames },
            // Damage was already judged by the first reading; where it was tolerated, it is met again here.
            on_damage: if damage.is_empty() { Default::default() } else { job.source.on_damage },
            filtering: Some(Filtering {
                // Compared in planes, in which scores are computed.
                transform: Transform { packing: None, ..video.transform.clone() },
                ..video.filtering()
            }),
            distorted: Source::open(path, Limits::default())?,
            distorted_filtering: decoded_shape(video),
            // A decoder may add grey chroma to a picture that has none; only what was encoded is compared.
            luma_only: video.format.chroma == Chroma::C400,
            threads: job.threads.unwrap_or(0),
        };
        let comparison =
            watched(&mut watch, control, || content::compare(sides, &[Metric::Psnr, Metric::Ssim], &token, &counters))?;
        if comparison.score.frames != found.pictures.unwrap_or(0) {
            let detail = format!("{} pictures can be decoded", comparison.score.frames);
            return Err(Error::new(ErrorKind::Verification, Stage::Verify, detail));
        }
        if video.lossless {
            if let Some(difference) = comparison.first_difference {
                let frame = difference.frame;
                let detail = format!("the encode should be lossless, and picture {frame} differs from the source");
                return Err(Error::new(ErrorKind::Verification, Stage::Verify, detail).at(Some(difference.time)));
            }
            verification.lossless_frames = Some(comparison.score.frames);
        }
        verification.score = Some(comparison.score);
    }
    Ok((verification, found.pictures))
}

/// What brings the pictures that a decoder of the output yields to the layout in which they were encoded: FFV1 packs RGB
/// of 8 bits, and ProRes 4444 is decoded to 12 bits.
fn decoded_shape(plan: &VideoPlan) -> Option<Filtering> {
    let transform = Transform::to(plan.width, plan.height, plan.format, Resampler::default(), plan.color);
    plan.encoder.is_mezzanine().then(|| Filtering::by(transform))
}

/// Does `work` while another thread tells the caller how far it is.
fn watched<T>(watch: &mut Watch, control: &Control, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let Some(progress) = control.progress.clone() else { return work() };
    let (stop, stopped) = crossbeam::bounded::<()>(0);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while let Err(crossbeam::RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
                progress(&watch.look());
            }
            progress(&watch.look());
        });
        let result = work();
        drop(stop);
        result
    })
}
