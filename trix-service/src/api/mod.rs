//! HTTP and WebSocket, sign-in, and the web page.
//!
//! Invariant: every request is answered within ten seconds, and nothing but the health and the page itself is reachable without
//! sign-in.

mod common;
mod films;
mod health;
mod jobs;
mod live;
mod masters;
mod metrics;
mod oidc;
mod page;
mod profiles;
mod sign_in;
mod system;
mod tokens;

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::Request,
    http::header,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower_http::services::ServeDir;
use utoipa::OpenApi;

use self::{
    common::Common,
    health::{Health, PartState},
};
use crate::{
    catalogue::Catalogue,
    config::Config,
    engine::Engine,
    error::{Error, Result},
};

/// The longest that a request takes.
const PATIENCE: Duration = Duration::from_millis(9500);

/// What all requests share.
#[derive(Clone)]
pub struct App(Arc<Shared>);

struct Shared {
    config: Config,
    catalogue: Catalogue,
    health: Health,
    /// The number of the last change.
    last_change: watch::Sender<i64>,
    /// The users of the last requests.
    known: sign_in::Known,
    /// What open pages are told every second.
    state: watch::Sender<Arc<live::Now>>,
    end: CancellationToken,
}

impl App {
    /// Begins to watch the parts of the farm.
    pub fn begin(config: Config, catalogue: Catalogue, engine: Arc<dyn Engine>, end: &CancellationToken) -> Self {
        let ((last_change, _), (state, _)) = (watch::channel(0), watch::channel(Arc::default()));
        let (health, end) = (Health::default(), end.clone());
        let app =
            App(Arc::new(Shared { config, catalogue, health, last_change, known: Default::default(), state, end }));
        tokio::spawn(live::watch_changes(app.clone()));
        tokio::spawn(live::watch_state(app.clone()));
        health::watch_parts(&app, engine);
        app
    }
}

/// All paths.
pub fn router(app: App) -> Router {
    let preview = ServeDir::new(&app.0.config.mounts.preview);
    let inside = Router::new()
        .route("/api/me", get(sign_in::me))
        .route("/api/tokens", get(tokens::list).post(tokens::make))
        .route("/api/tokens/{id}", delete(tokens::revoke))
        .route("/api/users", get(sign_in::users).post(sign_in::set_user))
        .route("/api/users/{name}", delete(sign_in::remove_user))
        .route("/api/profiles", get(profiles::list))
        .route("/api/profiles/{name}", get(profiles::one).put(profiles::set))
        .route("/api/profiles/{name}/versions", get(profiles::versions))
        .route("/api/plan", post(jobs::plan))
        .route("/api/units", get(system::units))
        .route("/api/jobs", get(jobs::list).post(jobs::submit))
        .route("/api/jobs/{id}", get(jobs::one))
        .route("/api/jobs/{id}/outputs", get(jobs::outputs))
        .route("/api/jobs/{id}/attempts", get(jobs::attempts))
        .route("/api/jobs/{id}/report", get(jobs::report))
        .route("/api/jobs/{id}/master", get(jobs::master))
        .route("/api/jobs/{id}/changes", get(jobs::changes))
        .route("/api/jobs/{id}/{action}", post(jobs::act))
        .route("/api/changes", get(live::changes))
        .route("/api/masters", get(masters::list))
        .route("/api/arrivals", get(masters::arrivals))
        .route("/api/arrivals/dismiss", post(masters::dismiss))
        .route("/api/probe", post(masters::probe))
        .route("/api/workers", get(system::workers))
        .route("/api/workers/{name}/drain", post(system::drain))
        .route("/api/system", get(system::system))
        .route("/api/notice", get(system::notice).put(system::set_notice))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(|| async { Json(Document::openapi()) }))
        .route("/ws", get(live::socket))
        .nest_service("/preview", preview)
        .layer(middleware::from_fn_with_state(app.clone(), sign_in::require));
    Router::new()
        .merge(inside)
        .route("/api/sign-in", get(sign_in::ways).post(sign_in::sign_in))
        .route("/api/oidc/start", get(oidc::start))
        .route("/api/oidc/back", get(oidc::back))
        .route("/api/sign-out", post(sign_in::sign_out))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(get(page::page))
        .layer(middleware::from_fn(documented))
        .layer(middleware::from_fn(within_time))
        .with_state(app)
}

/// Puts refusals that the framework writes as plain text into an error document.
async fn documented(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let answer = next.run(request).await;
    let status = answer.status();
    let is_document = answer.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if !status.is_client_error() || is_document || !path.starts_with("/api/") {
        return answer;
    }
    let text = axum::body::to_bytes(answer.into_body(), 1 << 16).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let detail = if text.is_empty() { format!("{path}: {status}") } else { text };
    (status, Json(Error::invalid(detail).document())).into_response()
}

/// Answers for a request that takes too long, and logs each.
async fn within_time(request: Request, next: Next) -> Response {
    let (method, path, began) = (request.method().clone(), request.uri().path().to_owned(), std::time::Instant::now());
    let late = || {
        Error::Away { part: "service", why: format!("the request took longer than {} s", PATIENCE.as_secs_f64()) }
            .into_response()
    };
    let answer = tokio::time::timeout(PATIENCE, next.run(request)).await.unwrap_or_else(|_| late());
    crate::metrics::time("api.request", began.elapsed());
    if answer.status().is_server_error() {
        crate::metrics::count("api.failure");
    }
    let milliseconds = began.elapsed().as_millis() as u64;
    tracing::info!(%method, path, status = answer.status().as_u16(), milliseconds, "request");
    answer
}

/// A JSON answer.
type Answer<T> = Result<Json<T>>;

/// The description of the API.
#[derive(OpenApi)]
#[openapi(
    modifiers(&Common),
    components(schemas(jobs::Action)),
    info(title = "Trix ingest service", description = "Submit masters, follow their jobs, and look after the farm."),
    paths(
        sign_in::ways,
        sign_in::sign_in,
        sign_in::sign_out,
        sign_in::me,
        sign_in::users,
        sign_in::set_user,
        sign_in::remove_user,
        oidc::start,
        oidc::back,
        tokens::list,
        tokens::make,
        tokens::revoke,
        profiles::list,
        profiles::one,
        profiles::versions,
        profiles::set,
        jobs::list,
        jobs::submit,
        jobs::plan,
        jobs::one,
        jobs::outputs,
        jobs::attempts,
        jobs::report,
        jobs::master,
        jobs::changes,
        jobs::act,
        live::changes,
        masters::list,
        masters::arrivals,
        masters::dismiss,
        masters::probe,
        system::workers,
        system::units,
        system::drain,
        system::system,
        system::notice,
        system::set_notice,
        metrics::metrics,
        health::alive,
        health::ready
    )
)]
struct Document;
