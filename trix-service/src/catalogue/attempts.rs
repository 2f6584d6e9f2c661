//! Attempts at the steps of jobs.

use serde::{Deserialize, Serialize};
use sqlx::Row;
use trix_core::ErrorDetail;
use utoipa::ToSchema;

use super::{Catalogue, StepProgress, id, maybe, text_of, units::progress};
use crate::{error::Result, now};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The engine has its result.
    Done,
    /// It failed. The engine knows.
    Failed,
    /// Something outside was missing. This is no failure of the step.
    Waited,
    /// It was cancelled.
    Cancelled,
    /// The engine refused its result: another attempt had taken its place.
    Fenced,
}

/// An attempt at a step.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Attempt {
    /// Its id.
    pub id: String,
    /// The run of the job.
    pub run: i64,
    /// The step: `plan`, `chunk 12`, `finish`, `publish`.
    pub step: String,
    /// The worker.
    pub worker: String,
    /// When it began, in milliseconds since 1970.
    pub began_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// How it ended: `done`, `failed`, `waited`, `cancelled` or `fenced`. `None` while it runs, and if its worker was lost.
    pub outcome: Option<String>,
    /// Why it failed.
    #[schema(value_type = Option<Object>)]
    pub error: Option<ErrorDetail>,
    /// How far it is, or came.
    #[serde(flatten)]
    pub progress: StepProgress,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Failed => "failed",
            Outcome::Waited => "waited",
            Outcome::Cancelled => "cancelled",
            Outcome::Fenced => "fenced",
        }
    }
}

impl Catalogue {
    /// Notes that an attempt begins. Returns its id.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn attempt_begins(&self, job: &str, run: i64, step: &str, worker: &str) -> Result<String> {
        let own = id()?;
        let query = "INSERT INTO attempts (id, job, run, step, worker, began_at) VALUES ($1, $2, $3, $4, $5, $6)";
        let query = sqlx::query(query).bind(own.clone()).bind(job).bind(run).bind(step).bind(worker).bind(now());
        query.execute(&self.pool).await?;
        Ok(own)
    }

    /// Notes how an attempt ended, and how far it came.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn attempt_ends(
        &self,
        own: &str,
        outcome: Outcome,
        error: Option<&ErrorDetail>,
        progress: &StepProgress,
    ) -> Result<()> {
        self.attempt_progresses(own, progress).await?;
        let error = error.map(text_of).transpose()?;
        let query = "UPDATE attempts SET ended_at = $1, outcome = $2, error = $3 WHERE id = $4";
        sqlx::query(query).bind(now()).bind(outcome.name()).bind(error).bind(own).execute(&self.pool).await?;
        Ok(())
    }

    /// How often a step of a run has failed, and how often its worker was lost.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn failures(&self, job: &str, run: i64, step: &str, but: &str) -> Result<(i64, i64)> {
        let query = "SELECT COUNT(CASE WHEN outcome = 'failed' THEN 1 END), COUNT(CASE WHEN outcome IS NULL THEN 1 END) \
                     FROM attempts WHERE job = $1 AND run = $2 AND step = $3 AND id <> $4";
        let row = sqlx::query(query).bind(job).bind(run).bind(step).bind(but).fetch_one(&self.pool).await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    /// All attempts at the steps of a job, the last one first.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn attempts_of(&self, job: &str) -> Result<Vec<Attempt>> {
        let query = "SELECT * FROM attempts WHERE job = $1 ORDER BY id DESC";
        let rows = sqlx::query(query).bind(job).fetch_all(&self.pool).await?;
        let attempt = |row: &sqlx::any::AnyRow| {
            let error: Option<String> = maybe(row, "error")?;
            Ok(Attempt {
                id: row.try_get("id")?,
                run: row.try_get("run")?,
                step: row.try_get("step")?,
                worker: row.try_get("worker")?,
                began_at: row.try_get("began_at")?,
                ended_at: maybe(row, "ended_at")?,
                outcome: maybe(row, "outcome")?,
                error: error.and_then(|text| serde_json::from_str(&text).ok()),
                progress: progress(row)?,
            })
        };
        rows.iter().map(attempt).collect()
    }
}
