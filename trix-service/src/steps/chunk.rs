//! Encodes a chunk into the store of the job.

use std::{fs, path::Path};

use trix_core::{Cancel, Plan, plan::FrameRange};

use super::{Folders, StepRequest, folders::failed};
use crate::{
    engine::StepEnd,
    error::{Error, Result},
    mounts::Mount,
};

/// Encodes chunk `number`, if it is not in the store.
pub fn encode(request: &StepRequest, folders: &Folders, number: usize) -> Result<StepEnd> {
    request.mounts.check(Mount::Source)?;
    request.mounts.check(Mount::Cache)?;
    fs::create_dir_all(&folders.store).map_err(|error| failed(&folders.store, "cannot be made", error))?;
    trix_core::encode_chunk(&plan_in(&folders.plan)?, number, &folders.store, &Cancel::default())?;
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
