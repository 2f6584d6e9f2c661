//! Jobs: what was submitted, and how far it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{Row, any::AnyRow};
use trix_core::ErrorDetail;
use utoipa::{IntoParams, ToSchema};

use super::{Catalogue, News, Work, Working, document, id, maybe, text_of};
use crate::{
    error::{Error, Result},
    mounts::is_title,
    now,
};

/// What a user submits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// The title. Its copies go into a folder of this name.
    pub title: String,
    /// The master: a path below the mount `source`.
    pub source: String,
    /// The profiles, as of `trix ingest --profile`.
    #[serde(default = "profiles")]
    pub profiles: Vec<String>,
    /// Values of the variables of the profiles.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Audio tracks from other files.
    #[serde(default)]
    pub tracks: Vec<Track>,
    /// 1 is the most urgent, 5 the least.
    #[serde(default = "priority")]
    pub priority: i64,
    /// True if copies of the same title may be replaced.
    #[serde(default)]
    pub overwrite: bool,
}

/// An audio track from another file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Track {
    /// The files, each a path below the mount `source`: one, or one a channel.
    pub files: Vec<String>,
    /// Its language (ISO 639).
    #[serde(default)]
    pub language: Option<String>,
    /// Seconds by which it is later than the frames.
    #[serde(default)]
    pub offset: Option<String>,
}

fn profiles() -> Vec<String> {
    vec!["archive".into(), "preview".into()]
}

fn priority() -> i64 {
    3
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for the engine, or for a worker.
    Queued,
    /// A step of it has begun.
    Running,
    /// Its copies have their names.
    Done,
    /// It has failed.
    Failed,
    /// A user has cancelled it.
    Cancelled,
}

impl JobState {
    const ALL: [JobState; 5] =
        [JobState::Queued, JobState::Running, JobState::Done, JobState::Failed, JobState::Cancelled];

    pub(super) fn name(self) -> &'static str {
        match self {
            JobState::Queued => "queued",
            JobState::Running => "running",
            JobState::Done => "done",
            JobState::Failed => "failed",
            JobState::Cancelled => "cancelled",
        }
    }

    /// True if nothing more will happen to the job by itself.
    pub fn is_over(self) -> bool {
        !matches!(self, JobState::Queued | JobState::Running)
    }
}

/// A job.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What was submitted.
    pub submission: Submission,
    /// Who submitted it.
    pub submitter: String,
    /// 1 is the most urgent, 5 the least.
    pub priority: i64,
    /// How it stands.
    pub state: JobState,
    /// True if no further unit of it begins.
    pub is_paused: bool,
    /// True if a user has cancelled it, and the engine does not know yet.
    pub is_cancelling: bool,
    /// The number of the run, from 1. A retry begins the next.
    pub run: i64,
    /// Number of chunks, once the job is planned.
    pub units: i64,
    /// Chunks that are encoded.
    pub units_done: i64,
    /// What it waits for, or does.
    pub detail: String,
    /// Why it failed.
    #[schema(value_type = Option<Object>)]
    pub error: Option<ErrorDetail>,
    /// When it was submitted, in milliseconds since 1970.
    pub created_at: i64,
    /// When its first step began.
    pub started_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
}

/// A part of the list of jobs.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub struct Page {
    /// Only jobs of this state.
    pub state: Option<JobState>,
    /// Only jobs older than the one of this id.
    pub before: Option<String>,
    /// At most this many, up to 500.
    pub limit: Option<i64>,
    /// Only titles that contain this text.
    pub title: Option<String>,
}

impl Job {
    pub(super) fn of(row: &AnyRow) -> Result<Self> {
        let state: String = row.try_get("state")?;
        let state = JobState::ALL.into_iter().find(|known| known.name() == state);
        let flag = |column| Ok::<_, Error>(row.try_get::<i64, _>(column)? != 0);
        let error: Option<String> = maybe(row, "error")?;
        Ok(Job {
            id: row.try_get("id")?,
            submission: document(row, "submission")?,
            submitter: row.try_get("submitter")?,
            priority: row.try_get("priority")?,
            state: state.ok_or_else(|| Error::Bug("catalogue: an unknown state".into()))?,
            is_paused: flag("is_paused")?,
            is_cancelling: flag("is_cancelling")?,
            run: row.try_get("run")?,
            units: row.try_get("units")?,
            units_done: row.try_get("units_done")?,
            detail: row.try_get("detail")?,
            error: error.and_then(|text| serde_json::from_str(&text).ok()),
            created_at: row.try_get("created_at")?,
            started_at: maybe(row, "started_at")?,
            ended_at: maybe(row, "ended_at")?,
        })
    }
}

