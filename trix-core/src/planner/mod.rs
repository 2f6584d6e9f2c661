//! Resolves settings against a source. The result is a plan with every default resolved, or the list of all mistakes.
//!
//! Invariant: the job runs exactly as the plan says. A job that cannot work is refused before a frame is decoded.

mod request;
mod lazy_probe;
mod diagnostics;
mod video_facts;
mod sample_depth;
mod kept;
mod frame_request;
mod geometry;
mod holding;
mod color;
mod hdr;
mod frames;
mod video;
mod view;
mod conversion;
mod audio_conversion;
mod channels;
mod audio_codec;
pub(crate) mod audio_choice;
mod audio;
pub(crate) mod external_audio;
mod tags;
mod tracks;
pub(crate) mod cut;
mod defaults;
mod output;
mod package;
mod still;
mod drafted;
mod chunk_lengths;
pub(crate) mod scenes;
mod structure_check;
mod chunks;
mod threads;
mod filters;
mod codec_memory;
mod packet_memory;
pub(crate) mod sharing;
mod memory;
mod loudness_pass;

pub(crate) use chunks::WHOLE;
pub use conversion::FrameConverter;
pub(crate) use scenes::Findings;
use scenes::{SceneSearch, SearchThreads};
use trix_model::{
    control::cancel::Cancel,
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    json,
    machine::Machine,
    mistake::Mistake,
    time::Timestamp,
};

pub(crate) use audio_codec::AC3_KBPS;
pub(crate) use package::video_renditions;

use crate::{
    machine::{free_memory, this_machine},
    plan::{ExternalAudioPlan, OutputId, PackageId, Plan, Sink, SourcePlan},
    planner::{drafted::Drafted, external_audio::ExternalAudio, lazy_probe::LazyProbe, request::PlanContext},
    settings::{
        job::{Chunks, Job, OutputSettings},
        names::Names,
        still::{check_all, check_each},
    },
    source::Source,
};

/// Resolves `job` against its open source, for this machine. Measures loudness where the job needs it.
///
/// # Errors
/// `InvalidSpec` with every mistake of the job, a line each; also for a target of quality whose factor
/// [`settle_targets`](crate::settle_targets) has not found. `Unsupported` if the job is valid, but the source has something that Trix
/// cannot process. Errors of decoding where loudness is measured.
pub fn plan(job: &Job, source: &Source) -> Result<Plan> {
    refuse_targets(job, "settle_targets finds the factor of a target, before the job is planned")?;
    Draft::here(job, source)?.measured(source)
}

/// As [`plan`], for a machine that is stated. The plan has its numbers of threads, and runs with them on every machine.
///
/// ```no_run
/// use trix_core::{Job, Machine, Source, plan_for};
/// let job = Job::new("master.mov", "copy.mp4");
/// let worker = Machine { cores: 16, memory: Some(64 << 30) };
/// let plan = plan_for(&job, &Source::of(&job.source)?, &worker)?;
/// # Ok::<(), trix_core::Error>(())
/// ```
///
/// # Errors
/// As [`plan`].
pub fn plan_for(job: &Job, source: &Source, machine: &Machine) -> Result<Plan> {
    refuse_targets(job, "settle_targets finds the factor of a target, before the job is planned")?;
    Draft::new(job, source, machine)?.measured(source)
}

/// The plan of a film that is encoded in chunks, by [`encode_chunk`](crate::encode_chunk), and joined by [`stitch`](crate::stitch).
/// The division depends on the source and the job alone.
///
/// ```no_run
/// use std::path::Path;
/// use trix_core::{Cancel, Control, Job, Source, encode_chunk, plan_chunks, stitch};
/// let job = Job::new("master.mov", "copy.mkv");
/// let plan = plan_chunks(&job, &Source::of(&job.source)?)?;
/// let store = Path::new("chunks");
/// for number in 0..plan.chunks.as_ref().map_or(0, |chunks| chunks.ranges.len()) {
///     // Here, or on any other machine that sees the source and the store.
///     encode_chunk(&plan, number, store, &Cancel::default())?;
/// }
/// let report = stitch(&plan, store, &Control::default())?;
/// # Ok::<(), trix_core::Error>(())
/// ```
///
/// # Errors
/// `Unsupported` if the job needs an encode of the whole film; otherwise as [`plan`].
pub fn plan_chunks(job: &Job, source: &Source) -> Result<Plan> {
    let mut job = job.clone();
    job.chunks = Chunks::On;
    let plan = plan(&job, source)?;
    if plan.chunks.is_some() {
        return Ok(plan);
    }
    let told = plan.decisions.iter().find(|decision| decision.what == chunks::WHOLE);
    let why = told.map_or("it has no video that is encoded", |decision| decision.why.as_str());
    let detail = format!("{}: {why}", chunks::WHOLE);
    Err(Error::new(ErrorKind::Unsupported, Stage::Plan, detail).in_file(&job.source.path))
}

