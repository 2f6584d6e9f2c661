//! Which parts of the farm answer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use crate::{
    engine::Engine,
    error::{Error, Result},
    metrics,
    mounts::Mount,
    now,
};

/// Time between two looks at a part.
const LOOK: Duration = Duration::from_secs(1);
/// A part that gives no answer for this time is away.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a part of the farm is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PartState {
    /// The part: `catalogue`, `engine`, `source`, `output`, `preview`, `cache`.
    pub part: String,
    /// Since when it does not answer, in milliseconds since 1970; `None` if it does.
    pub away_since: Option<i64>,
    /// What was seen.
    pub why: Option<String>,
}

/// Since when a part is away, and what was seen.
#[derive(Clone)]
struct Away {
    since: i64,
    why: String,
}

/// How all parts are.
#[derive(Default)]
pub struct Health(Mutex<BTreeMap<&'static str, Option<Away>>>);

impl Health {
    /// How each part is.
    pub fn parts(&self) -> Vec<PartState> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = |(part, away): (&&str, &Option<Away>)| PartState {
            part: (*part).to_owned(),
            away_since: away.as_ref().map(|away| away.since),
            why: away.as_ref().map(|away| away.why.clone()),
        };
        parts.iter().map(state).collect()
    }

    /// Refuses what needs a mount that is known to be away. Looking at it could take for ever.
    pub fn refuse_away(&self, mount: Mount) -> Result<()> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match parts.get(mount.name()).and_then(Option::as_ref) {
            Some(away) => Err(Error::Away { part: mount.part(), why: away.why.clone() }),
            None => Ok(()),
        }
    }

    fn note(&self, part: &'static str, found: Result<()>) {
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = parts.entry(part).or_default();
        // Whoever reads it is told which part it is.
        let why = |error: Error| match error {
            Error::Away { why, .. } => why,
            other => other.to_string(),
        };
        match (found, &known) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => {
                tracing::info!(part, "answers again");
                *known = None;
            }
            (Err(error), Some(away)) => *known = Some(Away { since: away.since, why: why(error) }),
            (Err(error), None) => {
                tracing::warn!(part, %error, "is away");
                *known = Some(Away { since: now(), why: why(error) });
            }
        }
    }
}

/// Looks at every part, again and again. A part that hangs holds up no other.
pub(super) fn watch_parts(app: &App, engine: Arc<dyn Engine>) {
    let own = app.clone();
    tokio::spawn(async move {
        while !own.0.end.is_cancelled() {
            let began = Instant::now();
            let found = timed("catalogue", own.0.catalogue.check()).await;
            metrics::time("database.answer", began.elapsed());
            own.0.health.note("catalogue", found);
            tokio::time::sleep(LOOK).await;
        }
    });
    let own = app.clone();
    tokio::spawn(async move {
        while !own.0.end.is_cancelled() {
            own.0.health.note("engine", timed("engine", engine.check()).await);
            tokio::time::sleep(LOOK).await;
        }
    });
    for mount in Mount::ALL {
        tokio::spawn(watch_mount(app.clone(), mount));
    }
}

/// What a look at a part finds, within the time after which the part is away.
async fn timed(part: &'static str, look: impl Future<Output = Result<()>>) -> Result<()> {
    let late = |_| Err(Error::Away { part, why: format!("no answer for {} s", PATIENCE.as_secs()) });
    tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(late)
}

async fn watch_mount(app: App, mount: Mount) {
    while !app.0.end.is_cancelled() {
        let mounts = app.0.config.mounts.clone();
        // A dead network mount holds up the thread that looks at it. There is one such thread for each mount.
        let mut look = tokio::task::spawn_blocking(move || mounts.check(mount));
        let found = match tokio::time::timeout(PATIENCE, &mut look).await {
            Ok(found) => found,
            Err(_) => {
                let why = format!("no answer for {} s", PATIENCE.as_secs());
                app.0.health.note(mount.name(), Err(Error::Away { part: mount.part(), why }));
                look.await
            }
        };
        if let Ok(found) = found {
            app.0.health.note(mount.name(), found);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "the process answers")))]
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Which parts of the farm answer.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "all parts answer", body = [PartState]),
    (status = 503, description = "a part is away", body = [PartState]),
))]
pub(super) async fn ready(State(app): State<App>) -> (StatusCode, Json<Vec<PartState>>) {
    let parts = app.0.health.parts();
    let is_ready = !parts.is_empty() && parts.iter().all(|part| part.away_since.is_none());
    (if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(parts))
}
