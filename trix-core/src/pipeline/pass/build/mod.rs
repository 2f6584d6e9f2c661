//! Opens all encoders and files of a pass, then starts its stages.
//!
//! Invariant: stages start only after everything is open that can fail to open. A product that cannot be opened has no
//! stage.

mod audio_users;
mod frames;
mod products;
mod audio;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use crossbeam_channel as crossbeam;
use trix_av::stream::{StreamFacts, StreamKind};
use trix_model::{
    control::{
        cancel::Token,
        events::{Event, EventSender},
        progress::{Counters, Watch},
    },
    damage::{DamageLog, Entry},
    error::{Error, ErrorKind, Result, Stage},
};

use self::audio_users::{AudioEncoding, Listener, Video};
use super::{
    catch_up::CatchUp,
    feed::Feed,
    route::{self, Route},
};
use crate::{
    decode::{audio_start::Head, video::DecodedFrame},
    demux::{Demuxer, Needed, Others},
    encode::shared::Queues,
    index::Begin,
    pipeline::{
        channel::{Sender, Watched},
        failures::{self, StageErrors},
        pass::record::{self, Pass, Running, Shared},
        stage::{self, Outcome, Waiting},
    },
    plan::{FRAMES, OutputPlan, PACKETS, PerProduct, PerSink, Plan, Product, Sink, StepId, StreamId},
    planner::external_audio::ExternalAudio,
    report::Seek,
    settings::job::OnOutputFailure,
    source::Source,
};

/// The state while a pass is built.
struct Builder<'a> {
    plan: &'a Plan,
    /// The plan of each file and rendition, with its encodes.
    outputs: &'a PerSink<OutputPlan>,
    /// The external audio tracks.
    external_audio: &'a [ExternalAudio],
    pass: Pass<'a>,
    label: PathBuf,
    /// The streams of the source.
    streams: Vec<StreamFacts>,
    token: Token,
    tokens: PerProduct<Token>,
    counters: &'a PerSink<Arc<Counters>>,
    shared: Arc<Shared>,
    damage: Arc<DamageLog>,
    routes: Vec<Vec<Route>>,
    /// Consumers of decoded frames, besides the filter steps.
    viewers: Vec<(Sender<DecodedFrame>, Token)>,
    /// Filter steps of encodes whose chunks are joined.
    stitched: BTreeSet<StepId>,
    /// Consumers of the frames of each filter step.
    takers: Vec<Vec<Sender<DecodedFrame>>>,
    videos: Vec<Video>,
    /// The queues between encodes that share an analysis.
    queues: Queues,
    audio_tracks: Vec<AudioEncoding>,
    listeners: Vec<Listener>,
    waiting: Vec<Waiting>,
    /// Paths of all products.
    names: PerProduct<PathBuf>,
    found: &'a mut StageErrors,
    seek: Option<Seek>,
    /// The stream whose frames are decoded, and where decoding begins.
    begin: Option<(usize, Begin)>,
    /// The place of demuxer and decoders, if a program gives frames and audio.
    feed: Option<Feed>,
    /// Audio streams whose decode can begin in mid-stream. Each receives its start if it does.
    heads: BTreeMap<usize, Arc<OnceLock<Head>>>,
    /// The channels that audio of the source passes on its way to the muxers: each after those that feed it.
    audio_channels: Vec<Watched>,
}

/// The objects through which a caller follows a pass.
pub(crate) struct PassMonitors<'a> {
    pub(crate) token: &'a Token,
    pub(crate) counters: &'a PerSink<Arc<Counters>>,
    pub(crate) watch: &'a mut Watch,
    /// Receives the outcome of every stage that ends.
    pub(crate) done: &'a crossbeam::Sender<Outcome>,
    /// Collects products that cannot be made, where the job continues without them.
    pub(crate) found: &'a mut StageErrors,
    /// Receives damage and notes of the source.
    pub(crate) events: Option<EventSender>,
}

/// The log of the damage of the source. If the pass writes the outputs, `events` receives each entry: the report has
/// the damage of this pass.
fn damage_log(plan: &Plan, pass: &Pass<'_>, events: Option<EventSender>) -> DamageLog {
    let log = DamageLog::new(plan.source.settings.on_damage);
    match events.filter(|_| !pass.is_first_of_two()) {
        None => log,
        Some(events) => log.observed(Box::new(move |entry| {
            events.send(match entry {
                Entry::Damage(damage) => Event::DamageFound { track: None, damage: damage.clone() },
                Entry::Note(note) => Event::Warning { path: None, text: note.to_owned() },
            });
        })),
    }
}

