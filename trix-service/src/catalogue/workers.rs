//! Workers, and the notice that every open page shows.

use serde::Serialize;
use serde_json::json;
use sqlx::Row;
use utoipa::ToSchema;

use super::{Catalogue, News, maybe};
use crate::{
    error::{Error, Result},
    now,
};

/// The machine of a worker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct MachineState {
    /// Processes that ran or wanted to, as the mean of a minute.
    pub load: Option<f64>,
    /// Cores.
    pub cores: i64,
    /// Memory in bytes.
    pub memory: Option<i64>,
    /// Memory that is available, in bytes.
    pub memory_free: Option<i64>,
}

/// What users want of a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// True if it is to take no further step.
    pub drains: bool,
    /// True if the job of its attempt is to be cancelled.
    pub cancels: bool,
}

/// A worker.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkerState {
    /// Its name.
    pub name: String,
    /// Its machine.
    pub host: String,
    /// Its version of Trix.
    pub version: String,
    /// What it does: title and step. `None` if it waits.
    pub work: Option<String>,
    /// The attempt that it is at.
    pub attempt: Option<String>,
    /// Its machine.
    #[serde(flatten)]
    pub machine: MachineState,
    /// True if it takes no further step.
    pub is_draining: bool,
    /// When it began, in milliseconds since 1970.
    pub began_at: i64,
    /// When it last gave a sign.
    pub seen_at: i64,
}

impl Catalogue {
    /// Notes that a worker is alive, what it does with which attempt, and how its machine is. Returns what users want of it.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn worker_lives(
        &self,
        name: &str,
        began_at: i64,
        work: Option<(&str, &str)>,
        machine: &MachineState,
    ) -> Result<Wishes> {
        let query = "INSERT INTO workers (name, host, version, work, attempt, began_at, seen_at, load_hundredths, cores, memory, \
                     memory_free) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (name) DO UPDATE SET host = $2, \
                     version = $3, work = $4, attempt = $5, began_at = $6, seen_at = $7, load_hundredths = $8, cores = $9, memory = $10, \
                     memory_free = $11 RETURNING is_draining, COALESCE((SELECT jobs.is_cancelling FROM attempts JOIN jobs \
                     ON jobs.id = attempts.job AND jobs.run = attempts.run WHERE attempts.id = $5), 0)";
        let (work, attempt) = work.map(|(work, attempt)| (work.to_owned(), attempt.to_owned())).unzip();
        let query = sqlx::query(query).bind(name).bind(crate::host()).bind(env!("CARGO_PKG_VERSION"));
        let query = query.bind(work).bind(attempt).bind(began_at).bind(now());
        let query = query.bind(machine.load.map(|load| (100.0 * load).round() as i64)).bind(machine.cores);
        let row = query.bind(machine.memory).bind(machine.memory_free).fetch_one(&self.pool).await?;
        Ok(Wishes { drains: row.try_get::<i64, _>(0)? != 0, cancels: row.try_get::<i64, _>(1)? != 0 })
    }

    /// All workers, by name.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn workers(&self) -> Result<Vec<WorkerState>> {
        let rows = sqlx::query("SELECT * FROM workers ORDER BY name").fetch_all(&self.pool).await?;
        let worker = |row: &sqlx::any::AnyRow| {
            Ok(WorkerState {
                name: row.try_get("name")?,
                host: row.try_get("host")?,
                version: row.try_get("version")?,
                work: maybe(row, "work")?,
                attempt: maybe(row, "attempt")?,
                machine: MachineState {
                    load: maybe::<i64>(row, "load_hundredths")?.map(|load| load as f64 / 100.0),
                    cores: row.try_get("cores")?,
                    memory: maybe(row, "memory")?,
                    memory_free: maybe(row, "memory_free")?,
                },
                is_draining: row.try_get::<i64, _>("is_draining")? != 0,
                began_at: row.try_get("began_at")?,
                seen_at: row.try_get("seen_at")?,
            })
        };
        rows.iter().map(worker).collect()
    }

    /// Lets a worker take no further step, or take steps again.
    ///
    /// # Errors
    /// If there is no such worker.
    pub async fn drain(&self, name: &str, is_draining: bool, who: &str) -> Result<()> {
        let (name, who) = (name.to_owned(), who.to_owned());
        self.change(move |work| {
            Box::pin(async move {
                let query = sqlx::query("UPDATE workers SET is_draining = $1 WHERE name = $2");
                let done = query.bind(i64::from(is_draining)).bind(name.clone()).execute(&mut **work).await?;
                if done.rows_affected() == 0 {
                    return Err(Error::Missing(format!("worker {name}")));
                }
                let detail = json!({ "worker": name, "is_draining": is_draining });
                Ok(((), Some(News { what: "worker.drain", job: None, who, detail })))
            })
        })
        .await
    }

    /// Sets the notice; an empty text removes it.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn set_notice(&self, text: &str, who: &str) -> Result<()> {
        let (text, who) = (text.to_owned(), who.to_owned());
        self.change(move |work| {
            Box::pin(async move {
                let query = "INSERT INTO notices (id, text, author, at) VALUES (1, $1, $2, $3) \
                             ON CONFLICT (id) DO UPDATE SET text = $1, author = $2, at = $3";
                sqlx::query(query).bind(text.clone()).bind(who.clone()).bind(now()).execute(&mut **work).await?;
                Ok(((), Some(News { what: "notice.set", job: None, who, detail: json!({ "text": text }) })))
            })
        })
        .await
    }

    /// The notice; empty if there is none.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn notice(&self) -> Result<String> {
        let row = sqlx::query("SELECT text FROM notices WHERE id = 1").fetch_optional(&self.pool).await?;
        Ok(row.map_or(Ok(String::new()), |row| row.try_get(0))?)
    }
}
