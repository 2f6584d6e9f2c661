//! Workers, mounts, and the notice.

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, App, PartState, sign_in::administrator};
use crate::{
    catalogue::{Counts, Unit, User, WorkerState},
    in_thread,
    mounts::MountState,
    now,
};

/// All workers.
#[utoipa::path(get, path = "/api/workers", tag = "system", responses((status = 200, body = [WorkerState])))]
pub(super) async fn workers(State(app): State<App>) -> Answer<Vec<WorkerState>> {
    Ok(Json(app.0.catalogue.workers().await?))
}

/// What workers do at this moment.
#[utoipa::path(get, path = "/api/units", tag = "system", responses((status = 200, body = [Unit])))]
pub(super) async fn units(State(app): State<App>) -> Answer<Vec<Unit>> {
    Ok(Json(app.0.catalogue.units().await?))
}

/// Whether a worker takes further steps.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Drain {
    is_draining: bool,
}

/// Let a worker take no further step, or take steps again.
#[utoipa::path(post, path = "/api/workers/{name}/drain", tag = "system", request_body = Drain, responses((status = 200), (status = 404)))]
pub(super) async fn drain(
    State(app): State<App>,
    Extension(user): Extension<User>,
    Path(name): Path<String>,
    Json(own): Json<Drain>,
) -> Answer<()> {
    administrator(&user)?;
    Ok(Json(app.0.catalogue.drain(&name, own.is_draining, &user.name).await?))
}

/// How the farm is.
#[derive(Serialize, ToSchema)]
pub(super) struct System {
    version: String,
    parts: Vec<PartState>,
    mounts: Vec<MountState>,
    counts: Lately,
}

/// How many jobs and attempts have ended lately.
#[derive(Serialize, ToSchema)]
pub(super) struct Lately {
    hour: Counts,
    day: Counts,
}

/// Which parts answer, and how much space is left.
#[utoipa::path(get, path = "/api/system", tag = "system", responses((status = 200, body = System)))]
pub(super) async fn system(State(app): State<App>) -> Answer<System> {
    let mounts = app.0.config.mounts.clone();
    let mounts = in_thread(move || mounts.states()).await?;
    let (catalogue, now) = (&app.0.catalogue, now());
    let hour = catalogue.counts_since(now - 3_600_000).await?;
    let counts = Lately { hour, day: catalogue.counts_since(now - 86_400_000).await? };
    Ok(Json(System { version: env!("CARGO_PKG_VERSION").into(), parts: app.0.health.parts(), mounts, counts }))
}

/// A notice.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Notice {
    text: String,
}

/// The notice that every open page shows; empty if there is none.
#[utoipa::path(get, path = "/api/notice", tag = "system", responses((status = 200, body = Notice)))]
pub(super) async fn notice(State(app): State<App>) -> Answer<Notice> {
    Ok(Json(Notice { text: app.0.catalogue.notice().await? }))
}

/// Set the notice; an empty text removes it.
#[utoipa::path(put, path = "/api/notice", tag = "system", request_body = Notice, responses((status = 200)))]
pub(super) async fn set_notice(
    State(app): State<App>,
    Extension(user): Extension<User>,
    Json(own): Json<Notice>,
) -> Answer<()> {
    administrator(&user)?;
    Ok(Json(app.0.catalogue.set_notice(&own.text, &user.name).await?))
}
