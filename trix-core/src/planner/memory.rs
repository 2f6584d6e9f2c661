//! Estimates the memory that a job takes, before anything is decoded.
//!
//! Invariant: the estimate is above what the job takes. A job that exceeds its bound even with short queues is refused.
//! Neither estimate nor bound, nor the memory of the machine, affects a byte of an output.
//!
//! Measured on two cores: peak memory of whole processes and the estimates, in MiB. Sources: Matroska with H.264,
//! 854x480 and 1920x1080, 25 frames a second, of which up to 100 MiB stay in memory.
//!
//! | job | taken | estimated | | job | taken | estimated |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | 480 x264 ultrafast | 111 | 135 | | 1080 x265 ultrafast | 409 | 462 |
//! | 480 x264 medium | 188 | 223 | | 1080 x265 medium, 10 bits | 795 | 896 |
//! | 480 x265 medium, 10 bits | 270 | 303 | | 1080 x265 slow, 12 bits | 869 | 1008 |
//! | 480 x265 slow, 12 bits | 288 | 330 | | 1080 FFV1 | 507 | 591 |
//! | 1080 x264 ultrafast | 243 | 363 | | 1080 ProRes | 212 | 328 |
//! | 1080 x264 medium | 586 | 722 | | five sizes from 1080 on, x264 veryfast | 582 | 744 |
//! | 1080 x264 slow, 10 bits | 1067 | 1288 | | 1080 x264 medium, 16 threads | 835 | 1150 |
//!
//! A source that is shorter than the encoder's lookahead takes less, down to half.

use trix_av::{pixel::PixelFormat, stream::StreamFacts};
use trix_model::{format::FrameFormat, machine::Machine, mistake::Mistake, time::Timestamp};

use crate::{
    filter::transform::{Shape, is_identity},
    plan::{
        AudioPlan, EncodePlan, FRAMES, FilterPlan, MemoryPlan, MemoryShare, OutputPlan, PACKETS, PackagePlan, Sink,
        StepId, StillPlan, UnitMemory, VideoEncode,
    },
    planner::{
        codec_memory::{self, bytes},
        drafted::{self, Drafted},
        external_audio::ExternalAudio,
        packet_memory::PacketMemory,
    },
    settings::{
        byte_size::ByteSize,
        job::{Job, VerifyLevel},
        shape::channels_of,
        still::StillSettings,
    },
    source::{STORE, Source},
    verify::copies::WINDOW,
};

/// The parts of a plan that are known before memory is planned.
pub(super) struct MemoryInputs<'a> {
    pub(super) source: &'a Source,
    pub(super) filters: &'a [FilterPlan],
    pub(super) drafts: &'a [Drafted],
    pub(super) packages: &'a [PackagePlan],
    pub(super) stills: &'a [StillPlan],
    pub(super) external_audio: &'a [ExternalAudio],
    pub(super) decoder_threads: u32,
    pub(super) filter_threads: u32,
    /// True if the film is encoded in chunks, which are joined.
    pub(super) in_chunks: bool,
    /// The time by which a program may give one stream ahead of another; `None` for a source that is read.
    pub(super) lead: Option<Timestamp>,
}

/// Libraries with their tables, and threads with their stacks.
const PROCESS: u64 = 56 << 20;

/// Decoding, resampling and encoding of one audio track, with the two seconds that may be queued: the least.
const AUDIO: u64 = 6 << 20;

/// Frames that a stage holds besides its queue: the one it reads and the one it produces.
const IN_HAND: u64 = 2;

/// Estimates the memory for `inputs` and compares it with the job's bound, and with the memory of the machine. Queues
/// get shorter where one of them is too small. Only a bound that is too small even then is a mistake, because a job can
/// take less than its estimate.
///
/// Returns with it the number of frames that a filter may convert at once.
pub(super) fn plan(job: &Job, machine: &Machine, inputs: &MemoryInputs<'_>) -> Result<(MemoryPlan, u32), Mistake> {
    let estimator = Estimator { inputs, cores: machine.cores };
    let plan = |short: bool, at_once: u32| {
        let shares = estimator.shares(short, at_once.into());
        let estimate = shares.iter().map(|share| share.bytes).sum();
        MemoryPlan { estimate, bound: job.memory.bytes().map(|bound| bound.0), short_queues: short, shares, unit: None }
    };
    if inputs.in_chunks {
        return Ok((plan(false, 1), 1));
    }
    let exceeded = |plan: &MemoryPlan| job.memory.bytes().filter(|bound| plan.estimate > bound.0);
    let several = inputs.filter_threads;
    for at_once in [several, 1] {
        let long = plan(false, at_once);
        if exceeded(&long).is_none() && !machine.lacks(long.estimate) {
            return Ok((long, at_once));
        }
    }
    let short = plan(true, 1);
    match exceeded(&short) {
        Some(bound) => Err(refusal(&short, bound)),
        None => Ok((short, 1)),
    }
}

