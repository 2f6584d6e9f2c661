//! Removes what is old: rows of the catalogue, and the scratch files of jobs that are over.
//!
//! Invariant: chunks of a job that a worker may still need stay.

use std::{fs, io, path::Path};

use crate::{
    catalogue::Catalogue,
    config::Config,
    error::{Error, Result},
    mounts::Mount,
    now,
};

/// Removes what the settings do not keep. Returns the number of folders that were removed.
///
/// # Errors
/// If catalogue or mounts are away. Doing it again does no harm.
pub async fn keep(config: &Config, catalogue: &Catalogue) -> Result<usize> {
    catalogue.prune(&config.retention, "dispatcher").await?;
    let days = i64::from(config.retention.scratch_days);
    if days == 0 {
        return Ok(0);
    }
    config.mounts.check(Mount::Cache)?;
    let folder = config.mounts.folder(Mount::Cache).join("jobs");
    let jobs = in_thread(move || names(&folder)).await??;
    let before = now() - days * 86_400_000;
    let needed = catalogue.needed(&jobs, before).await?;
    let folder = config.mounts.folder(Mount::Cache).join("jobs");
    // A job that the catalogue does not know may be one of a catalogue that is being restored: its age decides.
    let is_needless = move |job: &&String| !needed.contains(job) && is_older(&folder.join(job), before);
    let folder = config.mounts.folder(Mount::Cache).join("jobs");
    let removed =
        move || jobs.iter().filter(is_needless).filter(|job| fs::remove_dir_all(folder.join(job)).is_ok()).count();
    in_thread(removed).await
}

/// True if a folder was changed before a time in milliseconds since 1970.
fn is_older(folder: &Path, before: i64) -> bool {
    let changed = fs::metadata(folder).and_then(|facts| facts.modified()).ok();
    let since = changed.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since.is_some_and(|since| (since.as_millis() as i64) < before)
}

async fn in_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Bug(error.to_string()))
}

/// The names of the folders in a folder.
fn names(folder: &Path) -> Result<Vec<String>> {
    let away = |error: io::Error| Error::Away { part: Mount::Cache.part(), why: error.to_string() };
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(away(error)),
    }
}
