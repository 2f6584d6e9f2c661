//! Who did what, when.

use serde::Serialize;
use sqlx::Row;
use utoipa::ToSchema;

use super::{Catalogue, document, maybe};
use crate::error::Result;

/// A change.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Change {
    /// Its number, from 1, without gaps.
    pub number: i64,
    /// When it became visible, in milliseconds since 1970.
    pub at: i64,
    /// What changed: `job.submitted`, `job.progress`, `notice.set` and others.
    pub what: String,
    /// The job, if it is about one.
    pub job: Option<String>,
    /// The user or the part of the farm that did it.
    pub who: String,
    /// What is said about it.
    pub detail: serde_json::Value,
}

impl Catalogue {
    /// The number of the last change.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn last_change(&self) -> Result<i64> {
        let row = sqlx::query("SELECT value FROM counters WHERE name = 'changes'").fetch_one(&self.pool).await?;
        Ok(row.try_get(0)?)
    }

    /// The changes after number `after`, at most `most`.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn changes_after(&self, after: i64, most: i64) -> Result<Vec<Change>> {
        let query = "SELECT * FROM changes WHERE number > $1 ORDER BY number LIMIT $2";
        let rows = sqlx::query(query).bind(after).bind(most).fetch_all(&self.pool).await?;
        rows.iter().map(Change::of).collect()
    }

    /// The changes of a job, the last one first.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn changes_of(&self, job: &str, most: i64) -> Result<Vec<Change>> {
        let query = "SELECT * FROM changes WHERE job = $1 ORDER BY number DESC LIMIT $2";
        let rows = sqlx::query(query).bind(job).bind(most).fetch_all(&self.pool).await?;
        rows.iter().map(Change::of).collect()
    }
}

impl Change {
    fn of(row: &sqlx::any::AnyRow) -> Result<Self> {
        Ok(Change {
            number: row.try_get("number")?,
            at: row.try_get("at")?,
            what: row.try_get("what")?,
            job: maybe(row, "job")?,
            who: row.try_get("who")?,
            detail: document(row, "detail")?,
        })
    }
}
