//! What users do with jobs: submit, look at, pause, cancel, retry.

use serde_json::json;
use sqlx::{Row, any::AnyRow};

use super::{Catalogue, Job, JobState, MOST_VALUES, News, Page, Submission, Work, Working, id, places, text_of};
use crate::{
    error::{Error, Result},
    now,
};

/// The job of a request.
const KNOWN: &str = "SELECT * FROM jobs WHERE submitter = $1 AND request_key = $2";

/// The last job of a master.
#[derive(Clone, Debug)]
pub struct LastOf {
    /// The master.
    pub source: String,
    /// The job.
    pub id: String,
    /// How it stands.
    pub state: JobState,
    /// When it was submitted, in milliseconds since 1970.
    pub created_at: i64,
}

/// The job of a row, if it is that of the submission.
fn same(known: &AnyRow, submission: &Submission) -> Result<Job> {
    let job = Job::of(known)?;
    let conflict = || Error::Conflict("the key of the request was used for another submission".into());
    if job.submission == *submission { Ok(job) } else { Err(conflict()) }
}

/// Works on the row of a job, which is locked by the change.
async fn job_in(work: &mut Work, id: &str) -> Result<Job> {
    let row = sqlx::query("SELECT * FROM jobs WHERE id = $1").bind(id.to_owned()).fetch_optional(&mut **work).await?;
    Job::of(&row.ok_or_else(|| Error::Missing(format!("job {id}")))?)
}

impl Catalogue {
    /// Adds a job. `key` identifies the request of this submitter: the same request gives the same job.
    ///
    /// # Errors
    /// If the submission is wrong, the key was used for another one, or a job with this title is not over.
    pub async fn submit(&self, submission: &Submission, submitter: &str, key: &str) -> Result<Job> {
        submission.check()?;
        let (own, id, text) = (submission.clone(), id()?, text_of(submission)?);
        let (submitter, key) = (submitter.to_owned(), key.to_owned());
        let versions = text_of(&self.versions_in_force().await?)?;
        let found = self
            .change(move |work| {
                Box::pin(async move {
                    let known = sqlx::query(KNOWN).bind(submitter.clone()).bind(key.clone()).fetch_optional(&mut **work).await?;
                    if let Some(known) = known {
                        return Ok((same(&known, &own)?.id, None));
                    }
                    let query = "SELECT id FROM jobs WHERE title = $1 AND state IN ('queued', 'running')";
                    if sqlx::query(query).bind(own.title.clone()).fetch_optional(&mut **work).await?.is_some() {
                        return Err(Error::Conflict(format!("a job with the title {} is not over", own.title)));
                    }
                    let query = "INSERT INTO jobs (id, title, submission, submitter, request_key, priority, state, run, created_at, title_folded, profiles, \
                                 source, profile_versions) VALUES ($1, $2, $3, $4, $5, $6, 'queued', 1, $7, $8, $9, $10, $11)";
                    let query = sqlx::query(query).bind(id.clone()).bind(own.title.clone()).bind(text);
                    let query = query.bind(submitter.clone()).bind(key).bind(own.priority).bind(now());
                    let query = query.bind(own.title.to_lowercase()).bind(own.profiles.join(",")).bind(own.source.clone()).bind(versions);
                    query.execute(&mut **work).await?;
                    let detail = json!({ "title": own.title, "source": own.source, "profiles": own.profiles });
                    Ok((id.clone(), Some(News { what: "job.submitted", job: Some(id), who: submitter, detail })))
                })
            })
            .await?;
        self.job(&found).await
    }

    /// The job of a request that was sent before. `None` if it was not.
    ///
    /// # Errors
    /// If the key was used for another submission.
    pub async fn submitted(&self, submission: &Submission, submitter: &str, key: &str) -> Result<Option<Job>> {
        let known = sqlx::query(KNOWN).bind(submitter).bind(key).fetch_optional(&self.pool).await?;
        known.map(|known| same(&known, submission)).transpose()
    }

    /// A job.
    ///
    /// # Errors
    /// If there is none of this id.
    pub async fn job(&self, id: &str) -> Result<Job> {
        let row = sqlx::query("SELECT * FROM jobs WHERE id = $1").bind(id).fetch_optional(&self.pool).await?;
        Job::of(&row.ok_or_else(|| Error::Missing(format!("job {id}")))?)
    }

