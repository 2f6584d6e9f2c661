//! The products that a pass writes, and the records of its stages.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use crossbeam_channel as crossbeam;
use trix_av::io::IoState;
use trix_model::{
    control::cancel::Token,
    damage::{DamageLog, DamageReport},
    extras::ExtrasCount,
};

use super::{feed::Program, pace::Pace};
use crate::{
    chunks::Chunked,
    decode::{audio::AudioChange, timing::TimingReport},
    demux::Walked,
    filter::{audio_ledger::AudioLedger, convert::Change, frames::FilterCounts},
    ledger::Ledger,
    mux::record::TrackRecord,
    package::WrittenPackage,
    plan::{EncodeId, PerProduct, PerSink, Plan, Product, Sink, StepId, StillId},
    report::{Seek, TrackLoudness},
    source::Appeared,
    still::Still,
    verify::audio::EncodedAudio,
};

/// The products that a pass writes.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a> {
    /// 1 or 2.
    pub(crate) number: u32,
    /// For each encode, the file with the statistics of its two passes; `None` for encodes with one pass.
    pub(crate) stats: &'a [Option<PathBuf>],
    /// For each product, the file or folder that is written; `None` if this pass does not write it.
    pub(crate) files: &'a PerProduct<Option<PathBuf>>,
    /// The program that gives frames and audio in place of demuxer and decoders, if there is one.
    pub(crate) program: Option<Program<'a>>,
    /// The chunks of all encodes of video, if these have been encoded already.
    pub(crate) chunked: Option<&'a Chunked>,
}

impl Pass<'_> {
    /// True if `sink` takes part.
    pub(crate) fn includes(&self, plan: &Plan, sink: Sink) -> bool {
        let has_stats = |encode: EncodeId| self.stats(encode).is_some();
        match self.is_first_of_two() {
            true => plan.content(sink).video.is_some_and(has_stats),
            false => self.writes(sink.product()),
        }
    }

    /// True if nothing is written, and only statistics are collected.
    pub(crate) fn is_first_of_two(&self) -> bool {
        self.files.values().all(Option::is_none)
    }

    /// True if this pass writes `product`.
    pub(super) fn writes(&self, product: Product) -> bool {
        self.file(product).is_some()
    }

    pub(super) fn file(&self, product: Product) -> Option<&Path> {
        self.files[product].as_deref()
    }

    pub(super) fn stats(&self, encode: EncodeId) -> Option<&Path> {
        self.stats.get(encode.0)?.as_deref()
    }
}

/// The result of a pass.
pub(crate) struct PassOutcome {
    /// Empty for files and renditions that did not take part.
    pub(crate) outputs: PerSink<OutputOutcome>,
    /// By number of the package.
    pub(crate) packages: Vec<Option<WrittenPackage>>,
    /// By number of the still.
    pub(crate) stills: Vec<Option<Still>>,
    /// The damage of the files of each external audio track.
    pub(crate) damage_of_tracks: BTreeMap<usize, Vec<DamageReport>>,
    pub(crate) damage: DamageReport,
    pub(crate) notes: Vec<String>,
    pub(crate) timing_of_source: BTreeMap<usize, TimingReport>,
    pub(crate) walked: Walked,
    /// Descriptions of streams that appeared in mid-file.
    pub(crate) appeared: Vec<String>,
    /// Where decoding of frames began, if the job cuts the source.
    pub(crate) seek: Option<Seek>,
}

/// The result of a pass for one output.
#[derive(Default)]
pub(crate) struct OutputOutcome {
    pub(crate) ledger: Option<Ledger>,
    pub(crate) tracks: Vec<TrackRecord>,
    pub(crate) audio_tracks: Vec<EncodedAudio>,
    pub(crate) loudness: Vec<TrackLoudness>,
    pub(crate) frame_threads: Option<u32>,
    /// The processor time of the video encoder, in seconds.
    pub(crate) cpu_seconds: Option<f64>,
    /// Checksums of the samples of some frames, as the encoder says, by number.
    pub(crate) samples: BTreeMap<u64, u32>,
    pub(crate) warnings: Vec<String>,
    /// Captions and dynamic HDR metadata of the source frames.
    pub(crate) extras: ExtrasCount,
    /// Where the source changed its size or format.
    pub(crate) changes: Vec<Change>,
    /// The ledger of audio samples, by track.
    pub(crate) audio_ledgers: Vec<AudioLedger>,
    /// Where the audio of the source changed its codec, rate or channels.
    pub(crate) audio_changes: Vec<AudioChange>,
}

/// A pass whose stages are running.
pub(crate) struct Running {
    /// The threads of its stages.
    pub(crate) stages: Vec<JoinHandle<()>>,
    /// The tokens of the products.
    pub(super) tokens: PerProduct<Token>,
    /// Disconnected once the program gives nothing more, and without a program.
    pub(super) program: crossbeam::Receiver<Infallible>,
    pub(super) shared: Arc<Shared>,
    pub(super) damage: Arc<DamageLog>,
    pub(super) appeared: Appeared,
    pub(super) io: Arc<IoState>,
    /// Where decoding of frames began, if the job cuts the source.
    pub(super) seek: Option<Seek>,
}

/// The records that stages leave.
pub(super) struct Shared {
    pub(super) repaired: AtomicU64,
    pub(super) left_out: AtomicU64,
    pub(super) timing: Mutex<BTreeMap<usize, TimingReport>>,
    pub(super) walked: Mutex<Walked>,
    /// Changes of codec that audio decoders found, by stream. External tracks are numbered after the streams of the
    /// source.
    pub(super) codec_changes: Mutex<Vec<AudioChange>>,
    pub(super) steps: Vec<Mutex<StepRecord>>,
    pub(super) outputs: PerSink<OutputRecord>,
    pub(super) packages: Vec<Mutex<Option<WrittenPackage>>>,
    pub(super) stills: Vec<Mutex<Option<Still>>>,
    pub(super) damage_of_tracks: Mutex<BTreeMap<usize, Vec<DamageReport>>>,
    /// How far the frames of each product have come.
    pub(super) paces: PerProduct<Arc<Pace>>,
}

