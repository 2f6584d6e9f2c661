//! How far the run of a job is, as dispatchers and workers tell it.
//!
//! Invariant: a note about a run that is not the last one, or is over, changes nothing.

use serde_json::json;
use sqlx::Row;
use trix_core::ErrorDetail;

use super::{Catalogue, GONE, Job, JobState, News, text_of};
use crate::{error::Result, now, steps::Planned};

/// Runs of this priority and of more urgent ones go to the engine however many it has.
const URGENT: i64 = 2;

impl Catalogue {
    /// The runs that the engine does not have yet: the most urgent first, and of equally urgent ones those of submitters with the fewest
    /// runs at the engine. The first `room` of them, and beyond that only those of priority 1 and 2; at most `most`.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn runs_to_hand(&self, room: i64, most: i64) -> Result<Vec<Job>> {
        let query = "SELECT jobs.* FROM (SELECT jobs.id, jobs.priority, COALESCE(busy.runs, 0) + \
                     ROW_NUMBER() OVER (PARTITION BY jobs.priority, jobs.submitter ORDER BY jobs.id) AS turn FROM jobs LEFT JOIN \
                     (SELECT submitter, COUNT(*) AS runs FROM jobs WHERE state IN ('queued', 'running') AND handed_run = run AND is_paused = 0 \
                     GROUP BY submitter) AS busy ON busy.submitter = jobs.submitter \
                     WHERE jobs.state = 'queued' AND jobs.handed_run < jobs.run AND jobs.is_cancelling = 0 AND jobs.is_paused = 0 AND jobs.priority <= $1) \
                     AS waiting JOIN jobs ON jobs.id = waiting.id ORDER BY waiting.priority, waiting.turn, waiting.id LIMIT $2";
        let least_urgent = if room > 0 { 5 } else { URGENT };
        let rows = sqlx::query(query).bind(least_urgent).bind(most).fetch_all(&self.pool).await?;
        let jobs = rows.iter().map(Job::of).collect::<Result<Vec<_>>>()?;
        let takes = |(number, job): &(usize, Job)| (*number as i64) < room || job.priority <= URGENT;
        Ok(jobs.into_iter().enumerate().filter(takes).map(|(_, job)| job).collect())
    }

    /// How many runs the engine has, and how many workers gave a sign in the last ten seconds.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn runs_and_workers(&self) -> Result<(i64, i64)> {
        let query = "SELECT COUNT(*), (SELECT COUNT(*) FROM workers WHERE seen_at > $1) FROM jobs \
                     WHERE state IN ('queued', 'running') AND handed_run = run AND is_paused = 0";
        let row = sqlx::query(query).bind(now() - GONE).fetch_one(&self.pool).await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    }

    /// The runs that are to be cancelled.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn runs_to_cancel(&self, most: i64) -> Result<Vec<Job>> {
        let query =
            "SELECT * FROM jobs WHERE is_cancelling = 1 AND state IN ('queued', 'running') ORDER BY id LIMIT $1";
        let rows = sqlx::query(query).bind(most).fetch_all(&self.pool).await?;
        rows.iter().map(Job::of).collect()
    }

    /// Notes that the engine has a run, with this priority.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn handed(&self, job: &str, run: i64, priority: i64) -> Result<()> {
        let query = "UPDATE jobs SET handed_run = $1, handed_priority = $3 WHERE id = $2 AND handed_run < $1";
        sqlx::query(query).bind(run).bind(job).bind(priority).execute(&self.pool).await?;
        Ok(())
    }

    /// The runs of which the engine does not know the priority.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn runs_to_hurry(&self, most: i64) -> Result<Vec<Job>> {
        let query = "SELECT * FROM jobs WHERE state IN ('queued', 'running') AND handed_run = run \
                     AND handed_priority <> priority ORDER BY priority, id LIMIT $1";
        let rows = sqlx::query(query).bind(most).fetch_all(&self.pool).await?;
        rows.iter().map(Job::of).collect()
    }

    /// Notes that the engine knows the priority of a job.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn hurried(&self, job: &str, priority: i64) -> Result<()> {
        let query = sqlx::query("UPDATE jobs SET handed_priority = $1 WHERE id = $2").bind(priority).bind(job);
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// Notes that a step of a run begins.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn run_begins(&self, job: &str, run: i64, who: &str) -> Result<()> {
        let (id, who) = (job.to_owned(), who.to_owned());
        self.change(move |work| {
            Box::pin(async move {
                let query = "UPDATE jobs SET state = 'running', started_at = $1, detail = '' WHERE id = $2 AND run = $3 AND state = 'queued'";
                let done = sqlx::query(query).bind(now()).bind(id.clone()).bind(run).execute(&mut **work).await?;
                let detail = json!({ "run": run });
                Ok(((), (done.rows_affected() > 0).then_some(News { what: "job.began", job: Some(id), who, detail })))
            })
        })
        .await
    }

    /// Notes the number of chunks of a run, and what it will make.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn run_is_planned(
        &self,
        job: &str,
        run: i64,
        units: i64,
        plan: Option<&Planned>,
        who: &str,
    ) -> Result<()> {
        let text = plan.map(text_of).transpose()?;
        let query = "UPDATE jobs SET plan = $1 WHERE id = $2 AND run = $3 AND state = 'running'";
        sqlx::query(query).bind(text).bind(job).bind(run).execute(&self.pool).await?;
        let set = "units = $1, units_done = 0, detail = ''";
        self.run_goes_on((job, run), (set, "units <> $1"), units, json!({ "units": units }), who).await
    }

    /// Counts the chunks of a run that are encoded.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn chunk_is_encoded(&self, job: &str, run: i64, who: &str) -> Result<()> {
        let query = "SELECT COUNT(DISTINCT step) FROM attempts \
                     WHERE job = $1 AND run = $2 AND outcome = 'done' AND step LIKE 'chunk %'";
        let row = sqlx::query(query).bind(job).bind(run).fetch_one(&self.pool).await?;
        let done: i64 = row.try_get(0)?;
        let set = "units_done = $1, detail = ''";
        self.run_goes_on((job, run), (set, "units_done < $1"), done, json!({ "done": done }), who).await
    }

    async fn run_goes_on(
        &self,
        (job, run): (&str, i64),
        (set, is_news): (&str, &str),
        value: i64,
        detail: serde_json::Value,
        who: &str,
    ) -> Result<()> {
        let (id, who) = (job.to_owned(), who.to_owned());
        let query = format!("UPDATE jobs SET {set} WHERE id = $2 AND run = $3 AND state = 'running' AND {is_news}");
        self.change(move |work| {
            Box::pin(async move {
                let query = sqlx::query(&query).bind(value).bind(id.clone()).bind(run);
                let is_new = query.execute(&mut **work).await?.rows_affected() > 0;
                Ok(((), is_new.then_some(News { what: "job.progress", job: Some(id), who, detail })))
            })
        })
        .await
    }

    /// Notes what a run waits for.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn run_waits(&self, job: &str, run: i64, why: &str, who: &str) -> Result<()> {
        let (id, why, who) = (job.to_owned(), why.to_owned(), who.to_owned());
        self.change(move |work| {
            Box::pin(async move {
                let query = "UPDATE jobs SET detail = $1 WHERE id = $2 AND run = $3 AND detail <> $1 AND state IN ('queued', 'running')";
                let done = sqlx::query(query).bind(why.clone()).bind(id.clone()).bind(run).execute(&mut **work).await?;
                let news = News { what: "job.waits", job: Some(id), who, detail: json!({ "why": why }) };
                Ok(((), (done.rows_affected() > 0).then_some(news)))
            })
        })
        .await
    }

    /// Ends a run that has no copies: it has failed with `error`, or was cancelled.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn run_ends(&self, job: &str, run: i64, error: Option<&ErrorDetail>, who: &str) -> Result<()> {
        let (state, what) = match error {
            Some(_) => (JobState::Failed, "job.failed"),
            None => (JobState::Cancelled, "job.cancelled"),
        };
        let text = error.map(text_of).transpose()?;
        let detail = json!({ "run": run, "error": error.map(|error| error.message.clone()) });
        let (id, who) = (job.to_owned(), who.to_owned());
        self.change(move |work| {
            Box::pin(async move {
                let query = "UPDATE jobs SET state = $1, error = $2, ended_at = $3, is_cancelling = 0, detail = '' \
                             WHERE id = $4 AND run = $5 AND state IN ('queued', 'running')";
                let query = sqlx::query(query).bind(state.name()).bind(text).bind(now()).bind(id.clone()).bind(run);
                let is_new = query.execute(&mut **work).await?.rows_affected() > 0;
                Ok(((), is_new.then_some(News { what, job: Some(id), who, detail })))
            })
        })
        .await
    }
}
