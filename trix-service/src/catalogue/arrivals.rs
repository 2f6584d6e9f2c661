//! Masters that watch folders have taken.

use serde::Serialize;
use serde_json::json;
use sqlx::Row;
use utoipa::ToSchema;

use super::{Catalogue, News, Submission, document, maybe, text_of};
use crate::{
    error::{Error, Result},
    now,
};

/// A master that a rule matches.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Arrival {
    /// Its path below the mount `source`.
    pub path: String,
    /// The name of the rule.
    pub rule: String,
    /// Its size.
    pub bytes: i64,
    /// When it was changed, in milliseconds since 1970.
    pub changed_at: i64,
    /// `submitted`, or `waits` for an operator.
    pub state: String,
    /// What it waits for.
    pub why: String,
    /// What was submitted, or would be.
    pub submission: Submission,
    /// The job.
    pub job: Option<String>,
}

impl Catalogue {
    /// Notes a master that a rule matches, with its job, or with the reason why an operator has to look at it.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn arrived(&self, arrival: &Arrival, who: &str) -> Result<()> {
        let (own, who, text) = (arrival.clone(), who.to_owned(), text_of(&arrival.submission)?);
        self.change(move |work| {
            Box::pin(async move {
                let query = "INSERT INTO arrivals (path, rule, bytes, changed_at, state, why, submission, job, at) \
                             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (path) DO UPDATE SET rule = $2, bytes = $3, \
                             changed_at = $4, state = $5, why = $6, submission = $7, job = $8, at = $9";
                let query = sqlx::query(query).bind(own.path.clone()).bind(own.rule.clone()).bind(own.bytes);
                let query = query.bind(own.changed_at).bind(own.state.clone()).bind(own.why.clone()).bind(text);
                query.bind(own.job.clone()).bind(now()).execute(&mut **work).await?;
                let detail = json!({ "path": own.path, "rule": own.rule, "state": own.state, "why": own.why });
                Ok(((), Some(News { what: "master.arrived", job: own.job, who, detail })))
            })
        })
        .await
    }

    /// The master of this path, if it was noted with this size and time.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn knows(&self, path: &str, bytes: i64, changed_at: i64) -> Result<bool> {
        let query = "SELECT 1 FROM arrivals WHERE path = $1 AND bytes = $2 AND changed_at = $3";
        let query = sqlx::query(query).bind(path).bind(bytes).bind(changed_at);
        Ok(query.fetch_optional(&self.pool).await?.is_some())
    }

    /// The masters that wait for an operator, and those that were submitted last, the last one first.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn arrivals(&self, most: i64) -> Result<Vec<Arrival>> {
        let query = "SELECT * FROM arrivals ORDER BY CASE WHEN state = 'waits' THEN 0 ELSE 1 END, at DESC LIMIT $1";
        let rows = sqlx::query(query).bind(most).fetch_all(&self.pool).await?;
        let arrival = |row: &sqlx::any::AnyRow| {
            Ok(Arrival {
                path: row.try_get("path")?,
                rule: row.try_get("rule")?,
                bytes: row.try_get("bytes")?,
                changed_at: row.try_get("changed_at")?,
                state: row.try_get("state")?,
                why: row.try_get("why")?,
                submission: document(row, "submission")?,
                job: maybe(row, "job")?,
            })
        };
        rows.iter().map(arrival).collect()
    }

    /// Notes that an operator has submitted a master that waited, or does not want it: then there is no `job`.
    ///
    /// # Errors
    /// If no master of this path waits.
    pub async fn settle_arrival(&self, path: &str, job: Option<&str>, who: &str) -> Result<()> {
        // Most masters are of no watch folder: then no change begins.
        let query = sqlx::query("SELECT 1 FROM arrivals WHERE path = $1 AND state = 'waits'").bind(path);
        if query.fetch_optional(&self.pool).await?.is_none() {
            return Err(Error::Missing(format!("master {path} that waits")));
        }
        let (path, job, who) = (path.to_owned(), job.map(str::to_owned), who.to_owned());
        self.change(move |work| {
            Box::pin(async move {
                let state = if job.is_some() { "submitted" } else { "dismissed" };
                let query = "UPDATE arrivals SET state = $1, job = $2, at = $3 WHERE path = $4 AND state = 'waits'";
                let query = sqlx::query(query).bind(state).bind(job.clone()).bind(now()).bind(path.clone());
                if query.execute(&mut **work).await?.rows_affected() == 0 {
                    return Err(Error::Missing(format!("master {path} that waits")));
                }
                let detail = json!({ "path": path, "state": state });
                Ok(((), Some(News { what: "master.settled", job, who, detail })))
            })
        })
        .await
    }
}
