//! Runs a job: source -> demux -> decode -> filter -> encode -> mux -> verify, once for all outputs.
//!
//! Invariant: a job ends with verified files under their final names and a report whose sums agree, or with an error
//! and nothing under those names.

mod channel;
mod check;
mod commit;
mod control;
mod failures;
mod finish;
mod follow;
pub(crate) mod given;
pub(crate) mod presented;
pub mod pass;
pub(crate) mod stage;
mod folders;
mod host;
mod targets;
mod units;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Instant,
};

use trix_model::{
    control::events::Event,
    damage::DamageReport,
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    json,
    stream_kind::StreamKind,
};

pub use self::control::{Control, OnProgress, Stages};
use commit::Reports;
use failures::Failures;
use finish::{Finish, PendingOutputs};
use folders::MadeFolders;
use follow::one_pass;
use host::Host;
pub(crate) use pass::{Feed, Program, together};
use pass::{Pass, PassOutcome};
use units::Chunking;

use crate::{
    chunks::{Chunked, IN_ONE_PIECE},
    decode::timing::TimingReport,
    doctor,
    file_id::FileId,
    machine::this_machine,
    plan::{self, AudioEncode, EncodePlan, PerProduct, PerSink, Plan},
    planner::{
        self, Draft, WHOLE,
        external_audio::{self, ExternalAudio},
    },
    preflight::{preflight, products, refuse_existing},
    report::{Report, Timing, TrackReport},
    settings::job::{Chunks, Job, OnLeadFailure},
    source::{Source, SourceHasher, files_of},
};

/// Plans a job and runs it, with one opening of the source.
///
/// ```no_run
/// use trix_core::{Control, run_job, settings::{job::Job, video::{EncodeSettings, RateControl, VideoSettings}}};
/// let mut job = Job::new("master.mov", "copy.mp4");
/// job.outputs[0].video = VideoSettings::X265(EncodeSettings {
///     depth: Some(10),
///     rate: Some(RateControl::Crf { value: 20.0 }),
///     ..Default::default()
/// });
/// let report = run_job(&job, &Control::default())?;
/// println!("{} frames", report.outputs[0].ledger.map_or(0, |ledger| ledger.emitted));
/// # Ok::<(), trix_core::Error>(())
/// ```
///
/// # Errors
/// Every kind but `Bug`. Each error names file, stage, stream and time as far as they are known. Nothing is left under
/// the names of the outputs, and existing files of those names are unchanged. If the job tolerates the failure of an
/// output, `run_job` fails only when no output is left.
pub fn run_job(job: &Job, control: &Control) -> Result<Report> {
    control.to_end(|| {
        control.began(Stage::Source);
        let source = Source::open_until(&job.source.path, &job.source.reading(), &control.cancel)?;
        opened(job, source, control)
    })
}

/// Like [`run_job`], for a source that is already open, as it is after its job was read from a document.
///
/// # Errors
/// As [`run_job`].
pub fn run_opened(job: &Job, source: Source, control: &Control) -> Result<Report> {
    control.to_end(|| opened(job, source, control))
}

fn opened(job: &Job, source: Source, control: &Control) -> Result<Report> {
    let job = &settle_targets(job, &source, control)?;
    attempt(job, source, control, None).or_else(|failure| {
        let Failure { error, unit: Some(source), .. } = failure else { return Err(failure.error) };
        if job.chunks != Chunks::Auto || !error.to_string().contains(IN_ONE_PIECE) {
            return Err(error);
        }
        // The job leaves it open whether it is encoded in chunks.
        control
            .emit(|| Event::Warning { path: None, text: format!("{error}: the film is encoded again, in one piece") });
        let why = Decision::new(WHOLE.to_owned(), error.to_string());
        let job = Job { chunks: Chunks::Off, ..job.clone() };
        attempt(&job, *source, control, Some(why)).map_err(|failure| failure.error)
    })
}

