//! Profiles: list, look at, and change.

use axum::{
    Extension, Json,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{Answer, App, sign_in::administrator};
use crate::{
    catalogue::{ProfileVersion, User},
    error::Error,
    profiles::{self, Profile, WholeProfile},
};

/// A version.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(super) struct Which {
    /// The version; the one in force without a number; 0: the one that comes with Trix.
    #[param(minimum = 0)]
    version: Option<i64>,
}

/// The text of a profile.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewProfile {
    /// The profile, in TOML.
    text: String,
}

/// All profiles in force, by name.
#[utoipa::path(get, path = "/api/profiles", tag = "profiles", responses((status = 200, body = [Profile])))]
pub(super) async fn list(State(app): State<App>) -> Answer<Vec<Profile>> {
    Ok(Json(profiles::all(&app.0.config, &app.0.catalogue).await?))
}

/// A profile with its text.
#[utoipa::path(get, path = "/api/profiles/{name}", tag = "profiles", params(("name" = String, Path), Which),
    responses((status = 200, body = WholeProfile), (status = 404)))]
pub(super) async fn one(
    State(app): State<App>,
    Path(name): Path<String>,
    Query(which): Query<Which>,
) -> Answer<WholeProfile> {
    Ok(Json(profiles::one(&app.0.config, &app.0.catalogue, &name, which.version).await?))
}

/// The versions of a profile that administrators wrote, the last one first.
#[utoipa::path(get, path = "/api/profiles/{name}/versions", tag = "profiles", params(("name" = String, Path)),
    responses((status = 200, body = [ProfileVersion])))]
pub(super) async fn versions(State(app): State<App>, Path(name): Path<String>) -> Answer<Vec<ProfileVersion>> {
    Ok(Json(app.0.catalogue.profile_versions(&name).await?))
}

/// Add a version of a profile, which is in force from now on. Jobs keep the versions with which they were submitted.
#[utoipa::path(put, path = "/api/profiles/{name}", tag = "profiles", params(("name" = String, Path)), request_body = NewProfile,
    responses((status = 200, body = WholeProfile), (status = 422, description = "all mistakes of the text")))]
pub(super) async fn set(
    State(app): State<App>,
    Extension(user): Extension<User>,
    Path(name): Path<String>,
    Json(own): Json<NewProfile>,
) -> Answer<WholeProfile> {
    administrator(&user)?;
    if own.text.len() > 1 << 20 {
        return Err(Error::invalid("text: at most a mebibyte"));
    }
    Ok(Json(profiles::set(&app.0.config, &app.0.catalogue, &name, &own.text, &user.name).await?))
}
