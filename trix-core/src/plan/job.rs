//! A whole plan: everything that determines the bytes of the outputs.

use serde::{Deserialize, Serialize};
use trix_model::decision::Decision;

use crate::{
    plan::{filter::FilterPlan, memory::MemoryPlan, output::OutputPlan, package::PackagePlan, still::StillPlan},
    spec::{
        job::{OnOutputFailure, SourceSettings},
        track::TrackSettings,
    },
};

/// The plan of a job. A plan is complete: it can be written as JSON, sent to another machine, and run there with the
/// same bytes.
///
/// ```no_run
/// use trix_core::{Control, Job, Plan, Source, plan, run_plan};
/// let job = Job::new("master.mov", "copy.mp4");
/// let text = serde_json::to_string(&plan(&job, &job.source.open()?)?).expect("a plan is JSON");
/// let again: Plan = serde_json::from_str(&text).expect("the same plan");
/// let report = run_plan(&again, &Control::default())?;
/// # Ok::<(), trix_core::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Plan {
    /// Version of this format: 1.
    pub trix: u32,
    /// The source.
    pub source: SourcePlan,
    /// The external audio tracks. Their streams are numbered after those of the source.
    pub external_audio: Vec<ExternalAudioPlan>,
    /// What is done to frames between the decoder and the encoders. Each step runs once for all outputs that need it.
    pub filters: Vec<FilterPlan>,
    /// The output files, then the renditions of packages.
    pub outputs: Vec<OutputPlan>,
    /// The packages.
    pub packages: Vec<PackagePlan>,
    /// The stills.
    pub stills: Vec<StillPlan>,
    /// Automatic decisions about the whole job.
    pub decisions: Vec<Decision>,
    /// The memory that the job needs.
    pub memory: MemoryPlan,
    /// Threads of the decoder; `None` lets libavcodec choose. The number does not change any byte.
    pub threads: Option<u32>,
    /// True if source and outputs are hashed (SHA-256).
    pub hash: bool,
    /// True if the loudness of every audio track is measured (EBU R 128).
    pub measure_loudness: bool,
    /// What happens to the other outputs when one fails.
    pub on_output_failure: OnOutputFailure,
}

/// The source of a plan.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SourcePlan {
    /// How the source is read.
    pub settings: SourceSettings,
    /// The identity of the source when the plan was made. A plan for a source that has changed since is refused.
    pub identity: Identity,
}

/// The identity of a source at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Identity {
    /// Size in bytes; of an image sequence, of all files together.
    pub bytes: u64,
    /// Time of the last change, in seconds and nanoseconds since 1970; of an image sequence, of the file that changed
    /// last.
    pub modified: (i64, i64),
    /// SHA-256 of the first 64 KiB, as 64 hexadecimal digits; of an image sequence, of the first file.
    pub head_sha256: String,
}

/// An external audio track of a plan.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ExternalAudioPlan {
    /// Its files and their settings.
    pub settings: TrackSettings,
    /// The identity of each file when the plan was made.
    pub identities: Vec<Identity>,
}

impl Plan {
    /// The number of `outputs` that are files. Those after them are renditions of packages.
    pub fn files(&self) -> usize {
        self.outputs.len() - self.packages.iter().map(|package| package.renditions.len()).sum::<usize>()
    }

    /// The number of products: files, packages, stills, counted in this order.
    pub(crate) fn products(&self) -> usize {
        self.files() + self.packages.len() + self.stills.len()
    }

    /// Allows the plan to replace existing files with the names of its products.
    pub fn overwrite(&mut self) {
        self.outputs.iter_mut().for_each(|output| output.overwrite = true);
        self.packages.iter_mut().for_each(|package| package.overwrite = true);
        self.stills.iter_mut().for_each(|still| still.overwrite = true);
    }

    /// The number of the product that output `number` is or belongs to.
    pub(crate) fn product(&self, number: usize) -> usize {
        let has = |package: &PackagePlan| package.renditions.iter().any(|rendition| rendition.output == number);
        let package = self.packages.iter().position(has);
        package.map_or(number, |package| self.files() + package)
    }

    /// The paths of all products.
    pub(crate) fn paths(&self) -> Vec<std::path::PathBuf> {
        let files = self.outputs[..self.files()].iter().map(|output| output.path.clone());
        let packages = self.packages.iter().map(|package| package.path.clone());
        files.chain(packages).chain(self.stills.iter().map(|still| still.path.clone())).collect()
    }
}
