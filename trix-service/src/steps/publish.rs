//! Gives the copies of a title their names.
//!
//! Invariant: the folder of the title appears in one step, with everything in it. Doing this twice changes nothing.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use trix_core::{Ingest, manifest::Manifest};

use super::{Folders, Made, StepRequest, folders::failed};
use crate::{
    catalogue::Output,
    error::{Error, Result},
    mounts::Mount,
};

/// Renames the folder of the attempt that has finished, and copies the preview.
pub fn publish(request: &StepRequest, folders: &Folders, attempt: &str) -> Result<Made> {
    for mount in [Mount::Output, Mount::Preview, Mount::Cache] {
        request.mounts.check(mount)?;
    }
    let (from, to) = (folders.staging(attempt), &folders.title);
    let manifest = Ingest::manifest_in(to, &request.submission.title);
    if from.is_dir() {
        if to.exists() {
            if !request.submission.overwrite {
                return Err(Error::invalid(format!("{}: there are copies of this title", to.display())));
            }
            let old = folders.all_staging().join(format!("{attempt}-replaced"));
            fs::rename(to, &old).map_err(|error| failed(to, "cannot be replaced", error))?;
        }
        fs::rename(&from, to).map_err(|error| failed(to, "cannot get its name", error))?;
        sync(to.parent().unwrap_or(to))?;
    } else if !is_same(&manifest, &folders.manifest_of(attempt)) {
        return Err(Error::Bug(format!("{}: the copies of attempt {attempt} are gone", from.display())));
    }
    let made = Manifest::read(&manifest)?.ok_or_else(|| Error::Missing(manifest.display().to_string()))?;
    preview(&made, folders)?;
    // What other attempts have left is not needed, and neither are the chunks.
    for folder in [folders.all_staging(), &folders.store] {
        remove(folder)?;
    }
    let outputs = made.files.iter().map(|file| Output {
        path: file.name.clone(),
        bytes: file.bytes as i64,
        sha256: file.sha256.clone(),
    });
    let report = serde_json::to_string(&made.report).map_err(|error| Error::Bug(error.to_string()))?;
    let master = made.report.fixity.as_ref().map(|own| own.sha256.clone());
    Ok(Made { outputs: outputs.collect(), report, master })
}

/// Copies what the web page shows to the mount `preview`.
fn preview(made: &Manifest, folders: &Folders) -> Result<()> {
    let is_shown = |name: &str| {
        name.contains(".preview.")
            || name.contains(".preview/")
            || [".poster.jpg", ".sprites.jpg", ".sprites.vtt", ".waveform.png"].iter().any(|end| name.ends_with(end))
    };
    let shown: Vec<&str> = made.files.iter().map(|file| file.name.as_str()).filter(|name| is_shown(name)).collect();
    let (from, to) = (&folders.preview_staging, &folders.preview);
    remove(from)?;
    for name in &shown {
        let target = from.join(name);
        let around = target.parent().unwrap_or(from);
        fs::create_dir_all(around).map_err(|error| failed(around, "cannot be made", error))?;
        fs::copy(folders.title.join(name), &target).map_err(|error| failed(&target, "cannot be written", error))?;
        sync(&target)?;
    }
    if !shown.is_empty() {
        remove(to)?;
        fs::rename(from, to).map_err(|error| failed(to, "cannot get its name", error))?;
        sync(to.parent().unwrap_or(to))?;
    }
    Ok(())
}

/// Makes what was written to a file or folder last.
fn sync(path: &Path) -> Result<()> {
    fs::File::open(path).and_then(|file| file.sync_all()).map_err(|error| failed(path, "cannot be synced", error))
}

fn is_same(one: &Path, other: &PathBuf) -> bool {
    fs::read(one).ok().zip(fs::read(other).ok()).is_some_and(|(one, other)| one == other)
}

/// Removes a folder, if it is there.
fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(folder, "cannot be removed", error)),
        _ => Ok(()),
    }
}
