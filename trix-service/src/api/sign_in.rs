//! Sign-in: sessions of pages, tokens of scripts, and the roles of users.

use axum::{
    Extension, Json,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, App};
use crate::{
    catalogue::{Role, User},
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
    password: String,
    role: Role,
}

/// What a token is for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    label: String,
}

/// A token. Its secret is told once.
#[derive(Serialize, ToSchema)]
pub(super) struct Token {
    token: String,
}

/// The secret of a request: `Authorization: Bearer ...`, or the cookie of a session.
fn secret(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if let Some(bearer) = text(header::AUTHORIZATION).and_then(|text| text.strip_prefix("Bearer ")) {
        return Some(bearer.to_owned());
    }
    let mut cookies = text(header::COOKIE)?.split(';').map(str::trim);
    cookies.find_map(|cookie| cookie.strip_prefix(COOKIE)?.strip_prefix('=')).map(str::to_owned)
}

/// Lets only signed-in users through. Viewers change nothing.
pub(super) async fn require(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let secret = secret(request.headers());
    let user = match secret {
        Some(secret) => app.0.catalogue.user_of(&secret).await,
        None => Err(Error::Unknown),
    };
    match user {
        // A viewer can give its role to a script.
        Ok(user)
            if user.role == Role::Viewer && !request.method().is_safe() && request.uri().path() != "/api/tokens" =>
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

fn cookie(secret: &str, seconds: i64) -> Result<HeaderValue> {
    let text = format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    HeaderValue::from_str(&text).map_err(|error| Error::Bug(error.to_string()))
}

/// Sign in: the answer sets the cookie of a session.
#[utoipa::path(post, path = "/api/sign-in", tag = "users", request_body = SignIn,
    responses((status = 200, body = User), (status = 401, description = "no such user, or another password")))]
pub(super) async fn sign_in(State(app): State<App>, Json(own): Json<SignIn>) -> Result<Response> {
    let user = app.0.catalogue.user_with(&own.name, &own.password).await?;
    let seconds = i64::from(app.0.config.api.session_hours) * 3600;
    let secret = app.0.catalogue.token(&user.name, "session", Some(now() + seconds * 1000)).await?;
    let mut answer = Json(user).into_response();
    answer.headers_mut().insert(header::SET_COOKIE, cookie(&secret, seconds)?);
    Ok(answer)
}

/// End the session.
#[utoipa::path(post, path = "/api/sign-out", tag = "users", responses((status = 200)))]
pub(super) async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    if let Some(secret) = secret(&headers) {
        app.0.catalogue.end_token(&secret).await?;
    }
    let mut answer = Json(()).into_response();
    answer.headers_mut().insert(header::SET_COOKIE, cookie("", 0)?);
    Ok(answer)
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/me", tag = "users", responses((status = 200, body = User)))]
pub(super) async fn me(Extension(user): Extension<User>) -> Json<User> {
    Json(user)
}

/// Make a token for a script. It has the role of its user.
#[utoipa::path(post, path = "/api/tokens", tag = "users", request_body = NewToken, responses((status = 200, body = Token)))]
pub(super) async fn make_token(
    State(app): State<App>,
    Extension(user): Extension<User>,
    Json(own): Json<NewToken>,
) -> Answer<Token> {
    Ok(Json(Token { token: app.0.catalogue.token(&user.name, &own.label, None).await? }))
}

/// All users.
#[utoipa::path(get, path = "/api/users", tag = "users", responses((status = 200, body = [User])))]
pub(super) async fn users(State(app): State<App>, Extension(user): Extension<User>) -> Answer<Vec<User>> {
    administrator(&user)?;
    Ok(Json(app.0.catalogue.users().await?))
}

/// Add a user, or change password and role.
#[utoipa::path(post, path = "/api/users", tag = "users", request_body = NewUser, responses((status = 200)))]
pub(super) async fn set_user(
    State(app): State<App>,
    Extension(user): Extension<User>,
    Json(own): Json<NewUser>,
) -> Answer<()> {
    administrator(&user)?;
    Ok(Json(app.0.catalogue.set_user(&own.name, &own.password, own.role, &user.name).await?))
}
