//! Encodes of parts of a film, to find the factors of rates that are targets of quality.

use trix_model::error::{Error, Result, Stage};

use super::control::Control;
use crate::{machine::this_machine, planner::Draft, report::Report, settings::job::Job, source::Source, target};

/// As [`settle_targets`](super::settle_targets); `run` runs a job.
pub(super) fn settle(
    job: &Job,
    source: &Source,
    control: &Control,
    run: impl Fn(&Job, Source, &Control) -> Result<Report>,
) -> Result<Job> {
    if job.open_targets().is_empty() {
        return Ok(job.clone());
    }
    // A job that cannot work is refused before anything is encoded.
    Draft::new(job, source, &this_machine())?;
    control.began(Stage::Measure);
    let failed = |error| Error::io(Stage::Plan, &std::env::temp_dir(), "cannot hold a folder", error);
    let folder = tempfile::Builder::new().prefix("trix-target-").tempdir().map_err(failed)?;
    // What the encodes of parts do is not what the job does.
    let quiet = Control {
        cancel: control.cancel.clone(),
        stages: control.stages.clone(),
        metrics: target::metrics(job)?,
        ..Control::default()
    };
    let mut run = |trial: &Job| run(trial, source.again(&control.cancel)?, &quiet);
    target::settle(job, source, folder.path(), &mut run, &|event| control.emit(|| event))
}
