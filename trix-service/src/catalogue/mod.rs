//! The database: PostgreSQL, or SQLite where one machine is enough.
//!
//! Invariant: whatever changes a job, a user, a notice or a worker also adds a row to `changes`, in the same transaction. The
//! numbers of the rows have no gaps, and become visible in their order.

mod arrivals;
mod attempts;
mod backup;
mod changes;
mod figures;
mod job;
mod jobs;
mod masters;
mod outputs;
mod profiles;
mod retention;
mod runs;
mod sign_ins;
mod tokens;
mod units;
mod users;
mod workers;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{
    Any, AnyPool, Executor, Row, Transaction,
    any::{AnyPoolOptions, AnyRow},
};

use tokio::sync::OnceCell;

pub use self::{
    arrivals::Arrival,
    attempts::{Attempt, Outcome},
    changes::Change,
    figures::{Count, Figures, Spent},
    job::{Check, Job, JobState, Page, Submission, Track},
    jobs::LastOf,
    masters::Master,
    outputs::Output,
    profiles::{ProfileText, ProfileVersion, Versions, check_profile_name},
    retention::Removed,
    sign_ins::SignIn,
    tokens::{SESSION, Token},
    units::{Counts, StepProgress, Unit},
    users::{Role, User},
    workers::{MachineState, Wishes, WorkerState},
};
use crate::{
    config,
    error::{Error, Result},
    hex, metrics, now,
};

/// The migrations in their order. A released one never changes.
const MIGRATIONS: [&str; 4] = [
    include_str!("../../migrations/0001-first.sql"),
    include_str!("../../migrations/0002-search.sql"),
    include_str!("../../migrations/0003-arrivals.sql"),
    include_str!("../../migrations/0004-farm.sql"),
];

/// The version that added the column `source` of jobs.
const SOURCES: i64 = 4;

/// The database.
#[derive(Clone)]
pub struct Catalogue {
    pool: AnyPool,
    is_sqlite: bool,
    /// Set once the tables are up to date.
    is_ready: Arc<OnceCell<()>>,
}

/// What a change works with.
pub(crate) type Work = Transaction<'static, Any>;
/// The work of a change.
pub(crate) type Working<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A change to be recorded.
pub(crate) struct News {
    pub(crate) what: &'static str,
    pub(crate) job: Option<String>,
    pub(crate) who: String,
    pub(crate) detail: serde_json::Value,
}

