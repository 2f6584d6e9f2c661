//! Checks an output before it gets its name.
//!
//! Invariant: what is compared is the file as any reader sees it, with what the encoders emitted and the source holds.

use std::{path::Path, sync::Arc};

use crossbeam_channel as crossbeam;
use trix_model::{
    control::{
        cancel::Token,
        progress::{Counters, Phase, Watch},
    },
    damage::DamageReport,
    error::{Error, ErrorKind, Result, Stage},
    format::Chroma,
};

use super::{Control, TICK, stage::no_thread};
use crate::{
    mux::record::TrackRecord,
    plan::{Cut, Filtering, OutputPlan, Plan, Transform, VideoPlan},
    quality::Metric,
    report::Verification,
    source::{FixityKeeper, Source},
    spec::{job::VerifyLevel, picture::Resampler, source::Limits},
    verify::{
        content::{self, Sides},
        sound,
        sound::EncodedSound,
        structure,
    },
};

/// What an output is compared with.
pub(super) struct Reference<'a> {
    pub(super) plan: &'a Plan,
    /// Has the source, where it is hashed; what is still in memory is not read again.
    pub(super) keeper: Option<&'a FixityKeeper>,
    /// What was wrong with the source.
    pub(super) damage: &'a DamageReport,
}

impl Reference<'_> {
    fn open(&self) -> Result<Source> {
        self.keeper.map_or_else(|| self.plan.source.settings.open(), FixityKeeper::open)
    }
}

/// Checks the file as far as the job says. Returns also how many pictures it holds.
pub(super) fn verify(
    reference: &Reference<'_>,
    plan: &OutputPlan,
    path: &Path,
    tracks: &[TrackRecord],
    sounds: &[EncodedSound],
    control: &Control,
) -> Result<(Verification, Option<u64>)> {
    let Reference { plan: job, damage, .. } = reference;
    let level = plan.verify;
    let mut verification =
        Verification { level, checks: Vec::new(), drift_seconds: None, score: None, lossless_frames: None };
    if level == VerifyLevel::Off {
        return Ok((verification, None));
    }
    let token = Token::new(&control.cancel);
    let mut found = structure::compare(path, plan, tracks, &token)?;
    if level == VerifyLevel::Full && !sounds.is_empty() {
        found.checks.extend(sound::compare(path, plan, sounds, found.clock, &token)?);
    }
    found.hold(path)?;
    verification.checks = found.checks;
    verification.drift_seconds = found.drift_seconds;
    if let (VerifyLevel::Full, Some(video)) = (level, &plan.video) {
        let counters = Arc::new(Counters::default());
        let mut watch = Watch::new(Phase::Verify, found.pictures, video.rate.to_f64(), vec![Arc::clone(&counters)]);
        let sides = Sides {
            reference: reference.open()?,
            cut: Cut { start: plan.start, end: plan.end, frames: plan.frames },
            // Damage was already judged by the first reading; where it was tolerated, it is met again here.
            on_damage: if damage.is_empty() { Default::default() } else { job.source.settings.on_damage },
            filtering: Some(Filtering {
                // Compared in planes, in which scores are computed.
                transform: Transform { packing: None, ..video.transform.clone() },
                ..video.filtering()
            }),
            distorted: Source::open(path, Limits::default())?,
            distorted_filtering: decoded_shape(video),
            // A decoder may add grey chroma to a picture that has none; only what was encoded is compared.
            luma_only: video.format.chroma == Chroma::C400,
            threads: job.threads.unwrap_or(0),
        };
        let comparison =
            watched(&mut watch, control, || content::compare(sides, &[Metric::Psnr, Metric::Ssim], &token, &counters))?;
        if comparison.score.frames != found.pictures.unwrap_or(0) {
            let detail = format!("{} pictures can be decoded", comparison.score.frames);
            return Err(Error::new(ErrorKind::Verification, Stage::Verify, detail));
        }
        if video.lossless {
            if let Some(difference) = comparison.first_difference {
                let frame = difference.frame;
                let detail = format!("the encode should be lossless, and picture {frame} differs from the source");
                return Err(Error::new(ErrorKind::Verification, Stage::Verify, detail).at(Some(difference.time)));
            }
            verification.lossless_frames = Some(comparison.score.frames);
        }
        verification.score = Some(comparison.score);
    }
    Ok((verification, found.pictures))
}

/// What brings the pictures that a decoder of the output yields to the layout in which they were encoded: FFV1 packs RGB
/// of 8 bits, and ProRes 4444 is decoded to 12 bits.
fn decoded_shape(plan: &VideoPlan) -> Option<Filtering> {
    let transform = Transform::to(plan.width, plan.height, plan.format, Resampler::default(), plan.color);
    plan.encoder.is_mezzanine().then(|| Filtering::by(transform))
}

/// Does `work` while another thread tells the caller how far it is.
fn watched<T>(watch: &mut Watch, control: &Control, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let Some(progress) = control.progress.clone() else { return work() };
    let (stop, stopped) = crossbeam::bounded::<()>(0);
    std::thread::scope(|scope| {
        let tell = move || {
            while let Err(crossbeam::RecvTimeoutError::Timeout) = stopped.recv_timeout(TICK) {
                progress(&watch.look());
            }
            progress(&watch.look());
        };
        let name = "trix-progress";
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, tell);
        thread.map_err(|error| no_thread(name, Stage::Verify, error))?;
        let result = work();
        drop(stop);
        result
    })
}
