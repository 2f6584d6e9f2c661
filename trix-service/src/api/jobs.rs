//! Jobs: submit, list, look at, and change.

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Answer, App};
use crate::{
    catalogue::{Attempt, Change, Job, Master, Output, Page, Submission, User, random},
    config::Mounts,
    engine::Step,
    error::{Error, Result},
    in_thread,
    looks::{self, Look},
    mounts::Mount,
    profiles,
    steps::{Planned, StepRequest},
};

/// The header that identifies a submission.
const KEY: &str = "idempotency-key";
/// The most changes of a job.
const MOST: i64 = 500;

/// A part of the list of jobs, the last one first. They have no `plan` here.
#[utoipa::path(get, path = "/api/jobs", tag = "jobs", params(Page), responses((status = 200, body = [Job])))]
pub(super) async fn list(State(app): State<App>, Query(page): Query<Page>) -> Answer<Vec<Job>> {
    Ok(Json(app.0.catalogue.jobs(&page).await?))
}

/// Submit a master. The same `Idempotency-Key` gives the same job.
#[utoipa::path(post, path = "/api/jobs", tag = "jobs", request_body = Submission,
    params(("Idempotency-Key" = Option<String>, Header, description = "identifies the submission")),
    responses((status = 200, body = Job), (status = 409, description = "a job with this title is not over"),
        (status = 422, description = "the submission is wrong"), (status = 503, description = "a mount or the catalogue is away")))]
pub(super) async fn submit(
    State(app): State<App>,
    Extension(user): Extension<User>,
    headers: HeaderMap,
    Json(submission): Json<Submission>,
) -> Answer<Job> {
    submission.check()?;
    let key = match headers.get(KEY) {
        Some(key) => {
            key.to_str().map_err(|_| Error::invalid("Idempotency-Key: only visible ASCII characters"))?.to_owned()
        }
        None => random(16)?,
    };
    // A request that is sent again gets its job, whatever has become of the master and the copies.
    if let Some(job) = app.0.catalogue.submitted(&submission, &user.name, &key).await? {
        return Ok(Json(job));
    }
    for mount in Mount::ALL {
        app.0.health.refuse_away(mount)?;
    }
    let mounts = app.0.config.mounts.clone();
    let own = submission.clone();
    let check = move || -> Result<()> {
        for mount in Mount::ALL {
            mounts.check(mount)?;
        }
        files_are_there(&mounts, &own)?;
        let title = mounts.folder(Mount::Output).join(&own.title);
        if title.exists() && !own.overwrite {
            return Err(Error::Conflict(format!("there are copies of {}", own.title)));
        }
        Ok(())
    };
    in_thread(check).await??;
    let job = app.0.catalogue.submit(&submission, &user.name, &key).await?;
    match app.0.catalogue.settle_arrival(&submission.source, Some(&job.id), &user.name).await {
        // No watch folder has taken it.
        Err(Error::Missing(_)) | Ok(()) => {}
        Err(error) => tracing::warn!(%error, job = job.id, "the arrival of its master is not settled"),
    }
    Ok(Json(job))
}

/// Refuses a submission that names files which are not below the mount of masters.
fn files_are_there(mounts: &Mounts, own: &Submission) -> Result<()> {
    let mut files = own.tracks.iter().flat_map(|track| &track.files).chain([&own.source]);
    files.try_for_each(|file| mounts.inside(Mount::Source, file).map(drop))
}

/// A dry run: what a submission would make, how large, and how long it would take. Nothing is begun.
#[utoipa::path(post, path = "/api/plan", tag = "jobs", request_body = Submission,
    responses((status = 200, body = Planned), (status = 404), (status = 422, description = "the submission is wrong"), (status = 503)))]
pub(super) async fn plan(State(app): State<App>, Json(submission): Json<Submission>) -> Answer<Planned> {
    submission.check()?;
    app.0.health.refuse_away(Mount::Source)?;
    let mounts = app.0.config.mounts.clone();
    let own = submission.clone();
    let check = move || mounts.check(Mount::Source).and_then(|()| files_are_there(&mounts, &own));
    in_thread(check).await??;
    let catalogue = &app.0.catalogue;
    let request = StepRequest {
        mounts: app.0.config.mounts.clone(),
        job: String::new(),
        run: 0,
        profiles: profiles::of(catalogue, &catalogue.versions_in_force().await?).await?,
        submission,
        step: Step::Plan,
        attempt: "look".into(),
    };
    let found = looks::look(&app.0.config, &Look::Plan { request: Box::new(request) }).await?;
    Ok(Json(serde_json::from_value(found).map_err(|error| Error::Bug(error.to_string()))?))
}

