//! How far the jobs of a store are, for `trix status`.
//!
//! Invariant: what is told about chunks is counted in the store. What a job says about itself (speed, last error) is as old as
//! [`ChunkStatus::updated`] says.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use trix_model::{
    error::{Error, Result, Stage},
    json, path_text,
};

use super::{
    chunked::{ChunkPhase, Chunked},
    first_pass,
    setup::ChunkTask,
    store::{ChunkKey, FOLDER, Store},
};
use crate::{mux::part::try_lock, plan::Plan};

/// The endings of the names of the two files of a job.
const PLAN: &str = "plan";
const STATE: &str = "state";

/// How far the jobs with chunks in a folder are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StoreStatus {
    /// Version of this format: 1.
    #[serde(deserialize_with = "json::version")]
    pub trix: u32,
    /// The jobs, in the order of the names of their files.
    pub jobs: Vec<ChunkStatus>,
}

/// How far a job with chunks is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChunkStatus {
    /// The folder of the chunks.
    #[serde(with = "path_text")]
    #[schemars(with = "String")]
    pub store: PathBuf,
    /// The source.
    #[serde(with = "path_text")]
    #[schemars(with = "String")]
    pub source: PathBuf,
    /// What the job makes.
    #[serde(with = "path_text::list")]
    #[schemars(with = "Vec<String>")]
    pub outputs: Vec<PathBuf>,
    /// Number of chunks of the film.
    pub chunks: usize,
    /// Chunks that are in the store for all encodes.
    pub done: usize,
    /// Chunks of which the first of two passes is in the store. `None` if no encode has two passes.
    pub measured: Option<usize>,
    /// Frames of the film.
    pub frames: u64,
    /// Frames of the chunks that are done.
    pub done_frames: u64,
    /// Bytes of the job's chunks.
    pub bytes: u64,
    /// True if the job, or another one of this store, is running.
    pub is_running: bool,
    /// Frames a second in this run; `None` if the job is not running, or has just begun.
    pub frames_per_second: Option<f64>,
    /// Seconds until the last chunk is encoded, at this speed.
    pub seconds_left: Option<f64>,
    /// The error that ended a run of the job, or the last attempt at a chunk.
    pub last_error: Option<String>,
    /// Seconds since 1970 at which the job last told how far it is.
    pub updated: Option<u64>,
}

/// What a running job writes down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    frames_per_second: Option<f64>,
    last_error: Option<String>,
    updated: u64,
}

/// The notes of a job in its store. What cannot be written is left out: the job does not need it.
pub(crate) struct Notes {
    path: PathBuf,
    told: Told,
}

impl Notes {
    /// Writes down the plan of a job that begins.
    pub(crate) fn begin(store: &Store, plan: &Plan) -> Self {
        let mut notes = Notes::list(store, plan);
        notes.write();
        notes
    }

    /// Writes down the plan of a job, of which chunks are encoded one by one.
    pub(super) fn list(store: &Store, plan: &Plan) -> Self {
        let name = ChunkKey::of(plan_name(plan).as_bytes()).to_string();
        let path = store.folder().join(name);
        if let Ok(text) = serde_json::to_vec(plan) {
            let _ = replace(&path.with_extension(PLAN), &text);
        }
        Notes { path, told: Told::default() }
    }

    /// Writes down how fast the job is.
    pub(crate) fn speed(&mut self, frames_per_second: f64) {
        self.told.frames_per_second = Some(frames_per_second).filter(|speed| speed.is_finite() && *speed > 0.0);
        self.write();
    }

    /// Writes down an error.
    pub(crate) fn error(&mut self, error: String) {
        self.told.last_error = Some(error);
        self.write();
    }

    fn write(&mut self) {
        self.told.updated = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if let Ok(text) = serde_json::to_vec(&self.told) {
            let _ = replace(&self.path.with_extension(STATE), &text);
        }
    }
}