impl Catalogue {
    /// Opens the database, and brings its tables up to date. A database that is away is no error: the calls that need it fail
    /// until it is back.
    ///
    /// # Errors
    /// If the URL is wrong, or the tables are those of a later version.
    pub async fn open(settings: &config::Catalogue) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let is_sqlite = settings.url.starts_with("sqlite:");
        let url = if is_sqlite && !settings.url.contains('?') {
            format!("{}?mode=rwc", settings.url)
        } else {
            settings.url.clone()
        };
        let pool = AnyPoolOptions::new()
            .max_connections(if is_sqlite { 4 } else { settings.connections.max(1) })
            .idle_timeout(Duration::from_secs(60))
            .acquire_timeout(Duration::from_secs_f64(settings.patience.clamp(0.1, 600.0)))
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if is_sqlite {
                        // Another process can write; a commit is on the disk when it returns.
                        for pragma in
                            ["journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000", "foreign_keys = ON"]
                        {
                            connection.execute(format!("PRAGMA {pragma}").as_str()).await?;
                        }
                    } else {
                        connection.execute("SET statement_timeout = 8000").await?;
                    }
                    Ok(())
                })
            })
            .connect_lazy(&url)
            .map_err(|error| Error::invalid(format!("catalogue.url: {error}")))?;
        let catalogue = Catalogue { pool, is_sqlite, is_ready: Arc::default() };
        match catalogue.ready().await {
            Err(error) if error.is_away() => tracing::warn!(%error, "the catalogue is away"),
            other => other?,
        }
        Ok(catalogue)
    }

    /// Brings the tables up to date, once the database answers.
    ///
    /// # Errors
    /// If the database is away, or its tables are those of a later version.
    async fn ready(&self) -> Result<()> {
        self.is_ready.get_or_try_init(|| self.migrate()).await?;
        Ok(())
    }

    async fn migrate(&self) -> Result<()> {
        const TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (version BIGINT PRIMARY KEY, at BIGINT NOT NULL)";
        // One process at a time: SQLite locks at the first write, which is the first statement of the transaction.
        if self.is_sqlite {
            self.pool.execute(TABLE).await?;
        }
        let mut work = self.pool.begin().await?;
        if !self.is_sqlite {
            // A large table takes its time.
            work.execute("SET LOCAL statement_timeout = 0").await?;
            work.execute("SELECT pg_advisory_xact_lock(7241)").await?;
            work.execute(TABLE).await?;
        }
        sqlx::query("INSERT INTO migrations (version, at) VALUES (0, $1) ON CONFLICT (version) DO UPDATE SET at = $1")
            .bind(now())
            .execute(&mut *work)
            .await?;
        let row = sqlx::query("SELECT MAX(version) FROM migrations").fetch_one(&mut *work).await?;
        let known: i64 = row.try_get(0)?;
        if known as usize > MIGRATIONS.len() {
            let detail = format!("the catalogue has version {known}, and this program knows {}", MIGRATIONS.len());
            return Err(Error::Conflict(detail));
        }
        for (number, text) in MIGRATIONS.iter().enumerate().skip(known as usize) {
            work.execute(*text).await?;
            let version = number as i64 + 1;
            if version == SOURCES {
                fill_sources(&mut work).await?;
            }
            sqlx::query("INSERT INTO migrations (version, at) VALUES ($1, $2)")
                .bind(version)
                .bind(now())
                .execute(&mut *work)
                .await?;
        }
        Ok(work.commit().await?)
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// If it does not.
    pub async fn check(&self) -> Result<()> {
        self.ready().await?;
        sqlx::query("SELECT value FROM counters WHERE name = 'changes'").fetch_one(&self.pool).await?;
        Ok(())
    }

    /// The clock of the database in milliseconds since 1970. `None` if it is that of this machine.
    ///
    /// # Errors
    /// If it does not answer.
    pub async fn clock(&self) -> Result<Option<i64>> {
        if self.is_sqlite {
            return Ok(None);
        }
        let query = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
        Ok(Some(sqlx::query(query).fetch_one(&self.pool).await?.try_get(0)?))
    }

    /// Does the work of a change in one transaction, and records it. Work that returns no news has changed nothing. The work goes on to
    /// its end, also if nobody waits for it any more.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        work: impl for<'a> FnOnce(&'a mut Work) -> Working<'a, (T, Option<News>)> + Send + 'static,
    ) -> Result<T> {
        let own = self.clone();
        let changing = tokio::spawn(async move { own.changed(work).await });
        changing.await.map_err(|error| Error::Bug(format!("catalogue: {error}")))?
    }

    async fn changed<T: Send>(
        &self,
        work: impl for<'a> FnOnce(&'a mut Work) -> Working<'a, (T, Option<News>)> + Send,
    ) -> Result<T> {
        self.ready().await?;
        let began = Instant::now();
        let mut transaction = self.pool.begin().await?;
        // The row is locked until the commit, so that numbers become visible in their order.
        let row = sqlx::query("UPDATE counters SET value = value + 1 WHERE name = 'changes' RETURNING value")
            .fetch_one(&mut *transaction)
            .await?;
        let number: i64 = row.try_get(0)?;
        let (found, news) = work(&mut transaction).await?;
        let Some(News { what, job, who, detail }) = news else {
            transaction.rollback().await?;
            return Ok(found);
        };
        sqlx::query("INSERT INTO changes (number, at, what, job, who, detail) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(number)
            .bind(now())
            .bind(what)
            .bind(job.clone())
            .bind(who.clone())
            .bind(detail.to_string())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        metrics::time("database.change", began.elapsed());
        tracing::debug!(what, job, who, %detail, "change");
        self.measure(what, job.as_deref()).await;
        Ok(found)
    }

    /// Tells of the changes of jobs for which there are metrics.
    async fn measure(&self, what: &str, job: Option<&str>) {
        if !matches!(what, "job.submitted" | "job.began" | "job.done" | "job.failed" | "job.cancelled") {
            return;
        }
        metrics::count(what);
        let Some(id) = job.filter(|_| matches!(what, "job.done" | "job.failed")) else { return };
        if let Ok(job) = self.job(id).await
            && let Some((began, ended)) = job.started_at.zip(job.ended_at)
        {
            metrics::time("job.duration", Duration::from_millis((ended - began).max(0) as u64));
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let why = error.to_string();
        let is_busy =
            why.contains("database is locked") || why.contains("shutting down") || why.contains("statement timeout");
        match error {
            E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::Protocol(_) => {
                Error::Away { part: "catalogue", why }
            }
            E::Database(ref database)
                if is_busy || database.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("08")) =>
            {
                Error::Away { part: "catalogue", why }
            }
            E::Database(ref database) if database.code().is_some_and(|code| code == "22021") => {
                Error::invalid("a text holds a NUL character")
            }
            // The database was away when this process began, and its tables are not up to date: the next check brings them.
            E::Database(ref database)
                if database.code().is_some_and(|code| code == "42P01" || code == "42703")
                    || why.contains("no such table")
                    || why.contains("no such column") =>
            {
                Error::Away { part: "catalogue", why: "its tables are not up to date".into() }
            }
            _ if why.contains("unable to open database file") => Error::Away { part: "catalogue", why },
            _ => Error::Bug(format!("catalogue: {why}")),
        }
    }
}

