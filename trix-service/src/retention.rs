//! Removes what is old: rows of the catalogue, and the files that jobs which are over have left.
//!
//! Invariant: what a worker may still need stays, and so does the only copy of a title.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    catalogue::Catalogue,
    config::Config,
    error::{Error, Result},
    in_thread,
    mounts::{Mount, changed_at},
    now,
    steps::STAGING,
};

/// Removes what the settings do not keep. Returns the number of folders that were removed.
///
/// # Errors
/// If catalogue or mounts are away. Doing it again does no harm.
pub async fn keep(config: &Config, catalogue: &Catalogue) -> Result<usize> {
    let days = i64::from(config.retention.scratch_days);
    let mut removed = 0;
    if days > 0 {
        let before = now() - days * 86_400_000;
        for (mount, folder) in [(Mount::Cache, "jobs"), (Mount::Output, STAGING), (Mount::Preview, STAGING)] {
            config.mounts.check(mount)?;
            let folder = config.mounts.folder(mount).join(folder);
            removed += tidy(catalogue, folder, before).await?;
        }
    }
    // A folder whose job is gone is told by its age alone, so that the catalogue comes last.
    catalogue.prune(&config.retention, "dispatcher").await?;
    Ok(removed)
}

/// Removes the folders of jobs that ended before a time. Returns their number.
async fn tidy(catalogue: &Catalogue, folder: PathBuf, before: i64) -> Result<usize> {
    let own = folder.clone();
    let names = in_thread(move || names(&own)).await??;
    let jobs: Vec<String> = names.iter().map(|name| job_of(name).to_owned()).collect();
    let needed = catalogue.needed(&jobs, before).await?;
    let remove = move || {
        let is_old = |name: &&String| !needed.contains(job_of(name)) && is_older(&folder.join(name), before);
        let old = names.iter().filter(is_old).map(|name| folder.join(name));
        old.filter(|path| !holds_replaced(path)).filter(|path| fs::remove_dir_all(path).is_ok()).count()
    };
    in_thread(remove).await
}

/// The job of a folder: `JOB`, or `JOB-RUN`.
fn job_of(name: &str) -> &str {
    name.split('-').next().unwrap_or(name)
}

/// True if a folder holds copies that were to be replaced. If their successors have not got their name, they are the only ones.
fn holds_replaced(folder: &Path) -> bool {
    names(folder).is_ok_and(|names| names.iter().any(|name| name.ends_with("-replaced")))
}

/// True if a folder was changed before a time in milliseconds since 1970. A job that the catalogue does not know may be one of a
/// catalogue that is being restored.
fn is_older(folder: &Path, before: i64) -> bool {
    fs::metadata(folder).is_ok_and(|facts| changed_at(&facts) < before)
}

/// The names of the folders in a folder.
fn names(folder: &Path) -> Result<Vec<String>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Error::Away { part: "mount", why: format!("{}: {error}", folder.display()) }),
    }
}
