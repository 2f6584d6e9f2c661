//! Encodes the chunks of a film before its outputs are written.
//!
//! Invariant: progress and cancellation are those of any pass. Chunks that are in the store count as done.

use std::{
    num::NonZero,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use trix_model::{
    control::{
        cancel::LOOK,
        events::Event,
        progress::{Counters, Phase},
    },
    error::{Error, Result, Stage},
    path_text,
    plan::FrameRange,
};

use super::{
    control::{self, Control, TICK},
    follow::{GRACE, watch_of},
    host::{Host, Meters},
};
use crate::{
    chunks::{self, ChunkPhase, ChunkTask, Chunked, Isolate, Notes, OnChunks, Store, UnitSettings, Units},
    machine,
    plan::{EncodeId, PerSink, Plan, Sink, Waves},
    planner::{Draft, Findings},
    probe::probe,
    source::Source,
};

/// The findings about the scenes of a film, which are kept with its chunks.
pub(super) struct Kept(Option<Store>);

impl Findings for Kept {
    fn get(&self, what: &str) -> Option<Vec<u8>> {
        self.0.as_ref()?.find(what)
    }

    fn put(&self, what: &str, found: &[u8]) {
        if let Some(store) = &self.0 {
            store.keep(what, found);
        }
    }
}

/// What is known of the scenes of the film of `draft`, if they are to be searched.
pub(super) fn findings(draft: &Draft, control: &Control) -> Kept {
    let folder = if draft.has_to_search() { folder(&draft.plan, control) } else { None };
    Kept(folder.and_then(|folder| Store::open(folder).ok()))
}

/// What is done about the chunks of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunking {
    /// Those that are missing are encoded, then all are joined.
    Encode,
    /// All are joined.
    Join,
}

/// The folder in which the chunks of a plan are kept: that of the caller, or beside its first product.
fn folder(plan: &Plan, control: &Control) -> Option<PathBuf> {
    if let Some(folder) = &control.chunks.store {
        return Some(folder.clone());
    }
    let paths = plan.paths();
    let first: &PathBuf = paths.values().next()?;
    let name = path_text::to_text(Path::new(first.file_name()?));
    Some(first.with_file_name(path_text::from_text(&format!(".{name}{}", chunks::FOLDER))))
}