/// Notes the masters of jobs that were submitted before the column was there.
async fn fill_sources(work: &mut Work) -> Result<()> {
    for row in sqlx::query("SELECT id, submission FROM jobs").fetch_all(&mut **work).await? {
        let submission: Submission = document(&row, "submission")?;
        let query = sqlx::query("UPDATE jobs SET source = $1 WHERE id = $2").bind(submission.source);
        query.bind(row.try_get::<String, _>("id")?).execute(&mut **work).await?;
    }
    Ok(())
}

/// A worker without a sign for this long counts as gone, in milliseconds.
const GONE: i64 = 10_000;

/// The longest wait for a database whose connection gives no sign.
const LONGEST: Duration = Duration::from_secs(20);

/// What a call of the catalogue gives. After 20 s, the catalogue counts as away: a network that is cut tells nothing.
///
/// # Errors
/// Those of the call, and `Away`.
pub async fn soon<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| Err(Error::Away { part: "catalogue", why: format!("no answer for {} s", LONGEST.as_secs()) });
    tokio::time::timeout(LONGEST, call).await.unwrap_or_else(late)
}

/// The most values in one query.
const MOST_VALUES: usize = 200;

/// The places of so many values in a query: `$1, $2`.
fn places(count: usize) -> String {
    (1..=count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

/// A document of a column.
fn document<T: serde::de::DeserializeOwned>(row: &AnyRow, column: &str) -> Result<T> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text).map_err(|error| Error::Bug(format!("catalogue, {column}: {error}")))
}

/// A column that may be NULL.
fn maybe<'r, T>(row: &'r AnyRow, column: impl sqlx::ColumnIndex<AnyRow>) -> Result<Option<T>>
where
    T: sqlx::Decode<'r, Any> + sqlx::Type<Any>,
{
    Ok(row.try_get(column)?)
}

fn text_of(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Bug(format!("catalogue: {error}")))
}

/// Random letters and digits: a secret, or the end of an id.
pub(crate) fn random(bytes: usize) -> Result<String> {
    use std::io::Read;
    let mut found = vec![0; bytes];
    let mut source = std::fs::File::open("/dev/urandom").map_err(|error| Error::Bug(error.to_string()))?;
    source.read_exact(&mut found).map_err(|error| Error::Bug(error.to_string()))?;
    Ok(hex(&found))
}

/// An id. Later ones sort after earlier ones.
fn id() -> Result<String> {
    Ok(format!("{:012x}{}", now(), random(4)?))
}

/// A password that is easy to type.
///
/// # Errors
/// If the system has no random numbers.
pub fn random_password() -> Result<String> {
    random(8)
}
