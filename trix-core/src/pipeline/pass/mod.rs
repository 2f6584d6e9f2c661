//! One reading of the source: which stages run on which threads, and what flows between them.
//!
//! ```text
//! demux -+- packets --> decode -- pictures --+--> filter --+--> encode -- packets --> mux of one output
//!        |                                   |             +--> encode -- packets --> mux of another
//!        |                                   +--> filter -----> ...
//!        +- packets --> decode -- sound -----+--> convert, encode -- packets --+--> mux
//!        |                                   +--> ...                          +--> mux
//!        +- packets of copied tracks ----------------------------------------------> mux
//! tracks beside the source -- sound --------> convert, encode -- packets -----------> mux
//! ```
//!
//! Each step stands once, whoever needs what it makes; what several need is shared by reference.
//!
//! Invariant: no stage waits for a particular other stage's output while holding what that one needs, so that the
//! pipeline cannot lock up, however a source interleaves its streams.

mod build;
mod copy_watch;
mod listen;
mod route;
mod side;
mod sound;
mod sound_cut;
mod tracks;
mod video;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use trix_av::{frame::Frame, io::IoState, packet::Packet};
use trix_model::{
    control::progress::Counters,
    damage::{DamageLog, DamageReport},
    error::{Result, Stage},
    extras::ExtrasCount,
    time::{TimeBase, Timestamp},
};

pub(crate) use build::{Followers, start};

use super::stage::{Receiver, Weight};
use crate::{
    decode::{audio::SoundChange, timing::TimingReport, video::Picture},
    demux::Walked,
    filter::{convert::Change, pictures::FilterCounts, sound_ledger::SoundLedger},
    ledger::Ledger,
    mux::{Muxer, record::TrackRecord},
    package::{PackageWriter, WrittenPackage},
    plan::{PACKETS, Plan},
    report::{Seek, TrackLoudness},
    source::Appeared,
    still::Still,
    verify::sound::EncodedSound,
};

/// What a pass writes.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a> {
    /// 1 or 2.
    pub(crate) number: u32,
    /// For each output of the plan, where the statistics of its two passes are; `None` for outputs of one pass.
    pub(crate) stats: &'a [Option<PathBuf>],
    /// For each thing that is made, the file or folder that is written; `None` for what this pass does not write.
    pub(crate) files: &'a [Option<PathBuf>],
}

impl Pass<'_> {
    /// Whether output `number` of the plan takes part.
    pub(super) fn includes(&self, plan: &Plan, number: usize) -> bool {
        self.writes(plan.product(number)) || self.stats(number).is_some()
    }

    /// Whether thing `product` is written.
    fn writes(&self, product: usize) -> bool {
        self.file(product).is_some()
    }

    fn file(&self, product: usize) -> Option<&Path> {
        self.files.get(product)?.as_deref()
    }

    fn stats(&self, number: usize) -> Option<&Path> {
        self.stats.get(number)?.as_deref()
    }
}

/// What a pass did.
pub(crate) struct PassOutcome {
    /// By number of the output in the plan; those that did not take part have nothing.
    pub(crate) outputs: Vec<OutputOutcome>,
    /// By number of the package.
    pub(crate) packages: Vec<Option<WrittenPackage>>,
    /// By number of the still.
    pub(crate) stills: Vec<Option<Still>>,
    /// What was wrong with the files of each sound track from beside the source.
    pub(crate) damage_of_tracks: BTreeMap<usize, Vec<DamageReport>>,
    pub(crate) damage: DamageReport,
    pub(crate) notes: Vec<String>,
    pub(crate) timing_of_source: BTreeMap<usize, TimingReport>,
    pub(crate) walked: Walked,
    /// Streams that appeared in mid-file, in words.
    pub(crate) appeared: Vec<String>,
    /// Where decoding of pictures began, of a source that is cut.
    pub(crate) seek: Option<Seek>,
}

/// What a pass did for one output.
#[derive(Default)]
pub(crate) struct OutputOutcome {
    pub(crate) ledger: Option<Ledger>,
    pub(crate) tracks: Vec<TrackRecord>,
    pub(crate) sounds: Vec<EncodedSound>,
    pub(crate) loudness: Vec<TrackLoudness>,
    pub(crate) frame_threads: Option<u32>,
    pub(crate) warnings: Vec<String>,
    /// What the pictures of the source brought along.
    pub(crate) extras: ExtrasCount,
    /// Where the source changed its size or format.
    pub(crate) changes: Vec<Change>,
    /// What became of every audio sample, by track.
    pub(crate) sound_ledgers: Vec<SoundLedger>,
    /// Where the audio of the source changed its codec, rate or channels.
    pub(crate) sound_changes: Vec<SoundChange>,
}

