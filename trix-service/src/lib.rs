//! The ingest service: a farm that turns masters into verified copies.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`api`] | HTTP and WebSocket, sign-in, and the web page |
//! | [`catalogue`] | the database: jobs, attempts, outputs, users, workers, and every change in its order |
//! | [`check`] | what `trixd check` looks at on a machine |
//! | [`config`] | one file of settings for every role, and overrides by the environment |
//! | [`doctor`] | what `trixd doctor` tells: versions, programs, settings |
//! | [`engine`] | which step comes when: one trait, Temporal behind it, and a version in memory for tests |
//! | [`error`] | what goes wrong, as the error document that the command line writes |
//! | [`logs`] | daily files of JSON lines, and syslog |
//! | [`looks`] | what the API looks at in a process of its own: files, dry runs, profiles |
//! | [`metrics`] | counters and times for statsd |
//! | [`mounts`] | the folders of masters, deliveries, previews and scratch files: paths are confined to them |
//! | [`profiles`] | the profiles of Trix, of the service and of administrators |
//! | [`retention`] | removes what is old |
//! | [`roles`] | the processes of a farm: engine, dispatcher, API server, worker, and all of them at once |
//! | [`steps`] | the work itself, in a process of its own: plan, chunk, finish, publish |
//! | [`watch`] | masters that arrive in watched folders are submitted by rules |
//! | [`worker`] | runs steps, tells the engine how they end, and discards what the engine refuses |
//!
//! Invariant: a final name is given only by the step `publish`, after the engine has accepted the step before it.

pub mod api;
pub mod catalogue;
pub mod check;
pub mod config;
pub mod doctor;
pub mod engine;
pub mod error;
pub mod logs;
pub mod looks;
pub mod metrics;
pub mod mounts;
pub mod profiles;
pub mod retention;
pub mod roles;
pub mod steps;
pub mod watch;
pub mod worker;

use std::time::{SystemTime, UNIX_EPOCH};

use self::error::{Error, Result};

/// Milliseconds since 1970.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// Does work that waits for a disk or takes long, in a thread of its own.
///
/// # Errors
/// If it panics.
pub(crate) async fn in_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Bug(error.to_string()))
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The name of this machine.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
