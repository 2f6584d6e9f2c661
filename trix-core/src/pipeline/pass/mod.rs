//! One reading of the source: which stages run on which threads, and what flows between them.
//!
//! ```text
//! demux -+- packets --> decode -- pictures --> filter -- pictures --> encode -+- packets --> mux
//!        +- packets --> sound N (decode, convert, encode) --------------------+
//!        +- packets of copied tracks -----------------------------------------+
//! ```
//!
//! Invariant: no stage waits for a particular other stage's output while holding what that one needs, so that the
//! pipeline cannot lock up, however a source interleaves its streams.

mod route;
mod sound;
mod video;

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crossbeam_channel as crossbeam;

use route::Route;

use super::{
    cancel::Token,
    ledger::Ledger,
    progress::{Counters, Watch},
    stage::{Outcome, Receiver, Weight, channel, spawn},
};
use crate::{
    decode::{
        audio::AudioDecoder,
        damage::{DamageLog, DamageReport},
        dynamic::DynamicHdr,
        reader::Cut,
        timing::TimingReport,
        video::{Picture, VideoDecoder, frame_rate},
    },
    demux::Demuxer,
    encode::{
        self,
        nal::NalCodec,
        samples::{SampleBooks, SampleRecord},
        sound::SoundEncoder,
        subtitle::{Span, SubtitleTrack},
        timeline::Timeline,
        video::VideoEncoder,
    },
    error::{Error, Result, Stage},
    ffi::{
        io::IoState,
        pixel::PixelFormat,
        stream::{CodecParameters, StreamFacts, VideoParameters},
    },
    filter::{
        convert::Change,
        pictures::{FilterCounts, PictureFilter},
        sound::{SoundConverter, SoundTarget},
    },
    media::{
        extras::ExtrasCount,
        orientation::Orientation,
        packet::Packet,
        time::{Rational, TimeBase, Timestamp},
    },
    mux::{Attached, Beside, CoverSpec, Display, Muxer, TrackSpec, codec_delay, record::TrackRecord},
    source::Source,
    spec::{
        container::Container,
        job::Job,
        plan::{CopyGate, Plan, TrackTags, VideoPlan},
        video::Encoder,
    },
};

/// Which pass.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a> {
    pub(crate) number: u32,
    pub(crate) stats: Option<&'a Path>,
}

/// What a pass did.
pub(crate) struct PassOutcome {
    pub(crate) ledger: Option<Ledger>,
    pub(crate) tracks: Vec<TrackRecord>,
    pub(crate) sounds: Vec<EncodedSound>,
    pub(crate) damage: DamageReport,
    pub(crate) timing_of_source: BTreeMap<usize, TimingReport>,
    pub(crate) frame_threads: Option<u32>,
    pub(crate) warnings: Vec<String>,
    /// What the pictures of the source brought along.
    pub(crate) extras: ExtrasCount,
    /// Where the source changed its size or format.
    pub(crate) changes: Vec<Change>,
}

/// What went into the encoder of a sound track.
pub(crate) struct EncodedSound {
    /// Number of the track in the output.
    pub(crate) track: usize,
    /// Number of its plan.
    pub(crate) number: usize,
    pub(crate) samples: SampleRecord,
}

/// A pass whose stages run.
pub(crate) struct Running {
    pub(crate) stages: usize,
    shared: Arc<Shared>,
    damage: Arc<DamageLog>,
    io: Arc<IoState>,
    has_video: bool,
    frame_threads: Option<u32>,
}

/// What stages leave behind.
#[derive(Default)]
struct Shared {
    decoded: AtomicU64,
    before: AtomicU64,
    after: AtomicU64,
    encoded: AtomicU64,
    emitted: AtomicU64,
    repaired: AtomicU64,
    tracks: Mutex<Vec<TrackRecord>>,
    sounds: Mutex<Vec<EncodedSound>>,
    warnings: Mutex<Vec<String>>,
    filter: Mutex<FilterCounts>,
    extras: Mutex<ExtrasCount>,
    changes: Mutex<Vec<Change>>,
    timing: Mutex<BTreeMap<usize, TimingReport>>,
}