/// The record of a filter step.
#[derive(Clone, Default)]
pub(super) struct StepRecord {
    pub(super) decoded: u64,
    pub(super) before: u64,
    pub(super) after: u64,
    pub(super) counts: FilterCounts,
    pub(super) extras: ExtrasCount,
    pub(super) changes: Vec<Change>,
}

/// The record of the stages of an output.
#[derive(Default)]
pub(super) struct OutputRecord {
    pub(super) encoded: AtomicU64,
    pub(super) emitted: AtomicU64,
    pub(super) done: Mutex<OutputOutcome>,
}

impl Shared {
    pub(super) fn new(plan: &Plan) -> Self {
        Shared {
            repaired: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
            timing: Mutex::default(),
            walked: Mutex::default(),
            codec_changes: Mutex::default(),
            steps: plan.filters.iter().map(|_| Mutex::default()).collect(),
            outputs: PerSink::new(plan, |_| OutputRecord::default()),
            packages: plan.packages.iter().map(|_| Mutex::default()).collect(),
            stills: plan.stills.iter().map(|_| Mutex::default()).collect(),
            damage_of_tracks: Mutex::default(),
            paces: PerProduct::new(plan, |product| {
                let sinks = plan.sinks().into_iter().filter(|sink| sink.product() == product);
                let mut contents = sinks.map(|sink| plan.content(sink));
                Arc::new(Pace::new(contents.any(|content| content.video.is_some() || content.video_copy.is_some())))
            }),
        }
    }

    /// Where the result of still `id` is left.
    pub(super) fn still(&self, id: StillId) -> &Mutex<Option<Still>> {
        &self.stills[id.0]
    }

    /// Records the damage of the files of external audio track `number`. Of several readings, the one that found most
    /// counts: a decoder finds damage that a copy does not.
    pub(super) fn note_damage(&self, number: usize, found: Vec<DamageReport>) {
        let total = |reports: &[DamageReport]| reports.iter().map(DamageReport::total).sum::<u64>();
        let mut tracks = lock(&self.damage_of_tracks);
        let known = tracks.entry(number).or_default();
        if known.is_empty() || total(&found) > total(known) {
            *known = found;
        }
    }

    /// Records changes of codec that an audio decoder found.
    pub(super) fn note_changes(&self, stream: usize, found: &[AudioChange]) {
        let found = found.iter().map(|change| AudioChange { stream, ..change.clone() });
        lock(&self.codec_changes).extend(found);
    }

    /// Records gaps and repeats in the times of stream `index`.
    pub(super) fn note_timing(&self, index: usize, found: TimingReport) {
        if !found.is_empty() {
            lock(&self.timing).insert(index, found);
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    /// Stops the stages that only `product` needs.
    pub(crate) fn stop(&self, product: Product) {
        self.tokens[product].fail();
    }

    /// True if a program may still give frames or audio, or has not said where its streams end.
    pub(crate) fn has_program(&self) -> bool {
        self.program.try_recv() == Err(crossbeam::TryRecvError::Empty)
    }

    /// Waits for the end of the program's input, up to `time`.
    pub(crate) fn await_program(&self, time: Duration) {
        let _ = self.program.recv_timeout(time);
    }

    /// Interrupts a read that is in progress.
    pub(crate) fn interrupt(&self) {
        self.io.cancelled.store(true, Ordering::Relaxed);
    }

    /// The result of the pass. Call it after all stages have ended.
    pub(crate) fn outcome(self, plan: &Plan) -> PassOutcome {
        let shared = &self.shared;
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let passed = self.seek.as_ref().map_or(0, |seek| seek.not_decoded);
        let outputs = PerSink::new(plan, |sink| {
            let (record, output) = (&shared.outputs[sink], plan.sink(sink));
            let mut done = std::mem::take(&mut *lock(&record.done));
            let heard =
                |stream: usize| output.audio.iter().any(|audio| audio.stream.index() == stream && !audio.copied);
            let changes = lock(&shared.codec_changes);
            done.audio_changes.extend(changes.iter().filter(|change| heard(change.stream)).cloned());
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
                    encoded: get(&record.encoded),
                    emitted: get(&record.emitted),
                    found: None,
                    times_repaired: get(&shared.repaired),
                    filter,
                });
            }
            done
        });
        PassOutcome {
            outputs,
            packages: shared.packages.iter().map(|package| lock(package).take()).collect(),
            stills: shared.stills.iter().map(|still| lock(still).take()).collect(),
            damage_of_tracks: std::mem::take(&mut *lock(&shared.damage_of_tracks)),
            damage: self.damage.report(),
            notes: self.damage.notes(),
            timing_of_source: std::mem::take(&mut *lock(&shared.timing)),
            walked: std::mem::take(&mut *lock(&shared.walked)),
            appeared: self.appeared.messages(),
            seek: self.seek.clone(),
        }
    }

    /// The records of the steps that lead to step `last`, in the order in which they run.
    fn steps(&self, plan: &Plan, last: StepId) -> Vec<StepRecord> {
        let after = |step: &StepId| plan.filters.get(step.0).and_then(|step| step.after);
        let mut steps: Vec<StepRecord> =
            std::iter::successors(Some(last), after).map(|step| lock(&self.shared.steps[step.0]).clone()).collect();
        steps.reverse();
        steps
    }
}
