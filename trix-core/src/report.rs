//! The report of a job, in a form that can be kept with the file that it made.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;
use trix_model::{
    check::Check, damage::DamageReport, decision::Decision, error::ErrorKind, extras::ExtrasCount, time::Timestamp,
};

use crate::{
    decode::{audio::AudioChange, timing::TimingReport},
    filter::{audio_ledger::AudioLedger, convert::Change},
    index::FromStart,
    ledger::Ledger,
    mux::record::TrackRecord,
    package::RenditionRecord,
    plan::{FilterPlan, Loudness, OutputPlan, PackagePlan},
    quality::Score,
    source::{Discontinuity, FileFixity, Fixity},
    spec::job::VerifyLevel,
    still,
};

/// The account of a finished job.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Report {
    /// Version of Trix.
    pub trix: String,
    /// Versions of the libraries that did the work.
    pub libraries: Vec<Library>,
    /// The source.
    #[serde(serialize_with = "trix_model::path_text::serialize")]
    #[schemars(with = "PathBuf")]
    pub source: PathBuf,
    /// What it was, where the job asks for hashes.
    pub fixity: Option<Fixity>,
    /// What was wrong with the source.
    pub damage: DamageReport,
    /// What was noticed while the source was read that is no damage.
    pub notes: Vec<String>,
    /// Gaps and repeats in the times of the source's streams, by index; streams without any are left out.
    pub timing_of_source: BTreeMap<usize, TimingReport>,
    /// Places at which the clock of the source did not go on, so that later times were moved.
    pub discontinuities: Vec<Discontinuity>,
    /// Where decoding of frames began; `None` where the job does not ask for a start, or encodes none.
    pub seek: Option<Seek>,
    /// The audio tracks from beside the source.
    pub tracks: Vec<TrackReport>,
    /// What was decided about all outputs together without being asked.
    pub decisions: Vec<Decision>,
    /// What was done to frames between the decoder and the encoders.
    pub filters: Vec<FilterPlan>,
    /// The files that were written.
    pub outputs: Vec<OutputReport>,
    /// The packages that were written.
    pub packages: Vec<PackageReport>,
    /// The still images that were made.
    pub stills: Vec<StillReport>,
    /// What failed, where the job goes on without it.
    pub failed: Vec<FailedOutput>,
    /// How long it took.
    pub timing: Timing,
}

/// Where decoding of a source began that is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Seek {
    /// Frames before that, which were not decoded.
    pub not_decoded: u64,
    /// The time from which these frames were counted, if the source was entered in the middle: what lies before was not
    /// read. `None` where all frames before the cut were counted.
    pub known_from: Option<Timestamp>,
    /// Why decoding began at the start of the source; `None` where it began near the first frame that was asked for.
    pub from_start: Option<FromStart>,
}

/// The account of an output.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct OutputReport {
    /// The file that was written.
    #[serde(serialize_with = "trix_model::path_text::serialize")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, 64 lower-case hexadecimal digits, where the job asks for hashes.
    pub sha256: Option<String>,
    /// What ran.
    pub plan: OutputPlan,
    /// Frame threads of the video encoder: with another number it would have written other bytes.
    pub frame_threads: Option<u32>,
    /// What became of every frame; `None` when no video were decoded.
    pub ledger: Option<Ledger>,
    /// What was written, track by track.
    pub tracks: Vec<TrackRecord>,
    /// How loud its audio tracks are, where the job asks for that.
    pub loudness: Vec<TrackLoudness>,
    /// What the video encoder warned of.
    pub warnings: Vec<String>,
    /// Frames of the source that brought captions or dynamic HDR metadata along; `tracks` says what was written.
    pub extras: ExtrasCount,
    /// Where the source changed its size or format in mid-stream.
    pub changes: Vec<Change>,
    /// What became of every audio sample of the tracks that were encoded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audio_ledgers: Vec<AudioLedger>,
    /// Where the audio of the source changed its codec, rate or channels in mid-stream.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audio_changes: Vec<AudioChange>,
    /// How the output was checked, and what was found.
    pub verification: Verification,
}

/// The account of a package.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct PackageReport {
    /// The folder that was written.
    #[serde(serialize_with = "trix_model::path_text::serialize")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// The size of all of its files.
    pub bytes: u64,
    /// Its files and their hashes, where the job asks for them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<FileFixity>,
    /// What ran.
    pub plan: PackagePlan,
    /// Its renditions: frames, audio, text.
    pub renditions: Vec<RenditionReport>,
    /// Each thing that was compared; all of them hold.
    pub checks: Vec<Check>,
}

/// The account of a rendition of a package.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct RenditionReport {
    /// What was written.
    pub record: RenditionRecord,
    /// What ran; `None` for text.
    pub plan: Option<OutputPlan>,
    /// Frame threads of the video encoder.
    pub frame_threads: Option<u32>,
    /// What became of every frame; `None` for audio and text.
    pub ledger: Option<Ledger>,
    /// How loud its audio is, where the job asks for that.
    pub loudness: Vec<TrackLoudness>,
    /// What the video encoder warned of.
    pub warnings: Vec<String>,
    /// Frames of the source that brought captions or dynamic HDR metadata along.
    pub extras: ExtrasCount,
    /// Where the source changed its size or format in mid-stream.
    pub changes: Vec<Change>,
    /// What became of every audio sample of the tracks that were encoded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audio_ledgers: Vec<AudioLedger>,
    /// Where the audio of the source changed its codec, rate or channels in mid-stream.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub audio_changes: Vec<AudioChange>,
}

/// The account of a still image, or a set of them.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct StillReport {
    /// Its first file.
    #[serde(serialize_with = "trix_model::path_text::serialize")]
    #[schemars(with = "PathBuf")]
    pub path: PathBuf,
    /// Its files; their hashes are empty where the job asks for none.
    pub files: Vec<FileFixity>,
    /// What is to be seen.
    pub found: still::StillReport,
}

/// The account of an audio track from beside the source.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct TrackReport {
    /// The files that it is made of.
    #[serde(serialize_with = "trix_model::path_text::list::serialize")]
    #[schemars(with = "Vec<PathBuf>")]
    pub files: Vec<PathBuf>,
    /// What was wrong with them.
    pub damage: Vec<DamageReport>,
}

/// How loud an audio track is.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct TrackLoudness {
    /// Number of the track among the audio tracks of the output.
    pub track: usize,
    /// As it went into the encoder, or, of a copied one, as it is decoded.
    pub loudness: Loudness,
}

/// An output that there is not.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct FailedOutput {
    /// The name that it would have had.
    #[serde(serialize_with = "trix_model::path_text::serialize")]
    #[schemars(with = "PathBuf")]
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
    /// Seconds by which audio ends after (or, negative, before) the frame; the longest track counts.
    pub drift_seconds: Option<f64>,
    /// The decoded output against the frames that went in.
    pub score: Option<Score>,
    /// For a lossless encode: frames that were proved equal.
    pub lossless_frames: Option<u64>,
}

/// How long a job took.
#[derive(Clone, Copy, Debug, Serialize, schemars::JsonSchema)]
pub struct Timing {
    /// Seconds for reading, encoding and writing, all passes.
    pub encode_seconds: f64,
    /// Seconds for verification.
    pub verify_seconds: f64,
    /// Frames of the source in a second while encoding, all passes counted once.
    pub fps: f64,
}
