//! Writes the whole catalogue into a file, and reads it back, into either kind of database.
//!
//! Invariant: the file holds one state of the catalogue. A file that was cut or altered is refused before anything is written.

use std::{
    fs::{self, OpenOptions},
    io::{BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use sqlx::{Executor, Row};

use super::{Catalogue, MIGRATIONS};
use crate::{
    error::{Error, Result},
    hex,
};

/// A table: its columns with texts, and those with numbers.
struct Table {
    name: &'static str,
    texts: &'static [&'static str],
    numbers: &'static [&'static str],
}

/// All tables but `sign_ins`, whose rows live for minutes. Rows of one refer to rows of those before it only.
const TABLES: [Table; 13] = [
    Table { name: "counters", texts: &["name"], numbers: &["value"] },
    Table { name: "users", texts: &["name", "password", "role"], numbers: &["created_at", "is_external"] },
    Table { name: "tokens", texts: &["hash", "owner", "label"], numbers: &["created_at", "expires_at"] },
    Table { name: "profiles", texts: &["name", "text", "author"], numbers: &["version", "at"] },
    Table {
        name: "jobs",
        texts: &[
            "id",
            "title",
            "submission",
            "submitter",
            "request_key",
            "state",
            "detail",
            "error",
            "title_folded",
            "profiles",
            "profile_versions",
            "plan",
            "source",
        ],
        numbers: &[
            "priority",
            "is_paused",
            "is_cancelling",
            "run",
            "handed_run",
            "handed_priority",
            "units",
            "units_done",
            "created_at",
            "started_at",
            "ended_at",
        ],
    },
    Table { name: "changes", texts: &["what", "job", "who", "detail"], numbers: &["number", "at"] },
    Table {
        name: "attempts",
        texts: &["id", "job", "step", "worker", "outcome", "error", "doing"],
        numbers: &["run", "began_at", "ended_at", "frames", "frames_expected"],
    },
    Table { name: "masters", texts: &["path", "sha256", "probe", "job"], numbers: &["bytes", "changed_at", "at"] },
    Table { name: "outputs", texts: &["job", "path", "sha256"], numbers: &["bytes"] },
    Table { name: "reports", texts: &["job", "document"], numbers: &[] },
    Table {
        name: "workers",
        texts: &["name", "host", "version", "work", "attempt"],
        numbers: &["is_draining", "began_at", "seen_at", "load_hundredths", "cores", "memory", "memory_free"],
    },
    Table {
        name: "arrivals",
        texts: &["path", "rule", "state", "why", "submission", "job"],
        numbers: &["bytes", "changed_at", "at"],
    },
    Table { name: "notices", texts: &["text", "author"], numbers: &["id", "at"] },
];

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Line {
    /// The first one.
    Begin { trix_catalogue: usize },
    /// A row. Numbers are texts, too.
    Row { table: String, row: Map<String, Value> },
    /// The last one: the number of rows, and the SHA-256 of all lines before it.
    End { rows: u64, sha256: String },
}

fn hexadecimal(hasher: Sha256) -> String {
    hex(&hasher.finalize())
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::invalid(format!("{}: {error}", path.display()))
}

impl Table {
    fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.texts.iter().chain(self.numbers).copied()
    }
}

impl Catalogue {
    /// Writes the whole catalogue to `path`, which does not exist yet. Returns the number of rows.
    ///
    /// # Errors
    /// If the database is away, or the file exists or cannot be written.
    pub async fn back_up(&self, path: &Path) -> Result<u64> {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        let part = PathBuf::from(name);
        if path.exists() {
            return Err(Error::Conflict(format!("{} exists", path.display())));
        }
        let rows = self.write_to(&part).await.inspect_err(|_| _ = fs::remove_file(&part))?;
        fs::rename(&part, path).map_err(|error| failed(path, &error))?;
        Ok(rows)
    }

