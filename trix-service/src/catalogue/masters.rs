//! Masters: what they hold, and the hash of their bytes.

use serde::{Deserialize, Serialize};
use sqlx::Row;
use utoipa::ToSchema;

use super::{Catalogue, document, maybe};
use crate::{
    error::{Error, Result},
    now,
};

/// A master, as it was when it was planned last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Master {
    /// Its path below the mount `source`.
    pub path: String,
    /// Its size.
    pub bytes: i64,
    /// When it was changed, in milliseconds since 1970.
    pub changed_at: i64,
    /// The SHA-256 of its bytes, as 64 hexadecimal digits, once a job of it is done.
    pub sha256: Option<String>,
    /// What it holds, as `trix probe --json` prints it.
    #[schema(value_type = Object)]
    pub probe: serde_json::Value,
}

impl Catalogue {
    /// Notes a master that a job has planned. If it was changed since, its hash is not known any more.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn master_is_planned(&self, own: &Master, job: &str) -> Result<()> {
        let query = "INSERT INTO masters (path, bytes, changed_at, probe, job, at) VALUES ($1, $2, $3, $4, $5, $6) \
                     ON CONFLICT (path) DO UPDATE SET probe = $4, job = $5, at = $6, bytes = $2, changed_at = $3, \
                     sha256 = CASE WHEN masters.bytes = $2 AND masters.changed_at = $3 THEN masters.sha256 END";
        let query = sqlx::query(query).bind(own.path.clone()).bind(own.bytes).bind(own.changed_at);
        let query = query.bind(own.probe.to_string()).bind(job).bind(now());
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// Notes the hash of the master of a job.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn master_is_hashed(&self, job: &str, sha256: &str) -> Result<()> {
        let query = sqlx::query("UPDATE masters SET sha256 = $1 WHERE job = $2").bind(sha256).bind(job);
        query.execute(&self.pool).await?;
        Ok(())
    }

    /// A master that was planned.
    ///
    /// # Errors
    /// If no job has planned it.
    pub async fn master(&self, path: &str) -> Result<Master> {
        let row = sqlx::query("SELECT * FROM masters WHERE path = $1").bind(path).fetch_optional(&self.pool).await?;
        let row = row.ok_or_else(|| Error::Missing(format!("master {path} that a job has planned")))?;
        Ok(Master {
            path: row.try_get("path")?,
            bytes: row.try_get("bytes")?,
            changed_at: row.try_get("changed_at")?,
            sha256: maybe(&row, "sha256")?,
            probe: document(&row, "probe")?,
        })
    }
}