/// A job.
#[utoipa::path(get, path = "/api/jobs/{id}", tag = "jobs", responses((status = 200, body = Job), (status = 404)))]
pub(super) async fn one(State(app): State<App>, Path(id): Path<String>) -> Answer<Job> {
    Ok(Json(app.0.catalogue.job(&id).await?))
}

/// What was found of a job. If nothing was, there has to be the job.
async fn of_job<T>(app: &App, id: &str, found: Vec<T>) -> Result<Vec<T>> {
    if found.is_empty() {
        app.0.catalogue.job(id).await?;
    }
    Ok(found)
}

/// The files that a job has made.
#[utoipa::path(get, path = "/api/jobs/{id}/outputs", tag = "jobs", responses((status = 200, body = [Output]), (status = 404)))]
pub(super) async fn outputs(State(app): State<App>, Path(id): Path<String>) -> Answer<Vec<Output>> {
    Ok(Json(of_job(&app, &id, app.0.catalogue.outputs_of(&id).await?).await?))
}

/// All attempts at the steps of a job, the last one first.
#[utoipa::path(get, path = "/api/jobs/{id}/attempts", tag = "jobs", responses((status = 200, body = [Attempt]), (status = 404)))]
pub(super) async fn attempts(State(app): State<App>, Path(id): Path<String>) -> Answer<Vec<Attempt>> {
    Ok(Json(of_job(&app, &id, app.0.catalogue.attempts_of(&id).await?).await?))
}

/// The master of a job, as it was when a job planned it last: size, time, SHA-256, and what it holds.
#[utoipa::path(get, path = "/api/jobs/{id}/master", tag = "jobs", responses((status = 200, body = Master), (status = 404)))]
pub(super) async fn master(State(app): State<App>, Path(id): Path<String>) -> Answer<Master> {
    let job = app.0.catalogue.job(&id).await?;
    Ok(Json(app.0.catalogue.master(&job.submission.source).await?))
}

/// What the job reports: ledgers, checks, scores.
#[utoipa::path(get, path = "/api/jobs/{id}/report", tag = "jobs", responses((status = 200, body = Object), (status = 404)))]
pub(super) async fn report(State(app): State<App>, Path(id): Path<String>) -> Result<Response> {
    let report = app.0.catalogue.report_of(&id).await?.ok_or_else(|| Error::Missing(format!("report of job {id}")))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], report).into_response())
}

/// What has happened to a job, the last change first.
#[utoipa::path(get, path = "/api/jobs/{id}/changes", tag = "jobs", responses((status = 200, body = [Change]), (status = 404)))]
pub(super) async fn changes(State(app): State<App>, Path(id): Path<String>) -> Answer<Vec<Change>> {
    Ok(Json(of_job(&app, &id, app.0.catalogue.changes_of(&id, MOST).await?).await?))
}

/// What is done to a job.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Action {
    /// It ends without copies.
    Cancel,
    /// It begins anew, and keeps its chunks.
    Retry,
    /// No further chunk begins.
    Pause,
    /// It goes on.
    Resume,
    /// Its priority changes.
    Priority,
}

/// The value of an action.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Value {
    /// For `priority`: 1 is the most urgent, 5 the least.
    priority: Option<i64>,
}

/// Cancel, retry, pause or resume a job, or set its priority.
#[utoipa::path(post, path = "/api/jobs/{id}/{action}", tag = "jobs", request_body = Value,
    params(("id" = String, Path), ("action" = Action, Path)),
    responses((status = 200, body = Job), (status = 404), (status = 409, description = "the job is over, or is not")))]
pub(super) async fn act(
    State(app): State<App>,
    Extension(user): Extension<User>,
    Path((id, action)): Path<(String, Action)>,
    Json(value): Json<Value>,
) -> Answer<Job> {
    let (catalogue, who) = (&app.0.catalogue, user.name.as_str());
    let job = match action {
        Action::Cancel => catalogue.cancel(&id, who).await?,
        Action::Retry => catalogue.retry(&id, who).await?,
        Action::Pause => catalogue.set_paused(&id, true, who).await?,
        Action::Resume => catalogue.set_paused(&id, false, who).await?,
        Action::Priority => {
            let priority = value.priority.ok_or_else(|| Error::invalid("priority: it is missing"))?;
            catalogue.set_priority(&id, priority, who).await?
        }
    };
    Ok(Json(job))
}
