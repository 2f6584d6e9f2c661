//! Counters and times for a statsd server, by UDP. Without an address, nothing is sent.
//!
//! | name | kind | what |
//! | --- | --- | --- |
//! | `job.submitted`, `job.began`, `job.done`, `job.failed`, `job.cancelled` | counter | jobs, as the catalogue records them |
//! | `job.duration` | timer | from the first step of a job to its end |
//! | `api.request` | timer | time of an answer |
//! | `api.failure` | counter | answers with a status of 500 or more |
//! | `database.change` | timer | time of a change of the catalogue |
//! | `database.answer` | timer | time of a short query, once a second by each API server |
//!
//! Invariant: a server that is away slows nothing down.

use std::{net::UdpSocket, sync::OnceLock, time::Duration};

use cadence::{Counted as _, NopMetricSink, StatsdClient, Timed as _, UdpMetricSink};

use crate::{
    config,
    error::{Error, Result},
};

static CLIENT: OnceLock<StatsdClient> = OnceLock::new();

/// Sends what this process measures to the server of `settings`.
///
/// # Errors
/// If the address is wrong.
pub fn begin(settings: &config::Metrics) -> Result<()> {
    if settings.statsd.is_empty() {
        return Ok(());
    }
    let wrong = |error: &dyn std::fmt::Display| Error::invalid(format!("metrics.statsd: {}: {error}", settings.statsd));
    let socket = UdpSocket::bind("0.0.0.0:0").map_err(|error| wrong(&error))?;
    socket.set_nonblocking(true).map_err(|error| wrong(&error))?;
    let sink = UdpMetricSink::from(settings.statsd.as_str(), socket).map_err(|error| wrong(&error))?;
    let _ = CLIENT.set(StatsdClient::from_sink(&settings.prefix, sink));
    Ok(())
}

fn client() -> &'static StatsdClient {
    CLIENT.get_or_init(|| StatsdClient::from_sink("", NopMetricSink))
}

/// Counts something.
pub fn count(name: &str) {
    let _ = client().count(name, 1);
}

/// Tells how long something took.
pub fn time(name: &str, took: Duration) {
    let _ = client().time(name, took);
}
