//! The profiles of the farm: those of Trix, those of the service, and those that administrators write, by version.
//!
//! Invariant: a profile of an administrator comes before one of the service, and that before one of Trix with the same name.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    catalogue::{Catalogue, ProfileText, Versions, check_profile_name},
    config::Config,
    error::{Error, Result},
    looks::{self, Look},
};

/// The profiles of the service. Its `preview` adds segments for streaming to that of Trix.
const OWN: [(&str, &str); 1] = [("preview", include_str!("../profiles/preview.toml"))];

/// A profile.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Profile {
    /// The name.
    pub name: String,
    /// The version; 0: it comes with Trix.
    pub version: i64,
    /// What it is for.
    pub description: String,
    /// Its variables, with their values.
    pub variables: BTreeMap<String, serde_json::Value>,
    /// Who wrote it; empty: it comes with Trix.
    pub author: String,
    /// When it was written, in milliseconds since 1970; 0: it comes with Trix.
    pub at: i64,
}

/// A profile with its text.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WholeProfile {
    /// What is known of it.
    #[serde(flatten)]
    pub profile: Profile,
    /// The profile, in TOML.
    pub text: String,
}

/// The texts of the profiles of the service, by name.
fn of_service() -> BTreeMap<String, String> {
    OWN.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// The texts of the profiles of the service, and of these versions, by name.
///
/// # Errors
/// If a version is missing, or the database is away.
pub async fn of(catalogue: &Catalogue, versions: &Versions) -> Result<BTreeMap<String, String>> {
    let mut found = of_service();
    found.extend(catalogue.texts_of(versions).await?);
    Ok(found)
}

/// The text of a profile that comes with Trix or the service.
fn built_in(name: &str) -> Option<&'static str> {
    let of_trix = trix_core::document::PROFILES.iter().map(|own| (own.name, own.text));
    OWN.into_iter().chain(of_trix).find(|(own, _)| *own == name).map(|(_, text)| text)
}

/// What a process of its own finds out about profiles of these names.
async fn described(
    config: &Config,
    texts: BTreeMap<String, String>,
    names: Vec<String>,
) -> Result<BTreeMap<String, looks::Described>> {
    let found = looks::look(config, &Look::Profiles { texts, names }).await?;
    serde_json::from_value(found).map_err(|error| Error::Bug(error.to_string()))
}

/// All profiles in force, by name.
///
/// # Errors
/// If the database is away.
pub async fn all(config: &Config, catalogue: &Catalogue) -> Result<Vec<Profile>> {
    let written = catalogue.profiles().await?;
    let mut texts = of_service();
    texts.extend(written.iter().map(|own| (own.name.clone(), own.text.clone())));
    let mut names: Vec<String> = trix_core::document::PROFILES.iter().map(|own| own.name.to_owned()).collect();
    names.extend(texts.keys().cloned());
    names.sort();
    names.dedup();
    let found = described(config, texts, names).await?;
    let profile = |(name, own): (String, looks::Described)| {
        let written = written.iter().find(|written| written.name == name);
        of_version(name, own, written)
    };
    Ok(found.into_iter().map(profile).collect())
}

fn of_version(name: String, own: looks::Described, written: Option<&ProfileText>) -> Profile {
    Profile {
        name,
        version: written.map_or(0, |written| written.version.version),
        description: own.description,
        variables: own.variables,
        author: written.map(|written| written.version.author.clone()).unwrap_or_default(),
        at: written.map_or(0, |written| written.version.at),
    }
}

/// A version of a profile; the one in force without a number.
///
/// # Errors
/// If there is none.
pub async fn one(config: &Config, catalogue: &Catalogue, name: &str, version: Option<i64>) -> Result<WholeProfile> {
    let written = match version {
        Some(0) => Err(Error::Missing(format!("profile {name} that comes with Trix"))),
        _ => catalogue.profile(name, version).await,
    };
    let (written, text) = match (written, built_in(name)) {
        (Ok(written), _) => (Some(written.clone()), written.text),
        (Err(Error::Missing(_)), Some(text)) if version.unwrap_or(0) == 0 => (None, text.to_owned()),
        (Err(error), _) => return Err(error),
    };
    let mut texts = of(catalogue, &catalogue.versions_in_force().await?).await?;
    texts.insert(name.to_owned(), text.clone());
    let own = described(config, texts, vec![name.to_owned()]).await?.remove(name).unwrap_or_default();
    Ok(WholeProfile { profile: of_version(name.to_owned(), own, written.as_ref()), text })
}

/// Adds a version of a profile, if its text has no mistakes.
///
/// # Errors
/// With all mistakes of the text.
pub async fn set(config: &Config, catalogue: &Catalogue, name: &str, text: &str, who: &str) -> Result<WholeProfile> {
    check_profile_name(name)?;
    let mut texts = of(catalogue, &catalogue.versions_in_force().await?).await?;
    texts.insert(name.to_owned(), text.to_owned());
    looks::look(config, &Look::Profile { texts, name: name.to_owned() }).await?;
    let version = catalogue.set_profile(name, text, who).await?;
    one(config, catalogue, name, Some(version)).await
}