impl Shared {
    /// Keeps what was remarkable about the times of stream `index`.
    fn note_timing(&self, index: usize, found: TimingReport) {
        if !found.is_empty() {
            lock(&self.timing).insert(index, found);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    /// Ends a read that is under way.
    pub(crate) fn interrupt(&self) {
        self.io.cancelled.store(true, Ordering::Relaxed);
    }

    /// What the pass did; after all stages ended.
    pub(crate) fn outcome(self) -> Result<PassOutcome> {
        let shared = &self.shared;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let ledger = Ledger {
            decoded: get(&shared.decoded),
            dropped_before_start: get(&shared.before),
            dropped_after_end: get(&shared.after),
            encoded: get(&shared.encoded),
            emitted: get(&shared.emitted),
            found: None,
            times_repaired: get(&shared.repaired),
            filter: *lock(&shared.filter),
        };
        Ok(PassOutcome {
            ledger: self.has_video.then_some(ledger),
            tracks: std::mem::take(&mut *lock(&shared.tracks)),
            sounds: std::mem::take(&mut *lock(&shared.sounds)),
            damage: self.damage.report(),
            timing_of_source: std::mem::take(&mut *lock(&shared.timing)),
            frame_threads: self.frame_threads,
            warnings: std::mem::take(&mut *lock(&shared.warnings)),
            extras: *lock(&shared.extras),
            changes: std::mem::take(&mut *lock(&shared.changes)),
        })
    }
}

impl Weight for Packet {
    fn weight(&self) -> usize {
        // The struct itself, with its buffer's book-keeping, is about this much.
        self.data().len() + 256
    }
}

/// A packet on its way to a decoder. It weighs as much as its bytes, or as its part of the time for which a stage may
/// run ahead of another: else the sound of a source of few bytes would be encoded minutes before its pictures, and the
/// muxer, which waits for neither for long, would write them in an order that depends on the machine's load.
struct Queued {
    packet: Packet,
    weight: usize,
}

impl Queued {
    fn new(packet: Packet, base: TimeBase) -> Self {
        /// Two seconds fill the channel.
        const AHEAD: i64 = 2_000_000;
        let micros = Timestamp::new(packet.duration(), base).micros().clamp(0, AHEAD);
        let weight = packet.weight().max((micros * PACKETS as i64 / AHEAD) as usize);
        Queued { packet, weight }
    }
}

impl Weight for Queued {
    fn weight(&self) -> usize {
        self.weight
    }
}

impl Weight for Picture {
    fn weight(&self) -> usize {
        self.frame.bytes()
    }
}

/// A packet on its way to the muxer.
struct ForMuxer {
    track: usize,
    packet: Packet,
}

impl Weight for ForMuxer {
    fn weight(&self) -> usize {
        self.packet.weight()
    }
}

/// Bytes of compressed data between two stages: three pictures of a 500 Mbit/s master. A larger packet passes alone.
const PACKETS: usize = 8 << 20;

/// Pictures between two stages: enough that neither waits for the other's hiccups, few enough to matter little beside
/// what an encoder keeps for looking ahead.
const PICTURES: usize = 2;

/// Opens every encoder, then starts every stage.
#[allow(clippy::too_many_arguments)]
pub(crate) fn start(
    job: &Job,
    plan: &Plan,
    source: Source,
    pass: Pass<'_>,
    output: Option<&Path>,
    token: &Token,
    counters: &Arc<Counters>,
    watch: &mut Watch,
    done: &crossbeam::Sender<Outcome>,
) -> Result<Running> {
    let shared = Arc::new(Shared::default());
    let damage = Arc::new(DamageLog::new(job.source.on_damage));
    let label = source.label();
    let streams = source.streams().to_vec();
    let limits = source.limits();
    let facts = |index: usize| {
        streams.get(index).ok_or_else(|| Error::bug(Stage::Plan, format!("the plan names stream {index}")))
    };
    let mut routes: Vec<Option<Route>> = streams.iter().map(|_| None).collect();
    let mut stages = 0;
    let (to_muxer, muxer_input, depth) = channel::<ForMuxer>(PACKETS, token);
    watch.add_queue("mux", depth);

    let mut tracks: Vec<TrackSpec> = Vec::new();
    let mut frame_threads = None;
    if let (Some(video), Some((_, settings))) = (&plan.video, job.output.video.encode()) {
        let facts = facts(video.stream)?;
        let stats = pass.stats.map(|path| (pass.number, path));
        let mut encoder = encode::video::open(video, settings, job.threads, stats)?;
        frame_threads = encoder.frame_threads();
        let headers = encoder.headers()?;
        let filter = PictureFilter::new(video.filtering(), facts.index, facts.time_base);
        let filtered_base = filter.time_base();
        let sets = &headers.parameter_sets;
        let tags = plan.tags(facts.index);
        tracks.push(video_track(video, filtered_base, encoder.as_ref(), sets, plan.container, &tags)?);

        let (to_decoder, decoder_input, depth) = channel::<Queued>(PACKETS, token);
        watch.add_queue("decode", depth);
        routes[video.stream] = Some(Route::Decoder(to_decoder));
        let format = PixelFormat::from_raw(facts.format).and_then(PixelFormat::picture).unwrap_or(video.format);
        let source_bytes = format.picture_bytes(facts.width, facts.height);
        let (to_next, next_input, depth) = channel::<Picture>(PICTURES * source_bytes, token);
        watch.add_queue(if video.converted { "filter" } else { "encode" }, depth);
        let decoder = VideoDecoder::new(
            label.clone(),
            facts,
            job.source.on_damage.decoder_threads(job.threads.unwrap_or(0)),
            limits.pixels,
            Arc::clone(&damage),
        )?;
        let cut = Cut { start: plan.start, end: plan.end, frames: plan.frames };
        let base = facts.time_base;
        let dynamic = DynamicHdr::new(&facts.parameters);
        let stage = video::DecodeStage { decoder, dynamic, cut, time_base: base, shared: Arc::clone(&shared) };
        let work = move || stage.run(decoder_input, to_next);
        spawn("decode", Stage::Decode, token, done.clone(), work)?;

        // Also without a conversion: the stage refuses a source that changes its shape in mid-stream.
        let bytes = video.format.picture_bytes(video.width, video.height);
        let (to_encoder, encoder_input, depth) = channel::<Picture>(PICTURES * bytes, token);
        if video.converted {
            watch.add_queue("encode", depth);
        }
        let work = {
            let (label, shared) = (label.clone(), Arc::clone(&shared));
            move || {
                video::filter_pictures(filter, next_input, to_encoder, &shared).map_err(|error| error.in_file(&label))
            }
        };
        spawn("filter", Stage::Filter, token, done.clone(), work)?;

        let origin = plan.origin.rescale(filtered_base);
        let frame_ticks = Timestamp::new(1, video.rate.inverse()).rescale(filtered_base).max(1);
        let carries = video::Carries {
            codec: NalCodec::from_name(&encoder.codec().map_or_else(String::new, |codec| codec.to_string())),
            dolby_vision: video.dolby_vision.is_some(),
            hdr10_plus: video.hdr10_plus,
        };
        let stage = video::EncodeStage {
            encoder,
            timeline: Timeline::new(frame_ticks),
            origin,
            time_base: filtered_base,
            keyframes: settings.keyframes.clone(),
            info: headers.info,
            output: output.is_some().then(|| to_muxer.clone()),
            counters: Arc::clone(counters),
            shared: Arc::clone(&shared),
            first_seen: false,
            carries,
            sets_apart: !headers.parameter_sets.is_empty(),
            extras: Default::default(),
        };
        spawn("encode", Stage::Encode, token, done.clone(), move || stage.run(encoder_input))?;
        stages += 3;
    }
    if let Some(copy) = &plan.video_copy {
        let facts = facts(copy.stream)?;
        routes[copy.stream] = Some(Route::Pictures(CopyGate::new(copy), tracks.len(), to_muxer.clone()));
        tracks.push(copied_track(facts, Some(frame_rate(facts)), &plan.tags(copy.stream)));
    }
    // A first pass is about pictures alone.
    if output.is_some() {
        for (number, audio) in plan.audio.iter().enumerate() {
            let facts = facts(audio.stream)?;
            if audio.copied {
                let span = Span { origin: plan.start.unwrap_or(EVER), end: plan.span_end() };
                routes[audio.stream] = Some(Route::Sound(span, tracks.len(), to_muxer.clone()));
                let mut track = copied_track(facts, None, &plan.tags(audio.stream));
                if track.parameters.priming().0 == 0 {
                    track.parameters.set_priming(run_in(&source, facts));
                }
                tracks.push(track);
                continue;
            }
            let encoder = SoundEncoder::open(audio)?;
            let track = tracks.len();
            let lead = codec_delay::lead(plan.container, encoder.priming(), audio.sample_rate, &audio.codec);
            let mut parameters = encoder.parameters()?;
            parameters.set_priming(encoder.priming() + lead);
            tracks.push(TrackSpec {
                parameters,
                time_base: TimeBase::new(1, i64::from(audio.sample_rate)),
                rate: None,
                metadata: plan.tags(audio.stream).metadata(),
                disposition: plan.tags(audio.stream).disposition,
                display: Display::default(),
            });
            let decoder = AudioDecoder::new(label.clone(), facts, Arc::clone(&damage))?;
            let target = SoundTarget {
                sample_format: audio.sample_format.clone().unwrap_or_default(),
                bits: audio.bits,
                dithered: audio.dithered,
                sample_rate: audio.sample_rate,
                resampler: audio.resampler,
                layout: audio.layout.clone(),
                assumed_layout: audio.assumed_layout.clone(),
                remix: audio.remix.clone(),
                block: encoder.block(),
                origin: plan.origin,
                end: plan.span_end(),
                lead,
                tail: encoder.run_out(audio),
            };
            let converter = SoundConverter::new(target, facts.index, facts.time_base);
            let (to_sound, sound_input, depth) = channel::<Queued>(PACKETS, token);
            watch.add_queue(&format!("sound {number}"), depth);
            routes[audio.stream] = Some(Route::Decoder(to_sound));
            let stage = sound::SoundStage {
                decoder,
                converter,
                encoder,
                track,
                number,
                output: to_muxer.clone(),
                books: SampleBooks::new(audio.bits),
                shared: Arc::clone(&shared),
                fed: 0,
                held: VecDeque::new(),
            };
            let (label, shared, index) = (label.clone(), Arc::clone(&shared), audio.stream);
            let work = move || {
                let timing = stage.run(sound_input).map_err(|error| error.in_file(&label))?;
                shared.note_timing(index, timing);
                Ok(())
            };
            spawn(&format!("sound-{number}"), Stage::Encode, token, done.clone(), work)?;
            stages += 1;
        }
        for subtitle in &plan.carried.subtitles {
            let facts = facts(subtitle.stream)?;
            let span = Span { origin: plan.origin, end: plan.span_end() };
            let track = SubtitleTrack::open(label.clone(), facts, subtitle, span)?;
            let tags = plan.tags(subtitle.stream);
            tracks.push(TrackSpec {
                parameters: track.parameters().clone(),
                time_base: facts.time_base,
                rate: None,
                metadata: tags.metadata(),
                disposition: tags.disposition,
                display: Display::default(),
            });
            routes[subtitle.stream] = Some(Route::Subtitles(Box::new(track), tracks.len() - 1, to_muxer.clone()));
        }
    }
    drop(to_muxer);

    if let Some(path) = output {
        let muxer = Muxer::new(plan.container, path, tracks, &beside(plan))?;
        let (shared, counters) = (Arc::clone(&shared), Arc::clone(counters));
        let counts_packets = plan.video.is_none();
        let work = move || mux(muxer, muxer_input, &shared, &counters, counts_packets);
        spawn("mux", Stage::Mux, token, done.clone(), work)?;
        stages += 1;
    }
    let origin = plan.origin;
    let demuxer = Demuxer::new(source, Arc::clone(&damage));
    let io = Arc::clone(demuxer.io_state());
    spawn("demux", Stage::Demux, token, done.clone(), move || route::demux(demuxer, routes, origin))?;
    stages += 1;
    Ok(Running { stages, shared, damage, io, has_video: plan.video.is_some(), frame_threads })
}

fn video_track(
    plan: &VideoPlan,
    time_base: TimeBase,
    encoder: &dyn VideoEncoder,
    extradata: &[u8],
    container: Container,
    tags: &TrackTags,
) -> Result<TrackSpec> {
    let tag = match plan.encoder {
        Encoder::X264 if container.is_iso() => Some(*b"avc1"),
        // With parameter sets in the sample description alone, as Apple's players demand.
        Encoder::X265 if container.is_iso() => Some(*b"hvc1"),
        _ => None,
    };
    let parameters = match encoder.parameters() {
        Some(parameters) => parameters?,
        None => CodecParameters::for_video(&VideoParameters {
            codec: encoder.codec().ok_or_else(|| Error::bug(Stage::Encode, "an encoder of no codec"))?,
            tag,
            width: plan.width,
            height: plan.height,
            format: plan.format,
            sample_aspect: plan.sample_aspect,
            color: plan.color,
            fields: plan.fields,
            delay: 0,
            extradata,
        }),
    };
    Ok(TrackSpec {
        parameters,
        time_base,
        rate: Some(plan.rate),
        metadata: tags.metadata(),
        disposition: tags.disposition.clone(),
        display: Display { orientation: plan.orientation, hdr: plan.hdr, dolby_vision: plan.dolby_vision },
    })
}

fn copied_track(facts: &StreamFacts, rate: Option<Rational>, tags: &TrackTags) -> TrackSpec {
    let mut parameters = facts.parameters.clone();
    // A four-character code of one container may mean nothing in another; the muxer chooses its own.
    parameters.set_tag([0; 4]);
    TrackSpec {
        parameters,
        time_base: facts.time_base,
        rate,
        metadata: tags.metadata(),
        disposition: tags.disposition.clone(),
        display: Display {
            orientation: facts.display_matrix.and_then(|matrix| Orientation::from_matrix(&matrix)).unwrap_or_default(),
            hdr: facts.hdr,
            dolby_vision: facts.dolby_vision,
        },
    }
}

/// Samples that an edit list of the source hides at the start of its sound: what its encoder needed to run in.
fn run_in(source: &Source, facts: &StreamFacts) -> usize {
    // Packets of known codecs last 46 ms at the most at usual rates; more is no run-in.
    const MOST: usize = 4096;
    let hidden = facts.start.zip(source.earliest(facts.index)).map_or(0, |(start, earliest)| start - earliest);
    let rate = TimeBase::new(1, i64::from(facts.sample_rate.max(1)));
    let samples = Timestamp::new(hidden, facts.time_base).rescale(rate);
    usize::try_from(samples).ok().filter(|samples| *samples <= MOST).unwrap_or(0)
}

/// Earlier than anything: a copy without a cut keeps the sound before time zero, which the edit lists of MP4 hide.
const EVER: Timestamp = Timestamp { ticks: i64::MIN, base: TimeBase { num: 1, den: 1 } };

/// What goes into the file beside its tracks.
fn beside(plan: &Plan) -> Beside<'_> {
    let carried = &plan.carried;
    let owned = |key: &str, value: &String| (key.to_owned(), value.clone());
    let mut metadata: Vec<(String, String)> = carried.metadata.iter().map(|(key, value)| owned(key, value)).collect();
    metadata.extend(carried.timecode.iter().map(|timecode| owned("timecode", timecode)));
    if plan.container.is_transport_stream() && !carried.metadata.contains_key("service_provider") {
        // Without one, libavformat names itself.
        metadata.push(("service_provider".to_owned(), "Trix".to_owned()));
    }
    Beside {
        metadata,
        chapters: &carried.chapters,
        attachments: carried
            .attachments
            .iter()
            .map(|own| Attached { name: &own.name, media_type: &own.media_type, data: &own.data })
            .collect(),
        covers: carried
            .covers
            .iter()
            .map(|own| CoverSpec { parameters: own.parameters.clone(), data: &own.data })
            .collect(),
    }
}

fn mux(
    mut muxer: Muxer,
    input: Receiver<ForMuxer>,
    shared: &Shared,
    counters: &Counters,
    counts_packets: bool,
) -> Result<()> {
    while let Some(ForMuxer { track, packet }) = input.receive(Stage::Mux)? {
        muxer.write(track, packet)?;
        counters.set_bytes(muxer.position());
        if counts_packets && track == 0 {
            counters.add_frame();
        }
    }
    let (records, notes) = muxer.finish()?;
    shared.warnings.lock().unwrap_or_else(PoisonError::into_inner).extend(notes);
    *shared.tracks.lock().unwrap_or_else(PoisonError::into_inner) = records;
    Ok(())
}
