//! Sign-in with a password, and the roles of users.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Extension, Json,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, App};
use crate::{
    catalogue::{Catalogue, Role, SESSION, User},
    error::{Error, Result},
    now,
};

/// The cookie of a session.
const COOKIE: &str = "trix_session";

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    name: String,
    password: String,
}

/// A user to add or change.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    name: String,
    /// At least ten characters; without one, the password stays.
    #[serde(default)]
    password: Option<String>,
    role: Role,
}

/// The secret of a request: `Authorization: Bearer ...`, or the cookie of a session.
pub(super) fn secret(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if let Some(bearer) = text(header::AUTHORIZATION).and_then(|text| text.strip_prefix("Bearer ")) {
        return Some(bearer.to_owned());
    }
    cookie_of(headers, COOKIE)
}

/// The value of a cookie.
pub(super) fn cookie_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(header::COOKIE)?.to_str().ok()?;
    let mut cookies = text.split(';').map(str::trim);
    cookies.find_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
}

/// The users of the last requests, by their secrets: a page asks several things at once.
#[derive(Default)]
pub(super) struct Known {
    users: Mutex<HashMap<String, (User, Instant)>>,
    /// Grows when users or tokens change: what was asked for before is not kept after.
    generation: AtomicU64,
}

/// A token that was revoked at another API server is refused after this time.
const FRESH: Duration = Duration::from_secs(2);

impl Known {
    /// The user of a secret.
    pub(super) async fn user_of(&self, catalogue: &Catalogue, secret: &str) -> Result<User> {
        let lock = || self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((user, at)) = lock().get(secret)
            && at.elapsed() < FRESH
        {
            return Ok(user.clone());
        }
        let generation = self.generation.load(Ordering::SeqCst);
        let user = catalogue.user_of(secret).await?;
        let mut known = lock();
        known.retain(|_, (_, at)| at.elapsed() < FRESH);
        if self.generation.load(Ordering::SeqCst) == generation {
            known.insert(secret.to_owned(), (user.clone(), Instant::now()));
        }
        Ok(user)
    }

    /// Users or tokens have changed.
    pub(super) fn forget(&self) {
        let mut known = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        self.generation.fetch_add(1, Ordering::SeqCst);
        known.clear();
    }
}

/// Lets only signed-in users through. Viewers change nothing.
pub(super) async fn require(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let secret = secret(request.headers());
    let user = match secret {
        Some(secret) => app.0.known.user_of(&app.0.catalogue, &secret).await,
        None => Err(Error::Unknown),
    };
    match user {
        // Viewers may make tokens for their scripts.
        Ok(user)
            if user.role == Role::Viewer
                && !request.method().is_safe()
                && !request.uri().path().starts_with("/api/tokens") =>
        {
            Error::Forbidden("operator").into_response()
        }
        Ok(user) => {
            request.extensions_mut().insert(user);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

/// Refuses everyone but administrators.
pub(super) fn administrator(user: &User) -> Result<()> {
    if user.role == Role::Administrator { Ok(()) } else { Err(Error::Forbidden("administrator")) }
}

/// The cookie of a session. If the page has https, browsers send it over https only.
fn cookie(app: &App, secret: &str, seconds: i64) -> String {
    let secure = if app.0.config.api.page().starts_with("https:") { "; Secure" } else { "" };
    format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}")
}

/// Begins a session. Returns its cookie.
pub(super) async fn session(app: &App, user: &User) -> Result<String> {
    let seconds = i64::from(app.0.config.api.session_hours) * 3600;
    let (_, secret) = app.0.catalogue.token(&user.name, SESSION, Some(now() + seconds * 1000)).await?;
    Ok(cookie(app, &secret, seconds))
}

pub(super) fn header_of(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|error| Error::Bug(error.to_string()))
}

/// How users can sign in beside a password.
#[derive(Serialize, ToSchema)]
pub(super) struct Ways {
    /// The name of the OpenID provider; `None`: there is none.
    oidc: Option<String>,
}

/// How users can sign in beside a password. Nobody has to be signed in.
#[utoipa::path(get, path = "/api/sign-in", tag = "users", responses((status = 200, body = Ways)))]
pub(super) async fn ways(State(app): State<App>) -> Json<Ways> {
    let settings = &app.0.config.oidc;
    Json(Ways { oidc: (!settings.issuer.is_empty()).then(|| settings.name.clone()) })
}

/// Sign in: the answer sets the cookie of a session.
#[utoipa::path(post, path = "/api/sign-in", tag = "users", request_body = SignIn,
    responses((status = 200, body = User), (status = 401, description = "no such user, or another password")))]
pub(super) async fn sign_in(State(app): State<App>, Json(own): Json<SignIn>) -> Result<Response> {
    let user = app.0.catalogue.user_with(&own.name, &own.password).await?;
    let cookie = session(&app, &user).await?;
    let mut answer = Json(user).into_response();
    answer.headers_mut().insert(header::SET_COOKIE, header_of(&cookie)?);
    Ok(answer)
}

/// End the session.
#[utoipa::path(post, path = "/api/sign-out", tag = "users", responses((status = 200)))]
pub(super) async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    if let Some(secret) = secret(&headers) {
        app.0.catalogue.end_token(&secret).await?;
        app.0.known.forget();
    }
    let mut answer = Json(()).into_response();
    answer.headers_mut().insert(header::SET_COOKIE, header_of(&cookie(&app, "", 0))?);
    Ok(answer)
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/me", tag = "users", responses((status = 200, body = User)))]
pub(super) async fn me(Extension(user): Extension<User>) -> Json<User> {
    Json(user)
}

/// All users.
#[utoipa::path(get, path = "/api/users", tag = "users", responses((status = 200, body = [User])))]
pub(super) async fn users(State(app): State<App>, Extension(user): Extension<User>) -> Answer<Vec<User>> {
    administrator(&user)?;
    Ok(Json(app.0.catalogue.users().await?))
}

/// Add a user, or change password and role. Without a password, only the role of a user changes that is there.
#[utoipa::path(post, path = "/api/users", tag = "users", request_body = NewUser,
    responses((status = 200), (status = 404), (status = 422)))]
pub(super) async fn set_user(
    State(app): State<App>,
    Extension(user): Extension<User>,
    Json(own): Json<NewUser>,
) -> Answer<()> {
    administrator(&user)?;
    match &own.password {
        Some(password) => app.0.catalogue.set_user(&own.name, password, own.role, &user.name).await?,
        None => app.0.catalogue.set_role(&own.name, own.role, &user.name).await?,
    }
    app.0.known.forget();
    Ok(Json(()))
}

/// Remove a user, with all sessions and tokens.
#[utoipa::path(delete, path = "/api/users/{name}", tag = "users", params(("name" = String, Path)),
    responses((status = 200), (status = 404), (status = 409, description = "the last administrator")))]
pub(super) async fn remove_user(
    State(app): State<App>,
    Extension(user): Extension<User>,
    Path(name): Path<String>,
) -> Answer<()> {
    administrator(&user)?;
    app.0.catalogue.remove_user(&name, &user.name).await?;
    app.0.known.forget();
    Ok(Json(()))
}
