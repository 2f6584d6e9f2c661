//! The request of one output of a job, and the data that all outputs of the job share.

use trix_model::time::Timestamp;

use crate::{
    planner::{external_audio::ExternalAudio, lazy_probe::LazyProbe},
    settings::job::{Job, OutputSettings, SourceSettings},
};

/// The data that all outputs of a job share while they are planned.
pub(super) struct PlanContext<'a> {
    pub(super) job: &'a Job,
    pub(super) probe: &'a LazyProbe,
    /// The job's external audio tracks.
    pub(super) external_audio: &'a [ExternalAudio],
}

impl<'a> PlanContext<'a> {
    /// The request of one output. `origin` is the source time at time zero, where several outputs must agree on it.
    pub(super) fn request<'b>(&self, output: &'b OutputSettings, origin: Option<Timestamp>) -> OutputRequest<'b>
    where
        'a: 'b,
    {
        OutputRequest {
            source: &self.job.source,
            output,
            threads: output.threads.or(self.job.threads),
            probe: self.probe,
            external_audio: self.external_audio,
            part: None,
            origin,
        }
    }
}

/// The request of one output.
pub(super) struct OutputRequest<'a> {
    pub(super) source: &'a SourceSettings,
    pub(super) output: &'a OutputSettings,
    /// Encoder threads, where the job sets them.
    pub(super) threads: Option<u32>,
    pub(super) probe: &'a LazyProbe,
    /// The job's external audio tracks.
    pub(super) external_audio: &'a [ExternalAudio],
    /// One audio stream can become several tracks. `Some(n)` asks for the nth of them, `None` for all.
    pub(super) part: Option<usize>,
    /// The source time at time zero of the output, where several outputs must agree on it.
    pub(super) origin: Option<Timestamp>,
}

impl OutputRequest<'_> {
    /// True if the job asks for only a part of the source.
    pub(super) fn is_cut(&self) -> bool {
        self.source.start.is_some() || self.source.duration.is_some() || self.source.frames.is_some()
    }
}
