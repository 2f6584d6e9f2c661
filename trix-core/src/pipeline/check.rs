//! Checks an output before it gets its final name.
//!
//! Invariant: checks read the file as any reader does, and compare it with the encoders' output and with the source.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use crossbeam_channel as crossbeam;
use trix_model::{
    control::{
        cancel::Token,
        progress::{Counters, Expected, Phase, Watch},
    },
    damage::DamageReport,
    error::{Error, ErrorKind, Result, Stage},
    format::Chroma,
};

use super::{
    control::TICK,
    host::{Host, Meters},
    stage::no_thread,
};
use crate::{
    mux::record::TrackRecord,
    plan::{Cut, Filtering, OutputPlan, Plan, Transform, VideoPlan},
    report::Verification,
    settings::{job::VerifyLevel, picture::Resampler},
    source::{Source, SourceHasher, sha256_of_file},
    verify::{
        audio,
        audio::EncodedAudio,
        content::Comparison,
        copies::{self, Copied, Taken},
        samples::{self, Reconstructed},
        structure,
    },
};

/// The reference that an output is compared with.
pub(super) struct Reference<'a> {
    pub(super) plan: &'a Plan,
    /// Gives access to the source, if it is hashed. Data that is still in memory is not read again.
    pub(super) hasher: Option<&'a SourceHasher>,
    /// Damage of the source.
    pub(super) damage: &'a DamageReport,
}

impl Reference<'_> {
    fn open(&self) -> Result<Source> {
        self.hasher.map_or_else(|| Source::of(&self.plan.source.settings), SourceHasher::open)
    }
}

/// The result of reading a file back.
pub(super) struct FileCheck {
    pub(super) verification: Verification,
    /// The number of frames in the file.
    pub(super) frames: Option<u64>,
    pub(super) sha256: Option<String>,
}

/// What encoders and muxer say about a file.
pub(super) struct Records<'a> {
    pub(super) tracks: &'a [TrackRecord],
    pub(super) audio_tracks: &'a [EncodedAudio],
    /// Checksums of the samples of some frames. Empty if these are compared with the other frames of the file.
    pub(super) samples: &'a BTreeMap<u64, u32>,
}

/// Checks the file at the level of the job, except for its frames. Hashes it during the same reading, if the job says
/// so. The frames of an encode that follows another one are decoded at every level.
pub(super) fn verify(
    whole: &Plan,
    plan: &OutputPlan,
    path: &Path,
    records: Records<'_>,
    token: &Token,
) -> Result<FileCheck> {
    let Records { tracks, audio_tracks, samples } = records;
    let level = plan.verify;
    let mut verification =
        Verification { level, checks: Vec::new(), drift_seconds: None, score: None, lossless_frames: None };
    let reconstructed = match &plan.video {
        Some(video) if !samples.is_empty() => {
            Some(samples::compare(path, video.format, samples, whole.check_threads, token)?)
        }
        _ => None,
    };
    if level == VerifyLevel::Off {
        verification.checks.extend(reconstructed);
        let sha256 = whole.hash.then(|| sha256_of_file(path, token.caller())).transpose()?;
        return Ok(FileCheck { verification, frames: None, sha256 });
    }
    let mut found = structure::compare(path, plan, tracks, whole.hash, token)?;
    if level == VerifyLevel::Full && !audio_tracks.is_empty() {
        found.checks.extend(audio::compare(path, plan, audio_tracks, found.clock, token)?);
    }
    found.hold(path)?;
    verification.checks = found.checks;
    verification.checks.extend(reconstructed);
    verification.drift_seconds = found.drift_seconds;
    Ok(FileCheck { verification, frames: found.frames, sha256: found.sha256 })
}

/// A file whose frames are compared with those of the source.
pub(super) struct Compared<'a> {
    pub(super) plan: &'a OutputPlan,
    pub(super) video: &'a VideoPlan,
    pub(super) path: &'a Path,
    /// The number of frames in the file.
    pub(super) frames: u64,
    /// Checksums of the samples of some frames, as the encoder says.
    pub(super) samples: BTreeMap<u64, u32>,
    pub(super) token: Token,
}

