//! What a job did, in a form that can be kept beside the file it made.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;

use crate::{
    decode::{damage::DamageReport, timing::TimingReport},
    error::ErrorKind,
    filter::convert::Change,
    media::extras::ExtrasCount,
    mux::record::TrackRecord,
    pipeline::ledger::Ledger,
    quality::Score,
    spec::{
        job::VerifyLevel,
        plan::{Decision, FilterPlan, OutputPlan},
    },
};

/// The account of a finished job.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Report {
    /// Version of Trix.
    pub trix: String,
    /// Versions of the libraries that did the work.
    pub libraries: Vec<Library>,
    /// The source.
    pub source: PathBuf,
    /// What was wrong with the source.
    pub damage: DamageReport,
    /// Gaps and repeats in the times of the source's streams, by index; streams without any are left out.
    pub timing_of_source: BTreeMap<usize, TimingReport>,
    /// What was decided about all outputs together without being asked.
    pub decisions: Vec<Decision>,
    /// What was done to pictures between the decoder and the encoders.
    pub filters: Vec<FilterPlan>,
    /// What was written.
    pub outputs: Vec<OutputReport>,
    /// What failed, where the job goes on without it.
    pub failed: Vec<FailedOutput>,
    /// How long it took.
    pub timing: Timing,
}

/// The account of an output.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct OutputReport {
    /// The file that was written.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// What ran.
    pub plan: OutputPlan,
    /// Frame threads of the picture encoder: with another number it would have written other bytes.
    pub frame_threads: Option<u32>,
    /// What became of every frame; `None` when no pictures were decoded.
    pub ledger: Option<Ledger>,
    /// What was written, track by track.
    pub tracks: Vec<TrackRecord>,
    /// What the picture encoder warned of.
    pub warnings: Vec<String>,
    /// Pictures of the source that brought captions or dynamic HDR metadata along; `tracks` says what was written.
    pub extras: ExtrasCount,
    /// Where the source changed its size or format in mid-stream.
    pub changes: Vec<Change>,
    /// How the output was checked, and what was found.
    pub verification: Verification,
}

/// An output that there is not.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct FailedOutput {
    /// The name that it would have had.
    pub path: PathBuf,
    /// What kind of trouble it was.
    pub kind: ErrorKind,
    /// What happened, with its place.
    pub error: String,
}

/// A library and its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Library {
    /// Name.
    pub name: String,
    /// Version as the library says it.
    pub version: String,
}

/// How an output was checked, and what was found.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Verification {
    /// How far the check went.
    pub level: VerifyLevel,
    /// Each thing that was compared; all of them hold, or there would be no report.
    pub checks: Vec<Check>,
    /// Seconds by which sound ends after (or, negative, before) the picture; the longest track counts.
    pub drift_seconds: Option<f64>,
    /// The decoded output against the frames that went in.
    pub score: Option<Score>,
    /// For a lossless encode: frames that were proved equal.
    pub lossless_frames: Option<u64>,
}

/// One thing that was compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Check {
    /// What.
    pub name: String,
    /// What it had to be.
    pub expected: String,
    /// What it was.
    pub found: String,
    /// Whether that is right.
    pub ok: bool,
}

impl Check {
    /// That `found` is what was `expected`.
    pub(crate) fn equal<T: ToString>(name: impl Into<String>, expected: T, found: T) -> Self {
        let (expected, found) = (expected.to_string(), found.to_string());
        Check { name: name.into(), ok: expected == found, expected, found }
    }
}

/// How long a job took.
#[derive(Clone, Copy, Debug, Serialize, schemars::JsonSchema)]
pub struct Timing {
    /// Seconds for reading, encoding and writing, all passes.
    pub encode_seconds: f64,
    /// Seconds for verification.
    pub verify_seconds: f64,
    /// Pictures of the source in a second while encoding, all passes counted once.
    pub fps: f64,
}
