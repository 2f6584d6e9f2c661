//! What jobs have made.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Row;
use utoipa::ToSchema;

use super::{Catalogue, JobState, News, maybe};
use crate::{error::Result, now};

/// A file that a job has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Output {
    /// Its path below the folder of the title.
    pub path: String,
    /// Its size.
    pub bytes: i64,
    /// Its SHA-256, as 64 hexadecimal digits.
    pub sha256: String,
}

impl Catalogue {
    /// Registers what a run of a job has made, and ends the job. Registering it twice changes nothing.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn register(&self, job: &str, run: i64, outputs: &[Output], report: &str, who: &str) -> Result<()> {
        let (job, who, outputs, report) = (job.to_owned(), who.to_owned(), outputs.to_vec(), report.to_owned());
        self.change(move |work| {
            Box::pin(async move {
                let query = "UPDATE jobs SET state = $1, ended_at = $2, detail = '', error = NULL, is_cancelling = 0 WHERE id = $3 AND run = $4 AND state = $5";
                let states = (JobState::Done.name(), JobState::Running.name());
                let query = sqlx::query(query).bind(states.0).bind(now()).bind(job.clone()).bind(run).bind(states.1);
                if query.execute(&mut **work).await?.rows_affected() == 0 {
                    return Ok(((), None));
                }
                sqlx::query("DELETE FROM outputs WHERE job = $1").bind(job.clone()).execute(&mut **work).await?;
                for Output { path, bytes, sha256 } in &outputs {
                    let query = "INSERT INTO outputs (job, path, bytes, sha256) VALUES ($1, $2, $3, $4)";
                    let query = sqlx::query(query).bind(job.clone()).bind(path.clone()).bind(*bytes).bind(sha256.clone());
                    query.execute(&mut **work).await?;
                }
                let query = "INSERT INTO reports (job, document) VALUES ($1, $2) ON CONFLICT (job) DO UPDATE SET document = $2";
                sqlx::query(query).bind(job.clone()).bind(report).execute(&mut **work).await?;
                let detail = json!({ "run": run, "outputs": outputs.len() });
                Ok(((), Some(News { what: "job.done", job: Some(job), who, detail })))
            })
        })
        .await
    }

    /// The files that a job has made.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn outputs_of(&self, job: &str) -> Result<Vec<Output>> {
        let rows =
            sqlx::query("SELECT * FROM outputs WHERE job = $1 ORDER BY path").bind(job).fetch_all(&self.pool).await?;
        let output = |row: &sqlx::any::AnyRow| {
            Ok(Output { path: row.try_get("path")?, bytes: row.try_get("bytes")?, sha256: row.try_get("sha256")? })
        };
        rows.iter().map(output).collect()
    }

    /// The report of a job, as JSON. `None` if it has none.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn report_of(&self, job: &str) -> Result<Option<String>> {
        let row =
            sqlx::query("SELECT document FROM reports WHERE job = $1").bind(job).fetch_optional(&self.pool).await?;
        row.map_or(Ok(None), |row| maybe(&row, "document"))
    }
}
