//! Users, their sessions, and API tokens.
//!
//! Invariant: the database holds no secret that opens anything: passwords by argon2, tokens by SHA-256.

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier, password_hash::SaltString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::Row;
use utoipa::ToSchema;

use super::{Catalogue, News, random};
use crate::{
    error::{Error, Result},
    now,
};

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look at everything.
    Viewer,
    /// Submit and change jobs.
    Operator,
    /// Change users, workers and the notice.
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
}

/// The fewest characters of a password.
const SHORTEST: usize = 10;

fn hashed(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn role_of(name: &str) -> Result<Role> {
    let found = Role::ALL.into_iter().find(|role| role.name() == name);
    found.ok_or_else(|| Error::Bug(format!("catalogue: the role {name}")))
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
        let salt = SaltString::encode_b64(random(16)?.as_bytes()).map_err(|error| Error::Bug(error.to_string()))?;
        let secret = password.to_owned();
        let hash = tokio::task::spawn_blocking(move || {
            Argon2::default().hash_password(secret.as_bytes(), &salt).map(|hash| hash.to_string())
        });
        let hash = hash.await.map_err(|error| Error::Bug(error.to_string()))?;
        let hash = hash.map_err(|error| Error::Bug(error.to_string()))?;
        let (name, who) = (name.to_owned(), who.to_owned());
        self.change(move |work| {
            Box::pin(async move {
                let query = "INSERT INTO users (name, password, role, created_at) VALUES ($1, $2, $3, $4) \
                             ON CONFLICT (name) DO UPDATE SET password = $2, role = $3";
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

    /// All users, by name.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn users(&self) -> Result<Vec<User>> {
        let rows = sqlx::query("SELECT name, role FROM users ORDER BY name").fetch_all(&self.pool).await?;
        let user = |row: &sqlx::any::AnyRow| {
            Ok(User { name: row.try_get("name")?, role: role_of(row.try_get::<String, _>("role")?.as_str())? })
        };
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
        let row = sqlx::query("SELECT password, role FROM users WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        let (hash, role) = match &row {
            Some(row) => (row.try_get("password")?, Some(role_of(row.try_get::<String, _>("role")?.as_str())?)),
            None => (NOBODY.to_owned(), None),
        };
        let secret = password.to_owned();
        let check = move || {
            PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(secret.as_bytes(), &hash).is_ok())
        };
        let is_right = tokio::task::spawn_blocking(check).await.map_err(|error| Error::Bug(error.to_string()))?;
        role.filter(|_| is_right).map(|role| User { name: name.to_owned(), role }).ok_or(Error::Unknown)
    }

    /// Makes a session or an API token for a user. Returns its secret, which is told nowhere else.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn token(&self, user: &str, label: &str, expires_at: Option<i64>) -> Result<String> {
        let secret = random(32)?;
        let query = "INSERT INTO tokens (hash, owner, label, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
        let query = sqlx::query(query).bind(hashed(&secret)).bind(user).bind(label).bind(now()).bind(expires_at);
        query.execute(&self.pool).await?;
        Ok(secret)
    }

    /// The user of a token.
    ///
    /// # Errors
    /// `Unknown` if there is no such token, or it has expired.
    pub async fn user_of(&self, secret: &str) -> Result<User> {
        let query = "SELECT users.name, users.role FROM tokens JOIN users ON users.name = tokens.owner \
                     WHERE hash = $1 AND (expires_at IS NULL OR expires_at > $2)";
        let row = sqlx::query(query).bind(hashed(secret)).bind(now()).fetch_optional(&self.pool).await?;
        let row = row.ok_or(Error::Unknown)?;
        Ok(User { name: row.try_get(0)?, role: role_of(row.try_get::<String, _>(1)?.as_str())? })
    }

    /// Ends a session or an API token.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn end_token(&self, secret: &str) -> Result<()> {
        sqlx::query("DELETE FROM tokens WHERE hash = $1").bind(hashed(secret)).execute(&self.pool).await?;
        Ok(())
    }
}