/// The job with the rate factors for which its outputs reach their targets of quality
/// ([`RateControl::Target`](crate::settings::video::RateControl::Target)): parts of the film are encoded and scored. A job without
/// targets comes back as it is. The plan of the job lists the factors with its decisions.
///
/// ```no_run
/// use trix_core::{
///     Control, Job, Source, plan, settle_targets,
///     settings::video::{EncodeSettings, RateControl, TargetMetric, VideoSettings},
/// };
/// let mut job = Job::new("master.mov", "copy.mkv");
/// let rate = RateControl::Target { metric: TargetMetric::Psnr, value: 42.0 };
/// job.outputs[0].video = VideoSettings::X265(EncodeSettings { rate: Some(rate), ..Default::default() });
/// let source = Source::of(&job.source)?;
/// let settled = settle_targets(&job, &source, &Control::default())?;
/// println!("{:?}", plan(&settled, &source)?.decisions);
/// # Ok::<(), trix_core::Error>(())
/// ```
///
/// # Errors
/// `InvalidSpec` for a target that no factor reaches, with the scores that can be reached; otherwise as
/// [`run_job`].
pub fn settle_targets(job: &Job, source: &Source, control: &Control) -> Result<Job> {
    let run =
        |trial: &Job, source, control: &Control| attempt(trial, source, control, None).map_err(|failure| failure.error);
    targets::settle(job, source, control, run)
}

/// Why a job failed.
struct Failure {
    error: Error,
    /// The source, if one of several chunks failed.
    unit: Option<Box<Source>>,
    /// The plan with which the job begins anew, if it does.
    anew: Option<Box<Plan>>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { error, unit: None, anew: None }
    }
}

/// Plans a job and runs it, in chunks if the plan says so. `decided` is what was decided about it before.
fn attempt(job: &Job, mut source: Source, control: &Control, decided: Option<Decision>) -> Result<Report, Failure> {
    let began = Instant::now();
    control.began(Stage::Plan);
    source.cancel = control.cancel.clone();
    let hasher = job.hash.then(|| source.hash_source());
    let mut draft = Draft::here(job, &source)?;
    draft.plan.decisions.extend(decided);
    refuse_own_source(&draft.plan)?;
    refuse_existing(&products(&draft.plan))?;
    warn(&draft.plan, &source, control);
    let (folders, pending) = take_names(&draft.plan, control)?;
    if draft.has_to_measure() {
        control.began(Stage::Measure);
    }
    let findings = units::findings(&draft, control);
    draft.measure(&source, &findings, &control.cancel)?;
    drop(findings);
    let Draft { plan, external_audio, .. } = draft;
    let (program, chunking) = (None, Chunking::Encode);
    let done = execute(plan, Opened { source, external_audio, hasher, pending, began, program, chunking }, control);
    done.or_else(|failure| {
        drop(folders);
        anew(failure, control)
    })
}

/// Begins a job anew, if it does.
fn anew(failure: Failure, control: &Control) -> Result<Report, Failure> {
    let Failure { error, anew: Some(plan), .. } = failure else { return Err(failure) };
    let text = format!("{error}: the job begins anew, and each output is analysed for itself");
    control.emit(|| Event::Warning { path: None, text });
    Ok(planned(&plan, control, Chunking::Encode)?)
}

/// Runs a plan. The source must be what it was when the plan was made.
///
/// # Errors
/// `InvalidSpec` if the source, or a file of an external audio track, has changed since, or if the plan names a part that
/// it does not have; otherwise as [`run_job`].
pub fn run(plan: &Plan, control: &Control) -> Result<Report> {
    control.to_end(|| planned(plan, control, Chunking::Encode))
}

/// Joins the chunks of a plan that are in the folder `store`, encodes its audio, and makes its outputs as [`run`] does. All chunks
/// have to be there: [`encode_chunk`](crate::encode_chunk) makes them. Those that miss the bit rate of two passes, or the buffer of a
/// decoder, are encoded again.
///
/// # Errors
/// `MalformedInput` if a chunk is missing or is not what was written, with its frames; otherwise as [`run`].
pub fn stitch(plan: &Plan, store: &Path, control: &Control) -> Result<Report> {
    let mut control = control.clone();
    control.chunks.store = Some(store.to_owned());
    control.to_end(|| planned(plan, &control, Chunking::Join))
}