/// The notes of a job replace those of an earlier one with the same source and outputs.
fn plan_name(plan: &Plan) -> String {
    let outputs: Vec<String> = plan.paths().values().map(path_text::to_text).collect();
    serde_json::json!([plan.source.identity, outputs]).to_string()
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let own = path.with_extension(format!("{}.part", std::process::id()));
    fs::write(&own, bytes)?;
    fs::rename(&own, path)
}

/// How far the jobs in `folder` are: a store of chunks, or a folder of outputs with such stores beside them.
///
/// # Errors
/// `Io` if the folder cannot be read.
pub fn status(folder: &Path) -> Result<StoreStatus> {
    Ok(StoreStatus { trix: json::VERSION, jobs: jobs_in(folder)? })
}

fn jobs_in(folder: &Path) -> Result<Vec<ChunkStatus>> {
    let unreadable = |error| Error::io(Stage::Encode, folder, "cannot be read", error);
    let mut found = Vec::new();
    let mut entries = fs::read_dir(folder).map_err(unreadable)?.collect::<io::Result<Vec<_>>>().map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() && entry.file_name().as_encoded_bytes().ends_with(FOLDER.as_bytes()) {
            found.extend(jobs_in(&path)?);
        } else if path.extension().is_some_and(|ending| ending == PLAN) {
            found.extend(of_job(folder, &path));
        }
    }
    Ok(found)
}

/// How far the job is whose plan `path` holds. `None` if it is not a plan of this version.
fn of_job(folder: &Path, path: &Path) -> Option<ChunkStatus> {
    let plan: Plan = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let is_running = fs::File::open(folder).and_then(|folder| try_lock(&folder)).is_ok_and(|is_free| !is_free);
    let told = fs::read(path.with_extension(STATE)).ok().and_then(|text| serde_json::from_slice::<Told>(&text).ok());
    let told = told.unwrap_or_default();
    let mut chunked = Chunked::of(&plan, Store::looking_at(folder)).ok()?;
    let measured = chunked.has_first_pass().then(|| {
        let is_there = |task: &ChunkTask| first_pass::is_kept(&task.key, &chunked.store);
        let is_measured = |number: &usize| chunked.tasks(*number, ChunkPhase::FirstPass).iter().all(is_there);
        (0..chunked.ranges.len()).filter(is_measured).count()
    });
    // As long as something is missing for that, fewer chunks are known.
    if chunked.allocate().is_ok() {
        while chunked.allocate_rest().is_ok_and(|is_new| is_new) {}
        while chunked.correct_rates().is_ok_and(|is_new| is_new) {}
    }
    let _ = chunked.settle_buffers();
    let (mut done, mut done_frames, mut bytes) = (0, 0, 0);
    for (number, range) in chunked.ranges.iter().enumerate() {
        let tasks = chunked.tasks(number, ChunkPhase::Chunks);
        let sizes: Vec<Option<u64>> = tasks.iter().map(|task| chunked.store.size(&task.key)).collect();
        bytes += sizes.iter().flatten().sum::<u64>();
        if sizes.len() == chunked.encodes() && sizes.iter().all(Option::is_some) {
            (done, done_frames) = (done + 1, done_frames + range.frames());
        }
    }
    let frames = chunked.ranges.iter().map(|range| range.frames()).sum();
    let frames_per_second = told.frames_per_second.filter(|_| is_running);
    Some(ChunkStatus {
        store: folder.to_owned(),
        source: plan.source.settings.path.clone(),
        outputs: plan.paths().values().cloned().collect(),
        chunks: chunked.ranges.len(),
        done,
        measured,
        frames,
        done_frames,
        bytes,
        is_running,
        frames_per_second,
        seconds_left: frames_per_second.map(|speed| (frames - done_frames) as f64 / speed),
        last_error: told.last_error,
        updated: Some(told.updated).filter(|at| *at > 0),
    })
}