/// What the encode of a chunk takes.
pub(super) fn unit(source: &Source, filters: &[FilterPlan], encodes: &[EncodePlan]) -> UnitMemory {
    let inputs = MemoryInputs {
        source,
        filters,
        drafts: &[],
        packages: &[],
        stills: &[],
        external_audio: &[],
        decoder_threads: 1,
        filter_threads: 1,
        in_chunks: true,
        lead: None,
    };
    let estimator = Estimator { inputs: &inputs, cores: 1 };
    let steps: u64 = filters.iter().map(|step| estimator.step(step, 1)).sum();
    let encoder = |own: &VideoEncode| codec_memory::encoder(&own.video, Some(own.threads), own.threads);
    UnitMemory {
        process: PROCESS,
        base: source.extent().size.min(STORE) + estimator.decoder() + steps,
        encodes: encodes.iter().map(|encode| encode.video().map_or(0, encoder)).collect(),
        together: Vec::new(),
    }
}

/// Adds to the memory of a job, whose chunks are joined, what the encode of a chunk takes.
///
/// # Errors
/// The mistake of a bound that is too small for one encoder at a time.
pub(super) fn with_units(job: &Job, mut plan: MemoryPlan, unit: UnitMemory) -> Result<MemoryPlan, Mistake> {
    if unit.least() > plan.estimate {
        plan.estimate = unit.least();
        plan.shares = vec![
            share("process", unit.process),
            share("decoder and filters of a chunk", unit.base),
            share("largest encoder", unit.least() - unit.process - unit.base),
        ];
    }
    plan.unit = Some(unit);
    match job.memory.bytes().filter(|bound| plan.estimate > bound.0) {
        Some(bound) => Err(refusal(&plan, bound)),
        None => Ok(plan),
    }
}

fn refusal(plan: &MemoryPlan, bound: ByteSize) -> Mistake {
    let mut most: Vec<&MemoryShare> = plan.shares.iter().collect();
    most.sort_by_key(|share| std::cmp::Reverse(share.bytes));
    let most: Vec<String> = most.iter().take(4).map(|share| format!("{} {}", share.what, mib(share.bytes))).collect();
    let problem = format!(
        "the job takes up to {}, of which {}; allow that much, or ask for fewer or smaller outputs, faster presets or \
         fewer threads",
        mib(plan.estimate),
        most.join(", ")
    );
    Mistake::new("memory", bound, problem)
}

/// Bytes as whole mebibytes, rounded up.
fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

struct Estimator<'a> {
    inputs: &'a MemoryInputs<'a>,
    cores: u32,
}

