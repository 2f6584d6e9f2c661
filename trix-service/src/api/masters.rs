//! What lies in the mount of masters.

use std::{collections::HashMap, fs};

use axum::{
    Extension, Json,
    extract::{Query, State},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Answer, App,
    films::{film_of, is_master},
};
use crate::{
    catalogue::{Arrival, JobState, LastOf, User},
    error::{Error, Result},
    in_thread,
    looks::{self, Look},
    mounts::{Mount, changed_at},
};

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
    /// The master in the same folder to which it belongs by its name: audio, subtitles, checksums, done-files.
    film: Option<String>,
    /// The last job of this master.
    job: Option<LastJob>,
    /// True for a master of which no job was made since it was changed.
    is_new: bool,
}

/// The last job of a master.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LastJob {
    id: String,
    state: JobState,
}

/// The files and folders of a folder, by name. Hidden ones are left out.
#[utoipa::path(get, path = "/api/masters", tag = "masters", params(Place), responses((status = 200, body = [Entry])))]
pub(super) async fn list(State(app): State<App>, Query(place): Query<Place>) -> Answer<Vec<Entry>> {
    app.0.health.refuse_away(Mount::Source)?;
    let mounts = app.0.config.mounts.clone();
    let folder = place.path.trim_matches('/').to_owned();
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
            let changed_at = changed_at(&facts);
            let (film, job, is_new) = (None, None, !facts.is_dir() && is_master(&name));
            found.push(Entry { name, is_folder: facts.is_dir(), bytes: facts.len(), changed_at, film, job, is_new });
        }
        let names: Vec<String> = found.iter().filter(|own| own.is_new).map(|own| own.name.clone()).collect();
        for entry in found.iter_mut().filter(|own| !own.is_folder) {
            entry.film = film_of(&entry.name, names.iter().map(String::as_str)).map(str::to_owned);
        }
        found.sort_by(|one, other| (!one.is_folder, &one.name).cmp(&(!other.is_folder, &other.name)));
        Ok(found)
    };
    let found = in_thread(look).await?;
    let mut found = found?;
    let below = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    let masters: Vec<String> = found.iter().filter(|own| own.is_new).map(|own| below(&own.name)).collect();
    let jobs = app.0.catalogue.last_jobs_of(&masters).await?;
    let jobs: HashMap<String, LastOf> = jobs.into_iter().map(|own| (own.source.clone(), own)).collect();
    for entry in &mut found {
        if let Some(last) = jobs.get(&below(&entry.name)) {
            entry.is_new &= last.created_at < entry.changed_at;
            entry.job = Some(LastJob { id: last.id.clone(), state: last.state });
        }
    }
    Ok(Json(found))
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
#[utoipa::path(post, path = "/api/probe", tag = "masters", request_body = Place, responses((status = 200, body = Object),
    (status = 404), (status = 422, description = "it cannot be read")))]
pub(super) async fn probe(State(app): State<App>, Json(place): Json<Place>) -> Answer<serde_json::Value> {
    app.0.health.refuse_away(Mount::Source)?;
    let mounts = app.0.config.mounts.clone();
    let find = move || {
        let path = mounts.inside(Mount::Source, &place.path)?;
        let refused = || Error::invalid(format!("{:?}: a file of the mount source is looked at", place.path));
        if path.is_file() { Ok(path) } else { Err(refused()) }
    };
    let path = in_thread(find).await??;
    Ok(Json(looks::look(&app.0.config, &Look::Probe { path }).await?))
}
