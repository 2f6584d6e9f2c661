//! Encodes the chunks of a film before its outputs are written.
//!
//! Invariant: progress and cancellation are those of any pass. Chunks that are in the store count as done.

use std::{
    num::NonZero,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
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
    chunks::{self, Chunked, OnChunks, Store, Units},
    machine,
    plan::{PerSink, Plan, Sink, VideoEncode},
    source::Source,
};

/// The folder in which the chunks of a plan are kept: that of the caller, or beside its first product.
fn folder(plan: &Plan, control: &Control) -> Option<PathBuf> {
    if let Some(folder) = &control.store {
        return Some(folder.clone());
    }
    let paths = plan.paths();
    let first: &PathBuf = paths.values().next()?;
    let name = path_text::to_text(Path::new(first.file_name()?));
    Some(first.with_file_name(path_text::from_text(&format!(".{name}{}", chunks::FOLDER))))
}

/// Removes the chunks of a plan whose outputs have their names, unless the caller keeps them. What cannot be removed does no
/// harm.
pub(super) fn clean(plan: &Plan, control: &Control) {
    let is_own = plan.chunks.is_some() && control.store.is_none();
    if let Some(folder) = folder(plan, control).filter(|_| is_own) {
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// Units that run at the same time on this machine: each takes the threads of its encoders, and the memory of the plan.
fn units(plan: &Plan) -> usize {
    let threads = plan.encodes.iter().filter_map(|encode| encode.video()).map(|own: &VideoEncode| own.threads);
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let by_cores = cores / threads.max().unwrap_or(1).max(1) as usize;
    // Four fifths of what is free.
    let free = machine::free_memory().map(|free| free / 5 * 4);
    let by_memory = free.map_or(usize::MAX, |free| (free / plan.memory.estimate.max(1)) as usize);
    by_cores.min(by_memory).max(1)
}

/// Counts the frames of all units.
struct Progress {
    counters: Vec<Arc<Counters>>,
    kept: Arc<AtomicU64>,
}

impl OnChunks for Progress {
    fn kept(&self, range: FrameRange) {
        self.kept.fetch_add(1, Ordering::Relaxed);
        self.counters.iter().for_each(|counters| counters.add_frames(range.frames()));
    }

    fn frame(&self) {
        self.counters.iter().for_each(|counters| counters.add_frame());
    }
}

/// Encodes the chunks of `plan` that its store lacks. `None` if the plan has no chunks.
///
/// # Errors
/// Those of the units; `Io` if the store cannot be made.
pub(super) fn encode(plan: &Plan, source: &Source, host: &Host<'_>) -> Result<Option<Chunked>> {
    let control = host.control;
    let Some((chunks, folder)) = plan.chunks.as_ref().zip(folder(plan, control)) else { return Ok(None) };
    let chunked = Chunked::of(plan, &chunks.ranges, Store::open(folder)?)?;
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
    let (counters, kept) = (own().map(|(_, counters)| Arc::clone(counters)).collect(), Arc::default());
    let on = Box::new(Progress { counters, kept: Arc::clone(&kept) });
    let most = control.units.unwrap_or_else(|| units(plan));
    let mut units = Units::start(plan, &chunked, source.again(&control.cancel)?, most, &control.cancel, on)?;
    let (kept, count) = (kept.load(Ordering::Relaxed), chunked.ranges.len());
    if kept > 0 {
        let text = format!("{kept} of {count} chunks are kept from an earlier run");
        control.emit(|| Event::Warning { path: None, text });
    }
    control.began(Stage::Encode);
    let (mut cancelled_at, mut next_tick) = (None, Instant::now() + TICK);
    while !units.are_over() {
        thread::sleep(LOOK);
        if Instant::now() >= next_tick {
            next_tick = Instant::now() + TICK;
            host.show_progress(&mut watch, &mut meters);
        }
        if control.cancel.is_cancelled() {
            let since = *cancelled_at.get_or_insert_with(Instant::now);
            if since.elapsed() >= GRACE {
                // Some are inside a long call of an encoder. What they make goes into the store, if it is whole.
                control.stages.leave(std::mem::take(&mut units.threads));
                return Err(Error::cancelled(Stage::Encode));
            }
        }
    }
    control::join(std::mem::take(&mut units.threads));
    host.show_progress(&mut watch, &mut meters);
    host.settle();
    units.failure().map_or(Ok(Some(chunked)), Err)
}