impl Estimator<'_> {
    /// The shares of memory while all outputs are written, or during verification if that takes more.
    fn shares(&self, short: bool, at_once: u64) -> Vec<MemoryShare> {
        let MemoryInputs { source, filters, drafts, packages, stills, external_audio, .. } = self.inputs;
        // A session has one frame in hand, and its first stage another.
        let read = if source.is_given() { IN_HAND * self.decoded() } else { source.extent().size.min(STORE) };
        let packets = PacketMemory { source, external_audio, lead: self.inputs.lead };
        let mut shares = vec![share("process", PROCESS), share("source", read)];
        for (number, external_audio) in external_audio.iter().enumerate() {
            let files = external_audio.settings.all_inputs();
            let sizes = files.iter().filter_map(|file| std::fs::metadata(&file.path).ok());
            shares.push(share(format!("track {number}"), AUDIO + sizes.map(|size| size.len().min(STORE)).sum::<u64>()));
        }
        let decoder = self.decoder();
        let for_stills = stills.iter().any(shows_frames);
        let converts = for_stills || !filters.is_empty() && !self.inputs.in_chunks;
        let decodes = for_stills || converts && !source.is_given();
        let filters = if converts { *filters } else { &[] };
        shares.extend(decodes.then(|| share("decoder", decoder)));
        let steps = filters.iter().enumerate();
        shares.extend(steps.map(|(number, step)| share(format!("step {number}"), self.step(step, at_once))));
        for (draft, first) in drafts.iter().zip(drafted::firsts(drafts)).map(|(draft, first)| (draft, &drafts[first])) {
            let name = draft.plan.path.file_name().unwrap_or_default().to_string_lossy();
            shares.push(share(
                name,
                self.output(&draft.plan, draft.sink == first.sink && !self.inputs.in_chunks) + packets.of_file(draft),
            ));
        }
        for (number, package) in packages.iter().enumerate() {
            let name = package.path.file_name().unwrap_or_default().to_string_lossy();
            let is_own =
                |draft: &&Drafted| matches!(draft.sink, Sink::Rendition { package, .. } if package.0 == number);
            let renditions: Vec<&Drafted> = drafts.iter().filter(is_own).collect();
            shares.push(share(name, packets.of_package(package, &renditions)));
        }
        for still in *stills {
            let name = still.path.file_name().unwrap_or_default().to_string_lossy();
            // Candidate frames, and the sheet that thumbnails are laid out on.
            let looked_at = if shows_frames(still) { 6 * self.decoded() + (24 << 20) } else { AUDIO };
            shares.push(share(name, looked_at));
        }
        shares.push(share("queues", self.queues(short)));
        let verified = self.verification();
        let while_written = shares.iter().map(|share| share.bytes).sum::<u64>();
        if shares[0].bytes + shares[1].bytes + verified > while_written {
            shares.truncate(2);
            shares.push(share("verification", verified));
        }
        shares
    }

    fn video(&self) -> Option<&StreamFacts> {
        self.inputs.source.video()
    }

    /// Bytes of a decoded frame.
    fn decoded(&self) -> u64 {
        self.video().map_or(0, |facts| {
            let format = PixelFormat::from_raw(facts.format).and_then(PixelFormat::samples);
            let format = format.map(|format| FrameFormat { alpha: format.alpha || facts.alpha_layer, ..format });
            // Packed samples take no more than three full planes.
            format.map_or((facts.width * facts.height * 8) as u64, |format| bytes(format, facts.width, facts.height))
        })
    }

    /// A decoded frame converted to the planar format that filters need, and its next copy. Zero if it is planar
    /// already.
    fn unpacked(&self) -> u64 {
        let Some(facts) = self.video() else { return 0 };
        let planar = PixelFormat::from_raw(facts.format).and_then(|format| {
            let planar = format.planar(true).filter(|planar| *planar != format)?;
            planar.image_bytes(facts.width as u32, facts.height as u32)
        });
        planar.map_or(0, |bytes| 2 * bytes)
    }

    /// Memory of the decoder: reference frames, and one frame for each thread.
    fn decoder(&self) -> u64 {
        let Some(facts) = self.video() else { return 0 };
        let threads = self.inputs.decoder_threads.clamp(1, 64);
        (codec_memory::references(facts) + u64::from(threads) + IN_HAND) * self.decoded()
    }

    /// Memory of the filters of a step, which converts up to `at_once` frames at the same time.
    fn step(&self, step: &FilterPlan, at_once: u64) -> u64 {
        let transform = &step.filtering.transform;
        let (width, height) = transform.size();
        let made = bytes(transform.format, width, height);
        let fields = match (transform.inverse_telecine, transform.deinterlace) {
            // Frames for field matching, for decimation of one in five, and for the deinterlacer of the rest.
            (Some(_), _) => 14 * self.decoded(),
            (None, Some(_)) => 4 * self.decoded(),
            _ => 0,
        };
        let turned = if transform.orientation.is_upright() { 0 } else { 2 * self.decoded() };
        // Linear light in floating point, three planes, before and after the tone curve.
        let light = transform.tonemap.map_or(0, |_| 3 * 12 * (transform.width * transform.height) as u64);
        let more = if transform.joins_frames() || self.keeps_frames(step) { 0 } else { at_once - 1 };
        IN_HAND * made
            + fields
            + turned
            + light
            + self.unpacked()
            + more * (self.before(step) + IN_HAND * made + turned + light + self.unpacked())
    }

    /// True if a step passes decoded frames on as they are.
    fn keeps_frames(&self, step: &FilterPlan) -> bool {
        let transform = &step.filtering.transform;
        let shape = |facts: &StreamFacts| Shape { width: facts.width, height: facts.height, format: facts.format };
        let is_same = self.video().is_some_and(|facts| is_identity(transform, shape(facts)));
        step.after.is_none() && is_same && transform.pad.is_none()
    }

    /// Bytes of a frame that a step takes.
    fn before(&self, step: &FilterPlan) -> u64 {
        step.after.map_or_else(|| self.decoded(), |before| made(&self.inputs.filters[before.0]))
    }

    /// Memory of an output: its encoders and its muxer. `encodes` is false if another output has the encoder of its video.
    fn output(&self, output: &OutputPlan, encodes: bool) -> u64 {
        let encoded = output.audio.iter().filter(|audio| !audio.copied);
        let audio_tracks: u64 = encoded.map(|audio| AUDIO.max((4 << 20) + two_seconds(audio))).sum();
        let video = output.video.as_ref().filter(|_| encodes);
        let encoder = video.map_or(0, |video| codec_memory::encoder(video, output.threads, self.cores));
        encoder + audio_tracks + (4 << 20)
    }

    /// Memory of the queues between stages.
    fn queues(&self, short: bool) -> u64 {
        let MemoryInputs { source, filters, drafts, packages, stills, .. } = self.inputs;
        let frames = if short { 1 } else { FRAMES as u64 };
        let firsts = drafted::firsts(drafts).into_iter().enumerate();
        let encoded = firsts.filter(|(at, first)| at == first).filter_map(|(at, _)| drafts[at].plan.video.as_ref());
        let encoded = encoded.filter(|_| !self.inputs.in_chunks);
        let encoded: u64 = encoded.map(|video| bytes(video.format, video.width, video.height)).sum();
        let stills = stills.iter().filter(|still| shows_frames(still)).count() as u64;
        let shown = filters.iter().map(|step| self.before(step)).sum::<u64>() + encoded + stills * self.decoded();
        // A packet is no larger than its frame. All queued packets together are no larger than the source.
        let packets = if short { self.decoded().min(PACKETS as u64) } else { PACKETS as u64 };
        let packets = if source.is_given() { packets } else { packets.min(source.extent().size) };
        // One queue is before the decoders, and one before each muxer.
        let files = drafts.iter().filter(|draft| matches!(draft.sink, Sink::Output(_))).count();
        let muxers = (files + packages.len()) as u64;
        frames * shown + packets * (1 + muxers)
    }

    /// Memory of verification: the decoder of the source, and that of every output whose frames are compared.
    fn verification(&self) -> u64 {
        let MemoryInputs { source, filters, drafts, .. } = self.inputs;
        // The frames of a program are gone, and nothing is decoded for a comparison.
        if source.is_given() {
            return 0;
        }
        let outputs = drafts.iter().map(|draft| &draft.plan);
        let full = outputs.filter(|output| output.verify == VerifyLevel::Full);
        let full: Vec<_> = full.filter_map(|output| Some((output, output.video.as_ref()?))).collect();
        let (mut reference, mut views) = (0, Vec::new());
        let threads = (2 * (u64::from(self.cores) + 1) / (full.len() as u64 + 1)).max(1);
        let copies = full.iter().map(|(output, video)| {
            let own = bytes(video.format, video.width, video.height);
            reference = self.decoder() + 2 * (WINDOW as u64 + self.decoded());
            let taken = (video.filter, output.start, output.end, output.frames);
            if !views.iter().any(|(known, _)| *known == taken) {
                let after = |step: &StepId| filters.get(step.0)?.after;
                let steps = std::iter::successors(Some(video.filter), after);
                let steps: u64 = steps.filter_map(|step| filters.get(step.0)).map(|step| self.step(step, 1)).sum();
                views.push((taken, steps + WINDOW as u64 + own));
            }
            (16 + threads + 4) * own
        });
        let copies: u64 = copies.sum();
        copies + reference + views.iter().map(|(_, bytes)| bytes).sum::<u64>()
    }
}

/// True if a still is made of frames and not of audio.
fn shows_frames(still: &StillPlan) -> bool {
    !matches!(still.settings, StillSettings::Waveform(_))
}

/// Bytes of a frame that a step produces.
fn made(step: &FilterPlan) -> u64 {
    let (width, height) = step.filtering.transform.size();
    bytes(step.filtering.transform.format, width, height)
}

/// Bytes of two seconds of audio in samples of 32 bits.
fn two_seconds(audio: &AudioPlan) -> u64 {
    2 * 4 * u64::from(audio.sample_rate) * channels_of(&audio.layout).unwrap_or(64) as u64
}

fn share(what: impl Into<String>, bytes: u64) -> MemoryShare {
    MemoryShare { what: what.into(), bytes }
}
