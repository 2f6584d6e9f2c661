//! Plans a job, and divides its film.

use std::fs;

use trix_core::{ErrorKind, JsonFile, document::Resolved};

use super::{Folders, Planned, StepRequest, folders::failed};
use crate::{error::Result, mounts::Mount};

/// Writes the plan of the run. Returns the number of chunks, and what the job will make.
pub fn plan(request: &StepRequest, folders: &Folders) -> Result<(usize, Planned)> {
    request.mounts.check(Mount::Source)?;
    request.mounts.check(Mount::Cache)?;
    let Resolved { job, source, .. } = request.resolved()?;
    fs::create_dir_all(folders.job()).map_err(|error| failed(folders.job(), "cannot be made", error))?;
    let plan = match trix_core::plan_chunks(&job, &source) {
        Ok(plan) => plan,
        // Whatever else the job asks for is possible, or the second plan fails, too.
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            let plan = trix_core::plan(&job, &source)?;
            let mut planned = Planned::of(&job, &plan, &source, &folders.title);
            planned.units = 0;
            return Ok((0, planned));
        }
        Err(error) => return Err(error.into()),
    };
    let chunks = plan.chunks.as_ref().map_or(0, |chunks| chunks.ranges.len());
    JsonFile::take(&folders.plan)?.write(&plan)?;
    Ok((chunks, Planned::of(&job, &plan, &source, &folders.title)))
}