/// Opens all encoders, then starts all stages.
///
/// # Errors
/// Any refusal that ends the job. If the job continues without what fails, only the error of the last product that is
/// left.
pub(crate) fn start(
    plan: &Plan,
    external_audio: &[ExternalAudio],
    source: Source,
    pass: Pass<'_>,
    monitors: PassMonitors<'_>,
) -> Result<Running> {
    let PassMonitors { token, counters, watch, done, found, events } = monitors;
    let streams = source.streams().to_vec();
    let outputs = PerSink::new(plan, |sink| plan.sink(sink));
    let shared = Arc::new(Shared::new(plan));
    let record = Arc::clone(&shared);
    let (open, program) = crossbeam::bounded(0);
    let feed = || Feed {
        plan: Arc::new(plan.clone()),
        frames: None,
        audio_tracks: BTreeMap::new(),
        record: Box::new(move |walked| *record::lock(&record.walked) = walked),
        _open: open,
    };
    let mut builder = Builder {
        plan,
        outputs: &outputs,
        external_audio,
        damage: Arc::new(damage_log(plan, &pass, events)),
        pass,
        label: source.label(),
        token: token.clone(),
        tokens: PerProduct::in_order(plan, token.of_outputs(plan.products().len())),
        counters,
        feed: pass.program.is_some().then(feed),
        shared,
        routes: source.streams().iter().map(|_| Vec::new()).collect(),
        viewers: Vec::new(),
        stitched: BTreeSet::new(),
        takers: plan.filters.iter().map(|_| Vec::new()).collect(),
        streams,
        videos: Vec::new(),
        queues: Queues::new(true),
        audio_tracks: Vec::new(),
        listeners: Vec::new(),
        waiting: Vec::new(),
        names: plan.paths(),
        found,
        seek: None,
        begin: None,
        heads: BTreeMap::new(),
        audio_channels: Vec::new(),
    };
    builder.products(&source, watch)?;
    builder.videos(watch)?;
    builder.audio_tracks(&source, watch)?;
    builder.frames(&source, watch)?;

    let Builder {
        mut waiting,
        routes,
        tokens,
        shared,
        damage,
        names,
        mut seek,
        begin,
        feed,
        heads,
        streams,
        audio_channels,
        ..
    } = builder;
    let audio = CatchUp::of(audio_channels, token.clone());
    let (mut appeared, mut io) = (source.appeared(), Arc::clone(source.input.io_state()));
    if feed.is_none() {
        let demuxer = enter(source, &damage, &routes, begin, &heads, &streams, &mut seek)?;
        // A demuxer that enters a source in the middle reads another opening of it.
        (appeared, io) = (demuxer.appeared(), Arc::clone(demuxer.io_state()));
        let record = Arc::clone(&shared);
        let work = Box::new(move || {
            *record::lock(&record.walked) = route::demux(demuxer, routes, audio)?;
            Ok(())
        });
        waiting.push(Waiting { name: "demux".to_owned(), stage: Stage::Demux, token: token.clone(), work });
    }
    let products = plan.products();
    let stages = stage::start(waiting, done, &stage::thread).map_err(|(concerned, error)| match concerned.first() {
        Some(first) => failures::of_output(error, &names[products[*first]]),
        None => error,
    })?;
    if let Some((program, feed)) = pass.program.zip(feed) {
        // A program that waits no longer has dropped its session, which cancels the job.
        let _ = program.to_program.send(feed);
    }
    Ok(Running { stages, tokens, program, shared, damage, appeared, io, seek })
}

/// Opens the demuxer of a pass, at the place at which decoding of video begins. Other streams are read from near that
/// place if all that use them can begin in mid-stream.
fn enter(
    source: Source,
    damage: &Arc<DamageLog>,
    routes: &[Vec<Route>],
    begin: Option<(usize, Begin)>,
    starts: &BTreeMap<usize, Arc<OnceLock<Head>>>,
    streams: &[StreamFacts],
    seek: &mut Option<Seek>,
) -> Result<Demuxer> {
    let mut heads = BTreeMap::new();
    if begin.as_ref().is_some_and(|(_, begin)| begin.landing().is_some()) {
        for index in starts.keys().copied() {
            heads.extend(Head::of(&source, &streams[index])?.map(|head| (index, head)));
        }
    }
    let mut demuxer = Demuxer::new(source, Arc::clone(damage));
    if let Some((index, begin)) = begin {
        let others: Vec<bool> = routes
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index)
            .flat_map(|(other, own)| own.iter().map(move |route| (other, route)))
            .map(|(other, route)| route.can_begin_late(heads.contains_key(&other)))
            .collect();
        let others = match others.is_empty() {
            true => Others::Unread,
            false if others.iter().all(|is_near| *is_near) => Others::Near,
            false => Others::FromStart,
        };
        let is_needed = |other: &usize| *other != index && !routes[*other].is_empty();
        let needed: Vec<usize> = (0..routes.len()).filter(is_needed).collect();
        let has_place = |stream: usize, pts: i64| heads.get(&stream).is_none_or(|head| head.number(pts).is_some());
        demuxer = demuxer.beginning_at(index, &begin, others, Needed { streams: &needed, has_place: &has_place })?;
    }
    if demuxer.is_landed() {
        for (index, head) in &heads {
            starts.get(index).map(|start| start.set(*head));
        }
    } else if let Some(seek) = seek {
        let is_decoded = |index: &usize| routes[*index].iter().any(|route| matches!(route, Route::Decoder(_)));
        let audio = streams.iter().filter(|facts| facts.kind == StreamKind::Audio).map(|facts| facts.index);
        seek.audio_from_start = audio.filter(is_decoded).collect();
    }
    Ok(demuxer)
}

