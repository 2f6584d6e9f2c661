//! Removes what is not needed any more. Jobs and their reports stay for ever, if the settings do not say otherwise.

use serde_json::json;

use super::{Catalogue, News};
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

impl Catalogue {
    /// Removes what is older than the settings say. 0 days: it stays.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn prune(&self, settings: &Retention, who: &str) -> Result<Removed> {
        let before = |days: u32| if days == 0 { 0 } else { now() - i64::from(days) * 86_400_000 };
        let (jobs, changes) = (before(settings.jobs_days), before(settings.changes_days));
        let (progress, workers) = (before(settings.progress_days), before(settings.workers_days));
        let who = who.to_owned();
        self.change(move |work| {
            Box::pin(async move {
                let mut removed = Removed::default();
                let query = "DELETE FROM jobs WHERE ended_at < $1 AND state IN ('done', 'failed', 'cancelled')";
                removed.jobs = sqlx::query(query).bind(jobs).execute(&mut **work).await?.rows_affected();
                let query = "DELETE FROM changes WHERE at < $1 OR (at < $2 AND what = 'job.progress')";
                let done = sqlx::query(query).bind(changes).bind(progress).execute(&mut **work).await?;
                removed.changes = done.rows_affected();
                let query = sqlx::query("DELETE FROM workers WHERE seen_at < $1").bind(workers);
                removed.workers = query.execute(&mut **work).await?.rows_affected();
                let mut others = 0;
                for query in ["DELETE FROM tokens WHERE expires_at < $1", "DELETE FROM sign_ins WHERE expires_at < $1"]
                {
                    others += sqlx::query(query).bind(now()).execute(&mut **work).await?.rows_affected();
                }
                let is_news = removed != Removed::default() || others > 0;
                let detail = json!({ "jobs": removed.jobs, "changes": removed.changes, "workers": removed.workers });
                Ok((removed, is_news.then_some(News { what: "catalogue.pruned", job: None, who, detail })))
            })
        })
        .await
    }

    /// Those of `jobs` whose scratch files are needed: they are not over, or ended after a time in milliseconds since 1970.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn needed(&self, jobs: &[String], before: i64) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for job in jobs {
            let query = "SELECT 1 FROM jobs WHERE id = $1 AND (ended_at IS NULL OR ended_at >= $2)";
            let row = sqlx::query(query).bind(job.clone()).bind(before).fetch_optional(&self.pool).await?;
            found.extend(row.map(|_| job.clone()));
        }
        Ok(found)
    }
}