/// A pass whose stages run.
pub(crate) struct Running {
    pub(crate) stages: usize,
    shared: Arc<Shared>,
    damage: Arc<DamageLog>,
    appeared: Appeared,
    io: Arc<IoState>,
    /// Where decoding of pictures began, of a source that is cut.
    seek: Option<Seek>,
}

/// What stages leave behind.
struct Shared {
    repaired: AtomicU64,
    left_out: AtomicU64,
    timing: Mutex<BTreeMap<usize, TimingReport>>,
    walked: Mutex<Walked>,
    /// Where decoders of audio found another codec, by stream; those beside the source follow those in it.
    codec_changes: Mutex<Vec<SoundChange>>,
    steps: Vec<Mutex<StepBooks>>,
    outputs: Vec<OutputBooks>,
    packages: Vec<Mutex<Option<WrittenPackage>>>,
    stills: Vec<Mutex<Option<Still>>>,
    damage_of_tracks: Mutex<BTreeMap<usize, Vec<DamageReport>>>,
}

/// What a filter step did.
#[derive(Clone, Default)]
struct StepBooks {
    decoded: u64,
    before: u64,
    after: u64,
    counts: FilterCounts,
    extras: ExtrasCount,
    changes: Vec<Change>,
}

/// What the stages of an output did.
#[derive(Default)]
struct OutputBooks {
    encoded: AtomicU64,
    emitted: AtomicU64,
    done: Mutex<OutputOutcome>,
}

impl Shared {
    fn new(plan: &Plan) -> Self {
        Shared {
            repaired: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
            timing: Mutex::default(),
            walked: Mutex::default(),
            codec_changes: Mutex::default(),
            steps: plan.filters.iter().map(|_| Mutex::default()).collect(),
            outputs: plan.outputs.iter().map(|_| OutputBooks::default()).collect(),
            packages: plan.packages.iter().map(|_| Mutex::default()).collect(),
            stills: plan.stills.iter().map(|_| Mutex::default()).collect(),
            damage_of_tracks: Mutex::default(),
        }
    }

    /// Keeps what was wrong with the files of track `number` from beside the source.
    fn note_damage(&self, number: usize, found: Vec<DamageReport>) {
        lock(&self.damage_of_tracks).insert(number, found);
    }

    /// Keeps where a decoder of audio found another codec.
    fn note_changes(&self, stream: usize, found: &[SoundChange]) {
        let found = found.iter().map(|change| SoundChange { stream, ..change.clone() });
        lock(&self.codec_changes).extend(found);
    }

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
    pub(crate) fn outcome(self, plan: &Plan) -> PassOutcome {
        let shared = &self.shared;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let passed = self.seek.map_or(0, |seek| seek.not_decoded);
        let outputs = shared.outputs.iter().zip(&plan.outputs).map(|(books, output)| {
            let mut done = std::mem::take(&mut *lock(&books.done));
            let heard = |stream: usize| output.audio.iter().any(|audio| audio.stream == stream && !audio.copied);
            let changes = lock(&shared.codec_changes);
            done.sound_changes.extend(changes.iter().filter(|change| heard(change.stream)).cloned());
            if let Some(video) = &output.video {
                let steps = self.steps(plan, video.filter);
                let (first, last) = (&steps[0], &steps[steps.len() - 1]);
                let mut filter = steps.iter().fold(FilterCounts::default(), |sum, step| sum.and(&step.counts));
                (filter.taken, filter.given) = (first.counts.taken, last.counts.given);
                done.extras = first.extras;
                done.changes = steps.iter().flat_map(|step| step.changes.clone()).collect();
                done.ledger = Some(Ledger {
                    decoded: first.decoded + passed,
                    not_decoded: passed,
                    left_out_at_start: get(&shared.left_out),
                    dropped_before_start: first.before + passed,
                    dropped_after_end: first.after,
                    encoded: get(&books.encoded),
                    emitted: get(&books.emitted),
                    found: None,
                    times_repaired: get(&shared.repaired),
                    filter,
                });
            }
            done
        });
        PassOutcome {
            outputs: outputs.collect(),
            packages: shared.packages.iter().map(|package| lock(package).take()).collect(),
            stills: shared.stills.iter().map(|still| lock(still).take()).collect(),
            damage_of_tracks: std::mem::take(&mut *lock(&shared.damage_of_tracks)),
            damage: self.damage.report(),
            notes: self.damage.notes(),
            timing_of_source: std::mem::take(&mut *lock(&shared.timing)),
            walked: std::mem::take(&mut *lock(&shared.walked)),
            appeared: self.appeared.told(),
            seek: self.seek,
        }
    }

