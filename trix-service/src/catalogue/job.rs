//! What a user submits, and what became of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::{Row, any::AnyRow};
use trix_core::ErrorDetail;
use utoipa::{IntoParams, ToSchema};

use super::{Versions, check_profile_name, document, maybe};
use crate::{
    error::{Error, Result},
    mounts::is_title,
    steps::Planned,
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
    /// How copies are checked.
    #[serde(default)]
    pub check: Check,
    /// True if copies of the same title may be replaced.
    #[serde(default)]
    pub overwrite: bool,
}

/// How copies are checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// They are decoded, and scored against the frames of the master.
    #[default]
    Full,
    /// Streams, counts, times and compressed bytes are compared with what the encoders gave.
    Structure,
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
    pub(super) const ALL: [JobState; 5] =
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

    pub(super) fn named(name: &str) -> Result<Self> {
        let found = JobState::ALL.into_iter().find(|known| known.name() == name);
        found.ok_or_else(|| Error::Bug(format!("catalogue: the state {name}")))
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
    /// What it will make, once it is planned.
    pub plan: Option<Planned>,
    /// The versions of profiles that were in force when it was submitted.
    pub profile_versions: Versions,
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
        let flag = |column| Ok::<_, Error>(row.try_get::<i64, _>(column)? != 0);
        let (error, plan): (Option<String>, Option<String>) = (maybe(row, "error")?, maybe(row, "plan")?);
        Ok(Job {
            id: row.try_get("id")?,
            submission: document(row, "submission")?,
            submitter: row.try_get("submitter")?,
            priority: row.try_get("priority")?,
            state: JobState::named(row.try_get::<String, _>("state")?.as_str())?,
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
            plan: plan.and_then(|text| serde_json::from_str(&text).ok()),
            profile_versions: document(row, "profile_versions")?,
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
        self.profiles.iter().try_for_each(|name| check_profile_name(name))?;
        if !(1..=5).contains(&self.priority) {
            return Err(Error::invalid(format!("priority: {} is not one of 1 to 5", self.priority)));
        }
        match self.tracks.iter().find(|track| track.files.is_empty()) {
            Some(_) => Err(Error::invalid("tracks: a track without files")),
            None => Ok(()),
        }
    }
}
