//! Users.
//!
//! Invariant: the database holds no password, only its hash by argon2.

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier, password_hash::SaltString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Row;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::{Catalogue, News, Work, random};
use crate::{
    error::{Error, Result},
    in_thread, now,
};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look at everything.
    Viewer,
    /// Submit and change jobs.
    Operator,
    /// Change users, workers, profiles and the notice.
    Administrator,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 3] = [Role::Viewer, Role::Operator, Role::Administrator];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Administrator => "administrator",
        }
    }
}

/// A user.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct User {
    /// The name.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// True if the user signs in with an OpenID provider, and has no password here.
    pub is_external: bool,
}

/// Passwords that are hashed at a time: each takes 19 MiB.
static HASHING: Semaphore = Semaphore::const_new(4);

/// The fewest characters of a password.
const SHORTEST: usize = 10;

fn role_of(name: &str) -> Result<Role> {
    let found = Role::ALL.into_iter().find(|role| role.name() == name);
    found.ok_or_else(|| Error::Bug(format!("catalogue: the role {name}")))
}

/// The user of a row.
pub(super) fn user(row: &sqlx::any::AnyRow) -> Result<User> {
    Ok(User {
        name: row.try_get("name")?,
        role: role_of(row.try_get::<String, _>("role")?.as_str())?,
        is_external: row.try_get::<i64, _>("is_external")? != 0,
    })
}

/// Refuses to take the role from the last administrator.
async fn refuse_last(work: &mut Work, name: &str) -> Result<()> {
    let query = "SELECT COUNT(CASE WHEN name <> $1 THEN 1 END), COUNT(CASE WHEN name = $1 THEN 1 END) \
                 FROM users WHERE role = 'administrator'";
    let row = sqlx::query(query).bind(name.to_owned()).fetch_one(&mut **work).await?;
    let (others, own): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    if others == 0 && own > 0 { Err(Error::Conflict(format!("{name} is the last administrator"))) } else { Ok(()) }
}

impl Catalogue {
    /// Adds a user, or changes the password and the role.
    ///
    /// # Errors
    /// If the name or the password is too short.
    pub async fn set_user(&self, name: &str, password: &str, role: Role, who: &str) -> Result<()> {
        if name.is_empty() || name.len() > 100 {
            return Err(Error::invalid("name: 1 to 100 characters"));
        }
        if password.chars().count() < SHORTEST {
            return Err(Error::invalid(format!("password: at least {SHORTEST} characters")));
        }
        let _turn = HASHING.acquire().await.map_err(|error| Error::Bug(error.to_string()))?;
        let salt = SaltString::encode_b64(random(16)?.as_bytes()).map_err(|error| Error::Bug(error.to_string()))?;
        let secret = password.to_owned();
        let hash = move || Argon2::default().hash_password(secret.as_bytes(), &salt).map(|hash| hash.to_string());
        let hash = in_thread(hash).await?.map_err(|error| Error::Bug(error.to_string()))?;
        let (name, who) = (name.to_owned(), who.to_owned());
        self.change(move |work| {
            Box::pin(async move {
                if role != Role::Administrator {
                    refuse_last(work, &name).await?;
                }
                let query = "INSERT INTO users (name, password, role, created_at) VALUES ($1, $2, $3, $4) \
                             ON CONFLICT (name) DO UPDATE SET password = $2, role = $3, is_external = 0";
                let query = sqlx::query(query).bind(name.clone()).bind(hash).bind(role.name()).bind(now());
                query.execute(&mut **work).await?;
                // Whoever knew the old password is signed out.
                sqlx::query("DELETE FROM tokens WHERE owner = $1").bind(name.clone()).execute(&mut **work).await?;
                let detail = json!({ "user": name, "role": role.name() });
                Ok(((), Some(News { what: "user.set", job: None, who, detail })))
            })
        })
        .await
    }

    /// Changes the role of a user.
    ///
    /// # Errors
    /// If there is none of this name, or it is the last administrator.
    pub async fn set_role(&self, name: &str, role: Role, who: &str) -> Result<()> {
        let (name, who) = (name.to_owned(), who.to_owned());
        self.change(move |work| {
            Box::pin(async move {
                if role != Role::Administrator {
                    refuse_last(work, &name).await?;
                }
                let query = sqlx::query("UPDATE users SET role = $1 WHERE name = $2").bind(role.name());
                if query.bind(name.clone()).execute(&mut **work).await?.rows_affected() == 0 {
                    return Err(Error::Missing(format!("user {name}")));
                }
                let detail = json!({ "user": name, "role": role.name() });
                Ok(((), Some(News { what: "user.set", job: None, who, detail })))
            })
        })
        .await
    }

    /// Removes a user, with all sessions and tokens.
    ///
    /// # Errors
    /// If there is none of this name, or it is the last administrator.
    pub async fn remove_user(&self, name: &str, who: &str) -> Result<()> {
        let (name, who) = (name.to_owned(), who.to_owned());
        self.change(move |work| {
            Box::pin(async move {
                refuse_last(work, &name).await?;
                let query = sqlx::query("DELETE FROM users WHERE name = $1").bind(name.clone());
                if query.execute(&mut **work).await?.rows_affected() == 0 {
                    return Err(Error::Missing(format!("user {name}")));
                }
                Ok(((), Some(News { what: "user.removed", job: None, who, detail: json!({ "user": name }) })))
            })
        })
        .await
    }

    /// All users, by name.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn users(&self) -> Result<Vec<User>> {
        let rows = sqlx::query("SELECT * FROM users ORDER BY name").fetch_all(&self.pool).await?;
        rows.iter().map(user).collect()
    }

    /// Checks a password.
    ///
    /// # Errors
    /// `Unknown` if there is no such user or it is another password: both take as long.
    pub async fn user_with(&self, name: &str, password: &str) -> Result<User> {
        // The hash of no password.
        const NOBODY: &str =
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$wdFRVqMsYcMYgmBYUSqdPYcZJhBzKGWTVxW8tMnWyOw";
        let query = "SELECT * FROM users WHERE name = $1 AND is_external = 0";
        let row = sqlx::query(query).bind(name).fetch_optional(&self.pool).await?;
        let (hash, found) = match &row {
            Some(row) => (row.try_get("password")?, Some(user(row)?)),
            None => (NOBODY.to_owned(), None),
        };
        let _turn = HASHING.acquire().await.map_err(|error| Error::Bug(error.to_string()))?;
        let secret = password.to_owned();
        let check = move || {
            PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(secret.as_bytes(), &hash).is_ok())
        };
        let is_right = in_thread(check).await?;
        found.filter(|_| is_right).ok_or(Error::Unknown)
    }
}