/// Refuses rates whose factors have not been found.
fn refuse_targets(job: &Job, problem: &str) -> Result<()> {
    let mistakes: Vec<_> = job.open_targets().into_iter().map(|place| Mistake::new(place, "target", problem)).collect();
    if mistakes.is_empty() { Ok(()) } else { Err(Error::of_mistakes(mistakes)) }
}

/// A plan before scenes are found and loudness is measured, with the external audio tracks that were opened for it.
pub(crate) struct Draft {
    pub(crate) plan: Plan,
    pub(crate) external_audio: Vec<ExternalAudio>,
    /// The scenes that have still to be found.
    scenes: Option<SceneSearch>,
}

impl Draft {
    /// Resolves everything except scenes and loudness.
    ///
    /// # Errors
    /// As [`plan`].
    pub(crate) fn new(job: &Job, source: &Source, machine: &Machine) -> Result<Self> {
        let found = Self::resolved(job, source, machine, machine.memory, None);
        // Facts about a source whose reads were cut off are not whole.
        if source.is_cancelled() { Err(Error::cancelled(Stage::Plan)) } else { found }
    }

    /// As [`Draft::new`] for this machine, for a source that a program gives. It may give one stream ahead of another by
    /// `lead`.
    ///
    /// # Errors
    /// As [`plan`].
    pub(crate) fn given(job: &Job, source: &Source, lead: Timestamp) -> Result<Self> {
        refuse_targets(job, "a target needs a film whose parts can be encoded first; set a factor (crf)")?;
        let machine = this_machine();
        Self::resolved(job, source, &machine, machine.memory, Some(lead))
    }