fn planned(plan: &Plan, control: &Control, chunking: Chunking) -> Result<Report> {
    let began = Instant::now();
    control.began(Stage::Source);
    if plan.trix != json::VERSION {
        let detail = format!("the plan has version {}, and this is version {}", plan.trix, json::VERSION);
        return Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail));
    }
    let source = Source::open_until(&plan.source.settings.path, &plan.source.settings.reading(), &control.cancel)?;
    source.expect_identity(&plan.source.identity)?;
    let kinds: Vec<StreamKind> = source.streams().iter().map(|facts| facts.kind).collect();
    let mistakes = plan::check::mistakes(plan, &kinds);
    if !mistakes.is_empty() {
        return Err(Error::of_mistakes(mistakes));
    }
    let hasher = plan.hash.then(|| source.hash_source());
    let mut mistakes = Vec::new();
    let external_audio =
        external_audio::open_all(plan.external_audio.iter().map(|track| &track.settings), &source, &mut mistakes)?;
    if !mistakes.is_empty() {
        return Err(Error::of_mistakes(mistakes));
    }
    for (track, external_audio) in plan.external_audio.iter().zip(&external_audio) {
        external_audio.expect_identities(&track.identities)?;
    }
    refuse_own_source(plan)?;
    refuse_existing(&products(plan))?;
    warn(plan, &source, control);
    let (folders, pending) = take_names(plan, control)?;
    let opened = Opened { source, external_audio, hasher, pending, began, program: None, chunking };
    let done = execute(plan.clone(), opened, control).or_else(|failure| {
        drop(folders);
        anew(failure, control)
    });
    done.map_err(|failure| failure.error)
}

/// A plan with everything open that it needs to run.
struct Opened<'a> {
    source: Source,
    external_audio: Vec<ExternalAudio>,
    hasher: Option<SourceHasher>,
    pending: PendingOutputs,
    began: Instant,
    /// The program that gives frames and audio, if there is one.
    program: Option<Program<'a>>,
    chunking: Chunking,
}

/// Runs a plan. Its failure says how the job begins anew, if it does.
fn execute(plan: Plan, opened: Opened<'_>, control: &Control) -> Result<Report, Failure> {
    // The frames of a program come once.
    let alone = (opened.program.is_none() && plan.on_lead_failure == OnLeadFailure::Alone).then(|| plan.clone());
    execute_once(plan, opened, control).map_err(|failure| {
        let alone = alone.filter(|plan| failures::begins_anew(plan, &failure.error));
        let anew = alone.map(|plan| Box::new(planner::sharing::without(plan, &failure.error)));
        Failure { anew, ..failure }
    })
}