impl Builder<'_> {
    /// The facts of an audio stream.
    fn facts_of(&self, stream: StreamId) -> Result<&StreamFacts> {
        match stream {
            StreamId::Source(index) => self.facts(index),
            StreamId::Side { track, .. } => {
                let missing = || Error::bug(Stage::Plan, format!("the plan names track {track}"));
                self.external_audio.get(track).map(|external_audio| &external_audio.facts).ok_or_else(missing)
            }
        }
    }

    /// The facts of a stream of the source.
    fn facts(&self, index: usize) -> Result<&StreamFacts> {
        let missing = || Error::bug(Stage::Plan, format!("the plan names stream {index}"));
        self.streams.get(index).ok_or_else(missing)
    }

    /// The token of the product that has the packets of `sink`.
    fn token_of(&self, sink: Sink) -> Token {
        self.tokens[sink.product()].clone()
    }

    /// True if `sink` takes part in the pass and has not failed.
    fn includes(&self, sink: Sink) -> bool {
        self.pass.includes(self.plan, sink) && !self.token_of(sink).is_set()
    }

    /// The products that a stage with this token works for. Empty if it works for the whole job.
    fn products_of(&self, token: &Token) -> Vec<Product> {
        let all = self.plan.products();
        token.outputs().into_iter().map(|number| all[number]).collect()
    }

    /// Records the failure to open something that the `products` need, and continues without them.
    ///
    /// # Errors
    /// The same error, if it ends the job.
    fn go_on_without(&mut self, products: &[Product], error: Error) -> Result<()> {
        let error = match products {
            [first, ..] => failures::of_output(error, &self.names[*first]),
            [] => error,
        };
        let is_all = products.is_empty() || error.kind() == ErrorKind::Cancelled;
        if is_all || failures::begins_anew(self.plan, &error) || self.plan.on_output_failure == OnOutputFailure::Fail {
            return Err(error);
        }
        self.found.add(products, error);
        if self.found.is_everything() {
            return self.found.root().map_or(Ok(()), Err);
        }
        products.iter().for_each(|product| self.tokens[*product].fail());
        // Close what was opened only for these products.
        self.waiting.retain(|own| !own.token.is_set());
        for video in &mut self.videos {
            video.places.retain(|place| !self.tokens[place.sink.product()].is_set());
        }
        self.videos.retain(|video| !video.places.is_empty());
        for audio in &mut self.audio_tracks {
            audio.places.retain(|place| !self.tokens[place.output.product()].is_set());
        }
        self.audio_tracks.retain(|audio| !audio.places.is_empty());
        self.listeners.retain(|own| !own.token.is_set());
        self.viewers.retain(|(_, token)| !token.is_set());
        self.takers.iter_mut().for_each(|own| own.retain(Sender::is_wanted));
        self.routes.iter_mut().for_each(|own| own.retain(Route::is_wanted));
        Ok(())
    }

    /// The byte limit of a queue of packets or audio; 0 lets only one item wait.
    fn packets(&self) -> usize {
        if self.plan.memory.short_queues { 0 } else { PACKETS }
    }

    /// The byte limit of a queue of frames of this size.
    fn frames_of(&self, bytes: usize) -> usize {
        if self.plan.memory.short_queues { 0 } else { FRAMES * bytes }
    }

    fn wait(
        &mut self,
        name: impl Into<String>,
        stage: Stage,
        token: Token,
        work: impl FnOnce() -> Result<()> + Send + 'static,
    ) {
        self.waiting.push(Waiting { name: name.into(), stage, token, work: Box::new(work) });
    }

    /// The name of a queue: only its stage, if there is one product.
    fn queue(&self, stage: &str, number: usize) -> String {
        if self.plan.products().len() == 1 { stage.to_owned() } else { format!("{stage} {number}") }
    }
}