    async fn write_to(&self, path: &Path) -> Result<u64> {
        let io = |error: std::io::Error| failed(path, &error);
        // It holds hashes of passwords.
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).map_err(io)?;
        let mut file = BufWriter::new(file);
        let (mut hasher, mut rows) = (Sha256::new(), 0);
        let mut put = |line: &Line, hasher: &mut Sha256| -> Result<()> {
            let mut text = super::text_of(line)?;
            text.push('\n');
            hasher.update(&text);
            file.write_all(text.as_bytes()).map_err(io)
        };
        put(&Line::Begin { trix_catalogue: MIGRATIONS.len() }, &mut hasher)?;
        let mut work = self.pool.begin().await?;
        if !self.is_sqlite {
            // All tables as they are now. SQLite does so by itself.
            work.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").await?;
            work.execute("SET LOCAL statement_timeout = 0").await?;
        }
        for table in &TABLES {
            let columns: Vec<String> = table.columns().map(|column| format!("CAST({column} AS TEXT)")).collect();
            let query = format!("SELECT {} FROM {}", columns.join(", "), table.name);
            let mut rows_of = sqlx::query(&query).fetch(&mut *work);
            while let Some(row) = rows_of.try_next().await? {
                let mut values = Map::new();
                for (at, column) in table.columns().enumerate() {
                    let value: Option<String> = row.try_get(at)?;
                    values.insert(column.to_owned(), value.map_or(Value::Null, Value::String));
                }
                put(&Line::Row { table: table.name.to_owned(), row: values }, &mut hasher)?;
                rows += 1;
            }
        }
        let sha256 = hexadecimal(hasher.clone());
        put(&Line::End { rows, sha256 }, &mut hasher)?;
        let file = file.into_inner().map_err(|error| failed(path, error.error()))?;
        file.sync_all().map_err(io)?;
        Ok(rows)
    }

    /// Reads a file of [`Catalogue::back_up`] into this catalogue, which has no users and no jobs yet. Runs that were not over begin
    /// anew. Returns the number of rows.
    ///
    /// # Errors
    /// If the file is not whole, is of a later version, or the catalogue is not empty; if the database is away.
    pub async fn restore(&self, path: &Path) -> Result<u64> {
        let lines = whole(path)?;
        let mut work = self.pool.begin().await?;
        let row = sqlx::query("SELECT (SELECT COUNT(*) FROM users) + (SELECT COUNT(*) FROM jobs)")
            .fetch_one(&mut *work)
            .await?;
        if row.try_get::<i64, _>(0)? > 0 {
            return Err(Error::Conflict("the catalogue is not empty: a backup is read into a new one".into()));
        }
        work.execute("DELETE FROM counters").await?;
        let mut count = 0;
        for line in lines {
            let Line::Row { table: name, row } = line else { continue };
            let wrong =
                || Error::invalid(format!("{}: a row of {name} that this version does not know", path.display()));
            let table = TABLES.iter().find(|table| table.name == name).ok_or_else(wrong)?;
            if !row.keys().all(|column| table.columns().any(|known| known == column)) {
                return Err(wrong());
            }
            let columns: Vec<&str> = row.keys().map(String::as_str).collect();
            let place = |(at, column): (usize, &&str)| {
                let kind = if table.numbers.contains(column) { "BIGINT" } else { "TEXT" };
                format!("CAST(${} AS {kind})", at + 1)
            };
            let places: Vec<String> = columns.iter().enumerate().map(place).collect();
            let query = format!("INSERT INTO {name} ({}) VALUES ({})", columns.join(", "), places.join(", "));
            let values = row.values().map(|value| value.as_str().map(str::to_owned));
            values.fold(sqlx::query(&query), sqlx::query::Query::bind).execute(&mut *work).await?;
            count += 1;
        }
        // A file of an earlier version does not have them.
        super::fill_sources(&mut work).await?;
        // The engine may know nothing of these runs, or have ended them since: each begins anew, and keeps its chunks.
        work.execute(
            "UPDATE jobs SET run = run + 1, handed_run = run, state = 'queued', plan = NULL, units = 0, units_done = 0, \
             started_at = NULL, detail = '' WHERE state IN ('queued', 'running')",
        )
        .await?;
        work.commit().await?;
        Ok(count)
    }
}

/// The lines of a file that is whole.
fn whole(path: &Path) -> Result<Vec<Line>> {
    let text = fs::read_to_string(path).map_err(|error| failed(path, &error))?;
    let wrong = |why: &str| Error::invalid(format!("{}: {why}", path.display()));
    let body =
        text.trim_end_matches('\n').rfind('\n').map(|at| &text[..=at]).ok_or_else(|| wrong("it is no backup"))?;
    let parsed: serde_json::Result<Vec<Line>> = text.lines().map(serde_json::from_str).collect();
    let lines = parsed.map_err(|_| wrong("it is cut short, or no backup"))?;
    let (Some(Line::Begin { trix_catalogue }), Some(Line::End { rows, sha256 })) = (lines.first(), lines.last()) else {
        return Err(wrong("it is cut short, or no backup"));
    };
    if *trix_catalogue > MIGRATIONS.len() {
        return Err(wrong(&format!("it has version {trix_catalogue}, and this program knows {}", MIGRATIONS.len())));
    }
    let is_same = hexadecimal(Sha256::new_with_prefix(body)) == *sha256;
    if !is_same || *rows as usize + 2 != lines.len() {
        return Err(wrong("it was altered after it was written"));
    }
    Ok(lines)
}
