//! Tokens of scripts, and sessions of pages.

use axum::{
    Extension, Json,
    extract::{Path, State},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, App};
use crate::{
    catalogue::{Role, Token, User},
    error::Error,
    now,
};

/// What a token is for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// What it is for: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    label: String,
    /// Days after which it expires, 1 to 36500; never without a number.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 36500)]
    days: Option<u32>,
}

/// A new token. Its secret is told once.
#[derive(Serialize, ToSchema)]
pub(super) struct Secret {
    id: String,
    token: String,
}

/// The tokens that a user sees: administrators see those of all.
fn owner(user: &User) -> Option<&str> {
    (user.role != Role::Administrator).then_some(user.name.as_str())
}

/// Your tokens and sessions; those of all users for administrators.
#[utoipa::path(get, path = "/api/tokens", tag = "users", responses((status = 200, body = [Token])))]
pub(super) async fn list(State(app): State<App>, Extension(user): Extension<User>) -> Answer<Vec<Token>> {
    Ok(Json(app.0.catalogue.tokens(owner(&user)).await?))
}

/// Make a token for a script. It has the role of its user.
#[utoipa::path(post, path = "/api/tokens", tag = "users", request_body = NewToken,
    responses((status = 200, body = Secret), (status = 422)))]
pub(super) async fn make(
    State(app): State<App>,
    Extension(user): Extension<User>,
    Json(own): Json<NewToken>,
) -> Answer<Secret> {
    if !(1..=100).contains(&own.label.chars().count()) || own.label.contains('\0') {
        return Err(Error::invalid("label: 1 to 100 characters"));
    }
    if own.days.is_some_and(|days| !(1..=36_500).contains(&days)) {
        return Err(Error::invalid("days: 1 to 36500"));
    }
    let expires_at = own.days.map(|days| now() + i64::from(days) * 86_400_000);
    let (id, token) = app.0.catalogue.token(&user.name, &own.label, expires_at).await?;
    Ok(Json(Secret { id, token }))
}

/// End a token or a session.
#[utoipa::path(delete, path = "/api/tokens/{id}", tag = "users", params(("id" = String, Path)),
    responses((status = 200), (status = 404)))]
pub(super) async fn revoke(
    State(app): State<App>,
    Extension(user): Extension<User>,
    Path(id): Path<String>,
) -> Answer<()> {
    app.0.catalogue.revoke(&id, owner(&user), &user.name).await?;
    app.0.known.forget();
    Ok(Json(()))
}
