//! Sign-ins at an OpenID provider that have begun. Any API server can end them.
//!
//! Invariant: a sign-in ends once.

use sqlx::Row;

use super::{Catalogue, News, Role, User};
use crate::{
    error::{Error, Result},
    now,
};

/// What is kept of a sign-in until the provider sends its user back.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The text that the provider sends back.
    pub state: String,
    /// The text that the ID token has to hold.
    pub nonce: String,
    /// The secret of which the provider has the hash (PKCE).
    pub verifier: String,
}

/// The longest time of a sign-in, in milliseconds.
const LONGEST: i64 = 10 * 60_000;
/// The most sign-ins that have begun at a time. Nobody has to be signed in to begin one.
const MOST: i64 = 10_000;

impl Catalogue {
    /// Keeps a sign-in that begins.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn sign_in_begins(&self, own: &SignIn) -> Result<()> {
        sqlx::query("DELETE FROM sign_ins WHERE expires_at < $1").bind(now()).execute(&self.pool).await?;
        let row = sqlx::query("SELECT COUNT(*) FROM sign_ins").fetch_one(&self.pool).await?;
        if row.try_get::<i64, _>(0)? >= MOST {
            return Err(Error::Conflict("too many sign-ins have begun: try again in ten minutes".into()));
        }
        let query = "INSERT INTO sign_ins (state, nonce, verifier, expires_at) VALUES ($1, $2, $3, $4)";
        let query = sqlx::query(query).bind(own.state.clone()).bind(own.nonce.clone()).bind(own.verifier.clone());
        query.bind(now() + LONGEST).execute(&self.pool).await?;
        Ok(())
    }

    /// Ends the sign-in of this state.
    ///
    /// # Errors
    /// `Unknown` if none has begun, it has ended, or it took too long.
    pub async fn sign_in_ends(&self, state: &str) -> Result<SignIn> {
        let query = "DELETE FROM sign_ins WHERE state = $1 RETURNING nonce, verifier, expires_at";
        let row = sqlx::query(query).bind(state).fetch_optional(&self.pool).await?.ok_or(Error::Unknown)?;
        if row.try_get::<i64, _>("expires_at")? < now() {
            return Err(Error::Unknown);
        }
        Ok(SignIn { state: state.to_owned(), nonce: row.try_get("nonce")?, verifier: row.try_get("verifier")? })
    }

    /// Adds a user of the provider, or changes the role.
    ///
    /// # Errors
    /// `Conflict` if a user with a password has this name.
    pub async fn set_external_user(&self, name: &str, role: Role) -> Result<User> {
        let own = name.to_owned();
        self.change(move |work| {
            Box::pin(async move {
                let query = "SELECT role, is_external FROM users WHERE name = $1";
                let known = sqlx::query(query).bind(own.clone()).fetch_optional(&mut **work).await?;
                if let Some(known) = known {
                    if known.try_get::<i64, _>("is_external")? == 0 {
                        return Err(Error::Conflict(format!("{own} is a user with a password")));
                    }
                    if known.try_get::<String, _>("role")? == role.name() {
                        return Ok(((), None));
                    }
                }
                // No password has this hash.
                let query = "INSERT INTO users (name, password, role, created_at, is_external) VALUES ($1, '', $2, $3, 1) \
                             ON CONFLICT (name) DO UPDATE SET role = $2";
                sqlx::query(query).bind(own.clone()).bind(role.name()).bind(now()).execute(&mut **work).await?;
                let detail = serde_json::json!({ "user": own, "role": role.name() });
                Ok(((), Some(News { what: "user.set", job: None, who: "provider".into(), detail })))
            })
        })
        .await?;
        Ok(User { name: name.to_owned(), role, is_external: true })
    }
}
