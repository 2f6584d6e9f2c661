//! The report of a job. It can be stored together with the output file.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};
use trix_model::{
    check::Check, damage::DamageReport, decision::Decision, error::ErrorKind, error_document::ErrorDetail,
    extras::ExtrasCount, time::Timestamp,
};

pub use crate::mux::record::TrackRecord;
use crate::{
    decode::{audio::AudioChange, timing::TimingReport},
    filter::{audio_ledger::AudioLedger, convert::Change},
    index::FromStart,
    ledger::Ledger,
    package::RenditionRecord,
    plan::{EncodeId, EncodePlan, FilterPlan, FollowMode, Loudness, OutputId, OutputPlan, PackagePlan, Plan, Sharing},
    quality::Score,
    settings::job::VerifyLevel,
    source::{Discontinuity, FileFixity, Fixity},
    still,
};

/// The report of a finished job.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Report {
    /// Version of this format: 1.
    #[serde(deserialize_with = "trix_model::json::version")]
    pub trix: u32,
    /// Version of Trix.
    pub version: String,
    /// Versions of the libraries in use.
    pub libraries: Vec<Library>,
    /// The source.
    #[serde(with = "trix_model::path_text")]
    #[schemars(with = "PathBuf")]
    pub source: PathBuf,
    /// The hashes of the source, if the job requests them.
    pub fixity: Option<Fixity>,
    /// Damage of the source.
    pub damage: DamageReport,
    /// Other observations about the source that are no damage.
    pub notes: Vec<String>,
    /// Gaps and repeats in the times of each stream of the source, by index; streams without any are left out.
    pub timing_of_source: BTreeMap<usize, TimingReport>,
    /// Discontinuities of the source's clock, after which later times were moved.
    pub discontinuities: Vec<Discontinuity>,
    /// Where decoding of video began; `None` if the job sets no start, or encodes no video.
    pub seek: Option<Seek>,
    /// The external audio tracks.
    pub tracks: Vec<TrackReport>,
    /// Automatic decisions about all outputs together.
    pub decisions: Vec<Decision>,
    /// What was done to frames between the decoder and the encoders.
    pub filters: Vec<FilterPlan>,
    /// What was encoded, once for all files and renditions that have its packets.
    pub encodes: Vec<EncodePlan>,
    /// The files that were written.
    pub outputs: Vec<OutputReport>,
    /// The packages that were written.
    pub packages: Vec<PackageReport>,
    /// The still images that were made.
    pub stills: Vec<StillReport>,
    /// The outputs that failed, if the job continues without them.
    pub failed: Vec<FailedOutput>,
    /// How long the job took.
    pub timing: Timing,
}

/// Where decoding of a source with a start time began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Seek {
    /// Frames before that place, which were not decoded.
    pub not_decoded: u64,
    /// The time from which these frames were counted, if the source was entered in the middle: what lies before was not
    /// read. `None` if all frames before the cut were counted.
    pub known_from: Option<Timestamp>,
    /// Why decoding began at the start of the source; `None` if it began near the first requested frame.
    pub from_start: Option<FromStart>,
    /// Audio streams that were decoded from the start of the source, by index: the samples of a codec such as AAC or AC-3, of
    /// a resampler or of a dither depend on all that came before, or the times of the container are too coarse to count
    /// samples.
    pub audio_from_start: Vec<usize>,
}

/// The report of an output.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OutputReport {
    /// The file that was written.
    #[serde(with = "trix_model::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, 64 lower-case hexadecimal digits, if the job requests hashes.
    pub sha256: Option<String>,
    /// The plan that ran.
    pub plan: OutputPlan,
    /// Frame threads of the video encoder. Another number would have produced other bytes.
    pub frame_threads: Option<u32>,
    /// With which outputs it shares an analysis; `None` if it was analysed for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing: Option<SharedAnalysis>,
    /// Processor time of the video encoder in seconds, of all its threads: of x264 and x265. Files that share an encode share its time.
    /// `None` for other encoders, and if it was not kept with the chunks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
    /// The account of every frame; `None` if no video was decoded.
    pub ledger: Option<Ledger>,
    /// The record of each written track.
    pub tracks: Vec<TrackRecord>,
    /// The loudness of its audio tracks, if the job requests it.
    pub loudness: Vec<TrackLoudness>,
    /// Warnings of the video encoder.
    pub warnings: Vec<String>,
    /// Frames of the source with captions or dynamic HDR metadata; `tracks` states what was written.
    pub extras: ExtrasCount,
    /// The places where the source changed its size or format in mid-stream.
    pub changes: Vec<Change>,
    /// The account of every audio sample of the encoded tracks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audio_ledgers: Vec<AudioLedger>,
    /// The places where the audio of the source changed its codec, rate or channels in mid-stream.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audio_changes: Vec<AudioChange>,
    /// How the output was verified, and the results.
    pub verification: Verification,
}

/// With which outputs an output shares an analysis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SharedAnalysis {
    /// It was analysed, and these followed its analysis.
    Lead {
        /// Their files.
        #[serde(with = "trix_model::path_text::list")]
        #[schemars(with = "Vec<PathBuf>")]
        followers: Vec<PathBuf>,
    },
    /// It followed the analysis of another output.
    Follower {
        /// The file of that output.
        #[serde(with = "trix_model::path_text")]
        #[schemars(with = "PathBuf")]
        lead: PathBuf,
        /// What was decided anew.
        mode: FollowMode,
    },
}

