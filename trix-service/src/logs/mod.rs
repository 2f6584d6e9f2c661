//! Daily files of JSON lines: `<folder>/<role>/<host>/<YYYY-MM-DD>.log`, and lines to a syslog server.

mod syslog;

use tracing_appender::{
    non_blocking::WorkerGuard,
    rolling::{RollingFileAppender, Rotation},
};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    config::Logs,
    error::{Error, Result},
    host,
};

/// Writes what is left when it is dropped.
pub struct Logging(#[allow(dead_code)] Option<WorkerGuard>);

/// Begins to log for `role`. `index` tells several processes of a role on one machine apart.
///
/// # Errors
/// If the folder cannot be made, or the filter is wrong.
pub fn begin(logs: &Logs, role: &str, index: Option<u32>) -> Result<Logging> {
    let filter = EnvFilter::try_new(&logs.filter)
        .map_err(|error| Error::invalid(format!("logs.filter: {}: {error}", logs.filter)))?;
    let registry = tracing_subscriber::registry().with(filter).with(syslog::layer(logs)?);
    if logs.folder.as_os_str().is_empty() {
        registry.with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr)).init();
        return Ok(Logging(None));
    }
    let mut folder = logs.folder.join(role).join(host());
    if let Some(index) = index {
        folder.push(index.to_string());
    }
    let unwritable =
        |error: &dyn std::fmt::Display| Error::invalid(format!("{}: no log can be written: {error}", folder.display()));
    std::fs::create_dir_all(&folder).map_err(|error| unwritable(&error))?;
    let daily = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_suffix("log")
        .max_log_files(logs.days.max(1))
        .build(&folder)
        .map_err(|error| unwritable(&error))?;
    let (writer, guard) = tracing_appender::non_blocking(daily);
    registry.with(tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(writer)).init();
    Ok(Logging(Some(guard)))
}
