//! What lies in the mount of masters.

use std::{fs, time::Duration};

use axum::{
    Extension, Json,
    extract::{Query, State},
    http::header,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Answer, App};
use crate::{
    catalogue::{Arrival, User},
    error::{Error, Result},
    mounts::Mount,
};

/// The longest time that a file is looked at.
const PATIENCE: Duration = Duration::from_secs(8);

/// The most masters of watch folders that are listed.
const MOST: i64 = 200;

/// A path below the mount of masters.
#[derive(Clone, Debug, Deserialize, IntoParams, ToSchema)]
pub(super) struct Place {
    /// The path; empty for the mount itself.
    #[serde(default)]
    path: String,
}

/// A file or folder.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entry {
    name: String,
    is_folder: bool,
    bytes: u64,
    /// When it was changed, in milliseconds since 1970.
    changed_at: i64,
}

/// The files and folders of a folder, by name. Hidden ones are left out.
#[utoipa::path(get, path = "/api/masters", tag = "masters", params(Place), responses((status = 200, body = [Entry])))]
pub(super) async fn list(State(app): State<App>, Query(place): Query<Place>) -> Answer<Vec<Entry>> {
    let mounts = app.0.config.mounts.clone();
    let look = move || -> Result<Vec<Entry>> {
        let folder = mounts.inside(Mount::Source, &place.path)?;
        let failed = |error: std::io::Error| Error::Missing(format!("folder {}: {error}", place.path));
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder).map_err(failed)?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(facts) = fs::metadata(entry.path()) else { continue };
            if name.starts_with('.') {
                continue;
            }
            let changed = facts.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            let changed_at = changed.map_or(0, |since| since.as_millis() as i64);
            found.push(Entry { name, is_folder: facts.is_dir(), bytes: facts.len(), changed_at });
        }
        found.sort_by(|one, other| (!one.is_folder, &one.name).cmp(&(!other.is_folder, &other.name)));
        Ok(found)
    };
    let found = tokio::task::spawn_blocking(look).await.map_err(|error| Error::Bug(error.to_string()))?;
    Ok(Json(found?))
}

/// The masters that watch folders have taken: those that wait for an operator come first.
#[utoipa::path(get, path = "/api/arrivals", tag = "masters", responses((status = 200, body = [Arrival])))]
pub(super) async fn arrivals(State(app): State<App>) -> Answer<Vec<Arrival>> {
    Ok(Json(app.0.catalogue.arrivals(MOST).await?))
}

/// Take a master that waits for an operator from the list, without a job.
#[utoipa::path(post, path = "/api/arrivals/dismiss", tag = "masters", request_body = Place,
    responses((status = 200), (status = 404, description = "no master of this path waits")))]
pub(super) async fn dismiss(
    State(app): State<App>,
    Extension(user): Extension<User>,
    Json(place): Json<Place>,
) -> Answer<()> {
    Ok(Json(app.0.catalogue.settle_arrival(&place.path, None, &user.name).await?))
}

/// What a master holds, as `trix probe --json` prints it.
#[utoipa::path(post, path = "/api/probe", tag = "masters", request_body = Place, responses((status = 200, body = Object)))]
pub(super) async fn probe(State(app): State<App>, Json(place): Json<Place>) -> Result<Response> {
    let mounts = app.0.config.mounts.clone();
    let find = move || mounts.inside(Mount::Source, &place.path);
    let path = tokio::task::spawn_blocking(find).await.map_err(|error| Error::Bug(error.to_string()))??;
    let program = app.0.config.worker.program().map_err(|error| Error::Bug(error.to_string()))?;
    // A file that crashes a decoder costs a process.
    let mut command = tokio::process::Command::new(program);
    command.arg("probe").arg(&path).kill_on_drop(true);
    let done = tokio::time::timeout(PATIENCE, command.output()).await;
    let late = |_| Error::Away { part: "probe", why: "the file takes too long".into() };
    let done = done.map_err(late)?.map_err(|error| Error::Bug(error.to_string()))?;
    if done.status.success() {
        return Ok(([(header::CONTENT_TYPE, "application/json")], done.stdout).into_response());
    }
    match serde_json::from_slice::<trix_core::ErrorDocument>(&done.stdout) {
        Ok(document) => Err(Error::Refused(trix_core::Error::from(&document.error))),
        Err(_) => Err(Error::Refused(trix_core::Error::new(
            trix_core::ErrorKind::MalformedInput,
            trix_core::Stage::Source,
            format!("looking at the file ended without a result: {}", done.status),
        ))),
    }
}
