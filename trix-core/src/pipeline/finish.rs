//! Finishes the products of the passes: syncs, checks and hashes them, until they are ready for their final names.
//!
//! Invariant: a product is ready only after the checks of the job.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use trix_model::{
    check::Check,
    control::{
        cancel::{Cancel, Token},
        events::Event,
    },
    damage::{DamageReport, OnDamage},
    error::{Error, ErrorKind, Result, Stage},
    path_text,
    time::TimeBase,
};

use super::{
    check::{self, Compared, FileCheck, Records, Reference},
    commit::{Made, Ready},
    failures::{self, Failures},
    host::Host,
    pass::{OutputOutcome, PassOutcome},
    presented,
};
use crate::{
    decode::{audio::AudioChange, timing::TimingReport},
    demux::Walked,
    filter::audio_ledger::AudioLedger,
    ledger::Ledger,
    mux::{part::PartFile, record::TrackRecord},
    package::{self, Verified, WrittenPackage},
    plan::{AudioPlan, OutputId, OutputPlan, PackageId, PerProduct, PerSink, Plan, Product, Sink, StillId},
    pool,
    report::{OutputReport, PackageReport, RenditionReport, SharedAnalysis, StillReport, TrackLoudness},
    settings::job::{OnOutputFailure, VerifyLevel},
    source::{Discontinuity, FileFixity, SourceHasher, sha256_of_file},
    still::Still,
};

/// Temporary names beside the final names, reserved before anything is decoded.
pub(super) struct PendingOutputs {
    files: Vec<PartFile>,
    /// Paths of all products. Packages and stills are created when they are written; that this is possible was checked.
    names: PerProduct<PathBuf>,
}

impl PendingOutputs {
    /// # Errors
    /// `Io` if a name exists and may not be overwritten, a folder is missing, or another job is writing there.
    pub(super) fn take(plan: &Plan) -> Result<Self> {
        let files = plan.outputs.iter();
        let files = files.map(|output| PartFile::create(&output.path, output.overwrite)).collect::<Result<_>>()?;
        for still in &plan.stills {
            still
                .settings
                .paths()
                .into_iter()
                .try_for_each(|path| PartFile::create(&path, still.overwrite).map(drop))?;
        }
        for package in &plan.packages {
            package::refuse_taken(&package.path, package.overwrite)?;
        }
        Ok(PendingOutputs { files, names: plan.paths() })
    }

    /// The first product, among those for which `is_watched` holds, that can no longer get its name, and the reason.
    pub(super) fn gone(&self, is_watched: impl Fn(Product) -> bool) -> Option<(Product, Error)> {
        let folder = |path: &PathBuf| {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            std::fs::metadata(parent)
                .map(drop)
                .map_err(|error| Error::io(Stage::Mux, path, "its folder is gone", error))
        };
        let there = |(product, path): (Product, &PathBuf)| match product {
            Product::Output(id) => (product, self.files[id.0].is_there()),
            Product::Package(_) | Product::Still(_) => (product, folder(path)),
        };
        let watched = self.names.iter().filter(|(product, _)| is_watched(*product));
        watched.map(there).find_map(|(product, there)| Some((product, there.err()?)))
    }

    /// The path that each product is written to.
    pub(super) fn written(&self) -> PerProduct<PathBuf> {
        self.names.map(|product, path| match product {
            Product::Output(id) => self.files[id.0].path().to_owned(),
            Product::Package(_) | Product::Still(_) => path.clone(),
        })
    }
}

/// Facts about the source that the passes found.
pub(super) struct SourceFindings {
    pub(super) damage: DamageReport,
    pub(super) notes: Vec<String>,
    pub(super) timing_of_source: BTreeMap<usize, TimingReport>,
    pub(super) discontinuities: Vec<Discontinuity>,
    pub(super) damage_of_tracks: BTreeMap<usize, Vec<DamageReport>>,
}

/// A written product before any check.
enum Written {
    File(OutputId, PartFile, Box<OutputOutcome>),
    /// The package, and the outcomes of its renditions.
    Package(PackageId, WrittenPackage, Vec<OutputOutcome>),
    Still(StillId, Still),
}