impl Compared<'_> {
    fn copied(&self, counters: Arc<Counters>) -> Result<Copied> {
        let Compared { plan, video, path, token, .. } = self;
        let filtering = Filtering {
            // Scores are computed on planes, so the comparison uses a planar format.
            transform: Transform { packing: None, ..video.transform.clone() },
            ..video.filtering()
        };
        let cut = Cut { start: plan.start, end: plan.end, frames: plan.frames };
        Ok(Copied {
            source: Source::open(path)?,
            filtering: decoded_shape(video),
            taken: Taken { cut, filtering: Some(filtering) },
            // A decoder may add grey chroma to a frame without chroma. Only encoded planes are compared.
            luma_only: video.format.chroma == Chroma::C400,
            reconstructed: Reconstructed::new(&self.samples, video.format),
            counters,
            token: token.clone(),
        })
    }

    /// Adds the result of a comparison to `verification`.
    fn judge(&self, comparison: Comparison, verification: &mut Verification) -> Result<()> {
        let wrong = |detail: String| Error::new(ErrorKind::Verification, Stage::Verify, detail);
        if comparison.score.frames != self.frames {
            return Err(wrong(format!("{} frames can be decoded", comparison.score.frames)));
        }
        if self.video.lossless {
            if let Some(difference) = comparison.first_difference {
                let frame = difference.frame;
                let detail = format!("the encode should be lossless, and frame {frame} differs from the source");
                return Err(wrong(detail).at(Some(difference.time)));
            }
            verification.lossless_frames = Some(comparison.score.frames);
        }
        verification.score = Some(comparison.score);
        verification.checks.extend((!self.samples.is_empty()).then(|| samples::check(&self.samples)));
        Ok(())
    }
}

/// Compares the frames of `files` with those of the source, which is decoded once for all files. Each file comes with the
/// number of its product. Adds the results to the verification of each file. Calls `failed` with the index of a file as
/// soon as it fails.
pub(super) fn compare_frames(
    reference: &Reference<'_>,
    files: Vec<(usize, Compared<'_>, &mut Verification)>,
    host: &Host<'_>,
    failed: &(dyn Fn(usize) + Sync),
) -> Vec<Result<()>> {
    let Reference { plan: whole, damage, .. } = reference;
    let source = match reference.open() {
        Ok(source) => source,
        Err(error) => return files.iter().map(|_| Err(error.again())).collect(),
    };
    // The first reading has judged damage. If the job tolerated damage, this reading meets it again.
    let on_damage = if damage.is_empty() { Default::default() } else { whole.source.settings.on_damage };
    let counters: Vec<Arc<Counters>> = files.iter().map(|_| Arc::default()).collect();
    let expected = |file: &Compared<'_>| Expected::Frames(Some(file.frames), file.video.rate.to_f64());
    let outputs = files.iter().zip(&counters).map(|((_, file, _), own)| (Arc::clone(own), expected(file)));
    let mut watch = Watch::new(Phase::Verify, outputs.collect());
    let mut meters = Meters::new(host.control);
    for ((number, file, _), own) in files.iter().zip(&counters) {
        let own = Watch::new(Phase::Verify, vec![(Arc::clone(own), expected(file))]);
        meters.add(*number, file.plan.path.clone(), Stage::Verify, own);
    }
    let (mut copies, mut places, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (place, ((_, file, _), counters)) in files.iter().zip(counters).enumerate() {
        let opened = file.copied(counters).map(|copied| {
            copies.push(copied);
            places.push(place);
        });
        if opened.is_err() {
            failed(place);
        }
        refused.push(opened.err());
    }
    let metrics = host.control.measured();
    let failed_copy = |copy: usize| failed(places[copy]);
    let reference = copies::Reference { source, on_damage };
    let found = watched(&mut watch, meters, host, || {
        copies::compare(reference, copies, metrics, whole.check_threads, &failed_copy)
    });
    let mut found = match found {
        Ok(found) => found.into_iter(),
        Err(error) => return files.iter().map(|_| Err(error.again())).collect(),
    };
    let judged = files.into_iter().zip(refused).map(|((_, file, verification), refused)| match refused {
        Some(error) => Err(error),
        None => found.next().map_or(Ok(()), |comparison| file.judge(comparison?, verification)),
    });
    judged.collect()
}

/// The filtering from decoded frames of the output to the format in which they were encoded: FFV1 packs 8-bit RGB, and
/// ProRes 4444 is decoded to 12 bits.
fn decoded_shape(plan: &VideoPlan) -> Option<Filtering> {
    let transform = Transform::to(plan.width, plan.height, plan.format, Resampler::default(), plan.color);
    plan.encoder.is_mezzanine().then(|| Filtering::by(transform))
}

/// Runs `work` while another thread reports its progress to the caller.
///
/// # Errors
/// `Io` if the thread cannot be started.
fn watched<T>(watch: &mut Watch, mut meters: Meters, host: &Host<'_>, work: impl FnOnce() -> T) -> Result<T> {
    if !host.wants_progress() {
        return Ok(work());
    }
    let (stop, stopped) = crossbeam::bounded::<()>(0);
    let result = std::thread::scope(|scope| {
        let watch_progress = move || {
            while let Err(crossbeam::RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
                host.show_progress(watch, &mut meters);
            }
            host.show_progress(watch, &mut meters);
        };
        let name = "trix-watch";
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, watch_progress);
        thread.map_err(|error| no_thread(name, Stage::Verify, error))?;
        let result = work();
        drop(stop);
        Ok(result)
    });
    host.settle();
    result
}
