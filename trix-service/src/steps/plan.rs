//! Plans a job, and divides its film.

use std::fs;

use trix_core::{Control, ErrorKind, JsonFile, Source, document::Resolved};

use super::{Folders, Planned, StepRequest, folders::failed};
use crate::{
    catalogue::Master,
    error::{Error, Result},
    mounts::{Mount, changed_at},
};

/// Writes the plan of the run. Returns the number of chunks, what the job will make, and the master.
pub fn plan(request: &StepRequest, folders: &Folders) -> Result<(usize, Planned, Master)> {
    request.mounts.check(Mount::Source)?;
    request.mounts.check(Mount::Cache)?;
    let Resolved { job, source, .. } = request.resolved()?;
    let master = master(request, &source)?;
    fs::create_dir_all(folders.job()).map_err(|error| failed(folders.job(), "cannot be made", error))?;
    let job = trix_core::settle_targets(&job, &source, &Control::default())?;
    let plan = match trix_core::plan_chunks(&job, &source) {
        Ok(plan) => plan,
        // Whatever else the job asks for is possible, or the second plan fails, too.
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            let plan = trix_core::plan(&job, &source)?;
            let mut planned = Planned::of(&job, &plan, &source, &folders.title);
            planned.units = 0;
            return Ok((0, planned, master));
        }
        Err(error) => return Err(error.into()),
    };
    let chunks = plan.chunks.as_ref().map_or(0, |chunks| chunks.ranges.len());
    JsonFile::take(&folders.plan)?.write(&plan)?;
    Ok((chunks, Planned::of(&job, &plan, &source, &folders.title), master))
}

/// The master as it is now.
fn master(request: &StepRequest, source: &Source) -> Result<Master> {
    let path = request.mounts.inside(Mount::Source, &request.submission.source)?;
    let facts = fs::metadata(&path).map_err(|error| failed(&path, "cannot be read", error))?;
    let probe = serde_json::to_value(trix_core::probe::probe(source)).map_err(|error| Error::Bug(error.to_string()))?;
    Ok(Master {
        path: request.submission.source.clone(),
        bytes: facts.len() as i64,
        changed_at: changed_at(&facts),
        sha256: None,
        probe,
    })
}
