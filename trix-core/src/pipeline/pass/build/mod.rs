//! Opens every encoder and every file of a pass, then starts its stages.
//!
//! Invariant: stages are started only when everything that can refuse has been opened; for what cannot be made, none is.

mod audio_users;
mod pictures;
mod products;
mod sound;

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

use self::audio_users::{Listener, Sound};
use super::route::{self, Route};
use crate::{
    decode::video::Picture,
    demux::Demuxer,
    index::Begin,
    pipeline::{
        failures::{self, Found},
        pass::record::{Pass, Running, Shared},
        stage::{self, Outcome, Sender, Waiting},
    },
    plan::{PACKETS, PICTURES, Plan},
    planner::side::SideTrack,
    report::Seek,
    source::Source,
    spec::job::OnOutputFailure,
};

/// What is being put together.
struct Builder<'a> {
    plan: &'a Plan,
    /// The external audio tracks.
    sides: &'a [SideTrack],
    pass: Pass<'a>,
    label: PathBuf,
    /// The streams of the source, then the sound tracks from beside it.
    streams: Vec<StreamFacts>,
    token: Token,
    /// One for each thing that is made.
    tokens: Vec<Token>,
    counters: &'a [Arc<Counters>],
    shared: Arc<Shared>,
    damage: Arc<DamageLog>,
    routes: Vec<Vec<Route>>,
    /// Who takes the pictures of the decoder, beside the filter steps.
    viewers: Vec<(Sender<Picture>, Token)>,
    /// Who takes the pictures of each filter step.
    takers: Vec<Vec<Sender<Picture>>>,
    sounds: Vec<Sound>,
    listeners: Vec<Listener>,
    waiting: Vec<Waiting>,
    /// Of everything that is made.
    names: Vec<PathBuf>,
    found: &'a mut Found,
    seek: Option<Seek>,
    /// Where decoding of pictures begins, and of which stream.
    begin: Option<(usize, Begin)>,
}

/// Those who follow a pass from outside.
pub(crate) struct Followers<'a> {
    pub(crate) token: &'a Token,
    /// One for each output of the plan.
    pub(crate) counters: &'a [Arc<Counters>],
    pub(crate) watch: &'a mut Watch,
    /// Hears of every stage that ends.
    pub(crate) done: &'a crossbeam::Sender<Outcome>,
    /// Hears of every thing that cannot be made, where the job goes on without it.
    pub(crate) found: &'a mut Found,
}

/// Opens every encoder, then starts every stage.
///
/// # Errors
/// What ends the job: any refusal, or, where the job goes on without what fails, that of the last thing that is left.
pub(crate) fn start(
    plan: &Plan,
    sides: &[SideTrack],
    source: Source,
    pass: Pass<'_>,
    followers: Followers<'_>,
) -> Result<Running> {
    let Followers { token, counters, watch, done, found } = followers;
    let external = sides.iter().map(|side| side.facts.clone());
    let streams: Vec<StreamFacts> = source.streams().iter().cloned().chain(external).collect();
    let mut builder = Builder {
        plan,
        sides,
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
        sounds: Vec::new(),
        listeners: Vec::new(),
        waiting: Vec::new(),
        names: plan.paths(),
        found,
        seek: None,
        begin: None,
    };
    builder.products(&source, watch)?;
    builder.sounds(&source, watch)?;
    builder.pictures(&source, watch)?;

    let Builder { mut waiting, routes, shared, damage, names, seek, begin, .. } = builder;
    let appeared = source.appeared();
    let mut demuxer = Demuxer::new(source, Arc::clone(&damage));
    if let Some((index, begin)) = begin {
        let alone = routes.iter().enumerate().all(|(other, own)| other == index || own.is_empty());
        demuxer = demuxer.beginning_at(index, &begin, alone)?;
    }
    let io = Arc::clone(demuxer.io_state());
    let books = Arc::clone(&shared);
    let work = Box::new(move || {
        *crate::pipeline::pass::record::lock(&books.walked) = route::demux(demuxer, routes)?;
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

    /// The token of what output `number` is or belongs to.
    fn token_of(&self, number: usize) -> Token {
        self.tokens[self.plan.product(number)].clone()
    }

    /// Whether output `number` takes part in the pass, and has not failed.
    fn includes(&self, number: usize) -> bool {
        self.pass.includes(self.plan, number) && !self.token_of(number).is_set()
    }

    /// Takes note that something which the things `products` need cannot be opened, and goes on without them.
    ///
    /// # Errors
    /// The same, where that ends the job.
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
        // What was opened for them alone is closed.
        self.waiting.retain(|own| !own.token.is_set());
        for sound in &mut self.sounds {
            sound.places.retain(|place| !self.tokens[self.plan.product(place.output)].is_set());
        }
        self.sounds.retain(|sound| !sound.places.is_empty());
        self.listeners.retain(|own| !own.token.is_set());
        self.viewers.retain(|(_, token)| !token.is_set());
        self.takers.iter_mut().for_each(|own| own.retain(Sender::is_wanted));
        self.routes.iter_mut().for_each(|own| own.retain(Route::is_wanted));
        Ok(())
    }

    /// Bytes of compressed data, or of sound, that wait between two stages; none where one item is to wait alone.
    fn packets(&self) -> usize {
        if self.plan.memory.short_queues { 0 } else { PACKETS }
    }

    /// The same for pictures of so many bytes.
    fn pictures_of(&self, bytes: usize) -> usize {
        if self.plan.memory.short_queues { 0 } else { PICTURES * bytes }
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

    /// What a queue is called: with one output, by its stage alone.
    fn queue(&self, stage: &str, number: usize) -> String {
        if self.plan.products() == 1 { stage.to_owned() } else { format!("{stage} {number}") }
    }
}
