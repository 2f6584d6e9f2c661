//! Removes what is not needed any more. Jobs and their reports stay for ever, if the settings do not say otherwise.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::Row;

use super::{Catalogue, MOST_VALUES, News, places};
use crate::{config::Retention, error::Result, now};

/// How many rows were removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Jobs that are over, with their attempts, outputs and reports.
    pub jobs: u64,
    /// Changes of all kinds.
    pub changes: u64,
    /// Workers that gave no sign.
    pub workers: u64,
}

/// Rows that are removed at a time.
const PART: u64 = 1000;

impl Catalogue {
    /// Removes what is older than the settings say. 0 days: it stays.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn prune(&self, settings: &Retention, who: &str) -> Result<Removed> {
        let before = |days: u32| if days == 0 { 0 } else { now() - i64::from(days) * 86_400_000 };
        let (jobs, changes) = (before(settings.jobs_days), before(settings.changes_days));
        let (progress, workers) = (before(settings.progress_days), before(settings.workers_days));
        let mut removed = Removed::default();
        // In parts: a long statement would hold up those who write.
        let over = format!("ended_at < {jobs} AND state IN ('done', 'failed', 'cancelled')");
        removed.jobs = self.remove("jobs", "id", &over).await?;
        let old = format!("at < {changes} OR (at < {progress} AND what = 'job.progress')");
        removed.changes = self.remove("changes", "number", &old).await?;
        removed.workers = self.remove("workers", "name", &format!("seen_at < {workers}")).await?;
        let expired = format!("expires_at < {}", now());
        let others =
            self.remove("tokens", "hash", &expired).await? + self.remove("sign_ins", "state", &expired).await?;
        if removed != Removed::default() || others > 0 {
            let detail = json!({ "jobs": removed.jobs, "changes": removed.changes, "workers": removed.workers });
            let news = News { what: "catalogue.pruned", job: None, who: who.to_owned(), detail };
            self.change(move |_| Box::pin(async move { Ok(((), Some(news))) })).await?;
        }
        Ok(removed)
    }

    /// Removes the rows of a table for which `condition` holds. Returns their number.
    async fn remove(&self, table: &str, key: &str, condition: &str) -> Result<u64> {
        let query =
            format!("DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {condition} LIMIT {PART})");
        let mut removed = 0;
        loop {
            let count = sqlx::query(&query).execute(&self.pool).await?.rows_affected();
            removed += count;
            if count < PART {
                return Ok(removed);
            }
        }
    }

    /// Those of `jobs` whose scratch files are needed: they are not over, or ended after a time in milliseconds since 1970.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn needed(&self, jobs: &[String], before: i64) -> Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        for jobs in jobs.chunks(MOST_VALUES) {
            let places = places(jobs.len());
            let query =
                format!("SELECT id FROM jobs WHERE id IN ({places}) AND (ended_at IS NULL OR ended_at >= {before})");
            let query = jobs.iter().fold(sqlx::query(&query), |query, job| query.bind(job.clone()));
            for row in query.fetch_all(&self.pool).await? {
                found.insert(row.try_get(0)?);
            }
        }
        Ok(found)
    }
}