/// The result of checking one product.
struct Looked {
    product: Product,
    made: Result<Made>,
    /// The number of frames, for a file that was read.
    frames: Option<u64>,
    /// Checksums of the samples of some frames, for a file whose frames have still to be compared.
    samples: BTreeMap<u64, u32>,
    /// True if no check is left.
    is_whole: bool,
}

/// The inputs for checking products.
pub(super) struct Finish<'a> {
    pub(super) plan: &'a Plan,
    /// The plan of each file and rendition, with its encodes.
    pub(super) outputs: &'a PerSink<OutputPlan>,
    pub(super) hasher: Option<&'a SourceHasher>,
    /// False if a program gave the frames, which are gone.
    pub(super) has_source: bool,
    pub(super) host: &'a Host<'a>,
}

impl Finish<'_> {
    /// Syncs all products to disk, and checks them.
    pub(super) fn check(
        &self,
        pending: PendingOutputs,
        outcome: PassOutcome,
        failures: &mut Failures,
    ) -> Result<(Vec<Ready>, SourceFindings)> {
        let PassOutcome {
            outputs, packages, stills, damage, notes, timing_of_source, walked, damage_of_tracks, ..
        } = outcome;
        let (mut written, mut missing): (Vec<(Product, Written)>, Vec<Product>) = Default::default();
        for (number, (part, own)) in pending.files.into_iter().zip(outputs.outputs).enumerate() {
            let id = OutputId(number);
            if !failures.has(Product::Output(id)) {
                written.push((Product::Output(id), Written::File(id, part, Box::new(own))));
            }
        }
        for (number, (package, own)) in packages.into_iter().zip(outputs.renditions).enumerate() {
            let id = PackageId(number);
            match package {
                Some(package) => written.push((Product::Package(id), Written::Package(id, package, own))),
                None => missing.push(Product::Package(id)),
            }
        }
        for (number, still) in stills.into_iter().enumerate() {
            let id = StillId(number);
            match still {
                Some(still) => written.push((Product::Still(id), Written::Still(id, still))),
                None => missing.push(Product::Still(id)),
            }
        }
        let (mut ready, mut finished): (Vec<Ready>, Vec<PathBuf>) = Default::default();
        let names = failures.names();
        for Looked { product, made, is_whole, .. } in self.look_at_all(written, &damage, &walked)? {
            match made {
                Ok(made) => {
                    ready.push(Ready { product, made });
                    finished.extend(is_whole.then(|| names[product].clone()));
                }
                Err(error) => {
                    let error = error.in_file(&names[product]);
                    failures.add(product, error).map_err(|error| failures::explain(error, &finished))?;
                }
            }
        }
        if let Some(product) = missing.into_iter().find(|product| !failures.has(*product)) {
            let detail = "was not made, and no stage said why";
            return Err(Error::bug(Stage::Mux, detail).in_file(&names[product]));
        }
        let discontinuities = walked.discontinuities;
        Ok((ready, SourceFindings { damage, notes, timing_of_source, discontinuities, damage_of_tracks }))
    }

    /// Checks all products in parallel: first each on its own, then the frames of those whose frames are compared. If
    /// one failure fails the job, it stops the checks of later products only. So the reported error does not depend on
    /// which thread was faster.
    fn look_at_all(
        &self,
        written: Vec<(Product, Written)>,
        damage: &DamageReport,
        walked: &Walked,
    ) -> Result<Vec<Looked>> {
        let tokens = Token::new(&self.host.control.cancel).of_outputs(self.plan.products().len());
        let tokens = PerProduct::in_order(self.plan, tokens);
        let ends_job = self.plan.on_output_failure == OnOutputFailure::Fail;
        let failed = |product: Product| {
            let concerned = tokens.iter().filter(|(other, _)| *other == product || (ends_job && *other > product));
            concerned.for_each(|(_, token)| token.fail());
        };
        pool::with(pool::threads(self.plan.check_threads), || {
            let mut all = pool::map(written, |(product, written)| {
                let looked = self.look_at(product, written, walked, &tokens[product]);
                if looked.made.is_err() {
                    failed(product);
                }
                looked
            });
            if !ends_job || all.iter().all(|looked| looked.made.is_ok()) {
                self.compare_frames(&mut all, damage, &tokens, &failed);
            }
            all
        })
    }

    /// Checks one product, except for its frames.
    fn look_at(&self, product: Product, written: Written, walked: &Walked, token: &Token) -> Looked {
        let (mut frames, mut samples) = (None, BTreeMap::new());
        let compares_frames = self.compares_frames(product);
        let made = match written {
            _ if token.is_set() => Err(Error::cancelled(Stage::Verify)),
            Written::File(id, part, mut outcome) => part.sync().and_then(|()| {
                if compares_frames {
                    samples = std::mem::take(&mut outcome.samples);
                }
                let (report, found) = self.file(id, part.path(), *outcome, walked, token)?;
                frames = found;
                Ok(Made::File(part, Box::new(report)))
            }),
            Written::Package(id, package, renditions) => self
                .package(id, &package, renditions, walked, token)
                .map(|report| Made::Package(package, Box::new(report))),
            Written::Still(id, still) => {
                self.still(id, still).map(|(parts, report)| Made::Still(parts, Box::new(report)))
            }
        };
        Looked { product, made, frames, samples, is_whole: !compares_frames }
    }

    /// True if `product` is a file whose frames are compared with those of the source.
    fn compares_frames(&self, product: Product) -> bool {
        let Product::Output(id) = product else { return false };
        let file = self.plan.output(id);
        self.has_source && file.verify == VerifyLevel::Full && file.content.video.is_some()
    }

    /// Compares the frames of all files that need it.
    fn compare_frames(
        &self,
        all: &mut [Looked],
        damage: &DamageReport,
        tokens: &PerProduct<Token>,
        failed: &(dyn Fn(Product) + Sync),
    ) {
        let (mut files, mut products) = (Vec::new(), Vec::new());
        for looked in all.iter_mut().filter(|looked| !looked.is_whole) {
            let (product, frames) = (looked.product, looked.frames.unwrap_or(0));
            let samples = std::mem::take(&mut looked.samples);
            looked.is_whole = true;
            let (Ok(Made::File(part, report)), Product::Output(id)) = (&mut looked.made, product) else { continue };
            let plan = &self.outputs[Sink::Output(id)];
            let Some(video) = &plan.video else { continue };
            let compared = Compared { plan, video, path: part.path(), frames, samples, token: tokens[product].clone() };
            files.push((self.plan.number_of(product), compared, &mut report.verification));
            products.push(product);
        }
        if files.is_empty() {
            return;
        }
        let reference = Reference { plan: self.plan, hasher: self.hasher, damage };
        let results = check::compare_frames(&reference, files, self.host, &|place| failed(products[place]));
        for (product, result) in products.into_iter().zip(results) {
            let Err(error) = result else { continue };
            let Some(looked) = all.iter_mut().find(|looked| looked.product == product) else { continue };
            let error = match &looked.made {
                Ok(Made::File(part, report)) => error.renamed(part.path(), &report.path),
                _ => error,
            };
            looked.made = Err(error);
        }
    }

    /// Checks file `id`. Returns its report and its number of frames.
    fn file(
        &self,
        id: OutputId,
        path: &Path,
        outcome: OutputOutcome,
        walked: &Walked,
        token: &Token,
    ) -> Result<(OutputReport, Option<u64>)> {
        let OutputOutcome {
            mut ledger,
            tracks,
            audio_tracks,
            loudness,
            frame_threads,
            cpu_seconds,
            samples,
            mut warnings,
            extras,
            changes,
            ..
        } = outcome;
        let (audio_ledgers, audio_changes) = audio_reports(outcome.audio_ledgers, outcome.audio_changes);
        let plan = &self.outputs[Sink::Output(id)];
        self.balance(ledger.as_ref())?;
        audio_ledgers.iter().try_for_each(AudioLedger::balance)?;
        self.lasts(plan, &tracks)?;
        let presented = self.presented(plan, &tracks, walked, &mut warnings)?;
        let records = Records { tracks: &tracks, audio_tracks: &audio_tracks, samples: &samples };
        let found = check::verify(self.plan, plan, path, records, token);
        let FileCheck { mut verification, frames, sha256 } = found.map_err(|error| error.renamed(path, &plan.path))?;
        verification.checks.extend(presented);
        if let Some(ledger) = &mut ledger {
            ledger.found = frames;
            ledger.balance()?;
        }
        let report = OutputReport {
            path: plan.path.clone(),
            bytes: std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
            sha256,
            plan: plan.clone(),
            frame_threads,
            sharing: SharedAnalysis::of(self.plan, id),
            cpu_seconds,
            ledger,
            tracks,
            loudness: in_order(loudness),
            warnings,
            extras,
            changes,
            audio_ledgers,
            audio_changes,
            verification,
        };
        Ok((report, frames))
    }

    /// Checks package `id`, and returns its report.
    fn package(
        &self,
        id: PackageId,
        written: &WrittenPackage,
        renditions: Vec<OutputOutcome>,
        walked: &Walked,
        token: &Token,
    ) -> Result<PackageReport> {
        let plan = self.plan.package(id);
        let Verified { mut checks, hashes } = written.verify(self.plan.hash, token)?;
        if let Some(failed) = Check::failed(&checks) {
            return Err(Error::new(ErrorKind::Verification, Stage::Verify, failed));
        }
        let (mut outcomes, mut renditions) = (renditions.into_iter(), Vec::new());
        for (at, record) in written.records().iter().enumerate() {
            let sink = Sink::Rendition { package: id, rendition: at };
            let output = plan.renditions.get(at).map(|_| &self.outputs[sink]);
            let outcome = outcomes.next().unwrap_or_default();
            let OutputOutcome {
                mut ledger, loudness, frame_threads, cpu_seconds, mut warnings, extras, changes, ..
            } = outcome;
            let (audio_ledgers, audio_changes) = audio_reports(outcome.audio_ledgers, outcome.audio_changes);
            self.balance(ledger.as_ref())?;
            audio_ledgers.iter().try_for_each(AudioLedger::balance)?;
            if let Some(output) = output {
                self.lasts(output, std::slice::from_ref(&record.track))?;
                let found = self.presented(output, std::slice::from_ref(&record.track), walked, &mut warnings)?;
                let named = |check: Check| Check { name: format!("{}: {}", record.id, check.name), ..check };
                checks.extend(found.into_iter().map(named));
            }
            if let Some(ledger) = &mut ledger {
                ledger.found = Some(record.track.packets);
                ledger.balance()?;
            }
            renditions.push(RenditionReport {
                record: record.clone(),
                plan: output.cloned(),
                frame_threads,
                cpu_seconds,
                ledger,
                loudness: in_order(loudness),
                warnings,
                extras,
                changes,
                audio_ledgers,
                audio_changes,
            });
        }
        let files = files_of(&written.path(), &plan.path, self.plan.hash, &hashes, &self.host.control.cancel)?;
        let bytes = files.iter().map(|file| file.bytes).sum();
        let files = if self.plan.hash { files } else { Vec::new() };
        Ok(PackageReport { path: plan.path.clone(), bytes, files, plan: plan.clone(), renditions, checks })
    }

    /// Writes still `id` under a temporary name.
    fn still(&self, id: StillId, still: Still) -> Result<(Vec<PartFile>, StillReport)> {
        let mut parts = Vec::new();
        let mut files = Vec::new();
        for file in still.files {
            let part = PartFile::create(&file.path, self.plan.still(id).overwrite)?;
            std::fs::write(part.path(), &file.bytes)
                .map_err(|error| Error::io(Stage::Mux, &file.path, "cannot be written", error))?;
            part.sync()?;
            let bytes = file.bytes.len() as u64;
            let sha256 = self.hash(part.path()).map_err(|error| error.renamed(part.path(), &file.path))?;
            files.push(FileFixity {
                name: path_text::to_text(file.path.file_name().unwrap_or_default()),
                sha256: sha256.unwrap_or_default(),
                bytes,
            });
            parts.push(part);
        }
        let path = self.plan.still(id).path.clone();
        Ok((parts, StillReport { path, files, found: still.report }))
    }

    /// Checks that there were frames, and that all of them are accounted for.
    fn balance(&self, ledger: Option<&Ledger>) -> Result<()> {
        let Some(ledger) = ledger else { return Ok(()) };
        if ledger.encoded == 0 {
            return Err(Error::new(ErrorKind::MalformedInput, Stage::Decode, no_frames(ledger))
                .in_file(&self.plan.source.settings.path));
        }
        ledger.balance()
    }

    /// Checks that copied external audio tracks have the required length. Encoded tracks are checked where they are encoded.
    fn lasts(&self, plan: &OutputPlan, tracks: &[TrackRecord]) -> Result<()> {
        let first = usize::from(plan.video.is_some() || plan.video_copy.is_some());
        for (audio, record) in plan.audio.iter().zip(tracks.iter().skip(first)) {
            let AudioPlan { copied: true, must_last: Some(must_last), .. } = audio else { continue };
            let end = record.end.map_or(0, |end| end.rescale(TimeBase::new(1, i64::from(audio.sample_rate))));
            let track = audio.stream.external_audio().and_then(|number| self.plan.external_audio.get(number));
            let file = track.and_then(|track| track.settings.all_inputs().into_iter().next()).unwrap_or_default().path;
            must_last.check(end).map_err(|error| error.in_file(&file))?;
        }
        Ok(())
    }

    /// Checks that the output has the presented time of the source. Where damage is tolerated, missing time is a
    /// warning.
    fn presented(
        &self,
        plan: &OutputPlan,
        tracks: &[TrackRecord],
        walked: &Walked,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Check>> {
        let (hold, wrong): (Vec<Check>, Vec<Check>) =
            presented::checks(plan, tracks, walked).into_iter().partition(|check| check.ok);
        let texts = wrong.iter().map(|check| {
            format!("{}: the source presents {}, {} was written", check.name, check.expected, check.found)
        });
        let texts: Vec<String> = texts.collect();
        if !texts.is_empty() && self.plan.source.settings.on_damage == OnDamage::Fail {
            return Err(Error::new(ErrorKind::Verification, Stage::Verify, texts.join("; ")).in_file(&plan.path));
        }
        for text in &texts {
            self.host.control.emit(|| Event::Warning { path: Some(plan.path.clone()), text: text.clone() });
        }
        warnings.extend(texts);
        Ok(hold)
    }

    fn hash(&self, path: &Path) -> Result<Option<String>> {
        self.plan.hash.then(|| sha256_of_file(path, &self.host.control.cancel)).transpose()
    }
}