impl Submission {
    /// Checks what needs no file.
    ///
    /// # Errors
    /// If something is wrong.
    pub fn check(&self) -> Result<()> {
        if !is_title(&self.title) {
            return Err(Error::invalid(format!("title: {:?} cannot name a folder", self.title)));
        }
        if self.profiles.is_empty() {
            return Err(Error::invalid("profiles: at least one"));
        }
        if !(1..=5).contains(&self.priority) {
            return Err(Error::invalid(format!("priority: {} is not one of 1 to 5", self.priority)));
        }
        match self.tracks.iter().find(|track| track.files.is_empty()) {
            Some(_) => Err(Error::invalid("tracks: a track without files")),
            None => Ok(()),
        }
    }
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
        let found = self
            .change(move |work| {
                Box::pin(async move {
                    let query = "SELECT * FROM jobs WHERE submitter = $1 AND request_key = $2";
                    let known = sqlx::query(query).bind(submitter.clone()).bind(key.clone()).fetch_optional(&mut **work).await?;
                    if let Some(known) = known {
                        let job = Job::of(&known)?;
                        let is_same = job.submission == own;
                        let conflict = || Error::Conflict("the key of the request was used for another submission".into());
                        return if is_same { Ok((job.id, None)) } else { Err(conflict()) };
                    }
                    let query = "SELECT id FROM jobs WHERE title = $1 AND state IN ('queued', 'running')";
                    if sqlx::query(query).bind(own.title.clone()).fetch_optional(&mut **work).await?.is_some() {
                        return Err(Error::Conflict(format!("a job with the title {} is not over", own.title)));
                    }
                    let query = "INSERT INTO jobs (id, title, submission, submitter, request_key, priority, state, run, created_at) \
                                 VALUES ($1, $2, $3, $4, $5, $6, 'queued', 1, $7)";
                    let query = sqlx::query(query).bind(id.clone()).bind(own.title.clone()).bind(text);
                    let query = query.bind(submitter.clone()).bind(key).bind(own.priority).bind(now());
                    query.execute(&mut **work).await?;
                    let detail = json!({ "title": own.title, "source": own.source, "profiles": own.profiles });
                    Ok((id.clone(), Some(News { what: "job.submitted", job: Some(id), who: submitter, detail })))
                })
            })
            .await?;
        self.job(&found).await
    }

    /// A job.
    ///
    /// # Errors
    /// If there is none of this id.
    pub async fn job(&self, id: &str) -> Result<Job> {
        let row = sqlx::query("SELECT * FROM jobs WHERE id = $1").bind(id).fetch_optional(&self.pool).await?;
        Job::of(&row.ok_or_else(|| Error::Missing(format!("job {id}")))?)
    }

    /// A part of the list of jobs, the last one first.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn jobs(&self, page: &Page) -> Result<Vec<Job>> {
        let query = "SELECT * FROM jobs WHERE ($1 = '' OR state = $1) AND ($2 = '' OR id < $2) \
                     AND ($3 = '' OR LOWER(title) LIKE $3) ORDER BY id DESC LIMIT $4";
        let like = page.title.as_ref().map_or(String::new(), |title| format!("%{}%", title.to_lowercase()));
        let rows = sqlx::query(query)
            .bind(page.state.map_or("", JobState::name))
            .bind(page.before.clone().unwrap_or_default())
            .bind(like)
            .bind(page.limit.unwrap_or(100).clamp(1, 500))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(Job::of).collect()
    }

    /// The runs that the engine does not have yet, the most urgent first.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn runs_to_hand(&self, most: i64) -> Result<Vec<Job>> {
        let query = "SELECT * FROM jobs WHERE state = 'queued' AND handed_run < run AND is_cancelling = 0 \
                     ORDER BY priority, id LIMIT $1";
        let rows = sqlx::query(query).bind(most).fetch_all(&self.pool).await?;
        rows.iter().map(Job::of).collect()
    }

    /// The runs that are to be cancelled.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn runs_to_cancel(&self) -> Result<Vec<Job>> {
        let query = "SELECT * FROM jobs WHERE is_cancelling = 1 AND state IN ('queued', 'running')";
        let rows = sqlx::query(query).fetch_all(&self.pool).await?;
        rows.iter().map(Job::of).collect()
    }

    /// Notes that the engine has a run.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn handed(&self, job: &str, run: i64) -> Result<()> {
        let query = "UPDATE jobs SET handed_run = $1 WHERE id = $2 AND handed_run < $1";
        sqlx::query(query).bind(run).bind(job).execute(&self.pool).await?;
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

    /// Notes the number of chunks of a run.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn run_is_planned(&self, job: &str, run: i64, units: i64, who: &str) -> Result<()> {
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
    /// If the job is over, or the priority is none.
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
                let query = "UPDATE jobs SET state = 'queued', run = run + 1, units = 0, units_done = 0, error = NULL, ended_at = NULL, \
                             started_at = NULL, is_cancelling = 0, is_paused = 0, detail = '' WHERE id = $1";
                sqlx::query(query).bind(job.id).execute(&mut **work).await?;
                Ok(())
            })
        })
        .await
    }
}

fn refuse_over(job: &Job) -> Result<()> {
    if job.state.is_over() { Err(Error::Conflict(format!("job {} is over", job.id))) } else { Ok(()) }
}