fn execute_once(mut plan: Plan, opened: Opened<'_>, control: &Control) -> Result<Report, Failure> {
    let Opened { source, external_audio, hasher, pending, began, program, chunking } = opened;
    let doubt = plan.memory.doubt(&this_machine()).filter(|doubt| !plan.decisions.contains(doubt));
    plan.decisions.extend(doubt);
    let mut failures = Failures::new(&plan, control.events.clone());
    let host = Host::of(control)?;
    let path = plan.source.settings.path.clone();
    let chunked = match units::encode(&plan, &source, chunking, &host) {
        Ok(chunked) => chunked,
        Err(error) => {
            let is_divided = plan.chunks.is_some_and(|chunks| chunks.ranges.len() > 1);
            let unit = is_divided.then(|| Box::new(source));
            return Err(Failure { error: error.in_file(&path), unit, anew: None });
        }
    };
    let given = Given { external_audio: &external_audio, program, chunked: chunked.as_ref() };
    let outcome = passes(&plan, source, given, &pending, &mut failures, &host).map_err(|error| error.in_file(&path))?;
    host.warn(&plan, &outcome);
    for sink in plan.sinks() {
        plan.content_mut(sink).notes.extend(outcome.appeared.iter().cloned());
        let video = plan.content(sink).video;
        let short = chunked.iter().flat_map(units::short_of_buffer).filter(|(id, _)| video == Some(*id));
        plan.content_mut(sink).notes.extend(short.map(|(_, text)| text));
    }
    let seek = outcome.seek.clone();
    let encode_seconds = began.elapsed().as_secs_f64();

    let began = Instant::now();
    control.began(Stage::Verify);
    let outputs = PerSink::new(&plan, |sink| plan.sink(sink));
    let (hasher_of_job, has_source) = (hasher.as_ref(), program.is_none());
    let finish = Finish { plan: &plan, outputs: &outputs, hasher: hasher_of_job, has_source, host: &host };
    let (ready, found) = finish.check(pending, outcome, &mut failures)?;
    let fixity = hasher.as_ref().map(|hasher| hasher.finish(&control.cancel)).transpose();
    let fixity = fixity.map_err(|error| error.in_file(&path))?;
    if control.cancel.is_cancelled() {
        return Err(Error::cancelled(Stage::Verify).into());
    }
    let verify_seconds = began.elapsed().as_secs_f64();
    let Reports { outputs, packages, stills } = commit::commit(ready, &mut failures)?;
    host.done(&outputs, &packages, &stills);
    let failed = failures.report();
    if failed.is_empty() {
        units::clean(&plan, control);
    }
    plan.decisions.extend(offers(&plan, &found.timing_of_source));
    let renditions = packages.iter().flat_map(|package| &package.renditions);
    let ledgers =
        outputs.iter().map(|output| &output.ledger).chain(renditions.map(|rendition| &rendition.ledger)).flatten();
    let frames = ledgers.map(|ledger| ledger.decoded - ledger.not_decoded).max().unwrap_or(0);
    Ok(Report {
        trix: json::VERSION,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        libraries: doctor::libraries(),
        source: path,
        fixity,
        damage: found.damage,
        notes: found.notes,
        timing_of_source: found.timing_of_source,
        discontinuities: found.discontinuities,
        seek,
        tracks: tracks(&plan, found.damage_of_tracks),
        decisions: plan.decisions,
        filters: plan.filters,
        encodes: plan.encodes,
        outputs,
        packages,
        stills,
        failed,
        timing: Timing { encode_seconds, verify_seconds, fps: frames as f64 / encode_seconds.max(1e-9) },
    })
}

/// Decisions that offer to correct a drift that was filled and cut.
fn offers(plan: &Plan, timing: &BTreeMap<usize, TimingReport>) -> Vec<Decision> {
    let mut list = Vec::new();
    for (stream, found) in timing {
        let Some(drift) = found.drift.filter(|drift| drift.apart.micros().abs() > REPORTED_DRIFT) else { continue };
        let is_filled =
            |AudioEncode { audio, .. }: &AudioEncode| audio.stream.source() == Some(*stream) && !audio.corrects_drift;
        if plan.encodes.iter().filter_map(EncodePlan::audio).any(is_filled) {
            let parts = drift.parts_per_million;
            let what = format!("stream {stream}: gaps of the audio are filled with silence and overlaps are cut");
            let why = format!(
                "its times drift by {parts} parts per million from its samples; --audio-drift stretch resamples instead"
            );
            list.push(Decision::new(what, why));
        }
    }
    list
}

/// Drift in microseconds between times and samples above which audio is filled or cut.
const REPORTED_DRIFT: i64 = 40_000;

/// Reports of the external audio tracks.
fn tracks(plan: &Plan, mut damage: BTreeMap<usize, Vec<DamageReport>>) -> Vec<TrackReport> {
    let reports = plan.external_audio.iter().enumerate().map(|(number, track)| TrackReport {
        files: track.settings.all_inputs().into_iter().map(|input| input.path).collect(),
        damage: damage.remove(&number).unwrap_or_default(),
    });
    reports.collect()
}

