//! Figures of the whole farm, for metrics.

use sqlx::{Row, any::AnyRow};

use super::{Catalogue, GONE, JobState, Unit};
use crate::{error::Result, now};

/// A number of things of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The kind.
    pub kind: String,
    /// How many there are.
    pub count: i64,
}

/// The time that steps of a kind took.
#[derive(Clone, Debug, PartialEq)]
pub struct Spent {
    /// `plan`, `chunk`, `finish` or `publish`.
    pub step: String,
    /// The profiles of their jobs, with commas between them.
    pub profiles: String,
    /// How many have ended.
    pub count: i64,
    /// Their time in seconds, added up.
    pub seconds: f64,
}

/// What the catalogue knows about the farm.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Jobs by state.
    pub jobs: Vec<Count>,
    /// Attempts by outcome: `done`, `failed`, `waited`, `cancelled`, `fenced`.
    pub attempts: Vec<Count>,
    /// The time of attempts that have ended well.
    pub spent: Vec<Spent>,
    /// Frames a second of the attempts that run, each as the mean since its beginning.
    pub frames_a_second: f64,
    /// Attempts that have no end: they run, or their worker was lost.
    pub open: i64,
    /// Seconds since the submission of the oldest job that waits for its first step.
    pub oldest_wait: f64,
    /// Workers that gave a sign in the last ten seconds, and those of them that do a step.
    pub workers: (i64, i64),
}

fn count(row: &AnyRow) -> Result<Count> {
    Ok(Count { kind: row.try_get(0)?, count: row.try_get(1)? })
}

impl Catalogue {
    /// The figures of the whole farm.
    ///
    /// # Errors
    /// If the database is away.
    pub async fn figures(&self) -> Result<Figures> {
        let rows = sqlx::query("SELECT state, COUNT(*) FROM jobs GROUP BY state").fetch_all(&self.pool).await?;
        let mut jobs: Vec<Count> = rows.iter().map(count).collect::<Result<_>>()?;
        // A state without jobs is a figure, too.
        for state in JobState::ALL {
            if !jobs.iter().any(|known| known.kind == state.name()) {
                jobs.push(Count { kind: state.name().to_owned(), count: 0 });
            }
        }
        jobs.sort_by(|one, other| one.kind.cmp(&other.kind));
        let query = "SELECT outcome, COUNT(*) FROM attempts WHERE outcome IS NOT NULL GROUP BY outcome ORDER BY 1";
        let rows = sqlx::query(query).fetch_all(&self.pool).await?;
        let attempts = rows.iter().map(count).collect::<Result<_>>()?;
        let query = "SELECT CASE WHEN step LIKE 'chunk %' THEN 'chunk' ELSE step END AS kind, jobs.profiles, COUNT(*), \
                     CAST(SUM(attempts.ended_at - attempts.began_at) AS BIGINT) FROM attempts JOIN jobs ON jobs.id = attempts.job \
                     WHERE outcome = 'done' GROUP BY kind, jobs.profiles ORDER BY kind, jobs.profiles";
        let rows = sqlx::query(query).fetch_all(&self.pool).await?;
        let spent = |row: &AnyRow| {
            let milliseconds: i64 = row.try_get(3)?;
            Ok(Spent {
                step: row.try_get(0)?,
                profiles: row.try_get(1)?,
                count: row.try_get(2)?,
                seconds: milliseconds as f64 / 1000.0,
            })
        };
        let spent = rows.iter().map(spent).collect::<Result<_>>()?;
        let speed = |unit: &Unit| unit.progress.frames as f64 * 1000.0 / (now() - unit.began_at).max(1) as f64;
        let frames_a_second = self.units().await?.iter().map(speed).sum();
        let row = sqlx::query("SELECT COUNT(*) FROM attempts WHERE ended_at IS NULL").fetch_one(&self.pool).await?;
        let open = row.try_get(0)?;
        let query = "SELECT COALESCE(MIN(created_at), $1) FROM jobs WHERE state = 'queued'";
        let now = now();
        let row = sqlx::query(query).bind(now).fetch_one(&self.pool).await?;
        let oldest: i64 = row.try_get(0)?;
        let query = "SELECT COUNT(*), COUNT(work) FROM workers WHERE seen_at > $1";
        let row = sqlx::query(query).bind(now - GONE).fetch_one(&self.pool).await?;
        let workers = (row.try_get(0)?, row.try_get(1)?);
        Ok(Figures {
            jobs,
            attempts,
            spent,
            frames_a_second,
            open,
            oldest_wait: (now - oldest) as f64 / 1000.0,
            workers,
        })
    }
}
