//! Encodes a chunk into the store of the job.

use std::{
    cell::Cell,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use trix_core::{Cancel, Plan, plan::FrameRange};

use super::{Folders, Said, StepRequest, folders::failed, say};
use crate::{
    catalogue::StepProgress,
    engine::StepEnd,
    error::{Error, Result},
    mounts::Mount,
};

/// Time between two messages on how far a chunk is.
const TELL: Duration = Duration::from_millis(250);

/// Encodes chunk `number`, if it is not in the store.
pub fn encode(request: &StepRequest, folders: &Folders, number: usize) -> Result<StepEnd> {
    request.mounts.check(Mount::Source)?;
    request.mounts.check(Mount::Cache)?;
    fs::create_dir_all(&folders.store).map_err(|error| failed(&folders.store, "cannot be made", error))?;
    let plan = plan_in(&folders.plan)?;
    let range = plan.chunks.as_ref().and_then(|chunks| chunks.ranges.get(number));
    let frames_expected = range.map(|range| range.frames() as i64);
    let last = Cell::new(Instant::now());
    let tell = |frames: u64| {
        if last.get().elapsed() >= TELL {
            last.set(Instant::now());
            say(&Said::Progress {
                progress: StepProgress { frames: frames as i64, frames_expected, doing: "encode".into() },
            });
        }
    };
    trix_core::encode_chunk_telling(&plan, number, &folders.store, &Cancel::default(), &tell)?;
    let frames = frames_expected.unwrap_or(0);
    say(&Said::Progress { progress: StepProgress { frames, frames_expected, doing: "encode".into() } });
    Ok(StepEnd::Encoded)
}

impl StepRequest {
    /// The frames of a chunk, if the plan can be read.
    pub fn frames_of(&self, number: usize) -> Option<FrameRange> {
        let plan = plan_in(&Folders::of(self).plan).ok()?;
        plan.chunks?.ranges.get(number).copied()
    }
}

/// Reads the plan of the run.
pub fn plan_in(path: &Path) -> Result<Plan> {
    let text = fs::read(path).map_err(|error| failed(path, "cannot be read", error))?;
    serde_json::from_slice(&text).map_err(|error| Error::invalid(format!("{}: {error}", path.display())))
}
