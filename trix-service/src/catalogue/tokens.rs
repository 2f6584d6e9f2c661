//! Sessions of pages, and tokens of scripts.
//!
//! Invariant: the database holds the SHA-256 of a secret, and the secret is shown once.

use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::Row;
use utoipa::ToSchema;

use super::{Catalogue, News, User, maybe, random, users::user};
use crate::{
    error::{Error, Result},
    hex, now,
};

/// What sessions of pages are called.
pub const SESSION: &str = "session";
/// The digits of a hash that name a token.
const DIGITS: usize = 16;

/// A session or a token.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Token {
    /// Its id. This is not the secret.
    pub id: String,
    /// Its user.
    pub owner: String,
    /// What it is for; `session`: a page.
    pub label: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// When it expires; `None`: never.
    pub expires_at: Option<i64>,
}

fn hashed(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

impl Catalogue {
    /// Makes a session or a token for a user. Returns its id, and its secret, which is told nowhere else.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn token(&self, user: &str, label: &str, expires_at: Option<i64>) -> Result<(String, String)> {
        let secret = random(32)?;
        let hash = hashed(&secret);
        let query = "INSERT INTO tokens (hash, owner, label, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)";
        let query = sqlx::query(query).bind(hash.clone()).bind(user).bind(label).bind(now()).bind(expires_at);
        query.execute(&self.pool).await?;
        Ok((hash[..DIGITS].to_owned(), secret))
    }

    /// The user of a token.
    ///
    /// # Errors
    /// `Unknown` if there is no such token, or it has expired.
    pub async fn user_of(&self, secret: &str) -> Result<User> {
        let query = "SELECT users.* FROM tokens JOIN users ON users.name = tokens.owner \
                     WHERE hash = $1 AND (expires_at IS NULL OR expires_at > $2)";
        let row = sqlx::query(query).bind(hashed(secret)).bind(now()).fetch_optional(&self.pool).await?;
        user(&row.ok_or(Error::Unknown)?)
    }

    /// The sessions and tokens that have not expired, of one user or of all, the last one first.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn tokens(&self, owner: Option<&str>) -> Result<Vec<Token>> {
        let query = "SELECT * FROM tokens WHERE ($1 = '' OR owner = $1) AND (expires_at IS NULL OR expires_at > $2) \
                     ORDER BY created_at DESC, hash";
        let rows = sqlx::query(query).bind(owner.unwrap_or_default()).bind(now()).fetch_all(&self.pool).await?;
        let token = |row: &sqlx::any::AnyRow| {
            Ok(Token {
                id: row.try_get::<String, _>("hash")?.chars().take(DIGITS).collect(),
                owner: row.try_get("owner")?,
                label: row.try_get("label")?,
                created_at: row.try_get("created_at")?,
                expires_at: maybe(row, "expires_at")?,
            })
        };
        rows.iter().map(token).collect()
    }

    /// Ends a session or a token, of one user or of anyone.
    ///
    /// # Errors
    /// If there is none of this id.
    pub async fn revoke(&self, id: &str, owner: Option<&str>, who: &str) -> Result<()> {
        let (id, owner, who) = (id.to_owned(), owner.unwrap_or_default().to_owned(), who.to_owned());
        self.change(move |work| {
            Box::pin(async move {
                let query =
                    format!("DELETE FROM tokens WHERE substr(hash, 1, {DIGITS}) = $1 AND ($2 = '' OR owner = $2)");
                if sqlx::query(&query).bind(id.clone()).bind(owner).execute(&mut **work).await?.rows_affected() == 0 {
                    return Err(Error::Missing(format!("token {id}")));
                }
                Ok(((), Some(News { what: "token.revoked", job: None, who, detail: json!({ "token": id }) })))
            })
        })
        .await
    }

    /// Ends the session or token of a secret.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn end_token(&self, secret: &str) -> Result<()> {
        sqlx::query("DELETE FROM tokens WHERE hash = $1").bind(hashed(secret)).execute(&self.pool).await?;
        Ok(())
    }
}