/// Removes the chunks beside the outputs of a plan, which have their names now. They may come from a run that encoded in chunks, before
/// one that did not. What cannot be removed does no harm.
pub(super) fn clean(plan: &Plan, control: &Control) {
    if let Some(folder) = folder(plan, control).filter(|_| control.chunks.store.is_none()) {
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// True if each unit gets a process of its own.
fn is_isolated(source: &Source, control: &Control) -> bool {
    match control.chunks.isolate {
        Isolate::On => true,
        Isolate::Off => false,
        Isolate::Auto => !probe(source).disagreements.is_empty(),
    }
}

/// Counts the frames of all units, and tells which have failed.
struct Progress {
    /// The counters of files and renditions, with the encode of each.
    counters: Vec<(EncodeId, Arc<Counters>)>,
    /// Number of chunks that were in the store.
    kept: Arc<AtomicU64>,
    /// Frames that were encoded in this run, counted for each encode.
    frames: Arc<AtomicU64>,
    notes: Arc<Mutex<Notes>>,
    control: Control,
}

impl Progress {
    fn of(&self, tasks: &[ChunkTask]) -> impl Iterator<Item = &Counters> {
        let is_own = |(id, _): &&(EncodeId, Arc<Counters>)| tasks.iter().any(|task| task.id == *id);
        self.counters.iter().filter(is_own).map(|(_, counters)| counters.as_ref())
    }
}

impl OnChunks for Progress {
    fn kept(&self, range: FrameRange) {
        self.kept.fetch_add(1, Ordering::Relaxed);
        self.counters.iter().for_each(|(_, counters)| counters.add_frames(range.frames()));
    }

    fn frame(&self, tasks: &[ChunkTask]) {
        self.frames.fetch_add(tasks.len() as u64, Ordering::Relaxed);
        self.of(tasks).for_each(|counters| counters.add_frame());
    }

    fn retried(&self, range: FrameRange, tasks: &[ChunkTask], frames: u64, error: &Error) {
        self.frames.fetch_sub(frames * tasks.len() as u64, Ordering::Relaxed);
        self.of(tasks).for_each(|counters| counters.take_frames(frames));
        lock(&self.notes).error(error.to_string());
        self.control.emit(|| Event::ChunkFailed { start: range.start, end: range.end, error: error.into() });
    }
}

/// Time between two looks at the speed for `trix status`.
const NOTED: Duration = Duration::from_secs(2);

/// The chunks of `plan`. Those that its store lacks are encoded, if `chunking` says so. `None` if the plan has no chunks.
///
/// # Errors
/// Those of the units; `Io` if the store cannot be made.
pub(super) fn encode(plan: &Plan, source: &Source, chunking: Chunking, host: &Host<'_>) -> Result<Option<Chunked>> {
    let control = host.control;
    let Some(folder) = plan.chunks.as_ref().and_then(|_| folder(plan, control)) else { return Ok(None) };
    let mut chunked = Chunked::of(plan, Store::open(folder)?)?;
    let notes = Arc::new(Mutex::new(Notes::begin(&chunked.store, plan)));
    let encoding = Encoding { plan, source, notes: &notes, host };
    let result = encoding.run(&mut chunked, chunking);
    result.inspect_err(|error| lock(&notes).error(error.to_string())).map(|()| Some(chunked))
}

/// A note for each chunk that no encode fits into the buffer of a decoder, with its encode.
pub(super) fn short_of_buffer(chunked: &Chunked) -> impl Iterator<Item = (EncodeId, String)> {
    chunked.short_of_buffer().map(|(id, range)| {
        let text = format!("frames {range} may take more than the buffer of a decoder holds: the encoder overshoots");
        (id, text)
    })
}

/// The encode of the chunks of a plan.
struct Encoding<'a> {
    plan: &'a Plan,
    source: &'a Source,
    notes: &'a Arc<Mutex<Notes>>,
    host: &'a Host<'a>,
}

impl Encoding<'_> {
    /// Makes all that the store lacks, in the order in which one depends on the other.
    fn run(&self, chunked: &mut Chunked, chunking: Chunking) -> Result<()> {
        let (encodes, passes) = (chunking == Chunking::Encode, if chunked.has_first_pass() { 2 } else { 1 });
        if passes == 2 && encodes {
            self.phase(chunked, ChunkPhase::FirstPass, Some((1, passes)))?;
        }
        chunked.allocate()?;
        if encodes {
            self.phase(chunked, ChunkPhase::Chunks, Some((passes, passes)))?;
        }
        // Only what depends on all chunks is encoded when they are joined.
        while chunked.allocate_rest()? {
            if encodes {
                self.phase(chunked, ChunkPhase::Chunks, None)?;
            }
        }
        while chunked.correct_rates()? || chunked.settle_buffers()? {
            self.phase(chunked, ChunkPhase::Chunks, None)?;
        }
        // Chunks of the last round that were there already are compared with their hashes.
        if chunked.is_settled_by_rounds() {
            self.phase(chunked, ChunkPhase::Chunks, None)?;
        }
        for (_, text) in short_of_buffer(chunked) {
            self.host.control.emit(|| Event::Warning { path: None, text });
        }
        Ok(())
    }

    /// Makes what is missing after a phase. `pass` has the number of the pass that begins with it, and that of all passes.
    fn phase(&self, chunked: &Chunked, phase: ChunkPhase, pass: Option<(u32, u32)>) -> Result<()> {
        let Encoding { plan, source, notes, host } = self;
        encode_all(plan, source, (chunked, phase, pass), notes, host)
    }
}

