//! Opens all encoders and files of a pass, then starts its stages.
//!
//! Invariant: stages start only after everything is open that can fail to open. A product that cannot be opened has no
//! stage.

mod audio_users;
mod frames;
mod products;
mod audio;

use std::{path::PathBuf, sync::Arc};

use crossbeam_channel as crossbeam;
use trix_av::stream::StreamFacts;
use trix_model::{
    control::{
        cancel::Token,
        progress::{Counters, Watch},
    },
    damage::DamageLog,
    error::{Error, ErrorKind, Result, Stage},
};

use self::audio_users::{AudioEncode, Listener};
use super::route::{self, Route};
use crate::{
    decode::video::DecodedFrame,
    demux::{Demuxer, Others},
    index::Begin,
    pipeline::{
        failures::{self, StageErrors},
        pass::record::{Pass, Running, Shared},
        stage::{self, Outcome, Sender, Waiting},
    },
    plan::{FRAMES, PACKETS, Plan},
    planner::external_audio::ExternalAudio,
    report::Seek,
    source::Source,
    spec::job::OnOutputFailure,
};

/// The state while a pass is built.
struct Builder<'a> {
    plan: &'a Plan,
    /// The external audio tracks.
    external_audio: &'a [ExternalAudio],
    pass: Pass<'a>,
    label: PathBuf,
    /// The streams of the source, then the external audio tracks.
    streams: Vec<StreamFacts>,
    token: Token,
    /// One for each product.
    tokens: Vec<Token>,
    counters: &'a [Arc<Counters>],
    shared: Arc<Shared>,
    damage: Arc<DamageLog>,
    routes: Vec<Vec<Route>>,
    /// Consumers of decoded frames, besides the filter steps.
    viewers: Vec<(Sender<DecodedFrame>, Token)>,
    /// Consumers of the frames of each filter step.
    takers: Vec<Vec<Sender<DecodedFrame>>>,
    audio_tracks: Vec<AudioEncode>,
    listeners: Vec<Listener>,
    waiting: Vec<Waiting>,
    /// Paths of all products.
    names: Vec<PathBuf>,
    found: &'a mut StageErrors,
    seek: Option<Seek>,
    /// The stream whose frames are decoded, and where decoding begins.
    begin: Option<(usize, Begin)>,
}

/// The objects through which a caller follows a pass.
pub(crate) struct PassMonitors<'a> {
    pub(crate) token: &'a Token,
    /// One for each output of the plan.
    pub(crate) counters: &'a [Arc<Counters>],
    pub(crate) watch: &'a mut Watch,
    /// Receives the outcome of every stage that ends.
    pub(crate) done: &'a crossbeam::Sender<Outcome>,
    /// Collects products that cannot be made, where the job continues without them.
    pub(crate) found: &'a mut StageErrors,
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
    let PassMonitors { token, counters, watch, done, found } = monitors;
    let external = external_audio.iter().map(|external_audio| external_audio.facts.clone());
    let streams: Vec<StreamFacts> = source.streams().iter().cloned().chain(external).collect();
    let mut builder = Builder {
        plan,
        external_audio,
        pass,
        label: source.label(),
        token: token.clone(),
        tokens: token.of_outputs(plan.products()),
        counters,
        shared: Arc::new(Shared::new(plan)),
        damage: Arc::new(DamageLog::new(plan.source.settings.on_damage)),
        routes: source.streams().iter().map(|_| Vec::new()).collect(),
        viewers: Vec::new(),
        takers: plan.filters.iter().map(|_| Vec::new()).collect(),
        streams,
        audio_tracks: Vec::new(),
        listeners: Vec::new(),
        waiting: Vec::new(),
        names: plan.paths(),
        found,
        seek: None,
        begin: None,
    };
    builder.products(&source, watch)?;
    builder.audio_tracks(&source, watch)?;
    builder.frames(&source, watch)?;

    let Builder { mut waiting, routes, shared, damage, names, seek, begin, .. } = builder;
    let mut demuxer = Demuxer::new(source, Arc::clone(&damage));
    if let Some((index, begin)) = begin {
        let others = routes.iter().enumerate().filter(|(other, _)| *other != index);
        let others: Vec<&Route> = others.flat_map(|(_, own)| own).collect();
        let others = match others.is_empty() {
            true => Others::Unread,
            false if others.iter().all(|route| route.can_begin_late()) => Others::Near,
            false => Others::FromStart,
        };
        demuxer = demuxer.beginning_at(index, &begin, others)?;
    }
    let appeared = demuxer.appeared();
    let io = Arc::clone(demuxer.io_state());
    let record = Arc::clone(&shared);
    let work = Box::new(move || {
        *crate::pipeline::pass::record::lock(&record.walked) = route::demux(demuxer, routes)?;
        Ok(())
    });
    waiting.push(Waiting { name: "demux".to_owned(), stage: Stage::Demux, token: token.clone(), work });
    let stages = waiting.len();
    stage::start(waiting, done, &stage::thread).map_err(|(concerned, error)| match concerned.first() {
        Some(first) => failures::of_output(error, &names[*first]),
        None => error,
    })?;
    Ok(Running { stages, shared, damage, appeared, io, seek })
}

impl Builder<'_> {
    fn facts(&self, index: usize) -> Result<&StreamFacts> {
        let missing = || Error::bug(Stage::Plan, format!("the plan names stream {index}"));
        self.streams.get(index).ok_or_else(missing)
    }

    /// The token of the product that output `number` is or belongs to.
    fn token_of(&self, number: usize) -> Token {
        self.tokens[self.plan.product(number)].clone()
    }

    /// True if output `number` takes part in the pass and has not failed.
    fn includes(&self, number: usize) -> bool {
        self.pass.includes(self.plan, number) && !self.token_of(number).is_set()
    }

    /// Records the failure to open something that the `products` need, and continues without them.
    ///
    /// # Errors
    /// The same error, if it ends the job.
    fn go_on_without(&mut self, products: &[usize], error: Error) -> Result<()> {
        let error = match products {
            [first, ..] => failures::of_output(error, &self.names[*first]),
            [] => error,
        };
        let is_all = products.is_empty() || error.kind() == ErrorKind::Cancelled;
        if is_all || self.plan.on_output_failure == OnOutputFailure::Fail {
            return Err(error);
        }
        self.found.add(products, error);
        if self.found.is_everything() {
            return self.found.root().map_or(Ok(()), Err);
        }
        products.iter().for_each(|product| self.tokens[*product].fail());
        // Close what was opened only for these products.
        self.waiting.retain(|own| !own.token.is_set());
        for audio in &mut self.audio_tracks {
            audio.places.retain(|place| !self.tokens[self.plan.product(place.output)].is_set());
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
        if self.plan.products() == 1 { stage.to_owned() } else { format!("{stage} {number}") }
    }
}
