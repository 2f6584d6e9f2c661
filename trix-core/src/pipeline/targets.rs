//! Finds the factors of rates that are targets of quality, with jobs that encode parts of the film.

use trix_model::error::{Error, Result, Stage};

use super::{Control, attempt};
use crate::{settings::job::Job, source::Source, target};

/// The job with the rate factors for which its outputs reach their targets of quality
/// ([`RateControl::Target`](crate::settings::video::RateControl::Target)): parts of the film are encoded and scored. A job without
/// targets comes back as it is. The plan of the job lists the factors with its decisions.
///
/// ```no_run
/// use trix_core::{
///     Control, Job, Source, plan, settle_targets,
///     settings::video::{EncodeSettings, RateControl, TargetMetric, VideoSettings},
/// };
/// let mut job = Job::new("master.mov", "copy.mkv");
/// let rate = RateControl::Target { metric: TargetMetric::Psnr, value: 42.0 };
/// job.outputs[0].video = VideoSettings::X265(EncodeSettings { rate: Some(rate), ..Default::default() });
/// let source = Source::of(&job.source)?;
/// let settled = settle_targets(&job, &source, &Control::default())?;
/// println!("{:?}", plan(&settled, &source)?.decisions);
/// # Ok::<(), trix_core::Error>(())
/// ```
///
/// # Errors
/// `InvalidSpec` for a target that no factor reaches, with the scores that can be reached; otherwise as
/// [`run_job`](crate::run_job).
pub fn settle_targets(job: &Job, source: &Source, control: &Control) -> Result<Job> {
    if job.open_targets().is_empty() {
        return Ok(job.clone());
    }
    control.began(Stage::Measure);
    let failed = |error| Error::io(Stage::Plan, &std::env::temp_dir(), "cannot hold a folder", error);
    let folder = tempfile::Builder::new().prefix("trix-target-").tempdir().map_err(failed)?;
    // What the encodes of parts do is not what the job does.
    let quiet = Control { cancel: control.cancel.clone(), stages: control.stages.clone(), ..Control::default() };
    target::settle(job, source, folder.path(), &mut |trial| {
        let source = source.again(&control.cancel)?;
        attempt(trial, source, &quiet, None).map_err(|failure| failure.error)
    })
}