impl SharedAnalysis {
    /// The part of the encode of file `id` of a plan.
    pub(crate) fn of(plan: &Plan, id: OutputId) -> Option<Self> {
        let video = plan.output(id).content.video?;
        let file = |encode: &EncodeId| {
            let taker = plan.outputs.iter().find(|file| file.content.video == Some(*encode));
            taker.map(|file| file.path.clone())
        };
        match plan.encodes.get(video.0)?.video()?.sharing.as_ref()? {
            Sharing::Lead { followers } => {
                Some(SharedAnalysis::Lead { followers: followers.iter().filter_map(file).collect() })
            }
            Sharing::Follower { lead, mode } => Some(SharedAnalysis::Follower { lead: file(lead)?, mode: *mode }),
        }
    }
}

/// The report of a package.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PackageReport {
    /// The folder that was written.
    #[serde(with = "trix_model::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// The size of all its files in bytes.
    pub bytes: u64,
    /// Its files and their hashes, if the job requests them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileFixity>,
    /// The plan that ran.
    pub plan: PackagePlan,
    /// Its renditions: video, audio, text.
    pub renditions: Vec<RenditionReport>,
    /// All comparisons; each of them holds.
    pub checks: Vec<Check>,
}

/// The report of a rendition of a package.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RenditionReport {
    /// The record of what was written.
    pub record: RenditionRecord,
    /// The plan that ran; `None` for text.
    pub plan: Option<OutputPlan>,
    /// Frame threads of the video encoder.
    pub frame_threads: Option<u32>,
    /// Processor time of the video encoder in seconds, of all its threads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
    /// The account of every frame; `None` for audio and text.
    pub ledger: Option<Ledger>,
    /// The loudness of its audio, if the job requests it.
    pub loudness: Vec<TrackLoudness>,
    /// Warnings of the video encoder.
    pub warnings: Vec<String>,
    /// Frames of the source with captions or dynamic HDR metadata.
    pub extras: ExtrasCount,
    /// The places where the source changed its size or format in mid-stream.
    pub changes: Vec<Change>,
    /// The account of every audio sample of the encoded tracks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audio_ledgers: Vec<AudioLedger>,
    /// The places where the audio of the source changed its codec, rate or channels in mid-stream.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audio_changes: Vec<AudioChange>,
}

/// The report of a still image, or of a set of them.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StillReport {
    /// Its first file.
    #[serde(with = "trix_model::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// Its files; their hashes are empty if the job requests none.
    pub files: Vec<FileFixity>,
    /// The content of the still.
    pub found: still::StillReport,
}

/// The report of an external audio track.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TrackReport {
    /// Its files.
    #[serde(with = "trix_model::path_text::list")]
    #[schemars(with = "Vec<PathBuf>")]
    pub files: Vec<PathBuf>,
    /// Damage of these files.
    pub damage: Vec<DamageReport>,
}

/// The loudness of an audio track.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TrackLoudness {
    /// Number of the track among the audio tracks of the output.
    pub track: usize,
    /// The loudness of the encoder's input, or of the decoded track if it is copied.
    pub loudness: Loudness,
}

/// An output that failed.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FailedOutput {
    /// Its intended name.
    #[serde(with = "trix_model::path_text")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// The kind of the error.
    pub kind: ErrorKind,
    /// The error, with its place.
    pub error: String,
}

/// What became of several masters, in the order in which they were done.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Summary {
    /// Version of this format: 1.
    #[serde(deserialize_with = "trix_model::json::version")]
    pub trix: u32,
    /// The masters.
    pub masters: Vec<MasterResult>,
}

impl Summary {
    /// A summary of `masters`.
    pub fn new(masters: Vec<MasterResult>) -> Self {
        Summary { trix: trix_model::json::VERSION, masters }
    }
}

/// What became of a master.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MasterResult {
    /// The master.
    #[serde(with = "trix_model::path_text")]
    #[schemars(with = "PathBuf")]
    pub source: PathBuf,
    /// What became of it.
    pub state: MasterState,
    /// Seconds that it took.
    pub seconds: f64,
    /// The report of the job; of files that were kept, that of the job that made them. `None` if the job failed.
    pub report: Option<Box<Report>>,
    /// Why the job failed.
    pub error: Option<ErrorDetail>,
}

/// What became of a master.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MasterState {
    /// Its copies were made and verified.
    Made,
    /// All of its copies were there, complete and unchanged.
    Kept,
    /// Some of its copies were made, and others failed. The report names them.
    Partly,
    /// Nothing was made.
    Failed,
    /// It was not begun, because the run was interrupted.
    NotBegun,
}

/// A library and its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Library {
    /// Name.
    pub name: String,
    /// Version, as the library reports it.
    pub version: String,
}

/// How an output was verified, and the results.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Verification {
    /// The level of verification.
    pub level: VerifyLevel,
    /// All comparisons. Each of them holds, otherwise there is no report.
    pub checks: Vec<Check>,
    /// Seconds from the end of the video to the end of the longest audio track; negative if audio ends first.
    pub drift_seconds: Option<f64>,
    /// The score of the decoded output against the frames that were encoded.
    pub score: Option<Score>,
    /// For a lossless encode: the number of frames that were proved equal.
    pub lossless_frames: Option<u64>,
}

/// How long a job took.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Timing {
    /// Seconds for reading, encoding and writing, in all passes.
    pub encode_seconds: f64,
    /// Seconds for verification.
    pub verify_seconds: f64,
    /// Frames of the source per second during encoding; frames of several passes are counted once.
    pub fps: f64,
}