/// Sorts by track number, since the stages end in any order.
fn in_order(mut loudness: Vec<TrackLoudness>) -> Vec<TrackLoudness> {
    loudness.sort_by_key(|found| found.track);
    loudness
}

/// Sorts by track number. A change of one stream that several tracks have is listed once.
fn audio_reports(mut ledgers: Vec<AudioLedger>, mut changes: Vec<AudioChange>) -> (Vec<AudioLedger>, Vec<AudioChange>) {
    ledgers.sort_by_key(|ledger| ledger.track);
    changes.sort_by_key(|change| (change.stream, change.time));
    changes.dedup();
    (ledgers, changes)
}

/// The files of a folder and its subfolders, sorted by name, with paths below its final name `target`. Files that have no
/// hash in `hashes` are read.
fn files_of(
    folder: &Path,
    target: &Path,
    hash: bool,
    hashes: &BTreeMap<PathBuf, String>,
    cancel: &Cancel,
) -> Result<Vec<FileFixity>> {
    let io = |error: std::io::Error| Error::io(Stage::Verify, target, "cannot be read", error);
    let mut entries: Vec<_> = std::fs::read_dir(folder).map_err(io)?.collect::<std::io::Result<_>>().map_err(io)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    let mut files = Vec::new();
    for entry in entries {
        let (path, name) = (entry.path(), path_text::to_text(entry.file_name()));
        let named = target.join(entry.file_name());
        if path.is_dir() {
            let below = files_of(&path, &named, hash, hashes, cancel)?;
            files.extend(below.into_iter().map(|file| FileFixity { name: format!("{name}/{}", file.name), ..file }));
            continue;
        }
        let bytes = entry.metadata().map_err(io)?.len();
        let sha256 = hash.then(|| match hashes.get(&path) {
            Some(known) => Ok(known.clone()),
            None => sha256_of_file(&path, cancel).map_err(|error| error.renamed(&path, &named)),
        });
        let sha256 = sha256.transpose()?.unwrap_or_default();
        files.push(FileFixity { name, sha256, bytes });
    }
    Ok(files)
}

fn no_frames(ledger: &Ledger) -> String {
    match ledger.decoded {
        0 => "the source has no decodable frame".to_owned(),
        decoded => format!("none of the {decoded} frames of the source lies in the part that was asked for"),
    }
}