fn encode_all(
    plan: &Plan,
    source: &Source,
    (chunked, phase, pass): (&Chunked, ChunkPhase, Option<(u32, u32)>),
    notes: &Arc<Mutex<Notes>>,
    host: &Host<'_>,
) -> Result<()> {
    let control = host.control;
    let sinks: Vec<Sink> = plan.sinks().into_iter().filter(|sink| plan.video(*sink).is_some()).collect();
    let all: PerSink<Arc<Counters>> = PerSink::new(plan, |_| Arc::default());
    let own = || sinks.iter().map(|sink| (*sink, &all[*sink]));
    let mut watch = watch_of(plan, source, Phase::Encode, own());
    let (paths, mut meters) = (plan.paths(), Meters::new(control));
    for (number, product) in plan.products().iter().enumerate() {
        let mut own = own().filter(|(sink, _)| sink.product() == *product).peekable();
        if own.peek().is_some() {
            meters.add(number, paths[*product].clone(), Stage::Encode, watch_of(plan, source, Phase::Encode, own));
        }
    }
    let encode_of = |sink| plan.content(sink).video;
    let counters = own().filter_map(|(sink, counters)| Some((encode_of(sink)?, Arc::clone(counters)))).collect();
    let (kept, frames): (Arc<AtomicU64>, Arc<AtomicU64>) = Default::default();
    let on = Progress {
        counters,
        kept: Arc::clone(&kept),
        frames: Arc::clone(&frames),
        notes: Arc::clone(notes),
        control: control.clone(),
    };
    let own = &control.chunks;
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let program = own.program.clone().filter(|_| is_isolated(source, control));
    let Waves { groups, units } = plan.waves(machine::free_memory(), cores, program.is_some());
    if groups.len() > 1 {
        let text =
            format!("memory is short: the film is decoded {} times, each time for some of its encodes", groups.len());
        control.emit(|| Event::Warning { path: None, text });
    }
    let settings = UnitSettings {
        most: own.units.unwrap_or(units),
        groups: groups.into_iter().map(|group| group.into_iter().map(EncodeId).collect()).collect(),
        retries: own.retries,
        patience: own.patience,
        program,
    };
    let again = source.again(&control.cancel)?;
    let mut units = Units::start(plan, (chunked, phase), again, settings, &control.cancel, Box::new(on))?;
    let (kept, count) = (kept.load(Ordering::Relaxed), chunked.ranges.len());
    if let Some((pass, passes)) = pass {
        if kept > 0 {
            let what = if phase == ChunkPhase::FirstPass { "chunks have a first pass" } else { "chunks are kept" };
            let text = format!("{kept} of {count} {what} from an earlier run");
            control.emit(|| Event::Warning { path: None, text });
        }
        control.emit(|| Event::StageBegan { stage: Stage::Encode, pass, passes });
    }
    let began = Instant::now();
    let (mut cancelled_at, mut next_tick, mut next_note) = (None, began + TICK, began + NOTED);
    while !units.are_over() {
        thread::sleep(LOOK);
        if Instant::now() >= next_tick {
            next_tick = Instant::now() + TICK;
            host.show_progress(&mut watch, &mut meters);
        }
        if Instant::now() >= next_note {
            next_note = Instant::now() + NOTED;
            let encodes = chunked.encodes().max(1) as f64;
            lock(notes).speed(frames.load(Ordering::Relaxed) as f64 / encodes / began.elapsed().as_secs_f64());
        }
        let mut left = units.hanging(GRACE);
        if control.cancel.is_cancelled() {
            let since = *cancelled_at.get_or_insert_with(Instant::now);
            left = (since.elapsed() >= GRACE).then(|| Error::cancelled(Stage::Encode));
        }
        if let Some(error) = left {
            // Some are inside a long call of an encoder. What they make goes into the store, if it is whole.
            control.stages.leave(std::mem::take(&mut units.threads));
            return Err(error);
        }
    }
    control::join(std::mem::take(&mut units.threads));
    host.show_progress(&mut watch, &mut meters);
    host.settle();
    units.failure().map_or(Ok(()), Err)
}

fn lock(notes: &Mutex<Notes>) -> MutexGuard<'_, Notes> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}
