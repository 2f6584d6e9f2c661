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

/// A worker.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkerState {
    /// Its name.
    pub name: String,
    /// Its machine.
    pub host: String,
    /// Its version of Trix.
    pub version: String,
    /// What it does: job and step. `None` if it waits.
    pub work: Option<String>,
    /// True if it takes no further step.
    pub is_draining: bool,
    /// When it began, in milliseconds since 1970.
    pub began_at: i64,
    /// When it last gave a sign.
    pub seen_at: i64,
}

impl Catalogue {
    /// Notes that a worker is alive, and what it does. Returns true if it is to take no further step.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn worker_lives(&self, name: &str, began_at: i64, work: Option<&str>) -> Result<bool> {
        let query = "INSERT INTO workers (name, host, version, work, began_at, seen_at) VALUES ($1, $2, $3, $4, $5, $6) \
                     ON CONFLICT (name) DO UPDATE SET host = $2, version = $3, work = $4, began_at = $5, seen_at = $6 \
                     RETURNING is_draining";
        let query = sqlx::query(query).bind(name).bind(crate::host()).bind(env!("CARGO_PKG_VERSION"));
        let row = query.bind(work.map(str::to_owned)).bind(began_at).bind(now()).fetch_one(&self.pool).await?;
        Ok(row.try_get::<i64, _>(0)? != 0)
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