    /// Resolves everything except scenes and loudness for `machine`, of whose memory the job may take `memory` bytes.
    fn resolved(
        job: &Job,
        source: &Source,
        machine: &Machine,
        memory: Option<u64>,
        lead: Option<Timestamp>,
    ) -> Result<Self> {
        let within = Machine { memory, ..*machine };
        let mut mistakes = Vec::new();
        check_names(job, &|_| true, &mut mistakes);
        mistakes.extend(check_all(&job.stills));
        mistakes.extend(still::missing_encoders(&job.stills));
        let probe = LazyProbe::default();
        let external_audio = external_audio::open_all(job.tracks.iter(), source, &mut mistakes)?;
        mistakes.extend(still::missing_tracks(job, source, &external_audio));
        let context = PlanContext { job, probe: &probe, external_audio: &external_audio };
        let mut drafts = Vec::new();
        for (number, output) in job.outputs.iter().enumerate() {
            let mut own = Vec::new();
            let (settings, settled) = defaults::settle(output, source);
            if let Some(mut plan) = output::plan(&context.request(&settings, None), source, &mut own)? {
                plan.decisions.splice(0..0, settled);
                let sink = Sink::Output(OutputId(number));
                drafts.push(Drafted { sink, id: String::new(), settings, plan });
            }
            // A job with a single output needs no number in the location of a mistake.
            if !is_single(job) {
                enter(&mut own, number, &job.outputs[number]);
            }
            mistakes.append(&mut own);
        }
        let mut packages = Vec::new();
        for (number, package) in job.packages.iter().enumerate() {
            let mut own = Vec::new();
            let planned = package::plan(package, &context, source, &mut own)?;
            own.iter_mut().for_each(|mistake| mistake.enter(&format!("packages[{number}].")));
            mistakes.append(&mut own);
            let Some((plan, renditions)) = planned else { continue };
            for (rendition, (id, settings, plan)) in renditions.into_iter().enumerate() {
                let sink = Sink::Rendition { package: PackageId(number), rendition };
                drafts.push(Drafted { sink, id, settings, plan });
            }
            packages.push(plan);
        }
        if !mistakes.is_empty() {
            return Err(Error::of_mistakes(mistakes));
        }
        video::set_options(&mut drafts);
        let mut decisions = job.merging.clone();
        let chunks::Division { mut chunks, decision, search } = chunks::plan(job, source, &drafts)?;
        decisions.extend(decision);
        // Chunks are encoded side by side, so that the threads of each need not depend on the machine.
        let cores = if chunks.is_some() { 1 } else { machine.cores };
        decisions.extend(threads::share(&mut drafts, cores).filter(|_| chunks.is_none()));
        video::set_options(&mut drafts);
        threads::settle(&mut drafts, cores);
        let decoder_threads = threads::of_decoder(job, machine.cores);
        // A session gives its frames when it has them, and none is to wait for the next ones.
        let filter_threads = if source.is_given() { 1 } else { threads::of_filters(job, machine.cores) };
        let mut filters = filters::plan(&mut drafts, source, job.scale_from_larger);
        let stills = still::plan(&context, source, &drafts)?;
        let estimate = |in_chunks: bool| {
            let inputs = memory::MemoryInputs {
                source,
                filters: &filters,
                drafts: &drafts,
                packages: &packages,
                stills: &stills,
                external_audio: &external_audio,
                decoder_threads,
                filter_threads,
                in_chunks,
                lead,
            };
            memory::plan(job, &within, &inputs)
        };
        let mut memory = estimate(chunks.is_some());
        let is_short = memory.as_ref().map_or(true, |(plan, _)| within.lacks(plan.estimate));
        if is_short
            && chunks.is_none()
            && let Some(one) = chunks::in_one_part(job, source, &drafts)?
        {
            chunks = Some(one);
            memory = estimate(true);
            let what = "the outputs are encoded one after the other, or some at a time, each with a decode of its own";
            decisions.push(Decision::new(what.to_owned(), "all at once take more memory than there is".to_owned()));
        }
        let refused = |mistake| Error::of_mistakes(vec![mistake]);
        let (mut memory, filter_threads) = memory.map_err(refused)?;
        let (mut encodes, outputs) = drafted::settle(drafts, &mut packages);
        // Of the machine, and not of what is free now: a job that goes on later has to share as before.
        let most = job.memory.bytes().map(|bound| bound.0).or(machine.memory.map(|memory| memory / 5 * 4));
        let unit = chunks.is_some().then(|| memory::unit(source, &filters, &encodes));
        let room = unit.as_ref().map(|unit| sharing::Room { unit, most: most.unwrap_or(u64::MAX) });
        decisions.extend(sharing::plan(job.share_analysis, source, &mut encodes, &outputs, &mut filters, room));
        if let Some(mut unit) = unit {
            unit.together = sharing::groups(&encodes);
            memory = memory::with_units(job, memory, unit).map_err(refused)?;
        }
        decisions.extend(memory.doubt(machine));
        let external = |external_audio: &ExternalAudio| ExternalAudioPlan {
            settings: external_audio.settings.clone(),
            identities: external_audio.identities.clone(),
            doubt: external_audio::far_offset(external_audio),
        };
        let plan = Plan {
            trix: json::VERSION,
            machine: *machine,
            source: SourcePlan { settings: job.source.clone(), identity: source.identity()? },
            external_audio: external_audio.iter().map(external).collect(),
            filters,
            encodes,
            chunks,
            outputs,
            packages,
            stills,
            decisions,
            memory,
            threads: decoder_threads,
            filter_threads,
            check_threads: threads::of_checks(job, machine.cores),
            hash: job.hash,
            measure_loudness: job.measure_loudness,
            on_output_failure: job.on_output_failure,
            on_lead_failure: job.on_lead_failure,
        };
        Ok(Draft { plan, external_audio, scenes: search })
    }

    /// As [`Draft::new`], for this machine. A job that needs more than four fifths of the memory that is free is planned to take no more
    /// than that.
    ///
    /// # Errors
    /// As [`Draft::new`].
    pub(crate) fn here(job: &Job, source: &Source) -> Result<Self> {
        let machine = this_machine();
        let draft = Self::new(job, source, &machine)?;
        let free = free_memory().map(|free| free / 5 * 4);
        let is_short = job.memory.bytes().is_none() && free.is_some_and(|free| draft.plan.memory.estimate > free);
        if is_short { Self::resolved(job, source, &machine, free, None) } else { Ok(draft) }
    }

    /// The plan, after everything is measured that it needs.
    fn measured(mut self, source: &Source) -> Result<Plan> {
        self.measure(source, &(), &source.cancel)?;
        Ok(self.plan)
    }

