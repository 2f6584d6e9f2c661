//! Joins the chunks, and verifies what was made. Nothing has its final name yet.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use trix_core::{
    Control, Ingest, Report,
    control::progress::{Phase, Progress},
    document::Resolved,
    manifest::{Inputs, Manifest},
};

use super::{Folders, Said, StepRequest, chunk::plan_in, folders::failed, say};
use crate::{catalogue::StepProgress, engine::StepEnd, error::Result, mounts::Mount};

/// Makes the copies of the title in the folder of this attempt.
pub fn finish(request: &StepRequest, folders: &Folders) -> Result<StepEnd> {
    for mount in [Mount::Source, Mount::Cache, Mount::Output] {
        request.mounts.check(mount)?;
    }
    let staging = folders.staging(&request.attempt);
    fs::create_dir_all(&staging).map_err(|error| failed(&staging, "cannot be made", error))?;
    let manifest = Ingest::manifest_in(&staging, &request.submission.title);
    let (inputs, report) = if folders.plan.exists() {
        let Resolved { job, source, .. } = request.resolved()?;
        let inputs = Inputs::of(&job, &source)?;
        drop(source);
        let mut plan = plan_in(&folders.plan)?;
        plan.write_into(&staging);
        (inputs, trix_core::stitch(&plan, &folders.store, &control())?)
    } else {
        let Resolved { mut job, source, .. } = request.resolved()?;
        let inputs = Inputs::of(&job, &source)?;
        job.write_into(&staging);
        (inputs, trix_core::run_opened(&job, source, &control())?)
    };
    let mut made = Manifest::new(&staging, inputs, report)?;
    name_finally(&mut made.report, &staging, &folders.title);
    made.write(&manifest)?;
    let kept = folders.manifest_of(&request.attempt);
    fs::copy(&manifest, &kept).map_err(|error| failed(&kept, "cannot be written", error))?;
    Ok(StepEnd::Finished { attempt: request.attempt.clone() })
}

/// Writes the final names into the report.
fn name_finally(report: &mut Report, from: &Path, to: &Path) {
    let name = |path: &mut std::path::PathBuf| {
        if let Ok(own) = path.strip_prefix(from) {
            *path = to.join(own);
        }
    };
    report.outputs.iter_mut().for_each(|output| name(&mut output.path));
    report.packages.iter_mut().for_each(|package| name(&mut package.path));
    report.stills.iter_mut().for_each(|still| name(&mut still.path));
}

/// Tells the parent how far the job is.
fn control() -> Control {
    let last = Arc::new(AtomicU64::new(0));
    let progress = move |progress: &Progress| {
        if last.swap(progress.frame, Ordering::Relaxed) == progress.frame {
            return;
        }
        let doing = match progress.phase {
            Phase::FirstPass => "first_pass",
            Phase::Encode => "encode",
            Phase::Verify => "verify",
        };
        let frames_expected = progress.frames_expected.map(|frames| frames as i64);
        say(&Said::Progress {
            progress: StepProgress { frames: progress.frame as i64, frames_expected, doing: doing.into() },
        });
    };
    Control { progress: Some(Arc::new(progress)), make_folders: true, ..Control::default() }
}