    /// The last job of each of these masters, if there is one.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn last_jobs_of(&self, sources: &[String]) -> Result<Vec<LastOf>> {
        let mut found = Vec::new();
        for sources in sources.chunks(MOST_VALUES) {
            let query = format!(
                "SELECT source, id, state, created_at FROM jobs WHERE id IN (SELECT MAX(id) FROM jobs WHERE source IN ({}) GROUP BY source)",
                places(sources.len())
            );
            let query = sources.iter().fold(sqlx::query(&query), |query, source| query.bind(source.clone()));
            for row in query.fetch_all(&self.pool).await? {
                found.push(LastOf {
                    source: row.try_get(0)?,
                    id: row.try_get(1)?,
                    state: JobState::named(row.try_get::<String, _>(2)?.as_str())?,
                    created_at: row.try_get(3)?,
                });
            }
        }
        Ok(found)
    }

    /// A part of the list of jobs, the last one first. They have no `plan` here: plans are long, and a list does not show them.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn jobs(&self, page: &Page) -> Result<Vec<Job>> {
        let query = "SELECT id, submission, submitter, priority, state, is_paused, is_cancelling, run, units, units_done, detail, error, created_at, \
                     started_at, ended_at, profile_versions, NULL AS plan FROM jobs WHERE ($1 = '' OR state = $1) AND ($2 = '' OR id < $2) \
                     AND ($3 = '' OR title_folded LIKE $3 ESCAPE '\\') ORDER BY id DESC LIMIT $4";
        let like = page.title.as_ref().map_or(String::new(), |title| format!("%{}%", escaped(&title.to_lowercase())));
        let rows = sqlx::query(query)
            .bind(page.state.map_or("", JobState::name))
            .bind(page.before.clone().unwrap_or_default())
            .bind(like)
            .bind(page.limit.unwrap_or(100).clamp(1, 500))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(Job::of).collect()
    }

    /// Changes a job as a user wants: `what` names the change, `set` makes it of the job as it is.
    async fn user_changes(
        &self,
        job: &str,
        who: &str,
        what: &'static str,
        detail: serde_json::Value,
        set: impl for<'a> FnOnce(&'a mut Work, Job) -> Working<'a, ()> + Send + 'static,
    ) -> Result<Job> {
        let (id, who) = (job.to_owned(), who.to_owned());
        self.change(move |work| {
            Box::pin(async move {
                let job = job_in(work, &id).await?;
                set(work, job).await?;
                Ok(((), Some(News { what, job: Some(id), who, detail })))
            })
        })
        .await?;
        self.job(job).await
    }

    /// Sets the priority of a job: 1 is the most urgent, 5 the least.
    ///
    /// # Errors
    /// If the job is over, or the priority is not 1 to 5.
    pub async fn set_priority(&self, job: &str, priority: i64, who: &str) -> Result<Job> {
        if !(1..=5).contains(&priority) {
            return Err(Error::invalid(format!("priority: {priority} is not one of 1 to 5")));
        }
        self.user_changes(job, who, "job.priority", json!({ "priority": priority }), move |work, job| {
            Box::pin(async move {
                refuse_over(&job)?;
                let query = sqlx::query("UPDATE jobs SET priority = $1 WHERE id = $2").bind(priority).bind(job.id);
                query.execute(&mut **work).await?;
                Ok(())
            })
        })
        .await
    }

    /// Pauses a job, or lets it go on.
    ///
    /// # Errors
    /// If the job is over.
    pub async fn set_paused(&self, job: &str, is_paused: bool, who: &str) -> Result<Job> {
        let what = if is_paused { "job.paused" } else { "job.resumed" };
        self.user_changes(job, who, what, json!({}), move |work, job| {
            Box::pin(async move {
                refuse_over(&job)?;
                let query = sqlx::query("UPDATE jobs SET is_paused = $1 WHERE id = $2");
                query.bind(i64::from(is_paused)).bind(job.id).execute(&mut **work).await?;
                Ok(())
            })
        })
        .await
    }

    /// Cancels a job. The engine is told by the dispatcher.
    ///
    /// # Errors
    /// If the job is over.
    pub async fn cancel(&self, job: &str, who: &str) -> Result<Job> {
        self.user_changes(job, who, "job.cancelling", json!({}), move |work, job| {
            Box::pin(async move {
                refuse_over(&job)?;
                sqlx::query("UPDATE jobs SET is_cancelling = 1 WHERE id = $1")
                    .bind(job.id)
                    .execute(&mut **work)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Begins the next run of a job that has failed or was cancelled. Its chunks are kept.
    ///
    /// # Errors
    /// If the job is not over, is done, or another job with this title is not over.
    pub async fn retry(&self, job: &str, who: &str) -> Result<Job> {
        self.user_changes(job, who, "job.retried", json!({}), move |work, job| {
            Box::pin(async move {
                if !matches!(job.state, JobState::Failed | JobState::Cancelled) {
                    return Err(Error::Conflict(format!("job {} has not failed", job.id)));
                }
                let query = "SELECT id FROM jobs WHERE title = $1 AND state IN ('queued', 'running')";
                if sqlx::query(query).bind(job.submission.title.clone()).fetch_optional(&mut **work).await?.is_some() {
                    return Err(Error::Conflict(format!("a job with the title {} is not over", job.submission.title)));
                }
                let query = "UPDATE jobs SET state = 'queued', run = run + 1, plan = NULL, units = 0, units_done = 0, error = NULL, ended_at = NULL, \
                             started_at = NULL, is_cancelling = 0, is_paused = 0, detail = '' WHERE id = $1";
                sqlx::query(query).bind(job.id).execute(&mut **work).await?;
                Ok(())
            })
        })
        .await
    }
}

/// A text for LIKE that stands for itself.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn refuse_over(job: &Job) -> Result<()> {
    if job.state.is_over() { Err(Error::Conflict(format!("job {} is over", job.id))) } else { Ok(()) }
}
