//! Profiles by version.
//!
//! Invariant: a version never changes. A job is planned with the versions that were in force when it was submitted.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;
use sqlx::Row;
use utoipa::ToSchema;

use super::{Catalogue, News};
use crate::{
    error::{Error, Result},
    now,
};

/// A version of a profile.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProfileVersion {
    /// Its number, from 1.
    pub version: i64,
    /// Who wrote it.
    pub author: String,
    /// When it was written, in milliseconds since 1970.
    pub at: i64,
}

/// The text of a version of a profile.
#[derive(Clone, Debug)]
pub struct ProfileText {
    /// The name.
    pub name: String,
    /// The version.
    pub version: ProfileVersion,
    /// The profile, in TOML.
    pub text: String,
}

/// The names of profiles, and a version of each.
pub type Versions = BTreeMap<String, i64>;

/// Checks that `name` can be that of a profile: letters, digits, dots, underscores and hyphens. It cannot be a path.
///
/// # Errors
/// If it cannot.
pub fn check_profile_name(name: &str) -> Result<()> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    match (1..=60).contains(&name.len()) && !name.starts_with('.') && name.chars().all(is_plain) {
        true => Ok(()),
        false => Err(Error::invalid(format!(
            "{name:?} cannot name a profile: 1 to 60 letters, digits, dots, underscores and hyphens, the first no dot"
        ))),
    }
}

fn version(row: &sqlx::any::AnyRow) -> Result<ProfileVersion> {
    Ok(ProfileVersion { version: row.try_get("version")?, author: row.try_get("author")?, at: row.try_get("at")? })
}

fn profile(row: &sqlx::any::AnyRow) -> Result<ProfileText> {
    Ok(ProfileText { name: row.try_get("name")?, version: version(row)?, text: row.try_get("text")? })
}

impl Catalogue {
    /// Adds a version of a profile, which is in force from now on. Returns its number.
    ///
    /// # Errors
    /// If the name is not valid, or the database is away.
    pub async fn set_profile(&self, name: &str, text: &str, who: &str) -> Result<i64> {
        check_profile_name(name)?;
        let (name, text, who) = (name.to_owned(), text.to_owned(), who.to_owned());
        self.change(move |work| {
            Box::pin(async move {
                let query = "SELECT COALESCE(MAX(version), 0) FROM profiles WHERE name = $1";
                let row = sqlx::query(query).bind(name.clone()).fetch_one(&mut **work).await?;
                let version = row.try_get::<i64, _>(0)? + 1;
                let query = "INSERT INTO profiles (name, version, text, author, at) VALUES ($1, $2, $3, $4, $5)";
                let query = sqlx::query(query).bind(name.clone()).bind(version).bind(text).bind(who.clone());
                query.bind(now()).execute(&mut **work).await?;
                let detail = json!({ "profile": name, "version": version });
                Ok((version, Some(News { what: "profile.set", job: None, who, detail })))
            })
        })
        .await
    }

    /// The last version of each profile, by name.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn profiles(&self) -> Result<Vec<ProfileText>> {
        let query = "SELECT * FROM profiles AS own WHERE version = \
                     (SELECT MAX(version) FROM profiles WHERE name = own.name) ORDER BY name";
        sqlx::query(query).fetch_all(&self.pool).await?.iter().map(profile).collect()
    }

    /// A version of a profile; the last one without a number.
    ///
    /// # Errors
    /// If there is none of this name and number.
    pub async fn profile(&self, name: &str, version: Option<i64>) -> Result<ProfileText> {
        let query = "SELECT * FROM profiles WHERE name = $1 AND ($2 = 0 OR version = $2) ORDER BY version DESC LIMIT 1";
        let query = sqlx::query(query).bind(name).bind(version.unwrap_or(0));
        let missing = || match version {
            Some(version) => Error::Missing(format!("version {version} of the profile {name}")),
            None => Error::Missing(format!("profile {name}")),
        };
        profile(&query.fetch_optional(&self.pool).await?.ok_or_else(missing)?)
    }

    /// All versions of a profile, the last one first.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn profile_versions(&self, name: &str) -> Result<Vec<ProfileVersion>> {
        let query = "SELECT version, author, at FROM profiles WHERE name = $1 ORDER BY version DESC";
        sqlx::query(query).bind(name).fetch_all(&self.pool).await?.iter().map(version).collect()
    }

    /// The versions that are in force.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn versions_in_force(&self) -> Result<Versions> {
        let query = "SELECT name, MAX(version) FROM profiles GROUP BY name";
        let rows = sqlx::query(query).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    /// The texts of these versions, by name.
    ///
    /// # Errors
    /// If one is missing, or the database is away.
    pub async fn texts_of(&self, versions: &Versions) -> Result<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        for (name, version) in versions {
            found.insert(name.clone(), self.profile(name, Some(*version)).await?.text);
        }
        Ok(found)
    }
}