/// Refuses an output that is the source under another name, or another output.
fn refuse_own_source(plan: &Plan) -> Result<()> {
    let source: BTreeSet<FileId> = files_of(&plan.source.settings.path).iter().map(|path| FileId::of(path)).collect();
    let inputs = plan.external_audio.iter().flat_map(|track| track.settings.all_inputs());
    let tracks: BTreeSet<FileId> = inputs.map(|input| FileId::of(&input.path)).collect();
    let mut seen = BTreeSet::new();
    for (path, _) in products(plan) {
        let own = FileId::of(&path);
        let refuse = |detail: &str| Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(&path);
        if source.contains(&own) {
            return Err(refuse("the output is the source itself"));
        }
        if tracks.contains(&own) {
            return Err(refuse("the output is an audio track of the job"));
        }
        if !seen.insert(own) {
            return Err(refuse("the output is another output of the job under a second name"));
        }
    }
    Ok(())
}

/// Takes the names of all outputs, in folders that are made for them if the caller wants that.
fn take_names(plan: &Plan, control: &Control) -> Result<(MadeFolders, PendingOutputs)> {
    let paths = products(plan).into_iter().map(|(path, _)| path);
    let folders = if control.make_folders { MadeFolders::make_for(paths)? } else { MadeFolders::default() };
    Ok((folders, PendingOutputs::take(plan)?))
}

/// Reports before the first frame what may keep the job from its end.
fn warn(plan: &Plan, source: &Source, control: &Control) {
    if control.events.is_some() {
        let warnings = preflight(plan, source).warnings();
        warnings.into_iter().for_each(|text| control.emit(|| Event::Warning { path: None, text }));
    }
}

/// What a job takes in besides its source.
struct Given<'a> {
    external_audio: &'a [ExternalAudio],
    program: Option<Program<'a>>,
    chunked: Option<&'a Chunked>,
}

/// Reads the source as often as the job needs it: twice if an output has two passes.
fn passes(
    plan: &Plan,
    source: Source,
    given: Given<'_>,
    pending: &PendingOutputs,
    failures: &mut Failures,
    host: &Host<'_>,
) -> Result<PassOutcome> {
    let Given { external_audio, program, chunked } = given;
    let mut files: PerProduct<Option<PathBuf>> = pending.written().map(|_, path| Some(path.clone()));
    let two = |encode: &EncodePlan| encode.video().is_some_and(|own| own.video.passes == 2);
    // Chunks have both passes behind them.
    if chunked.is_some() || !plan.encodes.iter().any(two) {
        let stats: Vec<Option<PathBuf>> = plan.encodes.iter().map(|_| None).collect();
        let pass = Pass { number: 1, stats: &stats, files: &files, program, chunked };
        host.control.began(Stage::Encode);
        return one_pass(plan, external_audio, source, pass, pending, failures, host);
    }
    let folder = tempfile::Builder::new()
        .prefix("trix-stats-")
        .tempdir()
        .map_err(|error| Error::io(Stage::Encode, &std::env::temp_dir(), "cannot be written", error))?;
    let stats = plan.encodes.iter().enumerate();
    let stats = stats.map(|(number, own)| two(own).then(|| folder.path().join(format!("stats-{number}"))));
    let stats: Vec<Option<PathBuf>> = stats.collect();
    let none = files.map(|_, _| None);
    let first = Pass { number: 1, stats: &stats, files: &none, program: None, chunked: None };
    let began = |pass| host.control.emit(|| Event::StageBegan { stage: Stage::Encode, pass, passes: 2 });
    began(1);
    one_pass(plan, external_audio, source.reopen()?, first, pending, failures, host)?;
    for product in plan.products().into_iter().filter(|product| failures.has(*product)) {
        files[product] = None;
    }
    began(2);
    let second = Pass { number: 2, stats: &stats, files: &files, program: None, chunked: None };
    one_pass(plan, external_audio, source, second, pending, failures, host)
}