    /// What the steps did that lead to step `last`, the first of them first.
    fn steps(&self, plan: &Plan, last: usize) -> Vec<StepBooks> {
        let after = |step: &usize| plan.filters.get(*step).and_then(|step| step.after);
        let mut steps: Vec<StepBooks> =
            std::iter::successors(Some(last), after).map(|step| lock(&self.shared.steps[step]).clone()).collect();
        steps.reverse();
        steps
    }
}

impl Weight for Packet {
    fn weight(&self) -> usize {
        // The struct itself, with its buffer's book-keeping, is about this much.
        self.data().len() + 256
    }
}

impl Weight for Picture {
    fn weight(&self) -> usize {
        self.frame.bytes()
    }
}

/// Something on its way to a decoder or an encoder of sound. It weighs as much as its bytes, or as its part of the time
/// for which a stage may run ahead of another: else the sound of a source of few bytes would be encoded minutes before
/// its pictures, and the muxer, which waits for neither for long, would write them in an order that depends on the
/// machine's load.
#[derive(Clone)]
struct Queued<T> {
    item: T,
    weight: usize,
}

impl<T> Queued<T> {
    /// An item of so many bytes that lasts for `ticks` of `base`.
    fn lasting(item: T, bytes: usize, ticks: i64, base: TimeBase) -> Self {
        /// Two seconds fill the channel.
        const AHEAD: i64 = 2_000_000;
        let micros = Timestamp::new(ticks, base).micros().clamp(0, AHEAD);
        Queued { item, weight: bytes.max((micros * PACKETS as i64 / AHEAD) as usize) }
    }
}

impl Queued<Packet> {
    fn packet(packet: Packet, base: TimeBase) -> Self {
        let (bytes, ticks) = (packet.weight(), packet.duration());
        Queued::lasting(packet, bytes, ticks, base)
    }
}

impl Queued<Frame> {
    fn sound(frame: Frame) -> Self {
        let (bytes, samples, rate) = (frame.bytes(), frame.samples() as i64, i64::from(frame.sample_rate().max(1)));
        Queued::lasting(frame, bytes, samples, TimeBase::new(1, rate))
    }
}

impl<T> Weight for Queued<T> {
    fn weight(&self) -> usize {
        self.weight
    }
}

/// A packet on its way to the muxer, or why there is none.
struct ForMuxer {
    track: usize,
    packet: Result<Packet>,
}

impl Weight for ForMuxer {
    fn weight(&self) -> usize {
        self.packet.as_ref().map_or(0, Weight::weight)
    }
}

/// When `packet`, whose times count `base`, is shown or heard.
fn time_of(packet: &Packet, base: Option<&TimeBase>) -> Option<Timestamp> {
    packet.pts().or(packet.dts()).zip(base).map(|(ticks, base)| Timestamp::new(ticks, *base))
}

/// The stage that writes an output, whose tracks count time in `bases`.
fn mux(
    mut muxer: Muxer,
    bases: Vec<TimeBase>,
    input: Receiver<ForMuxer>,
    books: &OutputBooks,
    counters: &Counters,
    counts_packets: bool,
) -> Result<()> {
    while let Some(ForMuxer { track, packet }) = input.receive(Stage::Mux)? {
        let packet = packet?;
        let time = time_of(&packet, bases.get(track));
        muxer.write(track, packet).map_err(|error| error.at(time))?;
        counters.set_bytes(muxer.position());
        if counts_packets && track == 0 {
            counters.add_frame();
        }
    }
    let (records, notes) = muxer.finish()?;
    let mut done = lock(&books.done);
    done.warnings.extend(notes);
    done.tracks = records;
    Ok(())
}

/// The stage that writes package `number`, whose renditions are these outputs of the plan and count time in `bases`.
fn mux_package(
    mut writer: PackageWriter,
    bases: Vec<TimeBase>,
    input: Receiver<ForMuxer>,
    shared: &Shared,
    number: usize,
    outputs: &[usize],
    counters: &Counters,
) -> Result<()> {
    while let Some(ForMuxer { track, packet }) = input.receive(Stage::Mux)? {
        let packet = packet?;
        let time = time_of(&packet, bases.get(track));
        writer.write(track, packet).map_err(|error| error.at(time))?;
        counters.set_bytes(writer.position());
    }
    let written = writer.finish()?;
    for (output, rendition) in outputs.iter().zip(written.records()) {
        lock(&shared.outputs[*output].done).tracks = vec![rendition.track.clone()];
    }
    *lock(&shared.packages[number]) = Some(written);
    Ok(())
}
