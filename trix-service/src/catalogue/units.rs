//! What workers do at this moment, and how much went well lately.

use serde::{Deserialize, Serialize};
use sqlx::Row;
use utoipa::ToSchema;

use super::{Catalogue, GONE, maybe};
use crate::{error::Result, now};

/// How far an attempt is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepProgress {
    /// Frames that are done.
    pub frames: i64,
    /// Frames that are to be done, where known.
    pub frames_expected: Option<i64>,
    /// What is done with them: `encode`, `verify` or `first_pass`; empty if no frames are worked at.
    pub doing: String,
}

/// An attempt that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Unit {
    /// The job.
    pub job: String,
    /// The title of the job.
    pub title: String,
    /// The run of the job.
    pub run: i64,
    /// The step: `plan`, `chunk 12`, `finish`, `publish`.
    pub step: String,
    /// The worker.
    pub worker: String,
    /// When it began, in milliseconds since 1970.
    pub began_at: i64,
    /// How far it is.
    #[serde(flatten)]
    pub progress: StepProgress,
}

/// How many jobs and attempts have ended in a time, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Counts {
    /// Jobs whose copies have their names.
    pub jobs_done: i64,
    /// Jobs that have failed.
    pub jobs_failed: i64,
    /// Attempts that the engine has accepted.
    pub attempts_done: i64,
    /// Attempts that have failed.
    pub attempts_failed: i64,
    /// Attempts that something outside kept from their work.
    pub attempts_waited: i64,
    /// Attempts that the engine has refused.
    pub attempts_fenced: i64,
}

/// How far the attempt of a row is.
pub(super) fn progress(row: &sqlx::any::AnyRow) -> Result<StepProgress> {
    Ok(StepProgress {
        frames: row.try_get("frames")?,
        frames_expected: maybe(row, "frames_expected")?,
        doing: row.try_get("doing")?,
    })
}

impl Catalogue {
    /// The attempts that run, by the time of their beginning.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn units(&self) -> Result<Vec<Unit>> {
        let query = "SELECT attempts.*, jobs.title FROM workers JOIN attempts ON attempts.id = workers.attempt \
                     JOIN jobs ON jobs.id = attempts.job WHERE workers.seen_at > $1 AND attempts.ended_at IS NULL ORDER BY attempts.began_at, attempts.id";
        let rows = sqlx::query(query).bind(now() - GONE).fetch_all(&self.pool).await?;
        let unit = |row: &sqlx::any::AnyRow| {
            Ok(Unit {
                job: row.try_get("job")?,
                title: row.try_get("title")?,
                run: row.try_get("run")?,
                step: row.try_get("step")?,
                worker: row.try_get("worker")?,
                began_at: row.try_get("began_at")?,
                progress: progress(row)?,
            })
        };
        rows.iter().map(unit).collect()
    }

    /// Notes how far an attempt is that has not ended.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn attempt_progresses(&self, attempt: &str, progress: &StepProgress) -> Result<()> {
        let query =
            "UPDATE attempts SET frames = $1, frames_expected = $2, doing = $3 WHERE id = $4 AND ended_at IS NULL";
        let query =
            sqlx::query(query).bind(progress.frames).bind(progress.frames_expected).bind(progress.doing.clone());
        query.bind(attempt).execute(&self.pool).await?;
        Ok(())
    }

    /// How many jobs and attempts have ended since a time, in milliseconds since 1970.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn counts_since(&self, since: i64) -> Result<Counts> {
        let jobs = self.ends("SELECT state, COUNT(*) FROM jobs WHERE ended_at >= $1 GROUP BY state", since).await?;
        let attempts =
            self.ends("SELECT outcome, COUNT(*) FROM attempts WHERE ended_at >= $1 GROUP BY outcome", since).await?;
        let of = |found: &[(String, i64)], name: &str| found.iter().find(|own| own.0 == name).map_or(0, |own| own.1);
        Ok(Counts {
            jobs_done: of(&jobs, "done"),
            jobs_failed: of(&jobs, "failed"),
            attempts_done: of(&attempts, "done"),
            attempts_failed: of(&attempts, "failed"),
            attempts_waited: of(&attempts, "waited"),
            attempts_fenced: of(&attempts, "fenced"),
        })
    }

    /// Names, and how many there are of each since a time.
    async fn ends(&self, query: &str, since: i64) -> Result<Vec<(String, i64)>> {
        let rows = sqlx::query(query).bind(since).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok((maybe::<String>(row, 0)?.unwrap_or_default(), row.try_get(1)?))).collect()
    }
}