    /// Looks for the scenes at which the film is divided, and checks the container of a film in chunks; what `findings` has is not looked
    /// for again. Measures the loudness that the job asks for, and the drift of audio clocks where the job corrects it.
    ///
    /// # Errors
    /// `MalformedInput` if the container is damaged; errors of decoding; `Cancelled`.
    pub(crate) fn measure(&mut self, source: &Source, findings: &dyn Findings, cancel: &Cancel) -> Result<()> {
        if let Some(chunks) = &self.plan.chunks {
            structure_check::check(source, &chunks.ranges, findings, cancel)?;
        }
        if let Some((search, chunks)) = self.scenes.take().zip(self.plan.chunks.as_mut()) {
            // The search runs on this machine, whichever the plan is for. Its result is the same everywhere.
            let cores = this_machine().cores;
            let free = free_memory().map_or(u64::MAX, |free| free / 5 * 4);
            let limit = self.plan.memory.bound.map_or(free, |bound| bound.min(free));
            let decodes = self.plan.memory.unit.as_ref().map_or(1, |unit| unit.decodes_within(limit));
            let threads = SearchThreads { cores, decodes };
            chunks.ranges = search.ranges(source, &self.plan.source.settings, threads, findings, cancel)?;
        }
        loudness_pass::settle(&mut self.plan, &self.external_audio, source, cancel)
    }

    /// True if [`Draft::measure`] looks for scenes.
    pub(crate) fn has_to_search(&self) -> bool {
        self.scenes.is_some()
    }

    /// True if [`Draft::measure`] has to read the source.
    pub(crate) fn has_to_measure(&self) -> bool {
        self.scenes.is_some() || loudness_pass::has_to_read(&self.plan)
    }
}

/// True if a job makes one file and nothing else.
fn is_single(job: &Job) -> bool {
    job.outputs.len() == 1 && job.packages.is_empty() && job.stills.is_empty()
}

/// Adds to `mistakes` the output that they belong to.
fn enter(mistakes: &mut [Mistake], number: usize, output: &OutputSettings) {
    for mistake in mistakes {
        // An output without `threads` of its own takes those of the job: the mistake stays where the job has them.
        match mistake.place == "threads" && output.threads.is_some() {
            true => mistake.place = format!("outputs[{number}].threads"),
            false => mistake.enter(&format!("outputs[{number}].")),
        }
    }
}

/// Mistakes of a job that do not depend on its source. `is_certain` is called with an element such as `outputs[0]`. It
/// returns true if the job makes this element for every source.
pub(crate) fn mistakes_alone(job: &Job, is_certain: &dyn Fn(&str) -> bool) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    check_names(job, is_certain, &mut mistakes);
    mistakes.extend(check_each(&job.stills, is_certain));
    mistakes.extend(still::missing_encoders(&job.stills));
    for (number, track) in job.tracks.iter().enumerate() {
        mistakes.extend(track.check(&format!("tracks[{number}]")));
    }
    let context = PlanContext { job, probe: &LazyProbe::default(), external_audio: &[] };
    for (number, output) in job.outputs.iter().enumerate() {
        let mut own = output::mistakes_alone(&context.request(output, None));
        enter(&mut own, number, output);
        mistakes.append(&mut own);
    }
    for (number, package) in job.packages.iter().enumerate() {
        let mut own = package::mistakes_alone(package);
        own.iter_mut().for_each(|mistake| mistake.enter(&format!("packages[{number}].")));
        mistakes.append(&mut own);
    }
    mistakes
}

/// Checks that the job makes something, and that products that are made together have different names.
fn check_names(job: &Job, is_certain: &dyn Fn(&str) -> bool, mistakes: &mut Vec<Mistake>) {
    if job.outputs.is_empty() && job.packages.is_empty() && job.stills.is_empty() {
        mistakes.push(Mistake::new("outputs", "", "nothing is asked for; name at least one output"));
    }
    let mut names = Names::default();
    for (number, still) in job.stills.iter().enumerate() {
        let is_certain = is_certain(&format!("stills[{number}]"));
        for path in still.paths() {
            names.is_taken(path, is_certain);
        }
    }
    let of_outputs =
        job.outputs.iter().enumerate().map(|(number, output)| (format!("outputs[{number}]"), &output.path));
    let of_packages =
        job.packages.iter().enumerate().map(|(number, package)| (format!("packages[{number}]"), &package.path));
    for (place, path) in of_outputs.chain(of_packages) {
        if names.is_taken(path.clone(), is_certain(&place)) {
            let problem = "something else has this name already";
            mistakes.push(Mistake::new(format!("{place}.path"), path.display(), problem));
        }
    }
}
